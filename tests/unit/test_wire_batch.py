"""What the API says of a batch and in a line of its results, and what else could stand there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit_batches import BATCHED, STATUSES, batch
from unit_calls import OPUS, message

from otel_claude.api import Batch, Result, batches, result

ERROR = {"type": "error", "error": {"type": "invalid_request_error", "message": "no"}, "request_id": "req_1"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def one(body):
    (found,) = batches(body)
    return found


def test_a_batch_in_progress_and_ended():
    assert one(batch(processing=3)) == Batch(
        "msgbatch_1", False, dict.fromkeys(STATUSES, 0) | {"processing": 3}, 1795341600.123456, None
    )
    ended = one(batch(ended=True, succeeded=2, expired=1))
    assert (ended.ended, ended.ended_at, ended.total) == (True, 1795347000.0, 3)


def test_a_page_of_batches():
    page = {"data": [batch("a"), {"type": "message_batch"}, batch("b"), None, 7], "has_more": False}
    assert [found.id for found in batches(page)] == ["a", "b"]
    assert list(batches({"data": []})) == []


@pytest.mark.parametrize("body", [None, [], "x", {}, {"id": "msgbatch_1", "type": "message_batch_deleted"}])
def test_no_batch(body):
    assert list(batches(body)) == []


@pytest.mark.parametrize("bad", ["3", True, -1, 1.5, None, 10**30, [1]])
def test_a_count_that_is_none_is_not_known(bad):
    found = one(batch(processing=bad, succeeded=1))
    assert (found.counts["processing"], found.counts["succeeded"], found.total) == (None, 1, None)


@pytest.mark.parametrize("bad", ["yesterday", "", 7, None, "9999999-01-01", "2026-13-01T00:00:00Z"])
def test_a_time_that_is_none_is_not_known(bad):
    assert one({**batch(), "created_at": bad}).created_at is None


def test_a_result_that_succeeded():
    told = result({"custom_id": "a", "result": {"type": "succeeded", "message": message(BATCHED)}})
    assert told.answer is not None
    assert told.answer.usage is not None
    assert (told.custom_id, told.type, told.answer.id, told.answer.model) == ("a", "succeeded", "msg_1", OPUS)
    assert (told.answer.complete, told.answer.usage.service_tier, told.answer.usage.output) == (True, "batch", 300)


@pytest.mark.parametrize(
    ("tier", "expected"), [({}, "batch"), ({"service_tier": None}, "batch"), ({"service_tier": "standard"}, "standard")]
)
def test_a_tier_that_was_lost_is_that_of_batches(tier, expected):
    usage = {name: value for name, value in BATCHED.items() if name != "service_tier"}
    told = result({"custom_id": "a", "result": {"type": "succeeded", "message": message({**usage, **tier})}})
    assert told.answer is not None
    assert told.answer.usage is not None
    assert told.answer.usage.service_tier == expected


def test_a_tier_that_is_malformed_stays_unknown():
    told = result(
        {"custom_id": "a", "result": {"type": "succeeded", "message": message({**BATCHED, "service_tier": 1})}}
    )
    assert told.answer is not None
    assert told.answer.usage is not None
    assert (told.answer.usage.service_tier, told.answer.usage.malformed) == (None, True)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ({"custom_id": "a", "result": {"type": "canceled"}}, Result("a", "canceled")),
        ({"custom_id": "a", "result": {"type": "expired"}}, Result("a", "expired")),
        ({"custom_id": "a", "result": {"type": "errored", "error": ERROR}},
         Result("a", "errored", None, "invalid_request_error")),
        ({"custom_id": "a", "result": {"type": "errored", "error": "x"}}, Result("a", "errored")),
        ({"custom_id": "a", "result": {"type": "succeeded"}}, Result("a")),
        ({"custom_id": "a", "result": {"type": "succeeded", "message": []}}, Result("a")),
        ({"custom_id": "a", "result": {"type": "sampled", "message": message()}}, Result("a")),
        ({"custom_id": "a", "result": {"type": ["canceled"]}}, Result("a")),
        ({"custom_id": "a"}, Result("a")),
        ({"custom_id": 7, "result": {"type": "canceled"}}, Result(None, "canceled")),
        (message(), Result()),
        ([], Result()),
        (None, Result()),
    ],
)  # fmt: skip
def test_results_without_an_answer(line, expected):
    assert result(line) == expected


@given(JSON, JSON)
def test_nothing_raises(anything, other):
    result(anything)
    result({"custom_id": anything, "result": {"type": "succeeded", "message": {"usage": other, "model": anything}}})
    result({"custom_id": "a", "result": {"type": "errored", "error": anything}})
    list(batches({"id": "a", "type": "message_batch", "request_counts": anything, "created_at": other}))
    list(batches({"data": anything}))
