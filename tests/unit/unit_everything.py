"""Calls and results by which every metric has at least one value, every attribute one metric, and every tag both."""

from __future__ import annotations

import time
from typing import Any

from unit_batches import LINES, batch, reader_of
from unit_calls import USAGE, answered, begun, message, stream, success

from otel_claude.api import Limit, refusal

WORKSPACE = "wrkspc_01"


def record_everything(recorder: Any) -> None:
    """A retried stream with limits, a call refused, one without an answer, one of code execution, and a batch."""
    _stream_after_a_retry(recorder)
    refused = begun(recorder)
    answered(refused, 429).refused(refusal(429, {"error": {"type": "rate_limit_error"}}, retry_after=True))
    recorder.left(refused)
    refused.failed("rate_limit_error")
    lost = begun(recorder)
    lost.attempt()
    recorder.left(lost)
    lost.failed("connection_error")
    success(recorder, message({**USAGE, "server_tool_use": {"code_execution_requests": 1}}, name="msg_2"))
    reader = reader_of(recorder)
    reader.told(batch(processing=2), WORKSPACE)
    reading = reader.results("msgbatch_1", WORKSPACE)
    assert reading is not None
    reading.read(LINES["succeeded"] + LINES["errored"])


def _stream_after_a_retry(recorder: Any) -> None:
    call = begun(recorder, stream=True)
    first = answered(call, 529)
    first.refused(refusal(529, {"error": {"type": "overloaded_error"}}, retry_after=False))
    first.outcome, first.delay = "retried", 0.5
    recorder.retried(first)
    second = answered(call)
    call.workspace_id = WORKSPACE
    second.limits = (Limit("input_tokens", 2_000_000, 1_500_000, 0.25, time.time() + 3_600),)
    recorder.limited(call, second)
    recorder.left(call)
    call.returned(pending=True)
    for event in stream():
        call.heard(event, second)
