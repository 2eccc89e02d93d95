"""What the Messages API says in these tests: one message as a whole and as a stream, headers, errors."""

import json
from typing import Any

MODEL = "claude-sonnet-4-6"
# Made of pieces, so that no scanner of secrets takes it for one.
KEY = "-".join(["sk", "ant", "api03", "R2D" + "x" * 88 + "igAA"])
HINT = "sk-ant-api03-R2D...igAA"
PROMPT = "planted-prompt-7731"
COMPLETION = "planted-completion-7732"
ARGUMENT = "planted-argument-7733"
TOKEN = "-".join(["sk", "ant", "oat01", "planted" + "y" * 60])

ARGS: dict[str, Any] = {"model": MODEL, "max_tokens": 64, "messages": [{"role": "user", "content": PROMPT}]}

USAGE = {
    "input_tokens": 10,
    "cache_creation_input_tokens": 100,
    "cache_read_input_tokens": 1000,
    "cache_creation": {"ephemeral_5m_input_tokens": 60, "ephemeral_1h_input_tokens": 40},
    "output_tokens": 50,
    "service_tier": "standard",
}
PLACEHOLDER = 3
RESET = 4102444800
"""2100-01-01."""
IDENTITY = {"request-id": "req_1", "anthropic-organization-id": "org_1", "anthropic-workspace-id": "wrkspc_1"}
LIMITS = {
    "anthropic-ratelimit-requests-limit": "100",
    "anthropic-ratelimit-requests-remaining": "40",
    "anthropic-ratelimit-requests-reset": "2100-01-01T00:00:00Z",
}
HEADERS = {**IDENTITY, **LIMITS}
_USAGE: Any = object()


def message(usage: Any = _USAGE, **changes: Any) -> dict[str, Any]:
    """A whole message. `usage=None` is a null; without the argument it is `USAGE`."""
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": MODEL,
        "content": [{"type": "text", "text": COMPLETION}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": dict(USAGE) if usage is _USAGE else usage,
        **changes,
    }


def start(usage: Any = _USAGE, **changes: Any) -> dict[str, Any]:
    """`message_start`, whose output is a placeholder."""
    usage = {**USAGE, "output_tokens": PLACEHOLDER} if usage is _USAGE else usage
    return {"type": "message_start", "message": message(usage, content=[], stop_reason=None, **changes)}


def delta(usage: Any = None, stop_reason: str | None = "end_turn", **changes: Any) -> dict[str, Any]:
    """`message_delta`, by default with no more than the output."""
    usage = {"output_tokens": 50} if usage is None else usage
    return {
        "type": "message_delta",
        "delta": {"stop_reason": stop_reason, "stop_sequence": None},
        "usage": usage,
        **changes,
    }


BLOCK = [
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": COMPLETION[:8]}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": COMPLETION[8:]}},
    {"type": "content_block_stop", "index": 0},
]
STOP = {"type": "message_stop"}
PING = {"type": "ping"}


def events(*, first: Any = None, last: Any = None) -> list[dict[str, Any]]:
    """A whole stream."""
    return [first or start(), PING, *BLOCK, last or delta(), STOP]


def sse(listed: list[dict[str, Any]]) -> list[bytes]:
    """Each event as the chunk of bytes it comes in."""
    return [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in listed]


def error(kind: str, text: str = "no", **details: Any) -> dict[str, Any]:
    """The body of a failure, which is an event too."""
    told: dict[str, Any] = {"type": kind, "message": text}
    if details:
        told["details"] = details
    return {"type": "error", "error": told, "request_id": "req_1"}
