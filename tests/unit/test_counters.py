"""The counters: exact sums, whoever adds while whoever reads."""

from __future__ import annotations

import random
import threading
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.metrics import CallbackOptions
from unit_calls import TOTAL, message, success

from otel_claude import semconv as c
from otel_claude.pricing import PICO_PER_USD
from otel_claude.telemetry import counters as module
from otel_claude.telemetry.attributes import AttributeSets
from otel_claude.telemetry.counters import MAX_PENDING, Counters, Increment
from otel_claude.telemetry.instance_id import NOT_KNOWN, InstanceId

SETS = AttributeSets(200)
A, B = SETS.intern({"name": "a"}), SETS.intern({"name": "b"})
OVERFLOW = SETS.intern({"otel.metric.overflow": True})


def new():
    return Counters(OVERFLOW, InstanceId("off", lambda: NOT_KNOWN))


@pytest.fixture
def counters():
    return new()


def add(counters, *increments):
    """Adds to a metric and attributes each an amount, as the recorder adds what a call adds."""
    counters.add((None, [Increment(*increment) for increment in increments]))
    if len(counters.pending) >= MAX_PENDING:
        counters.sum_up_if_free()


def sums(counters, metric="m", *, dollars=False):
    found = counters.observe(metric, dollars, CallbackOptions())
    return {tuple(sorted(observation.attributes.items())): observation.value for observation in found}


class Alike:
    """What calls alike share: counts of one number."""

    def __init__(self, attributes=A):
        self._attributes = attributes
        self.asked = []

    def increments(self, calls, sums):
        self.asked.append((calls, *sums))
        return [Increment("calls", self._attributes, calls), Increment("m", self._attributes, sums[0])]


def test_sums_by_metric_and_attributes(counters):
    add(counters, ("m", A, 1), ("m", B, 10), ("n", A, 100))
    add(counters, ("m", A, 2))
    assert sums(counters, "m") == {(("name", "a"),): 3, (("name", "b"),): 10}
    assert sums(counters, "n") == {(("name", "a"),): 100}
    assert sums(counters, "never added to") == {}


def test_reading_changes_nothing(counters):
    add(counters, ("m", A, 1))
    assert sums(counters) == sums(counters) == {(("name", "a"),): 1}
    add(counters, ("m", A, 1))
    assert sums(counters) == {(("name", "a"),): 2}


def test_pico_dollars_are_read_as_dollars(counters):
    add(counters, ("m", A, PICO_PER_USD + 1))
    assert sums(counters, dollars=True) == {(("name", "a"),): 1.000000000001}


def test_calls_alike_are_added_up_before_what_they_share_is_asked(counters):
    alike, other = Alike(), Alike(B)
    for series, count in ((alike, 1), (other, 10), (alike, 100)):
        counters.add((series, (count,)))
    assert sums(counters) == {(("name", "a"),): 101, (("name", "b"),): 10}
    assert sums(counters, "calls") == {(("name", "a"),): 2, (("name", "b"),): 1}
    assert (alike.asked, other.asked) == ([(2, 101)], [(1, 10)])


def test_calls_alike_and_others_add_to_the_same_sum(counters):
    counters.add((Alike(), (1,)))
    add(counters, ("m", A, 10))
    assert sums(counters) == {(("name", "a"),): 11}


def test_clear_starts_from_zero_also_while_the_lock_is_held(counters):
    add(counters, ("m", A, 1))
    sums(counters)
    add(counters, ("m", A, 1))
    counters._lock.acquire()  # By a thread that the fork left behind.
    counters.clear()
    assert sums(counters) == {}
    add(counters, ("m", A, 5))
    assert sums(counters) == {(("name", "a"),): 5}


def test_zero_adds_nothing_and_makes_no_sum(counters):
    add(counters, ("m", A, 0), ("n", A, 1), ("n", A, 0))
    assert sums(counters) == {}
    assert sums(counters, "n") == {(("name", "a"),): 1}


def test_series_that_raise_are_contained_and_the_rest_is_counted(counters, warnings):
    class Broken:
        def increments(self, calls, sums):
            raise ValueError("planted secret")

    broken = Broken()
    for addition in ((Alike(), (1,)), (broken, (2,)), (Alike(), (3,)), (broken, (4,))):
        counters.add(addition)
    assert sums(counters) == {(("name", "a"),): 4}
    counters.add((broken, (2,)))
    assert sums(counters) == {(("name", "a"),): 4}
    (warning,) = warnings()
    assert "could not add up calls (ValueError)" in warning
    assert "planted" not in warning


def test_a_failing_observation_is_contained(counters, monkeypatch, warnings):
    add(counters, ("m", A, 1))
    with monkeypatch.context() as broken:
        broken.setattr(module, "Observation", None)
        assert (sums(counters), sums(counters)) == ({}, {})
    assert sums(counters) == {(("name", "a"),): 1}
    (warning,) = warnings()
    assert "could not observe m (TypeError)" in warning


def test_without_a_reader_additions_do_not_pile_up(counters):
    for _ in range(10_000):
        add(counters, ("m", A, 1))
        assert len(counters.pending) < MAX_PENDING
    assert sums(counters) == {(("name", "a"),): 10_000}


def test_without_a_reader_the_recorders_additions_do_not_pile_up_either(bench):
    for body in (None, message({"input_tokens": 10, "output_tokens": 5})):
        for _ in range(3 * MAX_PENDING):
            success(bench.recorder, body)
            assert len(bench.instruments.counters.pending) < MAX_PENDING
    assert bench.value(c.CALLS) == 6 * MAX_PENDING


def test_a_finalizer_may_add_while_this_thread_reads(counters):
    class Finalized(Alike):
        def increments(self, calls, sums):
            if sums[0] < 1_000:
                counters.add((Finalized(), (sums[0] + 1,)))  # As one that a collection runs here: the lock is held.
            assert counters._lock.locked()
            return [Increment("m", A, 1)]

    counters.add((Finalized(), (1,)))
    for _ in range(1_000):
        sums(counters)
    assert sums(counters) == {(("name", "a"),): 1_000}


def test_adding_does_not_wait_for_a_reader_of_another_thread(counters):
    with counters._lock:
        for _ in range(2 * MAX_PENDING):
            add(counters, ("m", A, 1))
    assert sums(counters) == {(("name", "a"),): 2 * MAX_PENDING}


@pytest.mark.parametrize("threads", [1, 8])
def test_no_addition_is_lost_between_threads(counters, threads):
    each, stop, seen, alike = 5_000, threading.Event(), [], (Alike(A), Alike(B))

    def work(seed):
        chance = random.Random(seed)
        for _ in range(each):
            add(counters, ("m", chance.choice((A, B)), 1), ("n", A, 3))
            counters.add((chance.choice(alike), (1,)))

    def read():
        while not stop.is_set():
            seen.append(sum(sums(counters).values()))

    reader = threading.Thread(target=read)
    reader.start()
    working = [threading.Thread(target=work, args=(seed,)) for seed in range(threads)]
    for thread in working:
        thread.start()
    for thread in working:
        thread.join()
    stop.set()
    reader.join()
    assert sum(sums(counters).values()) == 2 * threads * each
    assert sum(sums(counters, "calls").values()) == threads * each
    assert sums(counters, "n") == {(("name", "a"),): 3 * threads * each}
    assert seen == sorted(seen), "a counter went down"


OVER = (("otel.metric.overflow", True),)


def test_sets_beyond_the_bound_are_summed_together(counters, monkeypatch):
    monkeypatch.setattr(module, "_MAX_SETS", 3)
    sets = [SETS.intern({"n": number}) for number in range(10)]
    for number in range(5):
        add(counters, ("m", sets[number], 10**number))
        sums(counters)
    assert sums(counters) == {(("n", 0),): 1, (("n", 1),): 10, (("n", 2),): 100, OVER: 11_000}
    add(counters, ("m", sets[0], 5), ("m", sets[4], 7), ("other", sets[9], 1))
    assert sums(counters) == {(("n", 0),): 6, (("n", 1),): 10, (("n", 2),): 100, OVER: 11_007}
    assert sums(counters, "other") == {(("n", 9),): 1}


@given(st.lists(st.tuples(st.sampled_from("mn"), st.integers(0, 9), st.integers(0, 10**24)), max_size=60), st.data())
def test_nothing_is_lost_at_any_bound_and_with_any_reads(additions, data):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_MAX_SETS", data.draw(st.integers(1, 12)))
        counters = new()
        for metric, number, amount in additions:
            add(counters, (metric, SETS.intern({"n": number}), amount))
            if data.draw(st.booleans()):
                sums(counters, metric)
        for metric in "mn":
            expected = sum(amount for name, _, amount in additions if name == metric)
            assert sum(sums(counters, metric).values()) == expected


def test_a_quarter_of_a_million_additions_are_exact(counters):
    chance = random.Random(1)
    sets = [SETS.intern({"model": str(number)}) for number in range(50)]
    amounts = [(chance.choice(sets), chance.randrange(10**13)) for _ in range(250_000)]
    expected: dict[str, int] = {}
    for attributes, amount in amounts:
        add(counters, ("m", attributes, amount))
        model = attributes.attributes["model"]
        expected[model] = expected.get(model, 0) + amount
    assert {model: amount for ((_, model),), amount in sums(counters).items()} == expected
    for ((_, model),), dollars in sums(counters, dollars=True).items():
        assert abs(Fraction(dollars) - Fraction(expected[model], PICO_PER_USD)) < Fraction(1, 10**6)


@pytest.mark.parametrize("body", [message(), message({"input_tokens": 1_000, "output_tokens": 300})])
def test_many_calls_cost_what_one_costs_times_their_number(bench, body):
    success(bench.recorder, body)
    one = {metric.name: bench.values(metric, *metric.attributes) for metric in c.METRICS if metric.kind == "counter"}
    for _ in range(999):
        success(bench.recorder, body)
    for metric in c.METRICS:
        if metric.kind == "counter":
            expected = {key: pytest.approx(1_000 * value, abs=1e-6) for key, value in one[metric.name].items()}
            assert bench.values(metric, *metric.attributes) == expected
    assert bench.value(c.CALLS) == 1_000
    assert sum(bench.values(c.COST, c.COST_TYPE).values()) == pytest.approx(
        1_000 * (TOTAL if body == message() else 0.01), abs=1e-6
    )
