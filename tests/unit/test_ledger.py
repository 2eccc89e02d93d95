"""The ledger: exact sums, whoever posts while whoever reads."""

from __future__ import annotations

import random
import threading
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit_calls import TOTAL, success

from otel_claude import semconv as c
from otel_claude.pricing import PICO_PER_USD
from otel_claude.telemetry import counters as module
from otel_claude.telemetry.counters import Cell, Ledger


def cells():
    """Gives the cell of a metric and attributes, the same one each time, as labels do."""
    known = {}

    def cell(metric, attributes):
        key = metric, tuple(attributes.items())
        return known.setdefault(key, Cell(metric, attributes))

    return cell


A, B = {"name": "a"}, {"name": "b"}


def one_cell_each():
    """A ledger whose posts are rows of a metric, attributes and an amount."""
    cell = cells()
    return Ledger(lambda post: [([cell(metric, attributes)], [amount]) for metric, attributes, amount in post])


def new_cells():
    """The same, with another cell each time: labels forget."""
    return Ledger(lambda post: [([Cell(metric, attributes)], [amount]) for metric, attributes, amount in post])


def told(ledger, metric="m"):
    return {tuple(sorted(attributes.items())): amount for attributes, amount in ledger.sums(metric)}


def test_sums_by_metric_and_labels():
    ledger = one_cell_each()
    ledger.post([("m", A, 1), ("m", B, 10), ("n", A, 100)])
    ledger.post([("m", A, 2)])
    assert told(ledger, "m") == {(("name", "a"),): 3, (("name", "b"),): 10}
    assert told(ledger, "n") == {(("name", "a"),): 100}
    assert ledger.sums("never posted") == []


def test_reading_changes_nothing():
    ledger = one_cell_each()
    ledger.post([("m", A, 1)])
    assert told(ledger) == told(ledger) == {(("name", "a"),): 1}
    ledger.post([("m", A, 1)])
    assert told(ledger) == {(("name", "a"),): 2}


def test_what_is_read_is_the_readers_own():
    ledger = one_cell_each()
    ledger.post([("m", A, 1)])
    ledger.sums("m")[0][0]["name"] = "changed"
    assert told(ledger) == {(("name", "a"),): 1}


def test_cells_of_equal_attributes_are_one_sum():
    ledger = new_cells()
    ledger.post([("m", {"x": 1, "y": "b"}, 1), ("m", {"x": 1, "y": "b"}, 10), ("m", {"y": "b", "x": 1}, 100)])
    assert told(ledger) == {(("x", 1), ("y", "b")): 111}


def test_clear_starts_from_zero_also_while_the_lock_is_held():
    ledger = one_cell_each()
    ledger.post([("m", A, 1)])
    ledger.sums("m")
    ledger.post([("m", A, 1)])
    ledger._lock.acquire()  # By a thread that the fork left behind.
    ledger.clear()
    assert ledger.sums("m") == []
    ledger.post([("m", A, 5)])
    assert told(ledger) == {(("name", "a"),): 5}


def test_clear_leaves_nothing_in_the_cells():
    cell = Cell("m", A)
    ledger = Ledger(lambda post: [([cell], [post])])
    ledger.post(1)
    ledger._drain()
    assert cell.pending == 1
    ledger.clear()
    assert cell.pending is None
    ledger.post(5)
    assert told(ledger) == {(("name", "a"),): 5}


def test_none_adds_nothing_and_zero_makes_the_sum():
    a, b = Cell("m", A), Cell("m", B)
    ledger = Ledger(lambda _: [([a, b], [None, 0])])
    ledger.post("any")
    assert told(ledger) == {(("name", "b"),): 0}


def test_rows_that_raise_are_contained_and_the_rest_is_counted(warnings):
    cell = Cell("m", A)

    def rows(post):
        yield [cell], [post]
        if post == 2:
            raise ValueError("planted secret")

    ledger = Ledger(rows)
    for post in (1, 2, 3, 2):
        ledger.post(post)
    assert told(ledger) == {(("name", "a"),): 4}
    (warning,) = warnings()
    assert "ValueError" in warning
    assert "planted" not in warning


def test_without_a_reader_posts_do_not_pile_up():
    ledger = one_cell_each()
    for _ in range(10_000):
        ledger.post([("m", A, 1)])
        assert len(ledger._posts) < module._ENOUGH
    assert told(ledger) == {(("name", "a"),): 10_000}


def test_a_finalizer_may_post_while_this_thread_reads():
    cell = Cell("m", A)

    def rows(post):
        if post < 1_000:
            ledger.post(post + 1)  # As a finalizer that a garbage collection runs here: the lock is held.
        assert ledger._lock.locked()
        return [([cell], [1])]

    ledger = Ledger(rows)
    ledger.post(1)
    assert told(ledger) == {(("name", "a"),): 1_000}


def test_a_finalizer_may_post_while_this_thread_drains_without_a_reader():
    cell = Cell("m", A)

    def rows(post):
        if post:
            for _ in range(module._ENOUGH):
                ledger.post(0)
        return [([cell], [1])]

    ledger = Ledger(rows)
    for _ in range(module._ENOUGH):
        ledger.post(1)
    assert told(ledger) == {(("name", "a"),): module._ENOUGH * (module._ENOUGH + 1)}


def test_a_post_does_not_wait_for_a_reader_of_another_thread():
    ledger = one_cell_each()
    with ledger._lock:
        for _ in range(2 * module._ENOUGH):
            ledger.post([("m", A, 1)])
    assert told(ledger) == {(("name", "a"),): 2 * module._ENOUGH}


@pytest.mark.parametrize("posters", [1, 8])
def test_no_post_is_lost_between_threads(posters):
    ledger = one_cell_each()
    each, stop, seen = 5_000, threading.Event(), []

    def post(seed):
        chance = random.Random(seed)
        for _ in range(each):
            ledger.post([("m", chance.choice((A, B)), 1), ("n", A, 3)])

    def read():
        while not stop.is_set():
            seen.append(sum(told(ledger).values()))

    reader = threading.Thread(target=read)
    reader.start()
    threads = [threading.Thread(target=post, args=(seed,)) for seed in range(posters)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stop.set()
    reader.join()
    assert sum(told(ledger).values()) == posters * each
    assert told(ledger, "n") == {(("name", "a"),): 3 * posters * each}
    assert seen == sorted(seen), "a counter went down"


OVERFLOW = ("otel.metric.overflow", True)


def test_sets_beyond_the_bound_are_summed_together(monkeypatch):
    monkeypatch.setattr(module, "_MOST_SETS", 3)
    ledger = one_cell_each()
    for number in range(5):
        ledger.post([("m", {"n": number}, 10**number)])
        ledger.sums("m")
    assert told(ledger) == {(("n", 0),): 1, (("n", 1),): 10, (("n", 2),): 100, (OVERFLOW,): 11_000}
    ledger.post([("m", {"n": 0}, 5), ("m", {"n": 4}, 7), ("other", {"n": 9}, 1)])
    assert told(ledger) == {(("n", 0),): 6, (("n", 1),): 10, (("n", 2),): 100, (OVERFLOW,): 11_007}
    assert told(ledger, "other") == {(("n", 9),): 1}


@pytest.mark.parametrize("reads", [False, True], ids=["no reader", "a reader"])
def test_cells_that_are_made_again_use_up_no_room(monkeypatch, reads):
    """The labeller forgets: the same attributes come as another object. That is no further set."""
    monkeypatch.setattr(module, "_MOST_SETS", 3)
    ledger = new_cells()
    for number in range(100):
        ledger.post([("m", {"n": number % 3}, 1)])
        if reads:
            ledger.sums("m")
    assert told(ledger) == {(("n", 0),): 34, (("n", 1),): 33, (("n", 2),): 33}


@pytest.mark.parametrize("make", [one_cell_each, new_cells])
@given(st.lists(st.tuples(st.sampled_from("mn"), st.integers(0, 9), st.integers(0, 10**24)), max_size=60), st.data())
def test_nothing_is_lost_at_any_bound_and_with_any_reads(make, rows, data):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_MOST_SETS", data.draw(st.integers(1, 12)))
        ledger = make()
        for metric, number, amount in rows:
            ledger.post([(metric, {"n": number}, amount)])
            if data.draw(st.booleans()):
                ledger.sums(metric)
        for metric in "mn":
            assert sum(told(ledger, metric).values()) == sum(amount for name, _, amount in rows if name == metric)


def test_a_quarter_of_a_million_posts_are_exact():
    ledger, chance = one_cell_each(), random.Random(1)
    sets = [{"model": str(number)} for number in range(50)]
    amounts = [(chance.choice(sets), chance.randrange(10**13)) for _ in range(250_000)]
    expected: dict[str, int] = {}
    for labels, amount in amounts:
        ledger.post((("m", labels, amount),))
        expected[labels["model"]] = expected.get(labels["model"], 0) + amount
    sums = {attributes["model"]: amount for attributes, amount in ledger.sums("m")}
    assert sums == expected
    assert all(
        abs(Fraction(amount / PICO_PER_USD) - Fraction(amount, PICO_PER_USD)) < Fraction(1, 10**6)
        for amount in sums.values()
    )


def test_many_calls_cost_what_one_costs_times_their_number(bench):
    for _ in range(1_000):
        success(bench.recorder)
    assert sum(bench.values(c.COST, c.COST_TYPE).values()) == pytest.approx(1_000 * TOTAL, abs=1e-6)
    assert bench.value(c.CALLS) == 1_000
    assert bench.value(c.INPUT_TOKENS) == 21_700_000
