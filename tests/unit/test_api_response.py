"""Response: merged from whole messages and from streams; the placeholder of `message_start` is never kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit_calls import OPUS, USAGE, message, stream

from otel_claude.api.response import (
    Diagnosis,
    Response,
    Usage,
    merge_message_delta,
    parse_message,
    parse_message_start,
    parse_usage,
)

START, *_, DELTA, STOP = stream()


def merged(*events):
    response = Response()
    for event in events:
        if event["type"] == "message":
            response = parse_message(event)
        elif event["type"] == "message_start":
            response = parse_message_start(event)
        else:
            response = merge_message_delta(response, event)
    return response


def test_a_whole_message():
    response = parse_message(message())
    assert response == Response("msg_1", OPUS, "end_turn", parse_usage(USAGE), complete=True)
    assert (response.usage.output, response.usage.thinking, response.usage.total_input) == (300, 120, 21_700)


def test_a_stream_says_the_same_as_a_message():
    assert merged(START, DELTA) == parse_message(message())


def test_message_start_alone_has_no_output():
    response = merged(START)
    assert (response.usage.output, response.usage.thinking, response.complete) == (None, None, False)
    assert (response.id, response.model, response.usage.total_input) == ("msg_1", OPUS, 21_700)


def test_the_thinking_of_message_start_is_a_placeholder_too():
    start = {"type": "message_start", "message": {"usage": {"output_tokens_details": {"thinking_tokens": 1}}}}
    assert merged(start).usage.thinking is None


def delta(usage=None, stop_reason=None):
    return {"type": "message_delta", "delta": {"stop_reason": stop_reason}, "usage": usage}


NO_INPUT = {
    "input_tokens": 0,
    "cache_read_input_tokens": 0,
    "cache_creation_input_tokens": 0,
    "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
}
COMPACTION = {"type": "compaction", "input_tokens": 5, "output_tokens": 2}
DELTAS = [
    # events after message_start; input, cache read, output, complete, stop reason
    ([delta({"output_tokens": 9}, "end_turn")], 1_000, 20_000, 9, True, "end_turn"),
    ([delta({"output_tokens": 4}), delta({"output_tokens": 9}, "end_turn")], 1_000, 20_000, 9, True, "end_turn"),
    ([delta({"output_tokens": 9, "input_tokens": 7}, "max_tokens")], 7, 20_000, 9, True, "max_tokens"),
    ([delta({"output_tokens": 9, "cache_read_input_tokens": 0}, "end_turn")], 1_000, 0, 9, True, "end_turn"),
    ([delta({"output_tokens": 9, "input_tokens": None}, "end_turn")], 1_000, 20_000, 9, True, "end_turn"),
    ([delta({"output_tokens": 9})], 1_000, 20_000, 9, False, None),
    ([delta(None, "end_turn")], 1_000, 20_000, None, True, "end_turn"),
    # A delta of no input at all does not know it. One with cached input does.
    ([delta({"output_tokens": 9, "input_tokens": 0}, "end_turn")], 1_000, 20_000, 9, True, "end_turn"),
    ([delta({"output_tokens": 9, **NO_INPUT}, "end_turn")], 1_000, 20_000, 9, True, "end_turn"),
    # With iterations it may be that all was sampled apart.
    ([delta({"output_tokens": 0, **NO_INPUT, "iterations": [COMPACTION]}, "end_turn")], 0, 0, 0, True, "end_turn"),
    ([delta({**NO_INPUT}), delta({"output_tokens": 9}, "end_turn")], 1_000, 20_000, 9, True, "end_turn"),
    ([delta({"output_tokens": 9, **NO_INPUT, "cache_read_input_tokens": 8})], 0, 8, 9, False, None),
    ([delta({"output_tokens": 9}, "end_turn"), delta()], 1_000, 20_000, 9, True, "end_turn"),
]


@pytest.mark.parametrize(("deltas", "new", "read", "output", "complete", "why"), DELTAS)
def test_deltas_replace_what_they_say(deltas, new, read, output, complete, why):
    response = merged(START, *deltas)
    assert (response.usage.input, response.usage.cache_read, response.usage.output) == (new, read, output)
    assert (response.complete, response.stop_reason) == (complete, why)


@pytest.mark.parametrize("none", [{"input_tokens": False}, {"input_tokens": 0.0}, {**NO_INPUT, "cache_creation": [0]}])
def test_what_is_no_zero_is_malformed_in_a_delta_too(none):
    usage = merged(START, delta({"output_tokens": 9, **none}, "end_turn")).usage
    assert usage.malformed
    assert usage.output == 9


def test_a_name_that_is_none_beside_no_input_takes_no_count():
    usage = merged(START, delta({"output_tokens": 9, **NO_INPUT, "service_tier": 5}, "end_turn")).usage
    assert (usage.input, usage.cache_read, usage.malformed) == (1_000, 20_000, True)


def test_a_delta_without_a_start():
    response = merged(DELTA)
    assert (response.id, response.model, response.usage.output, response.complete) == (None, None, 300, True)


ODD_NAMES = [5, None, [], {}, True, "", "x" * 1_001, "a\nb", "a\x00b", "\ud800"]


@pytest.mark.parametrize("field", ["id", "model", "stop_reason"])
@pytest.mark.parametrize("odd", ODD_NAMES, ids=lambda value: repr(value)[:12])
def test_what_cannot_be_a_name_is_none(field, odd):
    assert getattr(merged({**message(), field: odd}), field) is None


@pytest.mark.parametrize("usage", [5, "x", [7], True])
def test_a_usage_of_a_wrong_type_is_malformed(usage):
    assert merged(message(usage)).usage == Usage(malformed=True)
    assert merged({"type": "message_start", "message": {"usage": usage}}).usage == Usage(malformed=True)
    assert merged(START, delta(usage, "end_turn")).usage.malformed


def test_no_usage_is_none():
    assert merged(message(None)).usage is None
    assert merged({"type": "message_start", "message": {}}).usage is None


@given(st.lists(st.sampled_from(stream()), max_size=12))
def test_events_in_any_order_never_raise_and_never_keep_the_placeholder(events):
    events = [event for event in events if event["type"] in ("message_start", "message_delta")]
    response = merged(*events)
    final = bool(events) and events[-1]["type"] == "message_delta"
    if response.usage is not None:
        assert response.usage.output == (300 if final else None)
    assert response.complete is final


DIAGNOSES = [
    ({"type": "model_changed", "cache_missed_input_tokens": 1}, Diagnosis("model_changed", 1)),
    ({"type": "system_changed", "cache_missed_input_tokens": 4_900}, Diagnosis("system_changed", 4_900)),
    ({"type": "tools_changed", "cache_missed_input_tokens": 0}, Diagnosis("tools_changed", 0)),
    ({"type": "messages_changed", "cache_missed_input_tokens": 7}, Diagnosis("messages_changed", 7)),
    ({"type": "previous_message_not_found"}, Diagnosis("previous_message_not_found")),
    ({"type": "unavailable"}, Diagnosis("unavailable")),
    (None, Diagnosis("pending")),
    # What a later API may say, and what is none.
    ({"type": "planets_changed", "cache_missed_input_tokens": 5}, Diagnosis("planets_changed", 5)),
    ({"type": "system_changed", "cache_missed_input_tokens": -1}, Diagnosis("system_changed")),
    ({"type": "system_changed", "cache_missed_input_tokens": True}, Diagnosis("system_changed")),
    ({"type": "system_changed", "cache_missed_input_tokens": 2**30}, Diagnosis("system_changed")),
    ({"type": 7, "cache_missed_input_tokens": 5}, Diagnosis(None, 5)),
    ("system_changed", Diagnosis(None)),
    ([], Diagnosis(None)),
]


@pytest.mark.parametrize(("reason", "expected"), DIAGNOSES)
def test_a_diagnosis_of_the_cache(reason, expected):
    diagnostics = {"cache_miss_reason": reason}
    assert parse_message({**message(), "diagnostics": diagnostics}).diagnosis == expected
    start = {**START, "message": {**START["message"], "diagnostics": diagnostics}}
    # It stays where it was said, in the first event.
    assert merged(start).diagnosis == merged(start, DELTA).diagnosis == expected


def test_an_empty_diagnosis_is_one_that_is_not_over():
    assert parse_message({**message(), "diagnostics": {}}).diagnosis == Diagnosis("pending")


@pytest.mark.parametrize("diagnostics", [None, "system_changed", [], 1, True])
def test_what_says_nothing_of_the_cache(diagnostics):
    assert parse_message({**message(), "diagnostics": diagnostics}) == parse_message(message())
