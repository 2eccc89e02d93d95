"""Calls and results by which every metric has at least one value, every attribute one metric, and every tag both."""

from __future__ import annotations

import time
from typing import Any

from unit_batches import LINES, batch, owner_of, reader_of
from unit_calls import USAGE, failed, feed, message, responded, returned, sent, started, stream, streamed, success

from otel_claude.api.errors import parse_error
from otel_claude.telemetry.batches import update_batches

WORKSPACE = "wrkspc_01"
RETIRING = "claude-sonnet-4-5"


def limit_headers(reset: float) -> list[tuple[bytes, bytes]]:
    """The headers of a response of a workspace, with one limit that holds until `reset`, in seconds since the epoch."""
    return [
        (b"anthropic-workspace-id", WORKSPACE.encode()),
        (b"anthropic-ratelimit-input-tokens-limit", b"2000000"),
        (b"anthropic-ratelimit-input-tokens-remaining", b"1500000"),
        (b"anthropic-ratelimit-input-tokens-reset", str(int(reset)).encode()),
    ]


def record_everything(recorder: Any) -> None:
    """A retried stream with limits, one that failed after its counts, a rejected call, one without a response, a batch.

    And four whole ones: with code execution, in the USA, with a diagnosis, of a model that retires. And a value of a
    tag that did not fit.
    """
    _stream_after_a_retry(recorder)
    rejected = started(recorder)
    responded(recorder, rejected, 429).reject(
        parse_error(429, {"error": {"type": "rate_limit_error"}}, retry_after=True)
    )
    failed(recorder, rejected, "rate_limit_error")
    cut, _ = streamed(recorder, *stream()[:-1])
    recorder.end_call(cut, error_type="overloaded_error")
    lost = started(recorder)
    sent(recorder, lost)
    failed(recorder, lost, "connection_error")
    success(recorder, message({**USAGE, "server_tool_use": {"code_execution_requests": 1}}, name="msg_2"))
    success(recorder, message({**USAGE, "inference_geo": "us"}, name="msg_3"))
    reason = {"type": "system_changed", "cache_missed_input_tokens": 1_000}
    success(recorder, {**message(name="msg_4"), "diagnostics": {"cache_miss_reason": reason}})
    success(recorder, message(name="msg_5", model=RETIRING), model=RETIRING)
    instruments = recorder.instruments
    update_batches(instruments.batches, batch(processing=2), owner_of(WORKSPACE), instruments.sets)
    reader_of(recorder).read(LINES["succeeded"] + LINES["errored"])
    instruments.count_tag_change("tenant", "too_long")


def _stream_after_a_retry(recorder: Any) -> None:
    call = started(recorder, stream=True)
    first = responded(recorder, call, 529)
    first.reject(parse_error(529, {"error": {"type": "overloaded_error"}}, retry_after=False))
    recorder.on_retry(first, 0.5)
    second = responded(recorder, call, headers=limit_headers(time.time() + 3_600))
    returned(recorder, call, pending=True)
    feed(recorder, second, *stream())
