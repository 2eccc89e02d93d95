"""The three platforms that serve the Messages API: Anthropic's, Bedrock's, Google Cloud's.

Knows headers and framing.
"""

from __future__ import annotations

import json

from otel_claude_demo.simulator.compose import Answer
from otel_claude_demo.simulator.events import PING, Event, sse
from otel_claude_demo.simulator.eventstream import chunk, exception
from otel_claude_demo.simulator.failures import Failure
from otel_claude_demo.simulator.jsons import Json, indented

SERVER = "otel-claude-simulator"
SIMULATED = {"x-simulated": "otel-claude", "server": SERVER}


class Platform:
    """Anthropic's own; the others differ from it."""

    name = "anthropic"
    message_prefix = "msg_01"
    request_prefix = "req_01"
    request_header = "request-id"
    stream_type = "text/event-stream; charset=utf-8"
    reports_limits = True

    def status(self, failure: Failure) -> int:
        """The HTTP status of a failure."""
        return failure.status

    def failure_body(self, failure: Failure, request_id: str) -> bytes:
        """The body of an error answer."""
        return failure.message.encode() if failure.html else indented(failure.envelope(request_id))

    def failure_headers(self, failure: Failure) -> dict[str, str]:
        """What an error answer has beside the usual headers."""
        headers = {"content-type": "text/html" if failure.html else "application/json"}
        if failure.should_retry is not None:
            headers["x-should-retry"] = str(failure.should_retry).lower()
        if failure.retry_after is not None:
            headers["retry-after"] = f"{failure.retry_after:g}"
        return headers

    def answer_headers(self, _answer: Answer) -> dict[str, str]:
        """What a plain answer has beside the usual headers."""
        return {"content-type": "application/json"}

    def answer_body(self, answer: Answer, usage: Json) -> bytes:
        """The body of a plain answer."""
        return indented(answer.message(usage))

    def event(self, event: Event, answer: Answer) -> bytes:
        """An event of a stream, in this platform's framing."""
        return sse(event, answer.random)


class VertexPlatform(Platform):
    """Google Cloud: the same bodies, no limits."""

    name = "vertex"
    message_prefix = "msg_vrtx_01"
    request_prefix = "req_vrtx_01"
    reports_limits = False


class BedrockPlatform(Platform):
    """Amazon Bedrock: errors and streams in Amazon's forms, no limits."""

    name = "bedrock"
    message_prefix = "msg_bdrk_01"
    request_header = "x-amzn-requestid"
    stream_type = "application/vnd.amazon.eventstream"
    reports_limits = False

    _TYPES = {  # noqa: RUF012 - a constant table
        400: "ValidationException",
        404: "ResourceNotFoundException",
        429: "ThrottlingException",
        500: "InternalServerException",
        503: "ServiceUnavailableException",
        504: "ModelTimeoutException",
    }

    def status(self, failure: Failure) -> int:
        """Bedrock knows no 529."""
        return 503 if failure.status == 529 else failure.status  # noqa: PLR2004

    def failure_body(self, failure: Failure, request_id: str) -> bytes:  # noqa: ARG002 - it is in a header
        """Bedrock's errors have a message alone."""
        return json.dumps({"message": failure.message}).encode()

    def failure_headers(self, failure: Failure) -> dict[str, str]:
        """The kind of error is in a header."""
        kind = self._TYPES.get(self.status(failure), "AccessDeniedException")
        return {"content-type": "application/json", "x-amzn-errortype": kind}

    def answer_headers(self, answer: Answer) -> dict[str, str]:
        """Bedrock counts in headers too."""
        return {
            "content-type": "application/json",
            "x-amzn-bedrock-input-token-count": str(answer.meter.counts.input),
            "x-amzn-bedrock-output-token-count": str(answer.meter.counts.output),
            "x-amzn-bedrock-cache-read-input-token-count": str(answer.meter.counts.cache_read),
        }

    def event(self, event: Event, answer: Answer) -> bytes:
        """A frame; Bedrock sends no pings, and its own counts with the last event."""
        if event.name == PING:
            return b""
        if event.name == "error":
            return exception("serviceUnavailableException", event.data["error"]["message"])
        if event.name == "message_stop":
            counts = answer.meter.counts
            metrics = {"inputTokenCount": counts.input, "outputTokenCount": counts.output}
            return chunk({**event.data, "amazon-bedrock-invocationMetrics": metrics})
        return chunk(event.data)


ANTHROPIC, VERTEX, BEDROCK = Platform(), VertexPlatform(), BedrockPlatform()
