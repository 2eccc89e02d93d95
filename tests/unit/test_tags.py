"""Tags: nested, as a decorator, across threads and tasks, from baggage; refused with a clear message."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import baggage, context

from otel_claude import tags
from otel_claude.tags import current


def now(*baggage_keys):
    return dict(current(baggage_keys))


def test_outside_there_are_none():
    assert current(()) == ()


def test_inside_there_are_and_after_there_are_none():
    with tags(feature="search", tenant="acme"):
        assert current(()) == (("feature", "search"), ("tenant", "acme"))
    assert current(()) == ()


def test_they_are_sorted_by_key():
    with tags(b="1", a="2"), tags(c="3", a="4"):
        assert current(()) == (("a", "4"), ("b", "1"), ("c", "3"))


def test_inner_ones_are_added_and_win_and_the_outer_come_back():
    with tags(feature="search", tenant="acme"):
        with tags(feature="chat", user="u1"):
            assert now() == {"feature": "chat", "tenant": "acme", "user": "u1"}
        assert now() == {"feature": "search", "tenant": "acme"}


def test_one_object_can_be_entered_again_and_within_itself():
    mine = tags(feature="search")
    with mine, tags(feature="other"), mine:
        assert now() == {"feature": "search"}
    assert now() == {}
    with mine:
        assert now() == {"feature": "search"}


def test_they_end_with_an_exception():
    with pytest.raises(ZeroDivisionError), tags(feature="search"):
        raise ZeroDivisionError
    assert now() == {}


def test_a_decorated_function():
    @tags(feature="search")
    def shown(first, *, second):
        """What it is for."""
        return first, second, now()

    assert shown(1, second=2) == (1, 2, {"feature": "search"})
    assert (shown.__name__, shown.__doc__) == ("shown", "What it is for.")
    assert now() == {}


async def test_a_decorated_coroutine_function():
    @tags(feature="search")
    async def shown():
        await asyncio.sleep(0)
        return now()

    assert asyncio.iscoroutinefunction(shown) or shown.__name__ == "shown"
    with tags(tenant="acme"):
        assert await shown() == {"feature": "search", "tenant": "acme"}
    assert now() == {}


def test_a_decorated_function_that_recurses():
    @tags(depth="1")
    def down(times):
        return down(times - 1) if times else now()

    assert down(3) == {"depth": "1"}
    assert now() == {}


def generator():
    yield


async def agenerator():
    yield


@pytest.mark.parametrize(
    "function", [generator, agenerator, functools.partial(generator)], ids=["sync", "async", "partial"]
)
def test_a_generator_is_refused_with_what_to_do(function):
    with pytest.raises(TypeError, match=r"cannot decorate the generator .*: use `with tags\(\.\.\.\)` inside it"):
        tags(feature="search")(function)


GOOD_KEYS = ["a", "feature", "feature_2", "team.name", "a" * 60, "a.b.c", "a_", "a.1"]
BAD_KEYS = ["", "A", "Feature", "1a", "_a", "a-b", "a b", "a.", ".a", "a..b", "é", "a" * 61, "a\n", "a:b"]
GOOD_VALUES = ["a", " ", "Ünïcode 名前", "x" * 200, "a,b;c=d"]
BAD_VALUES = ["", "x" * 201, "a\nb", "\x00", "\ud800", "\u202e", None, 5, True, b"a", ["a"]]


@pytest.mark.parametrize("key", GOOD_KEYS)
def test_a_good_key(key):
    with tags(**{key: "value"}):
        assert now() == {key: "value"}


@pytest.mark.parametrize("key", BAD_KEYS)
def test_a_bad_key_says_what_is_accepted(key):
    with pytest.raises(
        ValueError, match=r"cannot be a tag's key: it takes lower case letters, digits, '_' and '\.', up to 60"
    ):
        tags(**{key: "value"})


@pytest.mark.parametrize("value", GOOD_VALUES)
def test_a_good_value(value):
    with tags(feature=value):
        assert now() == {"feature": value}


@pytest.mark.parametrize("value", BAD_VALUES, ids=lambda value: ascii(value)[:10])
def test_a_bad_value_says_what_is_accepted(value):
    with pytest.raises(ValueError, match="of the tag 'feature': it takes a string of 1 to 200 printable characters"):
        tags(feature=value)


def carrying(**pairs):
    carried = context.get_current()
    for key, value in pairs.items():
        carried = baggage.set_baggage(key, value, carried)
    return carried


def within(carried, function, *args):
    token = context.attach(carried)
    try:
        return function(*args)
    finally:
        context.detach(token)


def test_baggage_becomes_tags_only_by_the_keys_that_were_named():
    assert within(carrying(tenant="acme", other="x"), now) == {}
    assert within(carrying(tenant="acme", other="x"), now, "tenant", "absent") == {"tenant": "acme"}


def test_tags_of_the_code_win_over_baggage():
    with tags(tenant="mine", feature="search"):
        assert within(carrying(tenant="acme", user="u"), now, "tenant", "user") == {
            "tenant": "mine",
            "feature": "search",
            "user": "u",
        }


@pytest.mark.parametrize("value", BAD_VALUES, ids=lambda value: ascii(value)[:10])
def test_baggage_that_does_not_fit_is_left_out(value):
    assert within(carrying(tenant=value, user="u"), now, "tenant", "user") == {"user": "u"}


@given(st.dictionaries(st.sampled_from(["tenant", "user", "a.b"]), st.text() | st.none() | st.integers() | st.binary()))
def test_no_baggage_raises(pairs):
    found = within(carrying(**pairs), now, "tenant", "user", "a.b")
    assert all(value == pairs[key] and 0 < len(value) <= 200 and value.isprintable() for key, value in found.items())


def test_a_thread_of_its_own_has_none_and_one_with_a_copied_context_has_them():
    with tags(feature="search"), ThreadPoolExecutor(1) as pool:
        assert pool.submit(now).result() == {}
        assert pool.submit(contextvars.copy_context().run, now).result() == {"feature": "search"}


def test_threads_do_not_see_each_others():
    barrier, seen = threading.Barrier(4), {}

    def run(name):
        with tags(user=name):
            barrier.wait()
            seen[name] = now()
            barrier.wait()

    threads = [threading.Thread(target=run, args=(f"u{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {f"u{number}": {"user": f"u{number}"} for number in range(4)}


async def test_a_task_has_those_of_its_start_and_tasks_do_not_see_each_others():
    async def run(name):
        outer = now()
        with tags(user=name):
            await asyncio.sleep(0)
            return outer, now()

    with tags(feature="search"):
        tasks = [asyncio.create_task(run(name)) for name in ("u1", "u2")]
    assert now() == {}
    found = await asyncio.gather(*tasks)
    assert found == [({"feature": "search"}, {"feature": "search", "user": name}) for name in ("u1", "u2")]
