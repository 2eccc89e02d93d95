"""What a `completion` of LiteLLM costs, beside OpenInference's instrumentation of it: `make bench ARGS=--litellm`.

LiteLLM builds and parses as ever; a transport in this process stands for the network.
"""

from __future__ import annotations

import gc
from importlib import import_module
from itertools import cycle
from pathlib import Path
from time import thread_time_ns
from typing import Any, Final

from . import api, beside
from .asking import answer_questions
from .beside import Variant
from .telemetry import Telemetry

MODEL: Final = "anthropic/claude-sonnet-5-5"
TIMES: Final = {"completion": 20, "stream": 20}
_DELTAS: Final = 10
"""Events with a piece of text in a stream."""
VARIANTS: Final = {
    "bare": Variant("LiteLLM", "litellm"),
    "again": Variant("LiteLLM, measured twice: the noise", "litellm"),
    "ours": Variant("+ otel-claude", "litellm", ("otel_claude.litellm", "ClaudeLiteLLMInstrumentor")),
    "openinference": Variant(
        "+ OpenInference", "litellm_openinference", ("openinference.instrumentation.litellm", "LiteLLMInstrumentor")
    ),
}


class Worker:
    """One variant of a program that calls LiteLLM."""

    def __init__(self, name: str) -> None:
        self._telemetry = Telemetry()
        self._warm: set[str] = set()
        self._litellm: Any = import_module("litellm")
        httpx: Any = import_module("httpx")
        variant = VARIANTS[name]
        if variant.instrumentor is not None:
            module, kind = variant.instrumentor
            getattr(import_module(module), kind)().instrument()

        def respond(_: Any) -> Any:
            headers, chunks = next(self._answers)
            return httpx.Response(200, headers=headers, stream=httpx.ByteStream(b"".join(chunks)))

        handler: Any = import_module("litellm.llms.custom_httpx.http_handler").HTTPHandler
        agent = {"user-agent": "litellm/benchmark"}
        self._client = handler(client=httpx.Client(transport=httpx.MockTransport(respond), headers=agent))

    def measure(self, run: str, times: int) -> dict[str, Any]:
        """Nanoseconds of CPU time of one call."""
        made = [api.streamed(number, _DELTAS) if run == "stream" else api.plain(number) for number in range(api.KINDS)]
        self._answers = cycle(made)
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

    def _completion(self, **more: Any) -> Any:
        return self._litellm.completion(
            model=MODEL, messages=MESSAGES, max_tokens=1024, api_key="x", client=self._client, **more
        )

    def _stream(self) -> None:
        for _ in self._completion(stream=True):
            pass


MESSAGES: Final[list[dict[str, str]]] = [
    {"role": "system", "content": api.ASKED["system"][0]["text"]},
    {"role": "user", "content": "Which orders of mine are open?"},
    {"role": "assistant", "content": "Two: one of Monday, one of today."},
    {"role": "user", "content": "And why was the last one so expensive?"},
]


def run(project: Path, *, seconds: float, generations: int) -> str:
    """Measures, and gives the table."""
    return beside.run(__name__, VARIANTS, TIMES, project, seconds=seconds, generations=generations)


if __name__ == "__main__":
    answer_questions(Worker)
