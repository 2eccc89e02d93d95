"""Reading results: what is recorded of each, once; what batches are watched, and for how long."""

from __future__ import annotations

import json
from datetime import datetime
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from otel_claude.telemetry.record import CallRecord
from unit_batches import BATCHED, ENDED, LINES, PARTS, batch, line, reader_of
from unit_calls import CALLER, HINT, OPUS, TAGS, message

from otel_claude import pricing
from otel_claude import semconv as c
from otel_claude.api import Answer, Counts, Request, Usage
from otel_claude.pricing import UNPRICED_REASONS
from otel_claude.pricing.call_cost import bill_since
from otel_claude.telemetry import batches
from otel_claude.telemetry.batches import Batches, Window

ID, WORKSPACE = "msgbatch_1", "wrkspc_1"
ALL = b"".join(LINES.values())
ALWAYS = {
    c.OPERATION_NAME: "batch",
    c.PROVIDER_NAME: "anthropic",
    c.SERVER_ADDRESS: "api.anthropic.com",
    c.SERVER_PORT: 443,
    c.API_KEY_HINT: HINT,
    c.WORKSPACE_ID: WORKSPACE,
    **{c.TAG_PREFIX + key: value for key, value in TAGS},
}


class Keeping:
    """A sink that keeps what it is told."""

    def __init__(self):
        self.told = []

    def result(self, record, since):
        self.told.append((record, since))


def kept(known=None):
    """A reader whose results are kept."""
    sink = Keeping()
    reader = batches.Reader(CALLER, TAGS, known or Batches(), lambda *_: None, sink)  # pyright: ignore[reportArgumentType]
    return reader, sink


def read(reader, *pieces, end=True):
    reading = reader.results(ID, WORKSPACE)
    if reading is None:
        return
    for piece in pieces:
        reading.read(piece)
    if end:
        reading.ended()


def points(bench):
    return {
        name: {tuple(sorted(point.attributes.items())): getattr(point, "value", None) for point in listed}
        for name, listed in bench.points().items()
    }


def attributes(**more):
    return tuple(sorted({**ALWAYS, **{getattr(c, name): value for name, value in more.items()}}.items()))


def test_all_that_is_measured_of_a_batch(bench):
    read(reader_of(bench.recorder), ALL)
    answered = {"RESPONSE_MODEL": OPUS}
    tokens = {**answered, "TOKEN_MODALITY": "unknown"}
    assert points(bench) == {
        c.BATCH_RESULTS.name: {
            attributes(**answered, BATCH_RESULT="succeeded", STOP_REASON="end_turn"): 1,
            attributes(BATCH_RESULT="errored", ERROR_TYPE="overloaded_error"): 1,
            attributes(BATCH_RESULT="canceled"): 1,
            attributes(BATCH_RESULT="expired"): 1,
        },
        c.INPUT_TOKENS.name: {attributes(**tokens): 21_700},
        c.OUTPUT_TOKENS.name: {attributes(**tokens): 300},
        c.CACHE_READ_TOKENS.name: {attributes(**tokens): 20_000},
        c.CACHE_WRITE_TOKENS.name: {
            attributes(**tokens, CACHE_TTL="5m"): 500,
            attributes(**tokens, CACHE_TTL="1h"): 200,
        },
        c.REASONING_TOKENS.name: {attributes(**tokens): 120},
        c.COST.name: {
            attributes(**answered, RESPONSE_SERVICE_TIER="batch", SPEED="standard", COST_TYPE=kind): amount
            for kind, amount in PARTS.items()
        },
        c.CACHE_SAVINGS.name: {attributes(**answered): 0.038},
        c.CACHE_OVERHEAD.name: {
            attributes(**answered, CACHE_TTL="5m"): 0.00025,
            attributes(**answered, CACHE_TTL="1h"): 0.0004,
        },
    }
    assert bench.spans == []


UNREADABLE = {
    "no JSON": b"<html>\n",
    "not an object": b'["custom_id", "a"]\n',
    "a number": b"7\n",
    "half a line": LINES["succeeded"][:40] + b"\n",
    "no result": b'{"custom_id": "a"}\n',
    "an unknown type": line("a", type="sampled", message=message(BATCHED)),
    "a type of another type": line("a", type=["succeeded"]),
    "succeeded without a message": line("a", type="succeeded"),
    "a message that is none": line("a", type="succeeded", message="hello"),
    "nested too deeply": b'{"custom_id": ' + b"[" * 200_000 + b"\n",
    "an integer too long": b'{"custom_id": ' + b"9" * 5_000 + b"\n",
    "bytes that are no text": b'{"custom_id": "\xff\xfe"}\n',
}


@pytest.mark.parametrize("bad", UNREADABLE.values(), ids=UNREADABLE)
def test_a_line_that_is_no_result_is_counted_as_unknown_once(bench, warnings, bad):
    reader = reader_of(bench.recorder)
    read(reader, bad, LINES["canceled"])
    read(reader, bad, LINES["canceled"])
    assert points(bench) == {
        c.BATCH_RESULTS.name: {attributes(BATCH_RESULT="_other"): 1, attributes(BATCH_RESULT="canceled"): 1},
        c.UNPRICED.name: {attributes(UNPRICED_REASON=batches.UNREADABLE): 1},
    }
    assert warnings() == []


INEXACT = {
    "no usage": (message(None), "no_usage", None),
    "usage of another type": (message([1]), "malformed_usage", None),
    "a count that is none": (message({**BATCHED, "output_tokens": "300"}), "malformed_usage", 0.00605),
    "a tier that is none": (message({**BATCHED, "service_tier": 7}), "malformed_usage", None),
    "a model that nobody knows": (message(BATCHED, model="claude-unheard-of"), "unknown_model", None),
    "a web search": (message({**BATCHED, "server_tool_use": {"web_search_requests": 2}}), "batch_web_search", 0.01905),
}


@pytest.mark.parametrize(("body", "reason", "cost"), INEXACT.values(), ids=INEXACT)
def test_what_is_not_sure_is_never_exact(bench, body, reason, cost):
    read(reader_of(bench.recorder), line("a", type="succeeded", message=body))
    assert bench.values(c.BATCH_RESULTS, c.BATCH_RESULT) == {"succeeded": 1}
    assert bench.values(c.UNPRICED, c.UNPRICED_REASON) == {reason: 1}
    spent = bench.values(c.COST, c.COST_TYPE)
    assert (round(sum(spent.values()), 12) if spent else None) == cost


def test_an_unknown_model_is_told_of_once(bench, warnings):
    reader = reader_of(bench.recorder)
    for name in "ab":
        read(reader, line(name, type="succeeded", message=message(BATCHED, model="claude-unheard-of")))
    (said,) = warnings()
    assert "'claude-unheard-of'" in said


@pytest.mark.parametrize("size", [1, 2, 7, 64, 1_000, 10**9])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\n\n", b"\r"])
def test_pieces_of_any_size_and_any_ends_of_lines(size, end):
    reader, sink = kept()
    body = ALL.replace(b"\n", end)
    read(reader, *(body[at : at + size] for at in range(0, len(body), size)))
    assert [record.result for record, _ in sink.told] == list(LINES)


def test_the_last_line_may_have_no_end():
    reader, sink = kept()
    read(reader, ALL.rstrip(), end=False)
    assert len(sink.told) == 3
    read(reader, ALL.rstrip())
    assert [record.result for record, _ in sink.told] == list(LINES)


def test_what_is_read_in_part_is_counted_in_part_and_the_rest_later():
    reader, sink = kept()
    read(reader, ALL[: len(LINES["succeeded"]) + 20], end=False)
    assert [record.result for record, _ in sink.told] == ["succeeded"]
    read(reader, ALL)
    assert [record.result for record, _ in sink.told] == list(LINES)


@given(
    st.lists(st.tuples(st.sampled_from(["msgbatch_1", "msgbatch_2"]), st.lists(st.integers(0, 5)), st.integers(1, 200)))
)
def test_reading_again_counts_nothing_again(reads):
    reader, sink = kept()
    for name, requests, size in reads:
        body = b"".join(line(f"request-{number}") for number in requests)
        reading = reader.results(name, None)
        assert reading is not None
        for at in range(0, len(body), size):
            reading.read(body[at : at + size])
        reading.ended()
    counted = [record.answers[0].id for record, _ in sink.told]
    expected = {(name, number) for name, requests, _ in reads for number in requests}
    assert sorted(counted) == sorted(f"msg_request-{number}" for _, number in expected)


def test_the_sums_of_many_are_exact(bench):
    read(reader_of(bench.recorder), *(line(f"request-{number}") for number in range(1_000)))
    assert bench.values(c.BATCH_RESULTS, c.BATCH_RESULT) == {"succeeded": 1_000}
    assert bench.values(c.COST, c.COST_TYPE) == {kind: amount * 1_000 for kind, amount in PARTS.items()}


def test_a_batch_that_was_read_to_its_end_is_not_looked_at_again():
    known = Batches()
    reader, sink = kept(known)
    reader.told(batch(ended=True, succeeded=1, errored=1, canceled=1, expired=1), None)
    read(reader, ALL)
    assert len(sink.told) == 4
    assert reader.results(ID, None) is None
    assert reader.results("msgbatch_2", None) is not None


def test_a_batch_whose_counts_say_less_than_its_results_loses_none():
    reader, sink = kept()
    reader.told(batch(ended=True, succeeded=1), None)
    read(reader, LINES["succeeded"], LINES["errored"])
    read(reader, ALL)
    assert [record.result for record, _ in sink.told] == list(LINES)


def test_a_line_that_is_too_long_is_counted_as_unknown_once(monkeypatch):
    monkeypatch.setattr(batches, "_LONGEST_LINE", 5_000)
    reader, sink = kept()
    long = [line(name, type="succeeded", message=message({**BATCHED, "x": "y" * 6_000})) for name in "ab"]
    read(reader, *long, LINES["canceled"])
    for size in (1, 999, 5_001):
        body = b"".join([*long, LINES["canceled"]])
        reading = reader.results(ID, None)
        assert reading is not None
        for at in range(0, len(body), size):
            reading.read(body[at : at + size])
            assert sum(map(len, reading._pieces)) <= 5_000
        reading.ended()
    assert [record.result for record, _ in sink.told] == ["_other", "_other", "canceled"]
    assert [record.missing for record, _ in sink.told] == ["invalid_result", "invalid_result", "refused"]


def test_a_failure_of_ours_is_told_once_and_stops_the_reading(warnings):
    reader, _ = kept()

    class Failing:
        def result(self, record, since):
            raise RuntimeError

    read(reader._replace(sink=Failing()), ALL, ALL)
    (said,) = warnings()
    assert "read the results of a batch (RuntimeError)" in said


# The date of the price.

NOW = datetime.fromisoformat("2026-11-22T12:00:00+00:00").timestamp()
DAY = 86_400


def test_the_window_is_that_of_the_batch():
    known = Batches(clock=lambda: NOW)
    reader, _ = kept(known)
    reader.told(batch(ended=True), None)
    created, ended = known.window(ID)
    assert (NOW - created, NOW - ended) == (pytest.approx(7_200, abs=1), 1_800)
    assert datetime.fromisoformat(ENDED.replace("Z", "+00:00")).timestamp() == ended
    assert known.window("another") == Window(NOW - 30 * DAY, NOW)


def test_a_server_whose_clock_is_ahead():
    known = Batches(clock=lambda: NOW - DAY)
    reader, _ = kept(known)
    reader.told(batch(ended=True), None)
    assert known.window(ID) == Window(NOW - DAY, NOW - DAY)


def dated(model, since, until, tokens=1_000):
    usage = Usage(*Counts(0, 0, tokens, 0).classes, service_tier="batch")
    answer = Answer("msg_1", model, "end_turn", usage, complete=True)
    at = [datetime.fromisoformat(f"{day}T12:00:00+00:00").timestamp() for day in (since, until)]
    record = CallRecord(Request(), CALLER, at[1], 0.0, answers=(answer,), result="succeeded")
    return bill_since(pricing.shipped(), record, at[0])


def test_no_price_changed_meanwhile():
    made = dated("claude-sonnet-5-5", "2026-10-08", "2026-10-09")
    assert (made.status, made.reasons, made.total) == ("exact", (), 50_000 * 1_000)


@pytest.mark.parametrize("until", ["2026-10-07", "2026-11-01"])
def test_a_price_changed_meanwhile(until):
    # Cache reads of Sonnet 5.5 were halved on 2026-10-07.
    made = dated("claude-sonnet-5-5", "2026-10-06", until)
    assert (made.status, made.reasons, made.total) == ("lower_bound", ("ambiguous_date",), 50_000 * 1_000)


def test_a_model_that_came_meanwhile():
    made = dated("claude-sonnet-5-5", "2026-09-20", "2026-09-30")
    assert (made.status, made.total) == ("exact", 100_000 * 1_000)


def test_a_model_that_is_still_to_come():
    made = dated("claude-sonnet-5-5", "2026-09-20", "2026-09-21")
    assert (made.status, made.reasons) == ("unpriced", ("not_yet_priced",))


def test_a_model_without_a_price():
    made = dated("claude-unheard-of", "2026-10-06", "2026-10-07")
    assert (made.status, made.reasons) == ("unpriced", ("unknown_model",))


def test_both_reasons_are_explained():
    assert {"ambiguous_date", batches.UNREADABLE} <= set(UNPRICED_REASONS)


# Progress.


class Watching:
    """Batches with a clock of the test's."""

    def __init__(self):
        self.now = 0.0
        self.known = Batches(clock=lambda: self.now)

    def told(self, body, tenant="acme"):
        labels = SimpleNamespace(attributes={"tenant": tenant})
        reader = batches.Reader(CALLER, (), self.known, lambda *_: labels, Keeping())  # pyright: ignore[reportArgumentType]
        reader.told(body, None)

    @property
    def shown(self):
        return {(attributes["tenant"], status): n for attributes, status, n in self.known.progress() if n}


def test_batches_in_progress_add_up():
    watching = Watching()
    watching.told(batch("a", processing=3))
    watching.told(batch("b", processing=4))
    watching.told(batch("c", processing=5), tenant="other")
    assert watching.shown == {("acme", "processing"): 7, ("other", "processing"): 5}
    # Whoever looks after it later, it stays that of who was first.
    watching.told(batch("a", processing=2, succeeded=1), tenant="other")
    assert watching.shown == {("acme", "processing"): 6, ("acme", "succeeded"): 1, ("other", "processing"): 5}


def test_every_status_is_told_also_when_it_is_0():
    watching = Watching()
    watching.told(batch("a", processing=3))
    assert [(status, number) for _, status, number in watching.known.progress()] == [
        ("processing", 3), ("succeeded", 0), ("errored", 0), ("canceled", 0), ("expired", 0),
    ]  # fmt: skip


def test_the_end_of_a_watched_batch_is_shown_for_five_minutes():
    watching = Watching()
    watching.told(batch("a", processing=3))
    watching.now = 60
    watching.told(batch("a", ended=True, succeeded=2, errored=1))
    assert watching.shown == {("acme", "succeeded"): 2, ("acme", "errored"): 1}
    watching.now = 300
    watching.told(batch("a", ended=True, succeeded=2, errored=1))
    watching.now = 359
    assert watching.shown == {("acme", "succeeded"): 2, ("acme", "errored"): 1}
    watching.now = 360
    assert list(watching.known.progress()) == []
    watching.told(batch("a", ended=True, succeeded=2, errored=1))
    assert list(watching.known.progress()) == []


def test_batches_that_ended_long_ago_are_no_progress():
    watching = Watching()
    watching.told({"data": [batch(str(number), ended=True, succeeded=1) for number in range(1_000)]})
    assert list(watching.known.progress()) == []
    assert len(watching.known._told) <= 256


def test_a_batch_that_nobody_asks_for_is_left_out_after_an_hour():
    watching = Watching()
    watching.told(batch("a", processing=3))
    watching.now = 3_599
    assert watching.shown
    watching.now = 3_600
    assert not watching.shown


def test_no_more_batches_are_watched_than_a_thousand():
    watching = Watching()
    for number in range(1_200):
        watching.told(batch(str(number), processing=1))
    assert watching.shown == {("acme", "processing"): 1_000}
    watching.now = 3_600
    watching.told(batch("new", processing=1))
    assert watching.shown == {("acme", "processing"): 1}


def test_a_forked_child_watches_nothing_and_counts_nothing_again():
    watching = Watching()
    watching.told(batch("a", processing=3))
    assert watching.known.counted.first("a", "x")
    watching.known.counted._lock.acquire()
    watching.known.forked()
    assert list(watching.known.progress()) == []
    assert not watching.known.counted.first("a", "x")


def test_an_integer_that_is_none_is_left_out():
    watching = Watching()
    watching.told(batch("a", processing="3", errored=1))
    assert [(status, number) for _, status, number in watching.known.progress() if number] == [("errored", 1)]
    assert "processing" not in {status for _, status, _ in watching.known.progress()}


def test_the_gauge_has_the_attributes_of_who_asked(bench):
    reader_of(bench.recorder).told(json.loads(json.dumps(batch(processing=3))), WORKSPACE)
    assert points(bench) == {
        c.BATCH_REQUESTS.name: {
            attributes(BATCH_STATUS=status): 3 if status == "processing" else 0 for status in c.BATCH_STATUSES
        }
    }
