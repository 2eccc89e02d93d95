"""Usage: counts replace and never add; absent and null keep; a wrong type is unknown and marks the whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_claude.api.response import Counts, Usage, parse_usage

COUNT_FIELDS = {
    "input_tokens": "input",
    "output_tokens": "output",
    "cache_read_input_tokens": "cache_read",
    "cache_creation_input_tokens": "creation",
}
SPLIT_FIELDS = {"ephemeral_5m_input_tokens": "split_5m", "ephemeral_1h_input_tokens": "split_1h"}
NO_COUNTS = ["7", 7.0, True, False, [7], {"tokens": 7}, -1, 1 << 30, 10**400, float("nan"), float("inf")]
counts = st.integers(0, (1 << 30) - 1)


def merged(*usages):
    usage = Usage()
    for each in usages:
        usage = parse_usage(each, usage)
    return usage


@pytest.mark.parametrize(("name", "field"), COUNT_FIELDS.items())
@pytest.mark.parametrize("value", [0, 1, (1 << 30) - 1])
def test_a_count_is_read(name, field, value):
    usage = merged({name: value})
    assert (getattr(usage.counts, field), usage.malformed) == (value, False)


@pytest.mark.parametrize(("name", "field"), SPLIT_FIELDS.items())
def test_a_split_is_read(name, field):
    usage = merged({"cache_creation": {name: 12}})
    assert (getattr(usage.counts, field), usage.malformed) == (12, False)


@pytest.mark.parametrize(("name", "field"), COUNT_FIELDS.items())
@pytest.mark.parametrize("wrong", NO_COUNTS, ids=repr)
def test_what_is_no_count_is_unknown_and_malformed(name, field, wrong):
    usage = merged({name: 5}, {name: wrong})
    assert (getattr(usage.counts, field), usage.malformed) == (None, True)


@pytest.mark.parametrize(("name", "field"), SPLIT_FIELDS.items())
@pytest.mark.parametrize("wrong", NO_COUNTS, ids=repr)
def test_what_is_no_split_is_unknown_and_malformed(name, field, wrong):
    usage = merged({"cache_creation": {name: wrong}})
    assert (getattr(usage.counts, field), usage.malformed) == (None, True)


@pytest.mark.parametrize("name", [*COUNT_FIELDS, "cache_creation"])
@pytest.mark.parametrize("later", [{}, None], ids=["absent", "null"])
def test_absent_and_null_leave_the_old_value(name, later):
    before = merged({"input_tokens": 5, name: {"ephemeral_1h_input_tokens": 3} if name == "cache_creation" else 5})
    assert parse_usage(later if later is None else {**later, name: None}, before) == before


@given(st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(COUNT_FIELDS, counts | st.none())), max_size=6))
def test_the_last_count_that_is_said_stands(usages):
    usage = merged(*usages)
    for name, field in COUNT_FIELDS.items():
        said = [each[name] for each in usages if each.get(name) is not None]
        assert getattr(usage.counts, field) == (said[-1] if said else None)
    assert not usage.malformed


WRITES = [
    # creation, 5m, 1h as reported; then the types 5m and 1h
    (None, None, None, None, None),
    (700, None, None, 700, 0),
    (700, 500, 200, 500, 200),
    (700, None, 200, 500, 200),
    (700, 500, None, 700, 0),
    (700, 100, 200, 500, 200),
    (0, 0, 0, 0, 0),
    (None, 500, 200, 500, 200),
    (None, None, 200, None, 200),
    (None, 500, None, 500, None),
    (100, 500, 200, 500, 200),
]


@pytest.mark.parametrize(("creation", "split_5m", "split_1h", "write_5m", "write_1h"), WRITES)
def test_cache_writes_by_time_to_live(creation, split_5m, split_1h, write_5m, write_1h):
    usage = Usage(*(Counts(creation=creation, split_5m=split_5m, split_1h=split_1h)).by_type)
    assert (usage.cache_write_5m, usage.cache_write_1h) == (write_5m, write_1h)


@given(counts, st.data())
def test_the_two_writes_are_all_writes_where_the_split_fits(creation, data):
    split_1h = data.draw(st.integers(0, creation) | st.none())
    split_5m = data.draw(st.integers(0, creation - (split_1h or 0)) | st.none())
    usage = Usage(*(Counts(creation=creation, split_5m=split_5m, split_1h=split_1h)).by_type)
    assert usage.cache_write_5m + usage.cache_write_1h == creation


TOTALS = [
    (Counts(), None),
    (Counts(cache_read=9, creation=9), None),
    (Counts(input=3), 3),
    (Counts(input=3, cache_read=20, creation=700, split_5m=500, split_1h=200), 723),
    (Counts(input=3, cache_read=20, creation=700, split_1h=200), 723),
    (Counts(input=3, split_1h=200), 203),
    (Counts(input=0, cache_read=9, output=5), 9),
    (Counts(input=0), 0),
    (Counts(input=0, output=0), 0),
    # No prompt has 0 tokens: they are not known.
    (Counts(input=0, output=5), None),
    (Counts(input=0, cache_read=0, creation=0, split_5m=0, split_1h=0, output=5), None),
]


@pytest.mark.parametrize(("said", "total"), TOTALS)
def test_the_total_input_is_all_types_together(said, total):
    assert Usage(*said.by_type).total_input == total


SERVED = {
    "service_tier": ("service_tier", "priority"),
    "speed": ("speed", "fast"),
    "inference_geo": ("inference_geo", "us"),
    "fallback_credit": ("fallback_credit", {"status": {"type": "redeemed"}}),
    "output_tokens_details": ("thinking", {"thinking_tokens": 7}),
    "server_tool_use": ("web_searches", {"web_search_requests": 7}),
}


@pytest.mark.parametrize(("name", "field", "value"), [(name, *said) for name, said in SERVED.items()])
def test_how_it_was_served_is_read_and_kept(name, field, value):
    usage = merged({name: value}, {}, {name: None}, None)
    expected = {"fallback_credit": "redeemed", "thinking": 7, "web_searches": 7}.get(field, value)
    assert (getattr(usage, field), usage.malformed) == (expected, False)


WRONG_SERVED = [
    *((name, wrong) for name in ("service_tier", "speed", "inference_geo") for wrong in (5, [], {}, True, "a\nb")),
    *((name, wrong) for name in ("fallback_credit", "output_tokens_details") for wrong in (5, "x", [7], True)),
    *((name, wrong) for name in ("server_tool_use", "cache_creation") for wrong in (5, "x", [7], True)),
    ("fallback_credit", {"status": "redeemed"}),
    ("fallback_credit", {"status": {"type": 5}}),
    ("output_tokens_details", {"thinking_tokens": "7"}),
    ("server_tool_use", {"web_search_requests": -7}),
    ("server_tool_use", {"web_fetch_requests": 7.5}),
    ("server_tool_use", {"code_execution_requests": "7"}),
    ("iterations", 5),
    ("iterations", {"type": "message"}),
    ("iterations", [5]),
    ("iterations", [{"type": "message", "input_tokens": "5"}]),
    ("iterations", [{"type": 5}]),
    ("iterations", [{"type": "message", "model": 5}]),
    ("iterations", [{"type": "message"}] * 10_001),
]


@pytest.mark.parametrize(("name", "wrong"), WRONG_SERVED, ids=lambda value: repr(value)[:60])
def test_a_wrong_type_marks_the_usage(name, wrong):
    usage = merged({"input_tokens": 1, name: wrong})
    assert (usage.input, usage.malformed) == (1, True)


EMPTY = [
    *((name, "") for name in ("service_tier", "speed", "inference_geo")),
    *((name, []) for name in ("fallback_credit", "output_tokens_details", "server_tool_use", "cache_creation")),
    ("iterations", []),
]


@pytest.mark.parametrize(("name", "empty"), EMPTY)
def test_what_is_empty_is_as_absent(name, empty):
    said = {"input_tokens": 1, name: SERVED[name][1]} if name in SERVED else {"input_tokens": 1}
    assert merged({"input_tokens": 1, name: empty}) == merged({"input_tokens": 1})
    assert merged(said, {name: empty}) == merged(said, {})


def test_an_empty_list_in_the_place_of_the_usage_says_nothing():
    assert merged({"input_tokens": 1}, []) == merged({"input_tokens": 1}, {})


@pytest.mark.parametrize("wrong", [5, "x", [7], True, 0.5, ""], ids=repr)
def test_a_usage_that_is_no_object_is_malformed_and_keeps_what_was_known(wrong):
    usage = merged({"input_tokens": 1}, wrong)
    assert (usage.input, usage.malformed) == (1, True)


def test_what_was_malformed_once_stays_so():
    assert merged({"input_tokens": "5"}, {"input_tokens": 5, "output_tokens": 1}).malformed


def test_iterations_replace_iterations():
    entry = {"type": "message", "model": "claude-opus-5-5", "input_tokens": 4, "output_tokens": 2}
    usage = merged({"iterations": [entry, entry]}, {"iterations": [{"type": "compaction", "input_tokens": 9}]}, {})
    assert [(e.type, e.model, e.input, e.output) for e in usage.iterations] == [("compaction", None, 9, None)]
    assert not usage.malformed


@pytest.mark.parametrize("later", [{}, {"output_tokens": 2}])
def test_an_empty_list_of_iterations_is_no_iterations(later):
    assert merged({"iterations": []}, later) == merged({}, later)
