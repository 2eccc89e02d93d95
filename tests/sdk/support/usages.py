"""What answers say of their usage, right and wrong, and what must be made of it."""

from typing import Any

from support import api
from support.api import USAGE, delta, events, message, start
from support.expected import PLAIN, STREAM, TOKENS, Expected
from support.server import plain, stream
from support.shapes import Shape, create

CACHE_FIELDS = {key: USAGE[key] for key in ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")}
NULLS = dict.fromkeys((*CACHE_FIELDS, "server_tool_use", "output_tokens_details", "iterations"))
NO_USAGE = PLAIN.but(tokens={}, cost="unpriced", reason="no_usage", tier=None)
MALFORMED = PLAIN.but(cost="lower_bound", reason="malformed_usage", native_tokens=False)


def whole(expected: Expected, body: Any) -> Shape:
    # The final cost is known while the SDK's own span is open: it lacks nothing.
    return Shape(create, expected, (plain(body),))


async def read(face: Any) -> None:
    await face.take(await face.wait(face.client.messages.create(**api.ARGS, stream=True)))


def streamed(expected: Expected, listed: list[Any]) -> Shape:
    return Shape(read, expected, (stream(listed),))


def without(*kinds: str) -> dict[str, int]:
    return {kind: tokens for kind, tokens in TOKENS.items() if kind not in kinds}


def bad_input(value: Any) -> Shape:
    return whole(MALFORMED.but(tokens=without("input")), message({**USAGE, "input_tokens": value}))


UNTYPED = {name: value for name, value in message().items() if name != "type"}
LOOP = {"input_tokens": 30, "cache_read_input_tokens": 2000, "cache_creation_input_tokens": 130, "output_tokens": 70}
HAIKU = "claude-haiku-4-5-20251001"

USAGES = {
    "delta with cache fields": streamed(STREAM, events(last=delta({**CACHE_FIELDS, "output_tokens": 50}))),
    "delta with null fields": streamed(STREAM, events(last=delta({**NULLS, "output_tokens": 50}))),
    "delta with the output only": streamed(STREAM, events(last=delta({"output_tokens": 50}))),
    "delta that replaces every count": streamed(
        STREAM.but(
            tokens={"input": 30, "cache_read": 2000, "cache_write_5m": 90, "cache_write_1h": 40, "output": 70},
            reported_5m=60,
        ),
        events(last=delta(LOOP)),
    ),
    "two deltas, never added": streamed(
        STREAM,
        [
            start(),
            *api.BLOCK,
            delta({"output_tokens": 20}, None),
            delta({"output_tokens": 50}),
            api.STOP,
        ],
    ),
    "counts only in the delta": streamed(
        STREAM.but(
            tokens={"input": 10, "cache_read": 1000, "cache_write_5m": 100, "cache_write_1h": 0, "output": 50},
            split=False,
            tier=None,
        ),
        events(first=start({}), last=delta({**CACHE_FIELDS, "output_tokens": 50})),
    ),
    "events before message_start": streamed(STREAM, [*api.BLOCK[:2], api.PING, *events()]),
    "unknown events": streamed(
        STREAM, [{"type": "vendor_event", "usage": {"output_tokens": 9}}, *events()[:-1], {"type": "x"}, api.STOP]
    ),
    "no usage": whole(NO_USAGE, {key: value for key, value in message().items() if key != "usage"}),
    "usage null": whole(NO_USAGE, message(None)),
    "message without its type": whole(PLAIN, UNTYPED),
    "input a string": bad_input("10"),
    "input a bool": bad_input(True),
    "input negative": bad_input(-1),
    "input a float": bad_input(1.5),
    "input a list": bad_input([1]),
    "input an object": bad_input({"a": 1}),
    "input absurd": bad_input(10**30),
    "output a string": whole(MALFORMED.but(tokens=without("output")), message({**USAGE, "output_tokens": "50"})),
    "refusal before any output": whole(
        PLAIN.but(tokens={**TOKENS, "output": 0}, stop_reason="refusal", free=True),
        message({**USAGE, "output_tokens": 0}, stop_reason="refusal", content=[]),
    ),
    "refusal in mid-stream is billed": streamed(
        STREAM.but(stop_reason="refusal"), events(last=delta({"output_tokens": 50}, "refusal"))
    ),
    "web search": whole(PLAIN.but(web_searches=2), message({**USAGE, "server_tool_use": {"web_search_requests": 2}})),
    "web search, streamed": streamed(
        STREAM.but(web_searches=2),
        events(last=delta({"output_tokens": 50, "server_tool_use": {"web_search_requests": 2}})),
    ),
    "thinking": whole(PLAIN.but(thinking=20), message({**USAGE, "output_tokens_details": {"thinking_tokens": 20}})),
    "thinking, streamed": streamed(
        STREAM.but(thinking=20),
        events(last=delta({"output_tokens": 50, "output_tokens_details": {"thinking_tokens": 20}})),
    ),
    "a dated model": whole(PLAIN.but(response_model=HAIKU), message(model=HAIKU)),
    "a dated model, streamed": streamed(STREAM.but(response_model=HAIKU), events(first=start(model=HAIKU))),
    "no split": whole(
        PLAIN.but(tokens={**TOKENS, "cache_write_5m": 100, "cache_write_1h": 0}, split=False),
        message({**USAGE, "cache_creation": None}),
    ),
}
