"""What the API answers here: bodies, events and headers like its own. Imports nothing but the standard library.

Each answer has its own ids, and its own rate limits with reset times of its own, as in real traffic: what is told anew
by each answer must not be found in a cache here.
"""

from __future__ import annotations

import json
import time
from datetime import datetime, timezone
from typing import Any, Final, NamedTuple

MODEL: Final = "claude-sonnet-5-5"
KINDS: Final = 200
"""Distinct answers that follow each other in turn."""
_WORDS: Final = "The cache was cold, so the first request paid for the write and every later one for a read. "
_TOOL: Final[dict[str, Any]] = {
    "name": "search_orders",
    "description": "Finds the orders of a customer by date and state.",
    "input_schema": {
        "type": "object",
        "properties": {
            "customer": {"type": "string", "description": "The customer's id."},
            "since": {"type": "string", "description": "A date, as 2026-11-22."},
            "state": {"type": "string", "enum": ["open", "shipped", "returned"]},
        },
        "required": ["customer"],
    },
}
ASKED: Final[dict[str, Any]] = {
    "model": MODEL,
    "max_tokens": 1024,
    "system": [{"type": "text", "text": _WORDS * 20, "cache_control": {"type": "ephemeral"}}],
    "tools": [_TOOL],
    "messages": [
        {"role": "user", "content": "Which orders of mine are open?"},
        {"role": "assistant", "content": "Two: one of Monday, one of today."},
        {"role": "user", "content": [{"type": "text", "text": "And why was the last one so expensive?"}]},
    ],
}
"""A request of an application: a cached system prompt, a tool, a conversation."""
LIMITS: Final = ("requests", "tokens", "input-tokens", "output-tokens")
"""The rate limits that every answer of the first-party API tells."""
_HEADERS: Final = (
    ("date", "Sun, 22 Nov 2026 18:00:00 GMT"),
    ("server", "cloudflare"),
    ("cf-ray", "9d656813eddfae20-EWR"),
    ("cf-cache-status", "DYNAMIC"),
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    ("strict-transport-security", "max-age=31536000; includeSubDomains; preload"),
    ("vary", "Accept-Encoding"),
    ("via", "1.1 google"),
    ("x-robots-tag", "none"),
    ("x-envoy-upstream-service-time", "1256"),
    ("anthropic-organization-id", "3fe42a2c-6c4e-4d0e-9d0a-0e6c8f6b9a51"),
    ("anthropic-workspace-id", "wrkspc_01JwQvzr7rXLA5AGx3HKfFUJ"),
)
"""Beside the limits and ids, as recorded from api.anthropic.com in 2026."""


class Answer(NamedTuple):
    """One answer: its headers, and its body in the chunks in which it comes."""

    headers: list[tuple[bytes, bytes]]
    chunks: list[bytes]


def plain(number: int, *, model: str = MODEL, limits: tuple[str, ...] = LIMITS) -> Answer:
    """The answer to `create`."""
    body = {**_message(number, model), "content": [{"type": "text", "text": _WORDS * 10}], "stop_reason": "end_turn"}
    return Answer(_headers(number, "application/json", limits), [json.dumps(body).encode()])


def streamed(number: int, deltas: int, *, model: str = MODEL) -> Answer:
    """The answer to `create(stream=True)`, with so many pieces of text. One event comes in one chunk."""
    usage = {"input_tokens": 9, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 1874, "output_tokens": 188}
    delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": " and a few words"}}
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": _message(number, model)},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "ping"},
        *[delta] * deltas,
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": usage},
        {"type": "message_stop"},
    ]
    chunks = [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events]
    return Answer(_headers(number, "text/event-stream; charset=utf-8", LIMITS), chunks)


def _message(number: int, model: str) -> dict[str, Any]:
    return {
        "model": model,
        "id": f"msg_01VkeD2PaERGgjekk{number:07}",
        "type": "message",
        "role": "assistant",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {
            "input_tokens": 9 + number % 7,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 1874,
            "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
            "output_tokens": 188 + number % 11,
            "service_tier": "standard",
            "inference_geo": "global",
        },
    }


def _headers(number: int, content_type: str, limits: tuple[str, ...]) -> list[tuple[bytes, bytes]]:
    # Never past while this runs: a limit whose reset has passed is forgotten.
    reset = datetime.fromtimestamp(int(time.time()) + 86_400 + number, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    told = [("content-type", content_type), ("request-id", f"req_011CYfQNBARQegAk{number:07}"), *_HEADERS]
    for place, name in enumerate(limits):
        size = 1000 * (place + 1)
        prefix = f"anthropic-ratelimit-{name}"
        told += [(f"{prefix}-limit", str(size)), (f"{prefix}-remaining", str(size - number % 999))]
        told += [(f"{prefix}-reset", reset)]
    return [(name.encode(), value.encode()) for name, value in told]
