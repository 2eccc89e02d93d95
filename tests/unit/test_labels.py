"""Attribute sets: equal ones are one object, and what comes from outside is short, clean and few, or `_other`."""

from __future__ import annotations

import gc
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit_calls import CLIENT, HINT, OPUS, TAGS, TOTAL, USAGE, message, success
from unit_telemetry import recorder_of

from otel_claude import semconv as c
from otel_claude.telemetry import attributes as module
from otel_claude.telemetry.attributes import AttributeSets, CardinalityLimiter
from otel_claude.telemetry.call import ClientInfo

ORDINARY = {"input_tokens": 10, "output_tokens": 5}
"""Token counts alone: calls alike share what they add to."""
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
    assert CardinalityLimiter(5).bound("model", value) == value


@pytest.mark.parametrize("value", UNFIT, ids=lambda value: ascii(value)[:12])
def test_an_unfit_value_becomes_other_and_uses_up_no_room(value):
    limiter = CardinalityLimiter(1)
    assert limiter.bound("model", value) == "_other"
    assert limiter.bound("model", "a") == "a"


def test_values_beyond_the_limit_become_other_and_known_ones_stay():
    limiter = CardinalityLimiter(2)
    assert [limiter.bound("model", value) for value in "abcab"] == ["a", "b", "_other", "a", "b"]
    assert limiter.bound("workspace", "c") == "c", "each kind has a limit of its own"


@given(st.lists(st.text(max_size=300), max_size=40), st.integers(1, 10))
def test_there_are_never_more_distinct_values_than_the_limit_and_other(values, limit):
    limiter = CardinalityLimiter(limit)
    shown = {limiter.bound("kind", value) for value in values}
    assert len(shown - {"_other"}) <= limit
    assert all(0 < len(value) <= 200 and value.isprintable() for value in shown)


def test_the_common_attributes():
    found = AttributeSets(200).of(CLIENT, OPUS, "claude-opus-5-5-x", "wrkspc_1", TAGS)
    assert found.attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "claude.client.library": "anthropic",
        "gen_ai.request.model": OPUS,
        "gen_ai.response.model": "claude-opus-5-5-x",
        "server.address": "api.anthropic.com",
        "server.port": 443,
        "anthropic.workspace.id": "wrkspc_1",
        "claude.api_key.hint": HINT,
        "claude.tag.feature": "search",
        "claude.tag.tenant": "acme",
    }


def test_equal_sets_are_one_object_also_if_two_threads_make_them_at_one_time(monkeypatch):
    sets, others, make = AttributeSets(200), [], module.AttributeSet

    def meanwhile(*given):
        made = make(*given)
        if not others:
            others.append(None)  # The other thread does not wait for a third one.
            others[0] = sets.of(CLIENT, OPUS, None, None, TAGS)
        return made

    monkeypatch.setattr(module, "AttributeSet", meanwhile)
    assert sets.of(CLIENT, OPUS, None, None, TAGS) is others[0]
    assert sets.of(CLIENT, OPUS, None, None, TAGS) is others[0]


def test_what_is_not_known_is_absent():
    assert AttributeSets(200).of(ClientInfo("aws.bedrock", None, None), None).attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "aws.bedrock",
    }


def test_equal_sets_are_the_same_object_and_others_are_not():
    sets = AttributeSets(200)
    first = sets.of(CLIENT, OPUS, None, None, TAGS)
    assert sets.of(CLIENT, OPUS, None, None, tuple(TAGS)) is first
    assert first.plus((c.ERROR_TYPE, "api_error")) is first.plus((c.ERROR_TYPE, "api_error"))
    assert first.plus((c.ERROR_TYPE, "api_error")) is not first
    assert sets.of(CLIENT, OPUS, None, "wrkspc_1", TAGS) is not first


def test_plus_adds_and_leaves_out_what_is_none():
    first = AttributeSets(200).of(ClientInfo("anthropic", None, None), None, None, None, ())
    more = first.plus((c.STATUS_CODE, 200), (c.ERROR_TYPE, None), (c.BLOCKED_REASON, "a\nb"))
    assert more.attributes == {**first.attributes, "http.response.status_code": 200, "claude.blocked.reason": "_other"}
    assert c.STATUS_CODE not in first.attributes


def test_sets_that_come_to_the_same_are_one_object_whatever_they_were_made_from():
    sets = AttributeSets(200)
    first = sets.of(CLIENT, OPUS)
    one = first.plus((c.STATUS_CODE, 200)).plus((c.ERROR_TYPE, "api_error"))
    assert first.plus((c.ERROR_TYPE, "api_error"), (c.STATUS_CODE, 200)) is one
    assert sets.intern(dict(reversed(one.attributes.items()))) is one
    assert first.plus((c.ERROR_TYPE, None)) is first


def test_clients_that_say_the_same_have_the_same_sets():
    sets = AttributeSets(200)
    twin = ClientInfo("anthropic", "anthropic", CLIENT.platform, "api.anthropic.com", 443, HINT)
    assert sets.of(twin, OPUS) is sets.of(CLIENT, OPUS)


def test_a_set_that_cannot_be_made_is_what_is_sure(monkeypatch, warnings):
    sets = AttributeSets(200)

    def fail(*_):
        raise ValueError("planted secret")

    with monkeypatch.context() as broken:
        broken.setattr(sets, "make", fail)
        assert sets.of(CLIENT, OPUS).attributes == {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "anthropic",
        }
    (warning,) = warnings()
    assert "could not make the attributes of a call (ValueError)" in warning


@pytest.mark.parametrize("tag_limit", [3, 250])
def test_each_attribute_has_two_hundred_values_and_a_tag_its_own_limit(tag_limit):
    sets = AttributeSets(tag_limit)
    of = [sets.of(CLIENT, f"m{n}", f"r{n}", f"w{n}", (("user", f"u{n}"),)).attributes for n in range(300)]
    limits = {c.REQUEST_MODEL: 200, c.RESPONSE_MODEL: 200, c.WORKSPACE_ID: 200, "claude.tag.user": tag_limit}
    for name, limit in limits.items():
        shown = [attributes[name] for attributes in of]
        assert len(set(shown[:limit])) == limit
        assert set(shown[limit:]) == {"_other"}


def test_what_is_remembered_is_bounded_and_made_again(monkeypatch):
    monkeypatch.setattr(module, "_MAX_KNOWN", 10)
    monkeypatch.setattr(module, "_MAX_DERIVED", 5)
    sets = AttributeSets(200)
    first = sets.of(CLIENT, OPUS, None, None, ())
    for number in range(100):
        sets.of(CLIENT, f"m{number}", None, None, ())
        first.plus((c.STATUS_CODE, number))
        assert len(sets._known) <= 10
        assert len(first._derived) <= 5
    assert sets.of(CLIENT, OPUS, None, None, ()) is first, "found again, not made again"


def test_sets_are_bounded_and_made_again(monkeypatch):
    monkeypatch.setattr(module, "_MAX_KNOWN", 1)
    monkeypatch.setattr(module, "_MAX_SETS", 5)
    sets = AttributeSets(200)
    first = sets.of(CLIENT, OPUS, None, None, ())
    for number in range(100):
        sets.of(CLIENT, f"m{number}", None, None, ())
        assert len(sets._interned) <= 5
    again = sets.of(CLIENT, OPUS, None, None, ())
    assert again is not first
    assert again.attributes == first.attributes


def test_values_beyond_their_limits_share_the_sets():
    """Or each of ten thousand models would have sums and limits of its own."""
    sets = AttributeSets(3)
    of = [sets.of(CLIENT, f"m{n}", f"r{n}", None, (("user", f"u{n}"),), "batch") for n in range(300)]
    assert len({id(each) for each in of}) == 201
    assert of[-1].attributes["gen_ai.operation.name"] == "batch"
    assert of[-1].attributes["claude.tag.user"] == "_other"


def test_calls_of_many_users_keep_their_sums_apart_up_to_the_limit_and_lose_none(bench, monkeypatch):
    """As many sets as a long-lived process makes: what is forgotten and made again is the same sum."""
    monkeypatch.setattr(module, "_MAX_KNOWN", 20)
    monkeypatch.setattr("otel_claude.telemetry.counters._MAX_SETS", 60)
    bench.instruments.sets.limit_tags(10)
    for number in range(300):
        success(bench.recorder, tags=(("user", f"u{number % 100}"),))
    calls = bench.values(c.CALLS, "claude.tag.user")
    assert calls == {**{f"u{number}": 3 for number in range(10)}, "_other": 270}


@pytest.mark.parametrize("hostile", ["x" * 201, "m" * 1_000])
def test_a_hostile_model_name_is_no_value(bench, hostile):
    success(bench.recorder, message(model=hostile))
    assert bench.values(c.CALLS, c.RESPONSE_MODEL) == {"_other": 1}


def test_values_beyond_the_limit_share_the_set_of_other():
    sets = AttributeSets(2)
    first, _, third, fourth = (sets.of(CLIENT, OPUS, None, None, (("user", f"u{n}"),)) for n in range(4))
    assert third is fourth
    assert third is not first
    assert third.attributes["claude.tag.user"] == "_other"
    assert sets.of(CLIENT, OPUS, None, None, (("user", "_other"),)) is third


def test_other_uses_up_no_room():
    limiter = CardinalityLimiter(1)
    assert limiter.bound("user", "_other") == "_other"
    assert limiter.bound("user", "a") == "a"


def test_another_limit_keeps_what_was_seen():
    sets = AttributeSets(2)

    def shown():
        return [sets.of(CLIENT, OPUS, None, None, (("u", f"{n}"),)).attributes["claude.tag.u"] for n in range(5)]

    assert shown() == ["0", "1", "_other", "_other", "_other"]
    sets.limit_tags(1)
    assert shown() == ["0", "1", "_other", "_other", "_other"]
    sets.limit_tags(4)
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


@pytest.mark.parametrize("usage", [USAGE, ORDINARY], ids=["general", "ordinary"])
def test_thousands_of_tenants_take_the_memory_and_the_series_of_the_limit(bench, usage):
    """What is kept does not grow from the first tenants to the last, and no sum is lost."""
    kept = []
    recorder, instruments = recorder_of(None, bench.metering)
    instruments.sets.limit_tags(50)

    def tenants(first, last):
        for number in range(first, last):
            success(recorder, message(usage), tags=(("tenant", f"t{number}"),))
        counts = {name: len(points) for name, points in bench.points().items()}
        gc.collect()
        kept.append(len(gc.get_objects()))
        return counts

    assert tenants(0, 1_500) == tenants(1_500, 4_500)
    assert kept[1] - kept[0] < 100
    points = bench.points()
    cost = TOTAL if usage is USAGE else 0.00014
    assert [(point.count, point.sum) for point in points[c.CALL_COST.name]] == [(4_500, pytest.approx(4_500 * cost))]
    for metric, each in ((c.COST, cost), (c.CALLS, 1)):
        sums = Counter()
        for point in points[metric.name]:
            sums[point.attributes["claude.tag.tenant"]] += point.value
        assert len(sums) == 51
        assert sums["_other"] == pytest.approx(4_450 * each, rel=1e-9)
        assert sum(sums.values()) == pytest.approx(4_500 * each, rel=1e-9)
