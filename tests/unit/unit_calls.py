"""Calls by hand: what the patches tell a `Recorder`, without an SDK."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from opentelemetry.metrics import NoOpMeterProvider

from otel_claude.api.request import RequestFeatures
from otel_claude.pricing import ANTHROPIC, shipped
from otel_claude.sdk.response_body import observe_body
from otel_claude.telemetry.attributes import AttributeSets
from otel_claude.telemetry.call import Attempt, Call, ClientInfo
from otel_claude.telemetry.metrics import Instruments
from otel_claude.telemetry.recorder import Recorder

AT = datetime(2026, 11, 22, 12, tzinfo=timezone.utc).timestamp()
"""When every call here starts: the day of the shipped price table."""
OPUS = "claude-opus-5-5"
HINT = "sk-ant-api03-R2D...igAA"
CLIENT = ClientInfo("anthropic", "anthropic", ANTHROPIC, "api.anthropic.com", 443, HINT)
TAGS = (("feature", "search"), ("tenant", "acme"))

USAGE = {
    "input_tokens": 1_000,
    "output_tokens": 300,
    "cache_read_input_tokens": 20_000,
    "cache_creation_input_tokens": 700,
    "cache_creation": {"ephemeral_5m_input_tokens": 500, "ephemeral_1h_input_tokens": 200},
    "output_tokens_details": {"thinking_tokens": 120},
    "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 1},
    "service_tier": "standard",
    "speed": "standard",
    "inference_geo": "global",
}
PARTS = {
    "input": 0.004,  # 1,000 at $4 per million
    "cache_read": 0.004,  # 20,000 at $0.20
    "cache_write_5m": 0.0025,  # 500 at $5
    "cache_write_1h": 0.0016,  # 200 at $8
    "output": 0.006,  # 300 at $20
    "web_search": 0.02,  # 2 at $10 per thousand
}
TOTAL = 0.0381
SAVINGS = 0.076  # 20,000 at $4 - $0.20
OVERHEAD = {"5m": 0.0005, "1h": 0.0008}  # 500 at $5 - $4, 200 at $8 - $4
TOTAL_INPUT = 21_700


def message(usage: Any = USAGE, *, name: str = "msg_1", model: str = OPUS, stop_reason: str = "end_turn") -> Any:
    """A whole message. `content` is planted: nothing may ever show it."""
    return {
        "type": "message",
        "id": name,
        "model": model,
        "stop_reason": stop_reason,
        "usage": usage,
        "content": [{"type": "text", "text": "planted content"}],
    }


def stream(usage: Any = USAGE, *, name: str = "msg_1", model: str = OPUS, stop_reason: str = "end_turn") -> list[Any]:
    """The events of a whole stream. `message_start` has 1 token of output as a placeholder, as the API has."""
    start = {**message(usage, name=name, model=model), "stop_reason": None}
    start["usage"] = {**usage, "output_tokens": 1}
    start["usage"].pop("output_tokens_details", None)
    return [
        {"type": "message_start", "message": start},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "ping"},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "planted content"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": stop_reason}, "usage": usage},
        {"type": "message_stop"},
    ]


def started(recorder: Recorder, *, native: bool = False, tags: Any = TAGS, model: str = OPUS, **request: Any) -> Call:
    """A call that started, as `sdk.client.start_call` starts one."""
    call = Call(RequestFeatures(model, **request), CLIENT, tags, expects_native_span=native)
    call.started_at = AT
    recorder.on_start(call)
    return call


def sent(recorder: Recorder, call: Call, body: Any = None) -> Attempt:
    """The next attempt of a call, of which no response is known yet."""
    return recorder.on_attempt(call, body)


def responded(recorder: Recorder, call: Call, status: int = 200, headers: Any = ()) -> Attempt:
    """The next attempt of a call, whose response's status and headers are here."""
    attempt = sent(recorder, call)
    recorder.on_headers(attempt, status, headers)
    if status < 400:
        attempt.outcome = "success"
    return attempt


def returned(recorder: Recorder, call: Call, *, pending: bool = False) -> None:
    """The method returned. `pending`: the body, or the stream, is still to be read."""
    recorder.detach(call)
    call.returned = True
    if not pending:
        recorder.end_call(call)


def failed(recorder: Recorder, call: Call, error_type: str | None) -> None:
    """The method raised an error of this type; None if the application stopped the call."""
    recorder.detach(call)
    recorder.end_call(call, error_type=error_type, cancelled=error_type is None)


def success(recorder: Recorder, body: Any = None, **options: Any) -> Call:
    """A plain call from its start to its end."""
    call = started(recorder, **options)
    recorder.on_response_data(responded(recorder, call), message() if body is None else body)
    returned(recorder, call)
    return call


def feed(recorder: Recorder, attempt: Attempt, *bodies: Any) -> None:
    """What was decoded of the response of an attempt."""
    for body in bodies:
        recorder.on_response_data(attempt, body)


def streamed(recorder: Recorder, *events: Any, stream: bool = True) -> tuple[Call, Attempt]:
    """A call that returned a stream, of which these events were read."""
    call = started(recorder, stream=stream)
    attempt = responded(recorder, call)
    attempt.streams = stream
    returned(recorder, call, pending=True)
    feed(recorder, attempt, *events)
    return call, attempt


class Body:
    """A response of a client library, as far as `observe_body` looks at it, and its body."""

    is_closed = False

    def __init__(
        self, recorder: Recorder, attempt: Attempt, *, raw: bool = False, error: Exception | None = None
    ) -> None:
        self._error = error
        self.stream: Any = self
        observe_body(recorder, attempt, self, middleware=False, raw=raw)

    def __iter__(self) -> Any:
        yield b""
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """As a response's own."""


class KeepingRecorder(Recorder):
    """A recorder that opens no spans, writes nothing, and keeps the calls that ended."""

    def __init__(self) -> None:
        instruments = Instruments(NoOpMeterProvider().get_meter("test"), AttributeSets(200))
        super().__init__(None, instruments, shipped, complete_failed_call=lambda *_: None)
        self.ended: list[Call] = []

    @property
    def one(self) -> Call:
        """The one call that ended."""
        assert len(self.ended) == 1, f"{len(self.ended)} ends"
        return self.ended[0]

    def record(self, call: Call, ended_at: int | None) -> None:
        """Keeps it."""
        self.ended.append(call)
