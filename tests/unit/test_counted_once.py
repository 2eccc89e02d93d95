"""A result is counted once, in bounded memory, whatever is read again and by how many threads."""

from __future__ import annotations

import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_claude.telemetry.dedup import Deduplicator, _Hashes

NAMES = st.text(min_size=1, max_size=3)


@given(st.lists(st.tuples(st.sampled_from("abc"), NAMES)))
def test_each_result_of_each_batch_is_first_once(read):
    counted, seen = Deduplicator(), set()
    for batch, name in read:
        assert counted.add(batch, name) is ((batch, name) not in seen)
        seen.add((batch, name))


@given(st.lists(st.integers(min_value=0, max_value=(1 << 64) - 1)))
def test_hashes_are_a_set(values):
    hashes, seen = _Hashes(), set()
    for value in [*values, *values]:
        assert hashes.add(value) is ((value or 1) not in seen)
        seen.add(value or 1)
    assert hashes.used == len(seen)


def test_a_batch_that_was_read_as_a_whole_takes_no_room():
    counted = Deduplicator(most_results=10)
    for number in range(100):
        for name in ("a", "b", "c"):
            assert counted.add(f"batch {number}", name)
        counted.close(f"batch {number}", 3)
    assert (counted._held, counted._part) == (0, {})
    assert counted.is_closed("batch 0")
    assert not any(counted.add(f"batch {number}", name) for number in range(100) for name in ("a", "b", "c"))


@pytest.mark.parametrize("total", [0, 1, 3])
def test_a_number_that_contradicts_what_was_read_hides_nothing(total):
    counted = Deduplicator()
    assert counted.add("batch", "a")
    assert counted.add("batch", "b")
    counted.close("batch", total)
    assert not counted.is_closed("batch")
    assert not counted.add("batch", "a")
    assert counted.add("batch", "c")


def test_a_batch_of_which_nothing_was_read_is_not_whole():
    counted = Deduplicator()
    counted.close("batch", 0)
    assert not counted.is_closed("batch")
    assert counted.add("batch", "a")


def test_at_the_bound_the_oldest_batch_counts_again():
    counted = Deduplicator(most_results=5)
    for batch in ("old", "new"):
        for name in ("a", "b", "c"):
            assert counted.add(batch, name)
    assert counted._held == 3
    assert [counted.add("new", name) for name in ("a", "b", "c")] == [False, False, False]
    assert counted.add("old", "a")


def test_one_batch_above_the_bound_goes_on():
    counted = Deduplicator(most_results=5)
    assert all(counted.add("batch", str(number)) for number in range(20))
    assert counted._held <= 5


def test_of_whole_batches_the_one_that_was_read_longest_ago_is_forgotten():
    counted = Deduplicator(most_batches=2)
    for batch in ("a", "b"):
        counted.add(batch, "x")
        counted.close(batch, 1)
    assert counted.is_closed("a")
    counted.add("c", "x")
    counted.close("c", 1)
    assert [counted.is_closed(batch) for batch in "abc"] == [True, False, True]


def test_a_hundred_thousand_results_take_four_megabytes_at_most():
    counted = Deduplicator()
    for number in range(100_000):
        counted.add("batch", f"request-{number}")
    (hashes,) = counted._part.values()
    assert hashes.used == 100_000
    assert sys.getsizeof(hashes._slots) <= 4 << 20


def test_threads_that_read_the_same_batch_count_it_once():
    counted, firsts = Deduplicator(), []
    start = threading.Barrier(4)

    def read():
        start.wait()
        firsts.append(sum(counted.add("batch", f"request-{number}") for number in range(5_000)))

    threads = [threading.Thread(target=read) for _ in range(4)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.setswitchinterval(interval)
    assert sum(firsts) == 5_000
