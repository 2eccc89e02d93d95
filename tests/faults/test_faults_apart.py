"""Two processes never write one series, and no series is reset, whatever their resource says: all sums are exact."""

import json
import os
import re
from collections import defaultdict

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")

INSTANCE_ID = "claude.instance.id"
FIXED = {"OTEL_RESOURCE_ATTRIBUTES": "service.name=app,service.instance.id=default.pod.container"}
COUNTERS = ("claude.client.calls", "claude.client.attempts")
HISTOGRAMS = ("gen_ai.client.inference.duration", "claude.client.call.cost.usd")
GAUGE = "claude.client.rate_limit.remaining"
TEMPORALITIES = ("cumulative", "delta")
RESOURCES = {"drawn": {}, "fixed": FIXED, "coded": {}, "bare": {}}
COST = 0.001545


@pytest.fixture
def apart(run):
    def runs(way, resource="drawn", temporality="cumulative", **settings):
        given = {"resource": resource, "temporality": temporality, "settings": settings}
        return run("apart", way, APART=json.dumps(given), **RESOURCES[resource])

    return runs


def series(told, temporality):
    """What a store makes of it: by metric, what all series together grew to. Each has one writer and is never reset."""
    writers, values = defaultdict(set), defaultdict(list)
    for one in told:
        for point in one["points"]:
            key = (point["metric"], point["resource"], *sorted(point["attributes"].items()))
            writers[key].add(one["pid"])
            values[key].append(point["value"])
    sums = defaultdict(float)
    for key, found in values.items():
        assert len(writers[key]) == 1, f"{key} has several writers"
        assert min(found) >= 0, f"{key}: {found}"
        if temporality == "cumulative" and "rate_limit" not in key[0]:
            assert found == sorted(found), f"{key} was reset"
        sums[key[0]] += found[-1] if temporality == "cumulative" else sum(found)
    return sums


def exact(told, calls, temporality="cumulative"):
    sums = series(told, temporality)
    assert {name: sums[name] for name in (*COUNTERS, *HISTOGRAMS)} == dict.fromkeys((*COUNTERS, *HISTOGRAMS), calls)
    assert sums["claude.client.cost.usd"] == pytest.approx(calls * COST)


def ids_of(told, *who):
    """The ids that the points of these processes carry; None where they carry none."""
    return {point["attributes"].get(INSTANCE_ID) for one in told if one["who"] in who for point in one["points"]}


def of(told, who):
    return [one for one in told if one["who"] == who]


def is_id(value):
    return value is not None and re.fullmatch(r"[0-9a-f]{12}", value) is not None


@pytest.mark.parametrize("temporality", TEMPORALITIES)
@pytest.mark.parametrize("instance_id", ["auto", "on"])
@pytest.mark.parametrize(
    "resource",
    [pytest.param(name, marks=() if name in ("drawn", "fixed") else pytest.mark.heavy) for name in RESOURCES],
)
def test_a_forked_child_begins_with_nothing_and_its_parent_goes_on(apart, resource, instance_id, temporality):
    told = apart("fork", resource, temporality, instance_id=instance_id)
    assert [one["points"] for one in (of(told, "child")[0], of(told, "grandchild")[0])] == [[], []]
    exact(told, 4 + 2 + 4 + 1 + 1, temporality)
    # From 1.44 on OpenTelemetry's SDK gives a forked child an id that it draws, whatever its parent had.
    carried = {"parent": instance_id == "on" or resource != "drawn", "child": instance_id == "on"}
    carried["grandchild"] = carried["child"]
    ids = [ids_of(told, who) for who in carried]
    assert [len(one) for one in ids] == [1, 1, 1]
    assert [is_id(*one) for one in ids] == list(carried.values())
    assert instance_id == "auto" or len(set.union(*ids)) == 3


@pytest.mark.parametrize("temporality", TEMPORALITIES)
def test_every_metric_carries_the_same_id(apart, temporality):
    told = apart("alone", "fixed", temporality)
    (value,) = ids_of(told, "parent")
    assert is_id(value)
    assert {*COUNTERS, *HISTOGRAMS, GAUGE} <= {point["metric"] for one in told for point in one["points"]}


@pytest.mark.parametrize("temporality", TEMPORALITIES)
def test_restarts_under_one_id(apart, temporality):
    told = [one for _ in range(3) for one in apart("alone", "fixed", temporality)]
    exact(told, 6, temporality)
    assert len(ids_of(told, "parent")) == 3


@pytest.mark.parametrize(
    "resource",
    [pytest.param(name, marks=() if name == "fixed" else pytest.mark.heavy) for name in RESOURCES],
)
def test_spawned_processes(script, resource):
    given = {"resource": resource, "temporality": "cumulative", "settings": {}}
    spawning = script("apart", "spawn", APART=json.dumps(given), **RESOURCES[resource]).wait()
    assert (spawning.code, spawning.err) == (0, "")
    told = spawning.told
    exact(told, 5)
    assert is_id(*ids_of(told, "child")) == is_id(*ids_of(told, "parent")) == (resource != "drawn")


@pytest.mark.parametrize("resource", ["drawn", "fixed"])
def test_the_provider_is_set_after_the_first_calls(apart, resource):
    told = apart("late", resource)
    sums = series(told, "cumulative")
    assert sums["claude.client.calls"] == 3
    # Without a provider a histogram has nowhere to record to.
    assert sums["gen_ai.client.inference.duration"] == 1
    (value,) = ids_of(told, "parent")
    assert is_id(value) == (resource == "fixed")


def test_off_carries_nothing_and_warns_once(apart):
    told = apart("fork", "fixed", instance_id="off")
    assert ids_of(told, "parent", "child", "grandchild") == {None}
    # The SDK draws an id after a fork, so these sums are exact; those of restarts are not.
    exact(told, 12)
    ((level, said),) = told[-1]["said"]
    assert level == "WARNING"
    assert said == (
        "What several processes spend can be lost or counted twice: OTEL_CLAUDE_INSTANCE_ID is off, and the resource "
        "does not tell processes apart. OTEL_RESOURCE_ATTRIBUTES fixes service.instance.id, which restarts and workers "
        "share. Take it out of there, and have OpenTelemetry's SDK 1.44 or newer; or set OTEL_CLAUDE_INSTANCE_ID=auto."
    )
    with pytest.raises(AssertionError, match="several writers"):
        exact([one for _ in range(2) for one in apart("alone", "fixed", instance_id="off")], 4)


def test_auto_says_once_what_it_does_and_why(apart):
    assert apart("fork", "drawn")[-1]["said"] == []
    ((level, said),) = apart("fork", "bare")[-1]["said"]
    assert level == "INFO"
    assert said == (
        "Every metric carries claude.instance.id, which tells processes apart. The resource has no "
        "service.instance.id. OpenTelemetry's SDK 1.44 or newer draws one for each process."
    )


@pytest.mark.parametrize("temporality", TEMPORALITIES)
@pytest.mark.parametrize("resource", ["drawn", "fixed"])
def test_what_is_inherited_is_withheld_where_it_cannot_be_dropped(apart, resource, temporality):
    told = apart("withheld", resource, temporality)
    exact(told, 12, temporality)
    assert of(told, "child")[0]["points"] == of(told, "grandchild")[0]["points"] == []
    assert is_id(*ids_of(told, "child"))
    (said,) = [text for level, text in of(told, "grandchild")[-1]["said"] if level == "WARNING"]
    assert said == (
        "This process was forked, and its OpenTelemetry SDK is not one that otel-claude knows. What the parent had "
        "measured before is not exported from here."
    )
    assert [text for level, text in of(told, "parent")[-1]["said"] if level == "WARNING"] == []


def test_without_an_id_what_cannot_be_told_from_the_parents_is_withheld(apart):
    told = apart("withheld", "drawn", instance_id="off")
    (child,) = {one["pid"]: one for one in of(told, "child")}.values()
    names = {point["metric"] for point in child["points"]}
    assert "claude.client.calls" in names
    assert not names & set(HISTOGRAMS)
    assert series(told, "cumulative")["claude.client.calls"] == 12


@pytest.mark.parametrize("resource", ["drawn", "fixed"])
def test_a_fork_while_threads_collect_and_record(apart, resource):
    told = apart("while_collected", resource)
    exact(told, 3 + 20 + 2)
    assert [point["value"] for point in of(told, "child")[-1]["points"] if point["metric"] == COUNTERS[0]] == [2]


def test_a_fork_while_a_thread_exports(apart):
    told = apart("while_exported", "fixed")
    exact(told, 3 + 2)
    assert len(ids_of(told, "parent", "child")) == 2
