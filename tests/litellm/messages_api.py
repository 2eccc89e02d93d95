"""What the local server answers in the form of the Messages API, and what must be measured of it."""

import json

from bedrock_server import Answer

SONNET = "claude-sonnet-4-5-20250929"
USAGE = {
    "input_tokens": 11, "output_tokens": 264, "cache_read_input_tokens": 1000, "cache_creation_input_tokens": 1028,
    "cache_creation": {"ephemeral_5m_input_tokens": 1000, "ephemeral_1h_input_tokens": 28},
}  # fmt: skip
TOKENS = (2039, 264, 1000, 1000, 28)
"""Total input, output, cache reads, cache writes of 5m and 1h."""
LIST = round((11 * 3 + 264 * 15 + 1000 * 0.30 + 1000 * 3.75 + 28 * 6) * 1e-6, 12)
"""USD: list price of Sonnet 4.5 (pricing page, 2026-11)."""
REGIONAL = round(LIST * 1.1, 12)
"""The same for a geography on Bedrock, and for a region on Vertex AI."""
MESSAGE = {
    "id": "msg_1", "type": "message", "role": "assistant", "model": SONNET, "content": [{"type": "text", "text": "hi"}],
    "stop_reason": "end_turn", "stop_sequence": None, "usage": USAGE,
}  # fmt: skip
EVENTS = [
    {
        "type": "message_start",
        "message": {**MESSAGE, "content": [], "stop_reason": None, "usage": {**USAGE, "output_tokens": 1}},
    },
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hi"}},
    {"type": "content_block_stop", "index": 0},
    {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None},
        "usage": {"output_tokens": 264},
    },
    {"type": "message_stop"},
]
START, *BLOCK, DELTA, STOP = EVENTS
EMPTY = {"service_tier": "", "speed": "", "inference_geo": "", "server_tool_use": [], "output_tokens_details": []}


def started(**usage):
    """A `message_start` with other counts."""
    return {**START, "message": {**START["message"], "usage": {**START["message"]["usage"], **usage}}}


NO_REASON = {**DELTA, "delta": {"stop_reason": None}}
ERROR = {"type": "error", "error": {"type": "overloaded_error", "message": "no"}}
GATEWAYS = {
    "no stop reason": ([START, *BLOCK, NO_REASON, STOP], (None, None), {}, LIST),
    "no stop reason and no message_stop": ([START, *BLOCK, NO_REASON], (None, None), {"incomplete_stream": 1}, None),
    "no message_delta": ([START, *BLOCK, STOP], (None, None), {"missing_counts": 1}, None),
    "nothing after the text": ([START, *BLOCK], (None, None), {"incomplete_stream": 1}, None),
    "a delta of no input": (
        [START, *BLOCK, {**DELTA, "usage": {"output_tokens": 264, "input_tokens": 0}}, STOP],
        (None, "end_turn"), {}, LIST,
    ),
    "output of no input": (
        [started(input_tokens=0, cache_read_input_tokens=0, cache_creation_input_tokens=0, cache_creation=None), *BLOCK,
         DELTA, STOP],
        (None, "end_turn"), {"missing_counts": 1}, round(264 * 15e-6, 12),
    ),
    "empty fields": ([started(**EMPTY), *BLOCK, DELTA, STOP], (None, "end_turn"), {}, LIST),
    "an error alone": ([ERROR], ("overloaded_error", None), {"error_event": 1}, None),
}  # fmt: skip
"""What gateways stream: the error and stop reason of the call, why it is not exact, and its dollars where told."""
LIMITS = {
    "anthropic-ratelimit-requests-limit": "50",
    "anthropic-ratelimit-requests-remaining": "49",
    "anthropic-ratelimit-requests-reset": "2099-01-01T00:00:00Z",
}
HEADERS = {"request-id": "req_1", **LIMITS}


def answer(body=MESSAGE, status=200, **headers):
    """A whole answer."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, content, {"content-type": "application/json", **HEADERS, **headers})


def events(*said, cut=False):
    """A stream of events, each of them a piece."""
    pieces = [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in said]
    return Answer(200, pieces, {"content-type": "text/event-stream; charset=utf-8", **HEADERS}, cut)


def refused(status, kind, text="no", **headers):
    """An error of the API."""
    return answer({"type": "error", "error": {"type": kind, "message": text}}, status, **headers)
