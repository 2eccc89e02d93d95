"""Tags: nested, as a decorator, across threads and tasks, from baggage; whatever their values are."""

from __future__ import annotations

import asyncio
import contextvars
import enum
import inspect
import re
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import baggage, context

from otel_claude import _tag_context as tagging
from otel_claude import tags
from otel_claude.tags import current

tags_module = sys.modules[current.__module__]


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


def test_one_object_serves_many_threads_and_tasks_at_once():
    mine, barrier, seen = tags(feature="search"), threading.Barrier(3), []

    def run(number):
        for _ in range(200):
            with tags(user=str(number)), mine:
                seen.append(now() == {"feature": "search", "user": str(number)})
            seen.append(now() == {})
        barrier.wait()
        with mine:
            # All are inside now, and go out in the order of their numbers.
            barrier.wait()
            time.sleep(0.01 * number)
        seen.append(now() == {})

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(run, range(3)))
    assert len(seen) == 3 * 401
    assert all(seen)


async def test_one_object_serves_tasks_that_overlap():
    mine = tags(feature="search")

    async def run(number):
        with mine, tags(user=str(number)):
            for _ in range(number):
                await asyncio.sleep(0)
            return now()

    found = await asyncio.gather(*(run(number) for number in range(5)))
    assert found == [{"feature": "search", "user": str(number)} for number in range(5)]
    assert now() == {}


def test_blocks_that_end_in_another_order_end_each_their_own():
    first, second, third = tags(a="1"), tags(a="2", b="2"), tags(a="3")
    for block in (first, second, third):
        block.__enter__()
    first.__exit__(None, None, None)
    assert now() == {"a": "3", "b": "2"}
    third.__exit__(None, None, None)
    assert now() == {"a": "2", "b": "2"}
    second.__exit__(None, None, None)
    assert now() == {}


def test_a_block_that_ends_in_another_context_ends_nothing_there():
    mine = tags(feature="search")
    mine.__enter__()
    with tags(tenant="acme"):
        contextvars.Context().run(mine.__exit__, None, None, None)
        assert threaded(lambda: mine.__exit__(None, None, None)) is None
        assert now() == {"feature": "search", "tenant": "acme"}
    mine.__exit__(None, None, None)
    assert now() == {}


def threaded(function):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function).result()


def test_blocks_that_never_end_take_bounded_memory():
    def run():
        for number in range(5_000):
            tags(**{f"k{number % 7}": str(number)}).__enter__()
        depth, layer = 0, tagging.top.get()
        while layer is not None:
            depth, layer = depth + 1, layer.parent
        return depth, now()

    depth, found = contextvars.copy_context().run(run)
    assert depth <= 1_001
    assert found == {f"k{number % 7}": str(number) for number in range(4_993, 5_000)}
    assert now() == {}


def test_deep_recursion_comes_back_to_where_it_began():
    def down(times):
        with tags(depth=str(times)):
            assert now() == {"depth": str(times), "feature": "search"}
            if times:
                down(times - 1)
            assert now() == {"depth": str(times), "feature": "search"}

    with tags(feature="search"):
        down(200)
    assert now() == {}


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

    assert inspect.iscoroutinefunction(shown)
    assert shown.__name__ == "shown"
    with tags(tenant="acme"):
        assert await shown() == {"feature": "search", "tenant": "acme"}
    assert now() == {}


def test_a_decorated_function_that_recurses():
    @tags(depth="1")
    def down(times):
        return down(times - 1) if times else now()

    assert down(3) == {"depth": "1"}
    assert now() == {}


@pytest.mark.parametrize("what", [dict, type("Model", (), {}), 5, None, staticmethod], ids=lambda what: repr(what)[:20])
def test_what_is_no_function_is_refused(what):
    with pytest.raises(
        TypeError, match=r"tags\(\) decorates functions, methods and generators, and .* is none of them"
    ):
        tags(feature="search")(what)


GOOD_KEYS = ["a", "feature", "feature_2", "team.name", "a" * 60, "a.b.c", "a_", "a.1"]
BAD_KEYS = ["", "A", "Feature", "1a", "_a", "a-b", "a b", "a.", ".a", "a..b", "é", "a" * 61, "a\n", "a:b"]
GOOD_VALUES = ["a", " ", "Ünïcode 名前", "x" * 200, "a,b;c=d"]


class Hostile:
    """As a proxy of a request that is over."""

    @property
    def __class__(self):
        raise RuntimeError("Working outside of request context")

    def __hash__(self):
        raise RuntimeError

    def __eq__(self, other):
        raise RuntimeError

    __str__ = __repr__ = __hash__


class Lazy(str):
    """A string that says other things of itself than it is."""

    __slots__ = ()

    def __len__(self):
        raise RuntimeError

    __str__ = isprintable = __getitem__ = __iter__ = __len__


CHANGED_VALUES = [
    # value, the tag that it makes, what became of it
    ("", None, ["empty"]),
    ("x" * 201, "x" * 200, ["too_long"]),
    ("x" * 10**6, "x" * 200, ["too_long"]),
    ("a\nb", "a b", ["control_characters"]),
    ("\x00", " ", ["control_characters"]),
    ("a\ud800", "a ", ["control_characters"]),
    ("\u202ea\x1b[31m", " a [31m", ["control_characters"]),
    ("\n" + "x" * 200, " " + "x" * 199, ["too_long", "control_characters"]),
    ("x" * 200 + "\n", "x" * 200, ["too_long"]),
    (5, None, ["not_text"]),
    (True, None, ["not_text"]),
    (b"a", None, ["not_text"]),
    (["a"], None, ["not_text"]),
    (Hostile(), None, ["not_text"]),
    (Lazy("a"), "a", []),
    (Lazy("a\n"), "a ", ["control_characters"]),
    (None, None, []),
]


@pytest.fixture
def changes(monkeypatch):
    """What became of values that did not fit."""
    found = []
    monkeypatch.setattr(tags_module, "listeners", [lambda key, change: found.append((key, change))])
    return found


@pytest.mark.parametrize("key", GOOD_KEYS)
def test_a_good_key(key):
    with tags(**{key: "value"}):
        assert now() == {key: "value"}


@pytest.mark.parametrize("key", BAD_KEYS)
def test_a_bad_key_says_what_is_accepted(key):
    with pytest.raises(
        ValueError,
        match=rf"^tags\(\): {re.escape(repr(key))} cannot be a tag's key: it takes lower case letters, digits, '_' and "
        r"'\.', begins with a letter, and has up to 60 characters$",
    ):
        tags(**{key: "value"})


@pytest.mark.parametrize("value", GOOD_VALUES)
def test_a_good_value(value):
    with tags(feature=value):
        assert now() == {"feature": value}


@pytest.mark.parametrize(("value", "made", "what"), CHANGED_VALUES, ids=range(len(CHANGED_VALUES)))
def test_no_value_raises(changes, warnings, value, made, what):
    expected = {"tenant": "acme"} | ({} if made is None else {"feature": made})
    for times in (1, 2):
        with tags(tenant="acme", feature=value):
            assert now() == expected
            assert all(type(text) is str for text in now().values())
        assert changes == [("feature", change) for change in what] * times
    assert [text.startswith("A value of the tag 'feature' ") for text in warnings()] == [True] * len(what)
    # The value is the user's: it is not quoted.
    assert all("acme" not in text and "x" * 9 not in text for text in warnings())


def test_a_tag_that_is_left_out_leaves_the_outer_one(changes):
    with tags(tenant="acme"), tags(tenant="", feature="search"):
        assert now() == {"tenant": "acme", "feature": "search"}
    assert changes == [("tenant", "empty")]


def test_a_decorated_function_with_a_value_that_does_not_fit(changes):
    @tags(feature="a\nb")
    def shown():
        return now()

    assert shown() == shown() == {"feature": "a b"}
    assert changes == [("feature", "control_characters")]


def test_what_is_said_of_values_is_said_once_and_never_more_than_a_hundred_times(changes, warnings):
    for number in range(300):
        for _ in range(2):
            tags(**{f"k{number}": ""})
    assert len(changes) == 600
    assert len(warnings()) == 100
    assert warnings()[0] == (
        "A value of the tag 'k0' is empty, so it is left out. All such values are counted; this is logged once."
    )


@given(st.dictionaries(st.sampled_from(["a", "b"]), st.text() | st.none() | st.integers() | st.binary() | st.floats()))
def test_whatever_the_values_are_the_tags_fit(pairs):
    with tags(**pairs):
        assert all(tags_module.is_value(value) for value in now().values())
        assert {key for key, value in pairs.items() if isinstance(value, str) and value} == now().keys()


def test_nothing_is_tagged_by_what_raises():
    with pytest.raises(ValueError, match="cannot be a tag's key"), tags(feature="search"), tags(Tenant="acme"):
        pytest.fail("it was entered")
    assert now() == {}


class Plan(str, enum.Enum):
    FREE = "free"


def test_a_value_is_a_plain_string_whatever_it_was():
    with tags(plan=Plan.FREE):
        ((_, value),) = current(())
    assert (type(value), value) == (str, "free")
    (value,) = within(carrying(plan=Plan.FREE), now, "plan").values()
    assert (type(value), value) == (str, "free")


def test_any_word_can_be_a_key():
    with tags(self="1", cls="2", pairs="3", function="4", owner="5"):
        assert now() == {"self": "1", "cls": "2", "pairs": "3", "function": "4", "owner": "5"}


def test_what_is_remembered_of_tags_is_bounded():
    for number in range(5_000):
        with tags(user=f"u{number}", feature="search"):
            assert now() == {"user": f"u{number}", "feature": "search"}
    assert len(tags_module._known) <= 1_000


def test_what_was_refused_once_is_refused_again():
    for _ in range(3):
        with pytest.raises(ValueError, match="cannot be a tag's key"):
            tags(feature="", Feature="search")


def test_none_at_all_change_nothing():
    with tags(feature="search"), tags():
        assert now() == {"feature": "search"}


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


def test_a_baggage_key_named_twice_is_one_tag():
    assert within(carrying(tenant="acme"), now, "tenant", "tenant") == {"tenant": "acme"}


def test_tags_of_the_code_win_over_baggage():
    with tags(tenant="mine", feature="search"):
        assert within(carrying(tenant="acme", user="u"), now, "tenant", "user") == {
            "tenant": "mine",
            "feature": "search",
            "user": "u",
        }


@pytest.mark.parametrize(("value", "made", "what"), CHANGED_VALUES, ids=range(len(CHANGED_VALUES)))
def test_baggage_has_the_same_rule(changes, value, made, what):
    expected = {"user": "u"} | ({} if made is None else {"tenant": made})
    assert within(carrying(tenant=value, user="u"), now, "tenant", "user") == expected
    assert changes == [("tenant", change) for change in what]


@given(st.dictionaries(st.sampled_from(["tenant", "user", "a.b"]), st.text() | st.none() | st.integers() | st.binary()))
def test_no_baggage_raises(pairs):
    found = within(carrying(**pairs), now, "tenant", "user", "a.b")
    assert all(tags_module.is_value(value) for value in found.values())


def test_a_thread_of_its_own_has_none_and_one_with_a_copied_context_has_them():
    with tags(feature="search"), ThreadPoolExecutor(1) as pool:
        assert pool.submit(now).result() == {}
        inside = contextvars.copy_context()
        assert pool.submit(inside.run, now).result() == {"feature": "search"}
    # A context that was copied inside keeps them, whenever it is used.
    assert threaded(lambda: inside.run(now)) == {"feature": "search"}


async def test_a_function_in_another_thread_has_those_of_who_waits_for_it():
    with tags(feature="search"):
        assert await asyncio.to_thread(now) == {"feature": "search"}


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
