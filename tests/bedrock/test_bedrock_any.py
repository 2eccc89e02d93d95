"""Whatever Bedrock answers and however it is read: the application sees what it sees without us, and a call is counted
once, with what was served or with a reason.

Drawn are JSON, bytes, frames that are cut or corrupt, headers, the pieces in which they come, and the ways of reading.
"""

import gc
import io
import json
import re
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from botocore.response import StreamingBody
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.instrumentation.utils import suppress_instrumentation
from test_bedrock_calls import ASKED, BODY, CONVERSED, MESSAGE, SONNET, left_open

from bedrock_server import Answer, chunk, event, failure, frame

sys.path.insert(0, str(Path(__file__).parents[1]))
from foreign_json import replaced

pytestmark = left_open
# Each example takes two calls to a server, and a collection of garbage.
FEWER = settings(max_examples=settings().max_examples // 2)

WORDS = [
    "type", "usage", "message", "message_start", "message_delta", "message_stop", "content_block_delta", "delta",
    "stop_reason", "stopReason", "input_tokens", "inputTokens", "cacheDetails", "ttl", "bytes", "model", "5m",
]  # fmt: skip
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(WORDS) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=4), inner),
    max_leaves=8,
)
COUNT_HEADERS = st.dictionaries(
    st.sampled_from(
        [
            "x-amzn-bedrock-input-token-count", "x-amzn-bedrock-output-token-count",
            "x-amzn-bedrock-cache-write-input-token-count", "x-amzn-bedrock-service-tier",
            "x-amzn-bedrock-performanceconfig-latency", "X-Amzn-Bedrock-Unknown",
        ]
    ),
    st.integers(1, 1 << 70).map(str) | st.text(st.characters(min_codepoint=0xA1, max_codepoint=0xFF), max_size=5),
)  # fmt: skip
SIZE = st.integers(1, 500)


class Served(NamedTuple):
    """Counts that an answer says: uncached input, output, cache reads, cache writes of 5m and of 1h."""

    input: int
    output: int
    read: int
    write_5m: int
    write_1h: int

    def tokens(self):
        return (self.input + self.read + self.write_5m + self.write_1h, *self[1:])

    def usage(self):
        return {
            "input_tokens": self.input,
            "output_tokens": self.output,
            "cache_read_input_tokens": self.read,
            "cache_creation_input_tokens": self.write_5m + self.write_1h,
            "cache_creation": {
                "ephemeral_5m_input_tokens": self.write_5m,
                "ephemeral_1h_input_tokens": self.write_1h,
            },
        }

    def converse_usage(self):
        return {
            "inputTokens": self.input,
            "outputTokens": self.output,
            "totalTokens": sum(self),
            "cacheReadInputTokens": self.read,
            "cacheWriteInputTokens": self.write_5m + self.write_1h,
            "cacheDetails": [{"ttl": "5m", "inputTokens": self.write_5m}, {"ttl": "1h", "inputTokens": self.write_1h}],
        }

    def frames(self, *, converse):
        """A stream that says them."""
        if converse:
            return [
                event("messageStart", {"role": "assistant"}),
                event("contentBlockDelta", {"delta": {"text": "hi"}, "contentBlockIndex": 0}),
                event("messageStop", {"stopReason": "end_turn"}),
                event("metadata", {"usage": self.converse_usage(), "metrics": {"latencyMs": 1}}),
            ]
        begun = {**MESSAGE, "stop_reason": None, "usage": {**self.usage(), "output_tokens": 1}}
        return [
            chunk({"type": "message_start", "message": begun}),
            chunk({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hi"}}),
            chunk({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": self[1]}}),
            chunk({"type": "message_stop"}),
        ]


SERVED = st.builds(Served, st.integers(1, 1 << 20), *[st.integers(0, 1 << 20)] * 4)


@st.composite
def sent(draw, data, *, may_be_cut=True):
    """An answer with these bytes: whole or in pieces, to its end or cut."""
    headers = {"content-type": "application/json", **draw(COUNT_HEADERS)}
    cut = may_be_cut and draw(st.booleans())
    if draw(st.booleans()):
        return Answer(200, data, headers, cut)
    size = draw(SIZE)
    return Answer(200, [data[at : at + size] for at in range(0, len(data), size)], headers, cut)


RAW_WAYS = st.lists(
    st.tuples(st.sampled_from(["read", "readline"]), SIZE | st.none())
    | st.tuples(st.just("stream"), SIZE)
    | st.tuples(st.sampled_from(["readlines", "iterate", "read1"]), st.none()),
    max_size=3,
)
WAYS = st.lists(
    st.tuples(st.just("read"), SIZE | st.none())
    | st.tuples(st.sampled_from(["readinto", "iter_chunks", "iter_lines", "buffered", "until_empty"]), SIZE)
    | st.tuples(st.sampled_from(["readlines", "iterate", "next", "tell", "text", "close"]), st.none())
    | st.tuples(st.just("with"), RAW_WAYS),
    min_size=1,
    max_size=3,
)


def read_into(body, size):
    buffer = bytearray(size)
    return bytes(buffer[: body.readinto(buffer)])


def read_in_a_block(body, ways):
    with body as raw:
        return [once(raw, *way) for way in ways]


GIVES = {
    "with": read_in_a_block,
    "readinto": read_into,
    "iter_chunks": lambda body, size: list(body.iter_chunks(size)),
    "iter_lines": lambda body, size: list(body.iter_lines(size)),
    "stream": lambda body, size: list(body.stream(size)),
    "buffered": lambda body, size: io.BufferedReader(body, size).read(),
    "text": lambda body, _: io.TextIOWrapper(body, "latin-1", newline="").read().encode("latin-1"),
    "until_empty": lambda body, size: list(iter(lambda: body.read(size), b"")),
    "read1": lambda body, _: b"".join(iter(body.read1, b"")),  # each has what is there at the time
    "iterate": lambda body, _: list(body),
    "next": lambda body, _: next(body),
}


def once(body, way, size):
    """What one way of reading gives."""
    if way in GIVES:
        return GIVES[way](body, size)
    return getattr(body, way)(*() if size is None else (size,))


def observed(read):
    """What the application sees: values, or an exception by its type and words."""
    try:
        return read()
    except Exception as error:  # noqa: BLE001 - whatever it is, it must be the same
        return type(error).__name__, re.sub("0x[0-9a-f]+|port=[0-9]+", "", str(error))


def read_body(client, ways):
    body = client.invoke_model(modelId=SONNET, body=BODY)["body"]
    return [observed(lambda way=way: once(body, *way)) for way in ways]


def read_stream(client, count, *, converse, close):
    if converse:
        events = client.converse_stream(modelId=SONNET, messages=ASKED)["stream"]
    else:
        events = client.invoke_model_with_response_stream(modelId=SONNET, body=BODY)["body"]
    seen = []

    def read():
        for each in events:
            seen.append(each)
            if len(seen) == count:
                break
        if close:
            events.close()

    return observed(read), seen


def length(seen):
    """The bytes in what was seen."""
    if isinstance(seen, bytes):
        return len(seen)
    return sum(map(length, seen)) if isinstance(seen, list) else 0


class Change:
    """What one more call adds to what was measured."""

    def __init__(self, measured, server, client, answer, use):
        server.answers = [answer]
        with suppress_instrumentation():
            self.bare = use(client)
        before = self._now(measured)
        self.seen = use(client)
        gc.collect()
        (self.tokens, self.unpriced, self.calls, self.attempts) = (
            tuple(a - b for a, b in zip(after, earlier, strict=True)) if isinstance(after, tuple) else after - earlier
            for after, earlier in zip(self._now(measured), before, strict=True)
        )
        assert self.seen == self.bare
        assert (self.calls, self.attempts) == (1, 1)
        # There are counts, or there is a reason.
        assert self.unpriced or self.tokens != (0,) * 5
        assert [said for said in measured.warnings() if "No price is known" not in said] == []

    @staticmethod
    def _now(measured):
        return (
            measured.tokens(),
            sum(measured.unpriced().values()),
            sum(measured.calls().values()),
            sum(measured.attempts().values()),
        )


def can_read(ways):
    return hasattr(StreamingBody, "readinto") or not {"readinto", "text", "buffered"} & {way for way, _ in ways}


def test_a_message_in_any_pieces_read_in_any_way(measured, server, client):
    @FEWER
    @given(SERVED, WAYS.filter(can_read), st.data())
    def check(served, ways, data):
        body = json.dumps({**MESSAGE, "usage": served.usage()}).encode()
        answer = data.draw(sent(body))._replace(headers={"content-type": "application/json"})
        change = Change(measured, server, client, answer, lambda client: read_body(client, ways))
        whole, unread = (served.tokens(), 0), ((0,) * 5, 1)
        if length(change.seen) == len(body):
            assert (change.tokens, change.unpriced) == whole
        elif any(isinstance(each, tuple) for each in change.seen):  # what was read until then is not known here
            assert (change.tokens, change.unpriced) in (whole, unread)
        else:
            assert (change.tokens, change.unpriced) == unread

    check()


def test_any_body_with_any_headers(measured, server, client):
    paths = [
        (),
        ("usage",),
        ("usage", "input_tokens"),
        ("usage", "cache_creation"),
        ("type",),
        ("model",),
        ("stop_reason",),
    ]
    bodies = st.builds(replaced, st.just(MESSAGE), st.sampled_from(paths), ANYTHING).map(
        lambda body: json.dumps(body).encode()
    )

    @FEWER
    @given(bodies | st.binary(max_size=40), WAYS.filter(can_read), st.data())
    def check(body, ways, data):
        Change(measured, server, client, data.draw(sent(body)), lambda client: read_body(client, ways))

    check()


def test_any_answer_of_converse(measured, server, client):
    paths = [(), ("usage",), ("usage", "cacheDetails"), ("usage", "outputTokens"), ("stopReason",)]

    @FEWER
    @given(SERVED, st.sampled_from(paths), ANYTHING, st.binary(max_size=40) | st.none(), st.data())
    def check(served, path, value, other, data):
        body = {**CONVERSED, "usage": served.converse_usage()}
        said = json.dumps(replaced(body, path, value)).encode() if other is None else other
        answer = data.draw(sent(said, may_be_cut=False))
        Change(measured, server, client, answer, lambda client: observed(lambda: _converse(client)))

    check()


def _converse(client):
    answer = client.converse(modelId=SONNET, messages=ASKED)
    del answer["ResponseMetadata"]
    return answer


@pytest.mark.parametrize("converse", [False, True], ids=["InvokeModelWithResponseStream", "ConverseStream"])
def test_a_stream_in_any_pieces(measured, server, client, converse):
    @FEWER
    @given(SERVED, st.integers(1, 5), st.booleans(), st.data())
    def check(served, count, close, data):
        answer = data.draw(sent(b"".join(served.frames(converse=converse)), may_be_cut=False))
        change = Change(
            measured, server, client, answer, lambda client: read_stream(client, count, converse=converse, close=close)
        )
        if count >= (4 if converse else 3):  # then all counts were said
            assert (change.tokens, change.unpriced) == (served.tokens(), 0)
        else:
            assert change.unpriced == 1

    check()


FRAMES = st.one_of(
    st.builds(chunk, ANYTHING),
    st.builds(event, st.sampled_from(["chunk", "messageStop", "metadata", "contentBlockDelta", "new"]), ANYTHING),
    st.builds(failure, st.sampled_from(["throttlingException", "modelStreamErrorException", "new"]), st.just("no")),
    st.builds(
        frame,
        st.dictionaries(st.sampled_from([":event-type", ":message-type", ":x"]), st.text(max_size=5)),
        st.binary(max_size=9),
    ),
    st.binary(max_size=30),
)


@pytest.mark.parametrize("converse", [False, True], ids=["InvokeModelWithResponseStream", "ConverseStream"])
def test_a_stream_of_any_frames(measured, server, client, converse):
    @FEWER
    @given(SERVED, st.lists(FRAMES, max_size=2), st.integers(1, 7), st.booleans(), st.data())
    def check(served, others, count, close, data):
        frames = served.frames(converse=converse)
        for other in others:
            at = data.draw(st.integers(0, len(frames)))
            frames[at : at + data.draw(st.integers(0, 1))] = [other]
        raw = bytearray(b"".join(frames))
        for at in data.draw(st.lists(st.integers(0, max(0, len(raw) - 1)), max_size=1)) if raw else ():
            raw[at] ^= data.draw(st.integers(1, 255))
        cut_at = data.draw(st.none() | st.integers(0, len(raw)))
        answer = data.draw(sent(bytes(raw[:cut_at])))
        Change(
            measured, server, client, answer, lambda client: read_stream(client, count, converse=converse, close=close)
        )

    check()
