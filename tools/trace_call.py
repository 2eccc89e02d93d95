"""Shows the way of a call through our own code: frames, functions, files and bytecodes of each step.

    python tools/trace_call.py                     # the table
    python tools/trace_call.py --files             # and each step by file
    python tools/trace_call.py --list create       # and the frames of one step in their order, indented
    python tools/trace_call.py --json

The scenario is fixed, so that figures of two versions can be compared: the SDK's own spans are on; the answer has all
rate-limit headers, a cache read, cache writes of both lifetimes and output; the request has a tool and two cache
breakpoints. A step is measured in one thread, without a garbage collection, and over a transport without a network.
Only frames of files in `otel_claude` are counted. The same Python and the same libraries give the same figures.
"""

from __future__ import annotations

import argparse
import gc
import inspect
import json
import os
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Final

import anthropic
import httpx2
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

import otel_claude
from otel_claude import ClaudeInstrumentor

OURS: Final = str(Path(otel_claude.__file__).parent) + os.sep
MODEL: Final = "claude-sonnet-4-6"
USAGE: Final = {
    "input_tokens": 10,
    "cache_creation_input_tokens": 100,
    "cache_read_input_tokens": 1000,
    "cache_creation": {"ephemeral_5m_input_tokens": 60, "ephemeral_1h_input_tokens": 40},
    "output_tokens": 50,
    "service_tier": "standard",
}
HEADERS: Final = {
    "request-id": "req_1",
    "anthropic-organization-id": "org_1",
    "anthropic-workspace-id": "wrkspc_1",
    **{
        f"anthropic-ratelimit-{name}-{what}": value
        for name in ("requests", "tokens", "input-tokens", "output-tokens")
        for what, value in (("limit", "4000"), ("remaining", "3000"), ("reset", "2100-01-01T00:00:00Z"))
    },
}
REQUEST: Final[dict[str, Any]] = {
    "model": MODEL,
    "max_tokens": 64,
    "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
    "tools": [{"name": "add", "input_schema": {"type": "object"}, "cache_control": {"type": "ephemeral"}}],
    "messages": [{"role": "user", "content": "Hello"}],
}
MESSAGE: Final[dict[str, Any]] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": MODEL,
    "content": [{"type": "text", "text": "Hello"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": USAGE,
}
PIECE: Final = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello"}}
EVENTS: Final[list[dict[str, Any]]] = [
    {
        "type": "message_start",
        "message": {**MESSAGE, "content": [], "stop_reason": None, "usage": {**USAGE, "output_tokens": 1}},
    },
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    *[PIECE] * 5,
    {"type": "content_block_stop", "index": 0},
    {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None},
        "usage": {"output_tokens": 9},
    },
    {"type": "message_stop"},
]
"""Ten."""


@dataclass
class Step:
    """What ran of our code while one thing was done.

    Attributes:
        name: What was done.
        entered: Each frame in its order: its depth among our own frames, its file, and the qualified name of its
            function.
        resumed: How often a generator went on, which is no new frame.
        bytecodes: Bytecodes that ran, by file.
        changes: How often a frame was of another file than the one before it.
    """

    name: str
    entered: list[tuple[int, str, str]] = field(default_factory=list[tuple[int, str, str]])
    resumed: int = 0
    bytecodes: Counter[str] = field(default_factory=Counter[str])
    changes: int = 0

    def figures(self) -> dict[str, int]:
        """The figures of a row."""
        return {
            "frames": len(self.entered),
            "resumed": self.resumed,
            "functions": len({(file, name) for _, file, name in self.entered}),
            "files": len({file for _, file, _ in self.entered}),
            "changes": self.changes,
            "bytecodes": self.bytecodes.total(),
        }

    def files(self) -> dict[str, dict[str, int]]:
        """Frames and bytecodes of each file, the most bytecodes first."""
        frames = Counter(file for _, file, _ in self.entered)
        return {file: {"frames": frames[file], "bytecodes": count} for file, count in self.bytecodes.most_common()}


def traced(name: str, act: Callable[[], object]) -> Step:
    """Does something and sees what of our code runs meanwhile, in this thread."""
    step = Step(name)
    last = ""

    def opcode(frame: FrameType, event: str, _argument: object) -> Any:
        if event == "opcode":
            step.bytecodes[_file(frame)] += 1
        return opcode

    def call(frame: FrameType, _event: str, _argument: object) -> Any:
        nonlocal last
        if not frame.f_code.co_filename.startswith(OURS):
            return None
        frame.f_trace = opcode  # Python 3.14 counts the bytecodes of a frame that has it before it is asked for them.
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        if _goes_on(frame):
            step.resumed += 1
        else:
            file = _file(frame)
            step.entered.append((_depth(frame), file, getattr(frame.f_code, "co_qualname", frame.f_code.co_name)))
            step.changes += last not in ("", file)
            last = file
        return opcode

    gc.collect()
    gc.disable()
    if here := inspect.currentframe():
        here.f_trace_opcodes = True  # Python 3.12 counts bytecodes only if some frame asked for them before `settrace`.
    sys.settrace(call)
    try:
        act()
    finally:
        sys.settrace(None)
        gc.enable()
    return step


def _goes_on(frame: FrameType) -> bool:
    """Whether this is a generator that goes on after a `yield`: where one begins is `RESUME 0`, since Python 3.11."""
    code, at = frame.f_code, frame.f_lasti
    if at < 0 or not code.co_flags & _GENERATORS:
        return False
    return sys.version_info < (3, 11) or code.co_code[at + 1] != 0


_GENERATORS: Final = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


def _file(frame: FrameType) -> str:
    return frame.f_code.co_filename.removeprefix(OURS)


def _depth(frame: FrameType) -> int:
    """How many of our own frames are around this one."""
    depth, outer = 0, frame.f_back
    while outer is not None:
        depth += outer.f_code.co_filename.startswith(OURS)
        outer = outer.f_back
    return depth


class Scenario:
    """An instrumented client, and what is done with it."""

    def __init__(self) -> None:
        for name in list(os.environ):
            if name.startswith(("OTEL_", "ANTHROPIC_")):
                del os.environ[name]
        resource = Resource.create({"service.name": "trace_call"})
        trace.set_tracer_provider(TracerProvider(resource=resource, shutdown_on_exit=False))
        self._reader = InMemoryMetricReader()
        self._meter_provider = MeterProvider([self._reader], resource, shutdown_on_exit=False)
        ClaudeInstrumentor().instrument(meter_provider=self._meter_provider)
        transport = httpx2.MockTransport(_reply)
        self._client = anthropic.Anthropic(api_key="no-key", http_client=httpx2.Client(transport=transport))

    def create(self) -> None:
        """A call that returns."""
        self._client.messages.create(**REQUEST)

    def stream(self) -> None:
        """A stream of ten events that is read to its end."""
        for _ in self._client.messages.create(**REQUEST, stream=True):
            pass

    def event(self) -> Step:
        """One event of a stream, by itself."""
        opened = self._client.messages.create(**REQUEST, stream=True)
        for _ in range(3):
            next(opened)
        step = traced("event", lambda: next(opened))
        for _ in opened:
            pass
        return step

    def collect(self) -> None:
        """A collection of all metrics."""
        self._reader.get_metrics_data()

    def warm(self) -> None:
        """Makes all that is kept: of calls like these, and by the interpreter."""
        for _ in range(3):
            self.create()
            self.stream()
            self.collect()

    def steps(self) -> list[Step]:
        """All steps, always in this order."""
        first = [
            traced("create, first", self.create),
            traced("stream, first", self.stream),
            traced("collection, first", self.collect),
        ]
        self.warm()
        calls = [traced("create", self.create), traced("stream", self.stream)]
        collected = traced("collection", self.collect)
        idle = traced("collection, idle", self.collect)
        self.create()
        of_create = traced("collection of a create", self.collect)
        event = self.event()
        self.collect()
        return [*calls, event, collected, idle, of_create, *first]


def _reply(request: httpx2.Request) -> httpx2.Response:
    if not json.loads(request.content).get("stream"):
        return httpx2.Response(200, headers=HEADERS, json=MESSAGE)
    body = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in EVENTS)
    return httpx2.Response(200, headers={**HEADERS, "content-type": "text/event-stream"}, text=body)


def drain(steps: list[Step]) -> dict[str, int]:
    """What adding up one call's sums takes: the collection after a `create`, less one with nothing new."""
    figures = {step.name: step.figures() for step in steps}
    after, idle = figures["collection of a create"], figures["collection, idle"]
    return {name: after[name] - idle[name] for name in ("frames", "resumed", "bytecodes")}


STEPS: Final = (
    "create", "stream", "event", "collection", "collection, idle", "collection of a create", "create, first",
    "stream, first", "collection, first",
)  # fmt: skip
_COLUMNS: Final = ("frames", "resumed", "functions", "files", "changes", "bytecodes")


def table(steps: list[Step]) -> list[str]:
    """The figures as a table in Markdown, as it stands in CONTRIBUTING.md."""
    rows = [(step.name, step.figures()) for step in steps] + [("drain of a create", drain(steps))]
    lines = [
        f"| {'step':22} | {' | '.join(_COLUMNS)} |",
        f"| {'-' * 22} | {' | '.join('-' * len(c) for c in _COLUMNS)} |",
    ]
    for name, figures in rows:
        cells = [f"{figures.get(column, ''):>{len(column)}}" for column in _COLUMNS]
        lines.append(f"| {name:22} | {' | '.join(cells)} |")
    return lines


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="figures as JSON, by step; with --files, by file too")
    parser.add_argument("--files", action="store_true", help="each step by file")
    parser.add_argument("--list", metavar="STEP", choices=STEPS, help="and a step's frames in their order, indented")
    options = parser.parse_args()
    steps = Scenario().steps()
    if options.json:
        printed: dict[str, Any] = {step.name: step.figures() for step in steps} | {"drain of a create": drain(steps)}
        if options.files:
            printed |= {step.name: {**step.figures(), "by_file": step.files()} for step in steps}
        print(json.dumps(printed, indent=1))
        return
    print("\n".join(table(steps)))
    if options.files:
        for step in steps:
            print(f"\n{step.name}")
            for file, figures in step.files().items():
                print(f"  {figures['frames']:5} frames {figures['bytecodes']:6} bytecodes  {file}")
    for step in steps:
        if step.name == options.list:
            print(f"\n{step.name}, frame by frame")
            print("\n".join(f"{'  ' * depth}{name}  {file}" for depth, file, name in step.entered))


if __name__ == "__main__":
    main()
