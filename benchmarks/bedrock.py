"""What a call of boto3 costs, beside other instrumentations of it: `make bench ARGS=--bedrock`.

botocore builds, signs and parses as ever; what its connection would answer comes from a handler of its `before-send`
event.
"""

from __future__ import annotations

import gc
import io
import json
from importlib import import_module
from itertools import cycle
from pathlib import Path
from time import thread_time_ns
from typing import Any, Final

from . import api, beside
from .asking import answer_questions
from .beside import Variant
from .telemetry import Telemetry

MODEL: Final = "us.anthropic.claude-sonnet-5-5"
TIMES: Final = {"converse": 60, "invoke_model": 60}
"""What is run, and how many calls one figure is the mean of."""


VARIANTS: Final = {
    "bare": Variant("boto3", "bedrock"),
    "again": Variant("boto3, measured twice: the noise", "bedrock"),
    "ours": Variant("+ otel-claude", "bedrock", ("otel_claude.botocore", "ClaudeBotocoreInstrumentor")),
    "botocore": Variant(
        "+ OpenTelemetry's botocore",
        "bedrock_botocore",
        ("opentelemetry.instrumentation.botocore", "BotocoreInstrumentor"),
    ),
    "openinference": Variant(
        "+ OpenInference", "bedrock_openinference", ("openinference.instrumentation.bedrock", "BedrockInstrumentor")
    ),
}


class Worker:
    """One variant of a program with a boto3 client."""

    def __init__(self, name: str) -> None:
        self._telemetry = Telemetry()
        self._warm: set[str] = set()
        variant = VARIANTS[name]
        if variant.instrumentor is not None:
            module, kind = variant.instrumentor
            getattr(import_module(module), kind)().instrument()
        boto3: Any = import_module("boto3")
        self._client = boto3.client(
            "bedrock-runtime", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
        )
        respond = import_module("botocore.awsrequest").AWSResponse
        raw = import_module("urllib3").HTTPResponse

        def before_send(request: Any, **_: Any) -> Any:
            body = next(self._bodies)
            headers = {"content-type": "application/json", "content-length": str(len(body)), "x-amzn-requestid": "x"}
            return respond(request.url, 200, headers, raw(io.BytesIO(body), headers, 200, preload_content=False))

        self._client.meta.events.register("before-send.bedrock-runtime", before_send)
        self._answers = {
            "converse": [_converse(number) for number in range(api.KINDS)],
            "invoke_model": [api.plain(number).chunks[0] for number in range(api.KINDS)],
        }

    def measure(self, run: str, times: int) -> dict[str, Any]:
        """Nanoseconds of CPU time of one call."""
        self._bodies = cycle(self._answers[run])
        call = getattr(self, f"_{run}")
        gc.collect()
        for _ in range(3 if run in self._warm else times):
            call()
        self._warm.add(run)
        began = thread_time_ns()
        for _ in range(times):
            call()
        took = (thread_time_ns() - began) / times
        self._telemetry.collect()
        return {"ns": took}

    def _converse(self) -> None:
        self._client.converse(**CONVERSED)

    def _invoke_model(self) -> None:
        self._client.invoke_model(modelId=MODEL, body=INVOKED)["body"].read()


_TEXT: Final = api.ASKED["system"][0]["text"]
_TOOL: Final = api.ASKED["tools"][0]
INVOKED: Final = json.dumps(
    {"anthropic_version": "bedrock-2023-05-31", **{name: value for name, value in api.ASKED.items() if name != "model"}}
)
CONVERSED: Final[dict[str, Any]] = {
    "modelId": MODEL,
    "system": [{"text": _TEXT}, {"cachePoint": {"type": "default"}}],
    "messages": [
        {"role": "user", "content": [{"text": "Which orders of mine are open?"}]},
        {"role": "assistant", "content": [{"text": "Two: one of Monday, one of today."}]},
        {"role": "user", "content": [{"text": "And why was the last one so expensive?"}]},
    ],
    "inferenceConfig": {"maxTokens": 1024},
    "toolConfig": {
        "tools": [{"toolSpec": {"name": _TOOL["name"], "inputSchema": {"json": _TOOL["input_schema"]}}}],
    },
}
"""The request of `api.ASKED`."""


def _converse(number: int) -> bytes:
    message = json.loads(api.plain(number).chunks[0])
    usage = message["usage"]
    counts = {
        "inputTokens": usage["input_tokens"],
        "outputTokens": usage["output_tokens"],
        "cacheReadInputTokens": usage["cache_read_input_tokens"],
        "cacheWriteInputTokens": 0,
    }
    body = {
        "output": {"message": {"role": "assistant", "content": [{"text": message["content"][0]["text"]}]}},
        "stopReason": "end_turn",
        "usage": {**counts, "totalTokens": sum(counts.values())},
        "metrics": {"latencyMs": 1},
    }
    return json.dumps(body).encode()


def run(project: Path, *, seconds: float, generations: int) -> str:
    """Measures, and gives the table."""
    return beside.run(__name__, VARIANTS, TIMES, project, seconds=seconds, generations=generations)


if __name__ == "__main__":
    answer_questions(Worker)
