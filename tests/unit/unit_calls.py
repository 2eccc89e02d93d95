"""Calls by hand: what a seam tells a `Call`, without an SDK."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from otel_claude.telemetry.record import Caller, CallRecord

from otel_claude.api import Request
from otel_claude.telemetry.call import Call

AT = datetime(2026, 11, 22, 12, tzinfo=timezone.utc).timestamp()
"""When every call here begins: the day of the shipped price table."""
OPUS = "claude-opus-5-5"
HINT = "sk-ant-api03-R2D...igAA"
CALLER = Caller("anthropic", server_address="api.anthropic.com", server_port=443, api_key_hint=HINT)
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


def begun(sink: Any, *, native: bool = False, tags: Any = TAGS, **request: Any) -> Call:
    """A call that began, as the instrumentor begins one."""
    call = Call(Request(OPUS, **request), CALLER, tags, sink, has_native_span=native)
    call.started_at = AT
    sink.began(call)
    return call


def answered(call: Call, status: int = 200) -> Any:
    """The next attempt of a call, whose headers came."""
    attempt = call.attempt()
    attempt.status = status
    if status < 400:
        attempt.outcome = "success"
    return attempt


def success(sink: Any, body: Any = None, **options: Any) -> Call:
    """A plain call from beginning to end."""
    call = begun(sink, **options)
    call.heard(message() if body is None else body, answered(call))
    sink.left(call)
    call.returned(pending=False)
    return call


class KeepingSink:
    """A `Sink` that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.records: list[CallRecord] = []
        self.finalizing: list[bool] = []

    @property
    def record(self) -> CallRecord:
        """The one record there is."""
        assert len(self.records) == 1, f"{len(self.records)} ends"
        return self.records[0]

    def ended(self, record: CallRecord, *, finalizing: bool) -> None:
        self.records.append(record)
        self.finalizing.append(finalizing)

    def __getattr__(self, name: str) -> Any:
        if name not in ("began", "sending", "described", "limited", "retried", "known", "left", "discarded"):
            raise AttributeError(name)
        return lambda *_: self.told.append(name)
