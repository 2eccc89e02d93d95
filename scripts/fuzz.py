"""Fuzz: atheris feeds answers to the real SDK, bare and instrumented. Both must do the same.

    make fuzz                       60 seconds
    make fuzz ARGS="--seconds 600"

A status, headers and a body, or a stream's events, are made of the fuzzer's bytes: partly free, partly as the API
would say them. What the SDK raises or gives must be what it does bare; no hop of ours may fail; no call may stay open;
and no label may be unfit. Findings are written to `.cache/fuzz`.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from pathlib import Path
from typing import Any

import atheris

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests" / "sdk"), str(ROOT / "tests" / "hostile")]

with atheris.instrument_imports(include=["otel_claude"]):
    import otel_claude  # noqa: F401 - with the fuzzer's eyes in it
    from otel_claude import runtime as measuring  # noqa: F401 - which imports all that measures calls

from hostile_bench import CALLS, Bench  # noqa: E402 - the path comes first
from support import api as said  # noqa: E402
from support.library import http  # noqa: E402

KEYS = [
    *said.USAGE, "type", "id", "model", "stop_reason", "usage", "message", "delta", "error", "details", "iterations",
    "ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens", "output_tokens_details", "thinking_tokens", "content",
    "server_tool_use", "web_search_requests", "fallback_credit", "status", "speed", "error_code", "inference_geo",
]  # fmt: skip
TYPES = ["message", "message_start", "message_delta", "message_stop", "content_block_delta", "error", "ping", "x"]
HEADERS = [
    "request-id", "anthropic-workspace-id", "anthropic-ratelimit-requests-limit", "anthropic-ratelimit-requests-reset",
    "anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-unified-5h-utilization", "retry-after",
    "anthropic-fast-input-tokens-remaining", "content-type", "x-should-retry", "anthropic-priority-x-reset",
]  # fmt: skip
LEAST = 10

bench = Bench()


def value(data: Any, depth: int = 0) -> Any:  # noqa: PLR0911 - one for each kind
    """Any JSON, with the API's own names where names stand."""
    kind = data.ConsumeIntInRange(0, 9 if depth < 4 else 6)  # noqa: PLR2004 - deeper is another test's
    if kind == 0:
        return None
    if kind == 1:
        return data.ConsumeBool()
    if kind == 2:  # noqa: PLR2004 - one of ten kinds
        return data.ConsumeIntInRange(-3, 100_000)
    if kind == 3:  # noqa: PLR2004
        return data.ConsumeInt(9)
    if kind == 4:  # noqa: PLR2004
        return data.ConsumeFloat()
    if kind == 5:  # noqa: PLR2004
        return data.PickValueInList([*TYPES, "claude-sonnet-4-6", "standard", "end_turn"])
    if kind == 6:  # noqa: PLR2004
        return data.ConsumeUnicodeNoSurrogates(8)
    if kind == 7:  # noqa: PLR2004
        return [value(data, depth + 1) for _ in range(data.ConsumeIntInRange(0, 3))]
    return {data.PickValueInList(KEYS): value(data, depth + 1) for _ in range(data.ConsumeIntInRange(0, 5))}


def changed(data: Any, told: Any) -> Any:
    """What the API says, with some of it replaced."""
    if isinstance(told, dict):
        return {name: changed(data, inner) for name, inner in told.items()}
    return value(data, 2) if data.ConsumeIntInRange(0, 7) == 0 else told


def content(data: Any, *, streams: bool) -> bytes:
    """A body, or a stream's bytes."""
    if data.ConsumeIntInRange(0, 5) == 0:
        return data.ConsumeBytes(200)
    if not streams:
        body = changed(data, said.message()) if data.ConsumeBool() else value(data)
        return json.dumps(body).encode()
    events = [changed(data, event) for event in said.events()] if data.ConsumeBool() else []
    events += [value(data) for _ in range(data.ConsumeIntInRange(0, 4))]
    chunks = [
        f"event: {data.PickValueInList(TYPES)}\ndata: {json.dumps(event)}\n\n"
        if data.ConsumeIntInRange(0, 3) == 0 or not isinstance(event, dict)
        else f"event: {event.get('type')}\ndata: {json.dumps(event)}\n\n"
        for event in events
    ]
    return "".join(chunks).encode("utf-8", "replace")


def once(raw: bytes) -> None:
    """One answer, read twice."""
    data = atheris.FuzzedDataProvider(raw)
    streams = data.ConsumeBool()
    status = data.PickValueInList([200, 200, 200, 200, 400, 429, 529, 599])
    headers = [
        (data.PickValueInList(HEADERS).encode(), data.ConsumeBytes(24).translate(None, b"\0\r\n"))
        for _ in range(data.ConsumeIntInRange(0, 4))
    ]
    body = content(data, streams=streams)

    def answer(_request: Any) -> Any:
        return http.Response(status, headers=headers, content=body)

    expected, got = bench.bare(answer, stream=streams), bench.seen(answer, stream=streams)
    if expected != got:
        raise AssertionError(f"bare: {expected!r}\nseen: {got!r}\n{body!r}")
    unfit = [label for label in bench.labels() if not label or not label.isprintable() or len(label) > 200]  # noqa: PLR2004
    if unfit:
        raise AssertionError(f"unfit labels: {unfit!r}")
    if bench.total(CALLS) != 1:
        raise AssertionError(f"{bench.total(CALLS)} calls: {body!r}")


def main() -> None:
    """Runs for the given time; libFuzzer ends the process, with an error where it found something."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60)
    given = parser.parse_args()
    found = ROOT / ".cache" / "fuzz"
    corpus = found / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")  # pydantic's, of models that hold anything
    options = [
        f"-max_total_time={max(LEAST, given.seconds)}",
        f"-artifact_prefix={found}/",
        "-max_len=4096",
        "-len_control=0",
    ]
    atheris.Setup([sys.argv[0], *options, "-rss_limit_mb=1024", str(corpus)], once)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
