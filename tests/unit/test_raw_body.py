"""The readers of raw bodies: pieces of any size say the same, nothing raises, and what is kept is bounded."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st
from unit_calls import KeepingRecorder, message, responded, returned, started, stream

from otel_claude.http import bodies as raw_body
from otel_claude.http.bodies import EventReader, MessageReader

EVENTS = b"".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in stream())
cuts = st.lists(st.integers(0, len(EVENTS)), max_size=8).map(sorted)


def pieces(content, places):
    return [content[since:until] for since, until in zip([0, *places], [*places, len(content)], strict=True)]


def read(*chunks):
    """The call whose raw stream these chunks are."""
    keeper = KeepingRecorder()
    call = started(keeper, stream=True)
    attempt = responded(keeper, call)
    attempt.streams = True
    returned(keeper, call, pending=True)
    reader = EventReader(keeper, attempt)
    for chunk in chunks:
        reader.read(chunk)
    reader.end()
    keeper.end_call(call)
    return call


WHOLE = read(EVENTS)


@given(cuts)
def test_a_stream_in_pieces_says_what_it_says_as_a_whole(places):
    call = read(*pieces(EVENTS, places))
    assert call.responses == WHOLE.responses
    assert [response.complete for response in call.responses.values()] == [True]
    assert call.time_to_first_chunk is not None


@given(cuts, st.binary(max_size=40), st.integers(0, 20))
def test_whatever_comes_between_nothing_raises(places, odd, repeated):
    read(*(part for piece in pieces(EVENTS, places) for part in (piece, odd * repeated)))


@given(
    st.lists(st.binary(max_size=20) | st.sampled_from([b'data: {"message_', b"\n", b'"error"', b"}\n"]), max_size=12)
)
def test_any_bytes(chunks):
    read(*chunks)


@given(cuts)
def test_a_message_in_pieces(places):
    content = json.dumps(message()).encode()
    reader = MessageReader()
    for piece in pieces(content, sorted(place % len(content) for place in places)):
        reader.read(piece)
    assert reader.message() == message()


def test_no_more_is_kept_than_the_bound(monkeypatch):
    monkeypatch.setattr(raw_body, "MAX_SIZE", 10)
    reader = MessageReader()
    for _ in range(5):
        reader.read(b"1234")
        assert sum(map(len, reader._pieces)) <= 10
    assert (reader.is_too_long, reader.message()) == (True, None)
