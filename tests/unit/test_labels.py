"""Labels and bounds: what comes from outside is short, clean and few, or `_other`."""

from __future__ import annotations

import gc
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from otel_claude.telemetry.cardinality import Bounds
from otel_claude.telemetry.record import Caller
from unit_calls import CALLER, HINT, OPUS, TAGS, TOTAL, message, success
from unit_telemetry import recorder_of

from otel_claude import semconv as c
from otel_claude.telemetry import attributes as module
from otel_claude.telemetry.attributes import Group, Labeller

FIT = ["a", "claude-opus-5-5", "arn:aws:bedrock:us-east-1::model/x", "Ünïcode 名前 🙂", "x" * 200, " ", "_other"]
UNFIT = [
    "",
    "x" * 201,
    "x" * 10**6,
    "a\nb",
    "a\tb",
    "\x00",
    "\x1b[31m",
    "a\u2028b",
    "\u202e",
    "\ud800",
    "\x7f",
    "a\u200bb",
]


@pytest.mark.parametrize("value", FIT)
def test_a_fit_value_stays(value):
    assert Bounds(5).label("model", value) == value


@pytest.mark.parametrize("value", UNFIT, ids=lambda value: ascii(value)[:12])
def test_an_unfit_value_becomes_other_and_uses_up_no_room(value):
    bounds = Bounds(1)
    assert bounds.label("model", value) == "_other"
    assert bounds.label("model", "a") == "a"


def test_values_beyond_the_limit_become_other_and_known_ones_stay():
    bounds = Bounds(2)
    assert [bounds.label("model", value) for value in "abcab"] == ["a", "b", "_other", "a", "b"]
    assert bounds.label("workspace", "c") == "c", "each kind has a limit of its own"


@given(st.lists(st.text(max_size=300), max_size=40), st.integers(1, 10))
def test_there_are_never_more_distinct_values_than_the_limit_and_other(values, limit):
    bounds = Bounds(limit)
    shown = {bounds.label("kind", value) for value in values}
    assert len(shown - {"_other"}) <= limit
    assert all(0 < len(value) <= 200 and value.isprintable() for value in shown)


def test_the_common_attributes():
    labels = Labeller(200).of(CALLER, OPUS, "claude-opus-5-5-x", "wrkspc_1", TAGS)
    assert labels.attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": OPUS,
        "gen_ai.response.model": "claude-opus-5-5-x",
        "server.address": "api.anthropic.com",
        "server.port": 443,
        "anthropic.workspace.id": "wrkspc_1",
        "claude.api_key.hint": HINT,
        "claude.tag.feature": "search",
        "claude.tag.tenant": "acme",
    }


def test_equal_labels_are_one_object_also_if_two_threads_make_them_at_one_time(monkeypatch):
    labeller, others, make = Labeller(200), [], module.Labels

    def meanwhile(*given):
        made = make(*given)
        if not others:
            others.append(None)  # The other thread does not wait for a third one.
            others[0] = labeller.of(CALLER, OPUS, None, None, TAGS)
        return made

    monkeypatch.setattr(module, "Labels", meanwhile)
    assert labeller.of(CALLER, OPUS, None, None, TAGS) is others[0]
    assert labeller.of(CALLER, OPUS, None, None, TAGS) is others[0]


def test_what_is_not_known_is_absent():
    assert Labeller(200).of(Caller("aws.bedrock"), None, None, None, ()).attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "aws.bedrock",
    }


def test_the_same_labels_are_the_same_object_and_others_are_not():
    labeller = Labeller(200)
    first = labeller.of(CALLER, OPUS, None, None, TAGS)
    assert labeller.of(CALLER._replace(), OPUS, None, None, tuple(TAGS)) is first
    assert first.also((c.ERROR_TYPE, "api_error")) is first.also((c.ERROR_TYPE, "api_error"))
    assert first.also((c.ERROR_TYPE, "api_error")) is not first
    assert labeller.of(CALLER, OPUS, None, "wrkspc_1", TAGS) is not first


def test_also_adds_and_leaves_out_what_is_none():
    first = Labeller(200).of(Caller("anthropic"), None, None, None, ())
    more = first.also((c.STATUS_CODE, 200), (c.ERROR_TYPE, None), (c.BLOCKED_REASON, "a\nb"))
    assert more.attributes == {**first.attributes, "http.response.status_code": 200, "claude.blocked.reason": "_other"}
    assert c.STATUS_CODE not in first.attributes


GROUP = Group(("m", ()), ("n", ((c.CACHE_TTL, "5m"),)))


def test_the_cells_of_a_group_have_the_labels_and_their_own_attributes():
    first = Labeller(200).of(Caller("anthropic"), None, None, None, ())
    m, n = first.cells(GROUP, (c.STATUS_CODE, 200), (c.ERROR_TYPE, None))
    assert (m.metric, dict(m.attributes)) == ("m", {**first.attributes, c.STATUS_CODE: 200})
    assert (n.metric, dict(n.attributes)) == ("n", {**first.attributes, c.STATUS_CODE: 200, c.CACHE_TTL: "5m"})
    assert first.cells(GROUP, (c.STATUS_CODE, 200), (c.ERROR_TYPE, None)) == (m, n), "the same cells each time"
    assert first.cells(GROUP, (c.STATUS_CODE, 500), (c.ERROR_TYPE, None))[0] is not m


@pytest.mark.parametrize("tag_limit", [3, 250])
def test_each_attribute_has_two_hundred_values_and_a_tag_its_own_limit(tag_limit):
    labeller = Labeller(tag_limit)
    of = [labeller.of(CALLER, f"m{n}", f"r{n}", f"w{n}", (("user", f"u{n}"),)).attributes for n in range(300)]
    limits = {c.REQUEST_MODEL: 200, c.RESPONSE_MODEL: 200, c.WORKSPACE_ID: 200, "claude.tag.user": tag_limit}
    for name, limit in limits.items():
        shown = [attributes[name] for attributes in of]
        assert len(set(shown[:limit])) == limit
        assert set(shown[limit:]) == {"_other"}


def test_what_is_remembered_is_bounded_and_made_again(monkeypatch):
    monkeypatch.setattr(module, "_MOST_KNOWN", 10)
    monkeypatch.setattr(module, "_MOST_MADE", 5)
    labeller = Labeller(200)
    first = labeller.of(CALLER, OPUS, None, None, ())
    for number in range(100):
        labeller.of(CALLER, f"m{number}", None, None, ())
        first.also((c.STATUS_CODE, number))
        first.cells(GROUP, (c.STATUS_CODE, number))
        assert len(labeller._known) <= 10
        assert len(first._more) <= 5
        assert len(first._cells) <= 5
    assert labeller.of(CALLER, OPUS, None, None, ()) is first, "found again, not made again"


def test_sets_are_bounded_and_made_again(monkeypatch):
    monkeypatch.setattr(module, "_MOST_KNOWN", 1)
    monkeypatch.setattr(module, "_MOST_SETS", 5)
    labeller = Labeller(200)
    first = labeller.of(CALLER, OPUS, None, None, ())
    for number in range(100):
        labeller.of(CALLER, f"m{number}", None, None, ())
        assert len(labeller._made) <= 5
    again = labeller.of(CALLER, OPUS, None, None, ())
    assert again is not first
    assert again.attributes == first.attributes


def test_values_beyond_their_limits_share_the_labels():
    """Or each of ten thousand models would have cells and limits of its own."""
    labeller = Labeller(3)
    of = [labeller.of(CALLER, f"m{n}", f"r{n}", None, (("user", f"u{n}"),), "batch") for n in range(300)]
    assert len({id(labels) for labels in of}) == 201
    assert of[-1].attributes["gen_ai.operation.name"] == "batch"
    assert of[-1].attributes["claude.tag.user"] == "_other"


def test_calls_of_many_users_keep_their_sums_apart_up_to_the_limit_and_lose_none(bench, monkeypatch):
    """As many label objects as a long-lived process makes: what is forgotten and made again is the same sum."""
    monkeypatch.setattr(module, "_MOST_KNOWN", 20)
    monkeypatch.setattr("otel_claude.telemetry.counters._MOST_SETS", 60)
    bench.instruments.labels = Labeller(10)
    for number in range(300):
        success(bench.recorder, tags=(("user", f"u{number % 100}"),))
    calls = bench.values(c.CALLS, "claude.tag.user")
    assert calls == {**{f"u{number}": 3 for number in range(10)}, "_other": 270}


@pytest.mark.parametrize("hostile", ["x" * 201, "m" * 1_000])
def test_a_hostile_model_name_is_no_label(bench, hostile):
    success(bench.recorder, message(model=hostile))
    assert bench.values(c.CALLS, c.RESPONSE_MODEL) == {"_other": 1}


def test_values_beyond_the_limit_share_the_labels_of_other():
    labeller = Labeller(2)
    first, _, third, fourth = (labeller.of(CALLER, OPUS, None, None, (("user", f"u{n}"),)) for n in range(4))
    assert third is fourth
    assert third is not first
    assert third.attributes["claude.tag.user"] == "_other"
    assert labeller.of(CALLER, OPUS, None, None, (("user", "_other"),)) is third


def test_other_uses_up_no_room():
    bounds = Bounds(1)
    assert bounds.label("user", "_other") == "_other"
    assert bounds.label("user", "a") == "a"


def test_another_limit_keeps_what_was_seen():
    labeller = Labeller(2)

    def shown():
        return [labeller.of(CALLER, OPUS, None, None, (("u", f"{n}"),)).attributes["claude.tag.u"] for n in range(5)]

    assert shown() == ["0", "1", "_other", "_other", "_other"]
    labeller.limit_tags(1)
    assert shown() == ["0", "1", "_other", "_other", "_other"]
    labeller.limit_tags(4)
    assert shown() == ["0", "1", "2", "3", "_other"]


def test_instrumenting_again_gives_no_room_for_further_values(bench):
    for number in range(3):
        recorder, instruments = recorder_of(bench.tracing, bench.metering)
        for each in range(150):
            success(recorder, tags=(("user", f"u{number}.{each}"),))
    assert instruments is bench.instruments
    calls = bench.values(c.CALLS, "claude.tag.user")
    assert len(calls) == 201
    assert sum(calls.values()) == 450
    assert calls["_other"] == 250


def test_ten_thousand_tenants_take_the_memory_and_the_series_of_the_limit(bench):
    """What is kept does not grow from the first tenants to the last, and no sum is lost."""
    kept = []
    recorder, _ = recorder_of(None, bench.metering)

    def tenants(first, last):
        for number in range(first, last):
            success(recorder, tags=(("tenant", f"t{number}"),))
        counts = {name: len(points) for name, points in bench.points().items()}
        gc.collect()
        kept.append(len(gc.get_objects()))
        return counts

    bench.instruments.labels.limit_tags(50)
    assert tenants(0, 1_500) == tenants(1_500, 10_000)
    assert kept[1] - kept[0] < 100
    points = bench.points()
    for metric, each in ((c.COST, TOTAL), (c.CALLS, 1), (c.CALL_COST, TOTAL)):
        sums = Counter()
        for point in points[metric.name]:
            value = point.sum if hasattr(point, "sum") else point.value
            sums[point.attributes["claude.tag.tenant"]] += value
        assert len(sums) == 51
        assert sums["_other"] == pytest.approx(9_950 * each, rel=1e-9)
        assert sum(sums.values()) == pytest.approx(10_000 * each, rel=1e-9)
