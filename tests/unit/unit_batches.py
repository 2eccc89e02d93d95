"""Batches by hand: what the API says of one, lines of its results, and who reads them, without an SDK."""

from __future__ import annotations

import json
from typing import Any

from unit_calls import CLIENT, TAGS, USAGE, message

from otel_claude.telemetry.batches import ResultsReader
from otel_claude.telemetry.increments import BatchOwner

CREATED, ENDED = "2026-11-22T10:00:00.123456Z", "2026-11-22T11:30:00Z"
BATCHED = {**USAGE, "service_tier": "batch", "server_tool_use": None}
STATUSES = ("processing", "succeeded", "errored", "canceled", "expired")
PARTS = {
    "input": 0.002,  # as `unit_calls.PARTS`, by half
    "cache_read": 0.002,
    "cache_write_5m": 0.00125,
    "cache_write_1h": 0.0008,
    "output": 0.003,
}


def batch(name: str = "msgbatch_1", *, ended: bool = False, **counts: Any) -> dict[str, Any]:
    """A batch, as `retrieve` gives it."""
    return {
        "id": name,
        "type": "message_batch",
        "processing_status": "ended" if ended else "in_progress",
        "request_counts": dict.fromkeys(STATUSES, 0) | counts,
        "created_at": CREATED,
        "ended_at": ENDED if ended else None,
    }


def line(name: str = "a", **result: Any) -> bytes:
    """A line of results; by default of one that succeeded."""
    fields = result or {"type": "succeeded", "message": message(BATCHED, name=f"msg_{name}")}
    return json.dumps({"custom_id": name, "result": fields}).encode() + b"\n"


_ERROR = {"type": "error", "error": {"type": "overloaded_error", "message": "planted content"}, "request_id": "req_1"}
LINES = {
    "succeeded": line("a"),
    "errored": line("b", type="errored", error=_ERROR),
    "canceled": line("c", type="canceled"),
    "expired": line("d", type="expired"),
}


def owner_of(workspace_id: str | None = "wrkspc_01") -> BatchOwner:
    """Who reads the batches here."""
    return BatchOwner(CLIENT, workspace_id, TAGS)


def reader_of(recorder: Any, batch_id: str = "msgbatch_1") -> ResultsReader:
    """Reads the results of a batch for a recorder, as `sdk.batches` makes one."""
    return ResultsReader(recorder.instruments.batches, batch_id, owner_of(), recorder.record_batch_result)
