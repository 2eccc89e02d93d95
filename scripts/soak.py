"""Soak: very many calls and streams in one process. Memory stays flat, nothing piles up, every counter is the sum.

    make soak                       one million calls, 100,000 streams (about half an hour)
    make soak ARGS="--calls 20000 --streams 2000"
    make soak ARGS="--threads 8"    the synchronous half in eight threads at once, beside the loop and the collections

The transport is in this process, the SDK and OpenTelemetry are real, and a reader collects all the time. Half of the
calls are synchronous under the SDK's own spans, half asynchronous under ours. Of ten streams eight are read to the end,
one is closed early and one is dropped.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import logging
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
from anthropic import Anthropic, AsyncAnthropic
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider

from otel_claude import ClaudeInstrumentor
from otel_claude.telemetry.open_calls import open_calls

MEGABYTE = 1 << 20
MOST_GROWTH = 5 * MEGABYTE
WARM_UP = 10_000
BATCH = 500
"""Calls between two collections; half of them are in flight at once on the asynchronous client, a tenth at a time."""
PRICES = {
    "claude-sonnet-4-6": {"input": 3_000_000, "cache_read": 300_000, "cache_write_5m": 3_750_000, "output": 15_000_000},
    "claude-haiku-4-5-20251001": {
        "input": 1_000_000, "cache_read": 100_000, "cache_write_5m": 1_250_000, "output": 5_000_000,
    },
}  # fmt: skip
"""Pico-dollars for a token, by Anthropic's pricing page of 2026-10-10; here again, to check the shipped table."""
ARGS: dict[str, Any] = {"max_tokens": 64, "messages": [{"role": "user", "content": "hello"}]}
HEADERS = {
    "request-id": "req_1",
    "anthropic-organization-id": "org_1",
    "anthropic-ratelimit-requests-limit": "100",
    "anthropic-ratelimit-requests-remaining": "40",
    "anthropic-ratelimit-requests-reset": "2100-01-01T00:00:00Z",
}


class Reply(NamedTuple):
    """One answer, as a body and as a stream's chunks, and what it adds to the sums."""

    model: str
    body: bytes
    chunks: tuple[bytes, ...]
    usage: dict[str, int]

    def adds(self, *, finished: bool = True) -> dict[str, int]:
        """Tokens by type and pico-dollars. Of a stream that was left early the output is not known."""
        tokens = {kind: n for kind, n in self.usage.items() if finished or kind != "output"}
        cost = sum(PRICES[self.model][kind] * n for kind, n in tokens.items())
        return {**tokens, "cost": cost, "calls": 1, "lower_bounds": 0 if finished else 1}


def replies() -> list[Reply]:
    """Eight answers of two models."""
    made: list[Reply] = []
    for number in range(8):
        model = list(PRICES)[number % 2]
        usage = {"input": 10 + number, "cache_read": 1000 * number, "cache_write_5m": 7 * number, "output": 50 + number}
        told = {
            "input_tokens": usage["input"],
            "cache_read_input_tokens": usage["cache_read"],
            "cache_creation_input_tokens": usage["cache_write_5m"],
            "output_tokens": usage["output"],
            "service_tier": "standard",
        }
        message = {"type": "message", "role": "assistant", "model": model, "stop_sequence": None}
        whole = {
            **message,
            "id": f"msg_{number}",
            "content": [{"type": "text", "text": "hi"}],
            "stop_reason": "end_turn",
            "usage": told,
        }
        text = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hi"}}
        first = {**whole, "content": [], "stop_reason": None, "usage": {**told, "output_tokens": 1}}
        delta = {"stop_reason": "end_turn", "stop_sequence": None}
        events: list[dict[str, Any]] = [
            {"type": "message_start", "message": first},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            *[text] * 4,
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": delta, "usage": {"output_tokens": usage["output"]}},
            {"type": "message_stop"},
        ]
        chunks = tuple(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n".encode() for e in events)
        made.append(Reply(model, json.dumps(whole).encode(), chunks, usage))
    return made


class Chunks(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """A stream's body."""

    def __init__(self, chunks: tuple[bytes, ...]) -> None:
        self.chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        """The chunks."""
        yield from self.chunks

    async def __aiter__(self) -> Any:
        """The chunks."""
        for chunk in self.chunks:
            yield chunk


class Soak:
    """Providers, clients, and the sums that there must be."""

    def __init__(self, threads: int) -> None:
        self.pool = ThreadPoolExecutor(threads) if threads else None
        self.in_threads: list[Future[Any]] = []
        self.reader = InMemoryMetricReader()
        trace.set_tracer_provider(TracerProvider(shutdown_on_exit=False))
        ClaudeInstrumentor().instrument(meter_provider=MeterProvider([self.reader], shutdown_on_exit=False))
        self.replies = replies()
        self.expected: Counter[str] = Counter()
        transport = httpx2.MockTransport(self.answer)
        key = {"api_key": "-".join(["sk", "ant", "api03", "x" * 92]), "base_url": "https://api.anthropic.com"}
        self.sync = Anthropic(**key, http_client=httpx2.Client(transport=transport))
        self.asynchronous = AsyncAnthropic(
            **key, http_client=httpx2.AsyncClient(transport=transport), open_telemetry=False
        )

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        """The reply that the request asks for."""
        asked = json.loads(request.content)
        reply = self.replies[int(asked["metadata"]["user_id"])]
        if asked.get("stream"):
            return httpx2.Response(200, headers=HEADERS, stream=Chunks(reply.chunks))
        return httpx2.Response(200, headers={**HEADERS, "content-type": "application/json"}, content=reply.body)

    def asks(self, number: int, *, finished: bool = True) -> dict[str, Any]:
        """A request for the reply of this number, whose sums are expected from now on."""
        reply = self.replies[number % 8]
        self.expected.update(reply.adds(finished=finished))
        return {**ARGS, "model": reply.model, "metadata": {"user_id": str(number % 8)}}

    async def calls(self, count: int) -> None:
        """Plain calls: half of each batch one after the other, half of it together."""
        for start in range(0, count, BATCH):
            numbers = range(start, min(start + BATCH, count))
            for number in numbers[::2]:
                self._do(self.sync.messages.create, **self.asks(number))
            together = numbers[1::2]
            for first in range(0, len(together), BATCH // 10):
                some = together[first : first + BATCH // 10]
                await asyncio.gather(*[self.asynchronous.messages.create(**self.asks(number)) for number in some])
            self._collect()

    async def streams(self, count: int) -> None:
        """Streams, each read on one of the two clients."""
        for number in range(count):
            finished = number % 10 < 8  # noqa: PLR2004 - the share in this module's docstring
            asked = self.asks(number, finished=finished)
            if number % 2:
                await self._read_async(asked, number, finished=finished)
            else:
                self._do(self._read, asked, number, finished=finished)
            # Nothing here ever waits: let the loop close the streams that were dropped.
            await asyncio.sleep(0)
            if number % BATCH == 0:
                self._collect()
        self._collect()

    def _do(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        if self.pool is None:
            function(*args, **kwargs)
        else:
            self.in_threads.append(self.pool.submit(function, *args, **kwargs))

    def _collect(self) -> None:
        """Collects while the threads are at work, and waits for them."""
        self.reader.get_metrics_data()
        for done in self.in_threads:
            done.result()
        self.in_threads.clear()

    def _read(self, asked: dict[str, Any], number: int, *, finished: bool) -> None:
        stream = self.sync.messages.create(**asked, stream=True)
        if finished:
            for _ in stream:
                pass
            return
        next(stream)
        if number % 20 < 10:  # noqa: PLR2004 - every other time
            stream.close()

    async def _read_async(self, asked: dict[str, Any], number: int, *, finished: bool) -> None:
        stream = await self.asynchronous.messages.create(**asked, stream=True)
        if finished:
            async for _ in stream:
                pass
            return
        await anext(stream)
        if number % 20 < 10:  # noqa: PLR2004 - every other time
            await stream.close()

    def sums(self) -> dict[str, Any]:
        """What the reader has: tokens by type, dollars, calls."""
        found: dict[str, Any] = Counter()
        data: Any = self.reader.get_metrics_data()
        for metric in data.resource_metrics[0].scope_metrics[0].metrics:
            found[metric.name] = sum(getattr(point, "value", 0) for point in metric.data.data_points)
        cost: Any = next(
            m for m in data.resource_metrics[0].scope_metrics[0].metrics if m.name == "claude.client.cost.usd"
        )
        found["cost"] = sum(round(point.value * 1e12) for point in cost.data.data_points)
        return found


def differences(soak: Soak) -> dict[str, tuple[Any, Any]]:
    """Each sum that is not what was asked for: expected, found. Dollars to the last pico-dollar that a double holds."""
    want, found = soak.expected, soak.sums()
    usage = "gen_ai.client.inference.usage."
    writes = want["cache_write_5m"]
    pairs = {
        "calls": (want["calls"], found["claude.client.calls"]),
        "attempts": (want["calls"], found["claude.client.attempts"]),
        "lower bounds": (want["lower_bounds"], found["claude.client.unpriced"]),
        "input": (want["input"] + want["cache_read"] + writes, found[f"{usage}input_tokens"]),
        "output": (want["output"], found[f"{usage}output_tokens"]),
        "cache reads": (want["cache_read"], found[f"{usage}cache_read.input_tokens"]),
        "cache writes": (writes, found[f"{usage}cache_write.input_tokens"]),
    }
    wrong = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
    if abs(want["cost"] - found["cost"]) > want["cost"] * 1e-15 + 1:
        wrong["cost"] = (want["cost"], found["cost"])
    return wrong


class Held(NamedTuple):
    """What the process holds."""

    resident: int
    threads: int
    descriptors: int
    tasks: int
    open_calls: int


async def held() -> Held:
    """After everything that can be collected is."""
    for _ in range(3):
        gc.collect()
        for _ in range(12):
            await asyncio.sleep(0)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])  # noqa: ASYNC240 - a line of the kernel's
    descriptors = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a path object for each would be more
    tasks = len(asyncio.all_tasks())
    return Held(pages * os.sysconf("SC_PAGE_SIZE"), threading.active_count(), descriptors, tasks, len(open_calls))


async def run(calls: int, streams: int, warm_up: int, threads: int) -> list[str]:
    """What is wrong after so many calls and streams, warm-up not counted."""
    logging.getLogger("otel_claude").setLevel(logging.DEBUG)
    soak = Soak(threads)
    await soak.calls(warm_up)
    await soak.streams(warm_up // 10)
    before, begun = await held(), time.monotonic()
    print(f"after {warm_up:,} calls and {warm_up // 10:,} streams of warm-up: {before}", flush=True)
    parts = 10
    for part in range(parts):
        await soak.calls(calls // parts)
        await soak.streams(streams // parts)
        now = await held()
        grown = (now.resident - before.resident) / MEGABYTE
        print(
            f"{(part + 1) * calls // parts:>10,} calls, {(part + 1) * streams // parts:>8,} streams, "
            f"{time.monotonic() - begun:>6.0f} s: resident {grown:+.2f} MB, {now}",
            flush=True,
        )
    after = await held()
    wrong = [f"{name} is {b}, not {a}" for name, (a, b) in differences(soak).items()]
    if after.resident - before.resident > MOST_GROWTH:
        wrong.append(f"resident memory grew by {(after.resident - before.resident) / MEGABYTE:.1f} MB")
    wrong += [f"{name} grew from {a} to {b}" for name, a, b in zip(Held._fields[1:], before[1:], after[1:]) if b > a]  # noqa: B905 - as long as each other
    print(f"expected and found: {dict(soak.expected)}" if not differences(soak) else differences(soak), flush=True)
    return wrong


def main() -> None:
    """Run it, and fail where something grew or a sum is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=1_000_000)
    parser.add_argument("--streams", type=int, default=100_000)
    parser.add_argument("--warm-up", type=int, default=WARM_UP)
    parser.add_argument("--threads", type=int, default=0)
    given = parser.parse_args()
    gil = getattr(sys, "_is_gil_enabled", lambda: True)()
    print(f"Python {sys.version.split()[0]}, {'with' if gil else 'without'} the global interpreter lock", flush=True)
    wrong = asyncio.run(run(given.calls, given.streams, given.warm_up, given.threads))
    sys.exit("\n".join(wrong) if wrong else None)


if __name__ == "__main__":
    main()
