"""Reading results: what is recorded of each, once; what batches are tracked, and for how long."""

from __future__ import annotations

import json
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.metrics import CallbackOptions
from unit_batches import BATCHED, ENDED, LINES, PARTS, batch, line, owner_of, reader_of
from unit_calls import CLIENT, HINT, OPUS, TAGS, message

from otel_claude import pricing
from otel_claude import semconv as c
from otel_claude.api.response import Counts, Response, Usage
from otel_claude.pricing import ANTHROPIC, UNPRICED_REASONS, price_batch_result
from otel_claude.telemetry import batches
from otel_claude.telemetry.attributes import AttributeSets
from otel_claude.telemetry.batches import Batches, ResultsReader, TimeRange, update_batches
from otel_claude.telemetry.increments import BatchOwner
from otel_claude.telemetry.instance_id import NOT_KNOWN, InstanceId

ID, WORKSPACE = "msgbatch_1", "wrkspc_01"
ALL = b"".join(LINES.values())
ALWAYS = {
    c.OPERATION_NAME: "batch",
    c.PROVIDER_NAME: "anthropic",
    c.CLIENT_LIBRARY: "anthropic",
    c.SERVER_ADDRESS: "api.anthropic.com",
    c.SERVER_PORT: 443,
    c.API_KEY_HINT: HINT,
    c.WORKSPACE_ID: WORKSPACE,
    **{c.TAG_PREFIX + key: value for key, value in TAGS},
}


SETS = AttributeSets(200)


def new_batches(**options):
    return Batches(InstanceId("off", lambda: NOT_KNOWN), **options)


class Kept:
    """Batches, and the results that were read of them."""

    def __init__(self, known=None):
        self.batches = known or new_batches()
        self.results = []
        self.reasons = []

    def __call__(self, owner, result, time_range, reason):
        self.results.append(result)
        self.reasons.append(reason)

    @property
    def types(self):
        return [result.type for result in self.results]

    def reader(self, batch_id=ID):
        return ResultsReader(self.batches, batch_id, owner_of(), self)

    def update(self, body):
        update_batches(self.batches, body, owner_of(None), SETS)


def read(reader, *pieces, end=True):
    for piece in pieces:
        reader.read(piece)
    if end:
        reader.end()


def points(bench):
    return {
        name: {tuple(sorted(point.attributes.items())): getattr(point, "value", None) for point in listed}
        for name, listed in bench.points().items()
        if name != c.TAG_VALUES.name
    }


def attributes(**more):
    return tuple(sorted({**ALWAYS, **{getattr(c, name): value for name, value in more.items()}}.items()))


def test_all_that_is_measured_of_a_batch(bench):
    read(reader_of(bench.recorder), ALL)
    response = {"RESPONSE_MODEL": OPUS}
    tokens = {**response, "TOKEN_MODALITY": "unknown"}
    assert points(bench) == {
        c.BATCH_RESULTS.name: {
            attributes(**response, BATCH_RESULT="succeeded", STOP_REASON="end_turn"): 1,
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
            attributes(**response, RESPONSE_SERVICE_TIER="batch", SPEED="standard", COST_TYPE=kind): amount
            for kind, amount in PARTS.items()
        },
        c.CACHE_SAVINGS.name: {attributes(**response): 0.038},
        c.CACHE_OVERHEAD.name: {
            attributes(**response, CACHE_TTL="5m"): 0.00025,
            attributes(**response, CACHE_TTL="1h"): 0.0004,
        },
    }
    assert bench.spans == []


INVALID = {
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


@pytest.mark.parametrize("bad", INVALID.values(), ids=INVALID)
def test_a_line_that_is_no_result_is_counted_as_unknown_once(bench, warnings, bad):
    read(reader_of(bench.recorder), bad, LINES["canceled"])
    read(reader_of(bench.recorder), bad, LINES["canceled"])
    assert points(bench) == {
        c.BATCH_RESULTS.name: {attributes(BATCH_RESULT="_other"): 1, attributes(BATCH_RESULT="canceled"): 1},
        c.UNPRICED.name: {attributes(UNPRICED_REASON=batches.INVALID_RESULT): 1},
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


def test_of_an_unknown_model_there_is_one_warning(bench, warnings):
    for name in "ab":
        read(
            reader_of(bench.recorder), line(name, type="succeeded", message=message(BATCHED, model="claude-unheard-of"))
        )
    (warning,) = warnings()
    assert "'claude-unheard-of'" in warning


@pytest.mark.parametrize("size", [1, 2, 7, 64, 1_000, 10**9])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\n\n", b"\r"])
def test_pieces_of_any_size_and_any_ends_of_lines(size, end):
    kept = Kept()
    body = ALL.replace(b"\n", end)
    read(kept.reader(), *(body[at : at + size] for at in range(0, len(body), size)))
    assert kept.types == list(LINES)


def test_the_last_line_may_have_no_end():
    kept = Kept()
    read(kept.reader(), ALL.rstrip(), end=False)
    assert len(kept.results) == 3
    read(kept.reader(), ALL.rstrip())
    assert kept.types == list(LINES)


def test_what_is_read_in_part_is_counted_in_part_and_the_rest_later():
    kept = Kept()
    read(kept.reader(), ALL[: len(LINES["succeeded"]) + 20], end=False)
    assert kept.types == ["succeeded"]
    read(kept.reader(), ALL)
    assert kept.types == list(LINES)


@given(
    st.lists(st.tuples(st.sampled_from(["msgbatch_1", "msgbatch_2"]), st.lists(st.integers(0, 5)), st.integers(1, 200)))
)
def test_reading_again_counts_nothing_again(reads):
    kept = Kept()
    for name, requests, size in reads:
        body = b"".join(line(f"request-{number}") for number in requests)
        read(kept.reader(name), *(body[at : at + size] for at in range(0, len(body), size)))
    counted = [result.response.id for result in kept.results]
    expected = {(name, number) for name, requests, _ in reads for number in requests}
    assert sorted(counted) == sorted(f"msg_request-{number}" for _, number in expected)


def test_the_sums_of_many_are_exact(bench):
    read(reader_of(bench.recorder), *(line(f"request-{number}") for number in range(1_000)))
    assert bench.values(c.BATCH_RESULTS, c.BATCH_RESULT) == {"succeeded": 1_000}
    assert bench.values(c.COST, c.COST_TYPE) == {kind: amount * 1_000 for kind, amount in PARTS.items()}


def test_a_batch_that_was_read_to_its_end_is_not_looked_at_again():
    kept = Kept()
    kept.update(batch(ended=True, succeeded=1, errored=1, canceled=1, expired=1))
    read(kept.reader(), ALL)
    assert len(kept.results) == 4
    assert kept.batches.deduplicator.is_closed(ID)
    assert not kept.batches.deduplicator.is_closed("msgbatch_2")
    read(kept.reader(), ALL, line("another"))
    assert len(kept.results) == 4


def test_a_batch_whose_counts_say_less_than_its_results_loses_none():
    kept = Kept()
    kept.update(batch(ended=True, succeeded=1))
    read(kept.reader(), LINES["succeeded"], LINES["errored"])
    read(kept.reader(), ALL)
    assert kept.types == list(LINES)


def test_a_line_that_is_too_long_is_counted_as_unknown_once(monkeypatch):
    monkeypatch.setattr(batches, "_MAX_LINE", 5_000)
    kept = Kept()
    long = [line(name, type="succeeded", message=message({**BATCHED, "x": "y" * 6_000})) for name in "ab"]
    read(kept.reader(), *long, LINES["canceled"])
    for size in (1, 999, 5_001):
        body = b"".join([*long, LINES["canceled"]])
        reader = kept.reader()
        for at in range(0, len(body), size):
            reader.read(body[at : at + size])
            assert sum(map(len, reader._pieces)) <= 5_000
        reader.end()
    assert kept.types == [None, None, "canceled"]
    assert kept.reasons == ["invalid_result", "invalid_result", "rejected"]


class PlantedError(Exception):
    """A bug of ours."""


def fail_once(original):
    """The first use fails."""
    used = []

    def first(*args):
        used.append(1)
        if len(used) == 1:
            raise PlantedError("planted secret")
        return original(*args)

    return first


def test_a_result_whose_recording_fails_is_logged_and_the_next_ones_are_recorded(monkeypatch, warnings):
    kept = Kept()
    monkeypatch.setattr(Kept, "__call__", fail_once(Kept.__call__))
    read(kept.reader(), ALL)
    assert kept.types == list(LINES)[1:]
    (warning,) = warnings()
    assert "could not record a result of a batch (PlantedError)" in warning


def test_a_result_that_cannot_be_parsed_is_counted_and_the_next_ones_are_whole(bench, monkeypatch, warnings):
    monkeypatch.setattr(batches, "parse_batch_result", fail_once(batches.parse_batch_result))
    read(reader_of(bench.recorder), line("x"), LINES["succeeded"])
    assert bench.values(c.BATCH_RESULTS, c.BATCH_RESULT) == {"_other": 1, "succeeded": 1}
    assert bench.values(c.UNPRICED, c.UNPRICED_REASON) == {"invalid_result": 1}
    assert bench.values(c.COST, c.COST_TYPE) == PARTS
    (warning,) = warnings()
    assert "could not read a result of a batch (PlantedError)" in warning


def test_a_result_of_which_nobody_knows_whether_it_was_counted_is_counted(bench, monkeypatch, warnings):
    counted = bench.instruments.batches.deduplicator
    monkeypatch.setattr(counted, "add", fail_once(counted.add))
    read(reader_of(bench.recorder), LINES["succeeded"])
    assert bench.values(c.COST, c.COST_TYPE) == PARTS
    (warning,) = warnings()
    assert "could not find out whether a result was counted (PlantedError)" in warning


# The date of the price.

NOW = datetime.fromisoformat("2026-11-22T12:00:00+00:00").timestamp()
DAY = 86_400


def test_the_time_range_is_that_of_the_batch():
    kept = Kept(new_batches(clock=lambda: NOW))
    kept.update(batch(ended=True))
    since, until = kept.batches.time_range(ID)
    assert (NOW - since, NOW - until) == (pytest.approx(7_200, abs=1), 1_800)
    assert datetime.fromisoformat(ENDED.replace("Z", "+00:00")).timestamp() == until
    assert kept.batches.time_range("another") == TimeRange(NOW - 30 * DAY, NOW)


def test_a_server_whose_clock_is_ahead():
    kept = Kept(new_batches(clock=lambda: NOW - DAY))
    kept.update(batch(ended=True))
    assert kept.batches.time_range(ID) == TimeRange(NOW - DAY, NOW - DAY)


def dated(model, since, until, tokens=1_000):
    usage = Usage(*Counts(0, 0, tokens, 0).by_type, service_tier="batch")
    response = Response("msg_1", model, "end_turn", usage, complete=True)
    first, last = (datetime.fromisoformat(f"{day}T12:00:00+00:00").timestamp() for day in (since, until))
    return price_batch_result(pricing.shipped(), response, since=first, until=last, platform=ANTHROPIC, reason=None)


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
    assert {"ambiguous_date", batches.INVALID_RESULT} <= set(UNPRICED_REASONS)


# Progress.


class Tracking:
    """Batches with a clock of the test's."""

    def __init__(self):
        self.now = 0.0
        self.known = new_batches(clock=lambda: self.now)

    def update(self, body, tenant="acme"):
        update_batches(self.known, body, BatchOwner(CLIENT, None, (("tenant", tenant),)), SETS)

    @property
    def observed(self):
        found = self.known.observe(CallbackOptions())
        return {(each.attributes["claude.tag.tenant"], each.attributes[c.BATCH_STATUS]): each.value for each in found}

    @property
    def shown(self):
        return {key: number for key, number in self.observed.items() if number}


def test_batches_in_progress_add_up():
    tracking = Tracking()
    tracking.update(batch("a", processing=3))
    tracking.update(batch("b", processing=4))
    tracking.update(batch("c", processing=5), tenant="other")
    assert tracking.shown == {("acme", "processing"): 7, ("other", "processing"): 5}
    # Whoever looks after it later, it stays that of who was first.
    tracking.update(batch("a", processing=2, succeeded=1), tenant="other")
    assert tracking.shown == {("acme", "processing"): 6, ("acme", "succeeded"): 1, ("other", "processing"): 5}


def test_every_status_has_a_point_also_if_it_is_0():
    tracking = Tracking()
    tracking.update(batch("a", processing=3))
    zeros = {("acme", status): 0 for status in ("succeeded", "errored", "canceled", "expired")}
    assert tracking.observed == {("acme", "processing"): 3, **zeros}


def test_the_end_of_a_tracked_batch_is_shown_for_five_minutes():
    tracking = Tracking()
    tracking.update(batch("a", processing=3))
    tracking.now = 60
    tracking.update(batch("a", ended=True, succeeded=2, errored=1))
    assert tracking.shown == {("acme", "succeeded"): 2, ("acme", "errored"): 1}
    tracking.now = 300
    tracking.update(batch("a", ended=True, succeeded=2, errored=1))
    tracking.now = 359
    assert tracking.shown == {("acme", "succeeded"): 2, ("acme", "errored"): 1}
    tracking.now = 360
    assert tracking.observed == {}
    tracking.update(batch("a", ended=True, succeeded=2, errored=1))
    assert tracking.observed == {}


def test_batches_that_ended_long_ago_are_no_progress():
    tracking = Tracking()
    tracking.update({"data": [batch(str(number), ended=True, succeeded=1) for number in range(1_000)]})
    assert tracking.observed == {}
    assert len(tracking.known._ended) <= 256


def test_a_batch_that_nobody_asks_for_is_left_out_after_an_hour():
    tracking = Tracking()
    tracking.update(batch("a", processing=3))
    tracking.now = 3_599
    assert tracking.shown
    tracking.now = 3_600
    assert not tracking.shown


def test_no_more_batches_are_tracked_than_a_thousand():
    tracking = Tracking()
    for number in range(1_200):
        tracking.update(batch(str(number), processing=1))
    assert tracking.shown == {("acme", "processing"): 1_000}
    tracking.now = 3_600
    tracking.update(batch("new", processing=1))
    assert tracking.shown == {("acme", "processing"): 1}


def test_a_forked_child_tracks_nothing_and_counts_nothing_again():
    tracking = Tracking()
    tracking.update(batch("a", processing=3))
    assert tracking.known.deduplicator.add("a", "x")
    tracking.known.deduplicator._lock.acquire()
    tracking.known.clear_after_fork()
    assert tracking.observed == {}
    assert not tracking.known.deduplicator.add("a", "x")


def test_an_integer_that_is_none_is_left_out():
    tracking = Tracking()
    tracking.update(batch("a", processing="3", errored=1))
    assert tracking.shown == {("acme", "errored"): 1}
    assert ("acme", "processing") not in tracking.observed


def test_the_gauge_has_the_attributes_of_who_asked(bench):
    body = json.loads(json.dumps(batch(processing=3)))
    update_batches(bench.instruments.batches, body, owner_of(WORKSPACE), bench.instruments.sets)
    assert points(bench) == {
        c.BATCH_REQUESTS.name: {
            attributes(BATCH_STATUS=status): 3 if status == "processing" else 0 for status in c.BATCH_STATUSES
        }
    }
