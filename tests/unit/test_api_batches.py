"""What the API says of a batch and in a line of its results, and what else could stand there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit_batches import BATCHED, STATUSES, batch
from unit_calls import OPUS, message

from otel_claude.api.batches import Batch, BatchResult, parse_batch_result, parse_batches

ERROR = {"type": "error", "error": {"type": "invalid_request_error", "message": "no"}, "request_id": "req_1"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def one(body):
    (found,) = parse_batches(body)
    return found


def test_a_batch_in_progress_and_ended():
    assert one(batch(processing=3)) == Batch(
        "msgbatch_1", False, dict.fromkeys(STATUSES, 0) | {"processing": 3}, 1795341600.123456, None
    )
    ended = one(batch(ended=True, succeeded=2, expired=1))
    assert (ended.ended, ended.ended_at, ended.total) == (True, 1795347000.0, 3)


def test_a_page_of_batches():
    page = {"data": [batch("a"), {"type": "message_batch"}, batch("b"), None, 7], "has_more": False}
    assert [found.id for found in parse_batches(page)] == ["a", "b"]
    assert list(parse_batches({"data": []})) == []


@pytest.mark.parametrize("body", [None, [], "x", {}, {"id": "msgbatch_1", "type": "message_batch_deleted"}])
def test_no_batch(body):
    assert list(parse_batches(body)) == []


@pytest.mark.parametrize("bad", ["3", True, -1, 1.5, None, 10**30, [1]])
def test_a_count_that_is_none_is_not_known(bad):
    found = one(batch(processing=bad, succeeded=1))
    assert (found.counts["processing"], found.counts["succeeded"], found.total) == (None, 1, None)


@pytest.mark.parametrize("bad", ["yesterday", "", 7, None, "9999999-01-01", "2026-13-01T00:00:00Z"])
def test_a_time_that_is_none_is_not_known(bad):
    assert one({**batch(), "created_at": bad}).created_at is None


def test_a_result_that_succeeded():
    parsed = parse_batch_result({"custom_id": "a", "result": {"type": "succeeded", "message": message(BATCHED)}})
    assert parsed.response is not None
    assert parsed.response.usage is not None
    assert (parsed.custom_id, parsed.type, parsed.response.id, parsed.response.model) == (
        "a",
        "succeeded",
        "msg_1",
        OPUS,
    )
    assert (parsed.response.complete, parsed.response.usage.service_tier, parsed.response.usage.output) == (
        True,
        "batch",
        300,
    )


@pytest.mark.parametrize(
    ("tier", "expected"), [({}, "batch"), ({"service_tier": None}, "batch"), ({"service_tier": "standard"}, "standard")]
)
def test_a_tier_that_was_lost_is_that_of_batches(tier, expected):
    usage = {name: value for name, value in BATCHED.items() if name != "service_tier"}
    parsed = parse_batch_result(
        {"custom_id": "a", "result": {"type": "succeeded", "message": message({**usage, **tier})}}
    )
    assert parsed.response is not None
    assert parsed.response.usage is not None
    assert parsed.response.usage.service_tier == expected


def test_a_tier_that_is_malformed_stays_unknown():
    parsed = parse_batch_result(
        {"custom_id": "a", "result": {"type": "succeeded", "message": message({**BATCHED, "service_tier": 1})}}
    )
    assert parsed.response is not None
    assert parsed.response.usage is not None
    assert (parsed.response.usage.service_tier, parsed.response.usage.malformed) == (None, True)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ({"custom_id": "a", "result": {"type": "canceled"}}, BatchResult("a", "canceled")),
        ({"custom_id": "a", "result": {"type": "expired"}}, BatchResult("a", "expired")),
        ({"custom_id": "a", "result": {"type": "errored", "error": ERROR}},
         BatchResult("a", "errored", None, "invalid_request_error")),
        ({"custom_id": "a", "result": {"type": "errored", "error": "x"}}, BatchResult("a", "errored")),
        ({"custom_id": "a", "result": {"type": "succeeded"}}, BatchResult("a")),
        ({"custom_id": "a", "result": {"type": "succeeded", "message": []}}, BatchResult("a")),
        ({"custom_id": "a", "result": {"type": "sampled", "message": message()}}, BatchResult("a")),
        ({"custom_id": "a", "result": {"type": ["canceled"]}}, BatchResult("a")),
        ({"custom_id": "a"}, BatchResult("a")),
        ({"custom_id": 7, "result": {"type": "canceled"}}, BatchResult(None, "canceled")),
        (message(), BatchResult()),
        ([], BatchResult()),
        (None, BatchResult()),
    ],
)  # fmt: skip
def test_results_without_a_response(line, expected):
    assert parse_batch_result(line) == expected


@given(JSON, JSON)
def test_nothing_raises(anything, other):
    parse_batch_result(anything)
    parse_batch_result(
        {"custom_id": anything, "result": {"type": "succeeded", "message": {"usage": other, "model": anything}}}
    )
    parse_batch_result({"custom_id": "a", "result": {"type": "errored", "error": anything}})
    list(parse_batches({"id": "a", "type": "message_batch", "request_counts": anything, "created_at": other}))
    list(parse_batches({"data": anything}))
