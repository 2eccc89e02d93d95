"""Decorated generators: tagged while their body runs, and for their consumer as if they were not decorated."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import gc
import inspect
import threading
from typing import NamedTuple

import pytest

from otel_claude import tags
from otel_claude.tags import current

MINE = contextvars.ContextVar("mine", default="unset")


def now():
    return dict(current(()))


def plain():
    """Says what it sees, is given, and is thrown."""
    said = "began"
    while True:
        try:
            said = yield (said, now())
        except KeyError as error:
            said = f"caught {error}"
        if said == "stop":
            return ("ended", now())


async def asynchronous():
    """The same, and waits within each step."""
    said = "began"
    while True:
        await asyncio.sleep(0)
        try:
            said = yield (said, now())
        except KeyError as error:
            said = f"caught {error}"
        await asyncio.sleep(0)
        if said == "stop":
            return


class Kind(NamedTuple):
    """One face for both kinds of generators."""

    generator: object
    next: object
    send: object
    throw: object
    close: object


async def _now(value):
    return value


def _soon(method):
    async def call(generator, *args):
        try:
            return method(generator, *args)
        except StopIteration as end:
            raise StopAsyncIteration(end.value) from None

    return call


KINDS = {
    "sync": Kind(
        plain, _soon(next), _soon(lambda g, value: g.send(value)), _soon(lambda g, error: g.throw(error)),
        _soon(lambda g: g.close()),
    ),
    "async": Kind(
        asynchronous, lambda g: g.__anext__(), lambda g, value: g.asend(value), lambda g, error: g.athrow(error),
        lambda g: g.aclose(),
    ),
}  # fmt: skip
FEATURE = {"feature": "search"}


@pytest.fixture(params=KINDS)
def kind(request):
    return KINDS[request.param]


async def test_the_body_is_tagged_and_its_consumer_is_not(kind):
    body = tags(feature="search")(kind.generator)()
    assert now() == {}
    assert await kind.next(body) == ("began", FEATURE)
    assert now() == {}
    assert await kind.send(body, "one") == ("one", FEATURE)
    assert now() == {}
    assert await kind.throw(body, KeyError("two")) == ("caught 'two'", FEATURE)
    assert now() == {}
    with pytest.raises(StopAsyncIteration):
        await kind.send(body, "stop")
    assert now() == {}
    await kind.close(body)


def test_what_a_generator_returns_is_what_it_returned():
    def outer():
        return (yield from tags(feature="search")(plain)())

    body = outer()
    next(body)
    with pytest.raises(StopIteration) as end:
        body.send("stop")
    assert end.value.value == ("ended", FEATURE)


async def test_an_exception_that_the_body_does_not_catch_comes_out(kind):
    body = tags(feature="search")(kind.generator)()
    await kind.next(body)
    error = ZeroDivisionError("mine")
    with pytest.raises(ZeroDivisionError) as raised:
        await kind.throw(body, error)
    assert raised.value is error
    assert now() == {}
    with pytest.raises(StopAsyncIteration):
        await kind.next(body)


def closing(seen):
    try:
        yield
    finally:
        seen.append(now())


async def aclosing(seen):
    try:
        yield
    finally:
        await asyncio.sleep(0)
        seen.append(now())


def stubborn(seen):
    try:
        yield
    except GeneratorExit:
        seen.append(now())
        yield


async def astubborn(seen):
    try:
        yield
    except GeneratorExit:
        seen.append(now())
        yield


CLOSING = {"sync": (KINDS["sync"], closing, stubborn), "async": (KINDS["async"], aclosing, astubborn)}


@pytest.mark.parametrize("name", CLOSING)
async def test_a_body_that_is_closed_cleans_up_with_its_tags(name):
    kind, closes, _ = CLOSING[name]
    seen = []
    body = tags(feature="search")(closes)(seen)
    await kind.next(body)
    with tags(tenant="acme"):
        await kind.close(body)
        assert now() == {"tenant": "acme"}
    assert seen == [{"feature": "search", "tenant": "acme"}]
    await kind.close(body)
    never_begun = tags(feature="search")(closes)(seen)
    await kind.close(never_begun)
    assert len(seen) == 1


@pytest.mark.parametrize("name", CLOSING)
async def test_a_body_that_will_not_be_closed_is_told_so_as_ever(name):
    kind, _, will_not = CLOSING[name]
    seen = []
    body = tags(feature="search")(will_not)(seen)
    await kind.next(body)
    with pytest.raises(RuntimeError, match="generator ignored GeneratorExit"):
        await kind.close(body)
    assert seen == [FEATURE]
    assert now() == {}


async def test_the_tags_of_whoever_asks_for_a_step_lie_beneath(kind):
    body = tags(feature="search")(kind.generator)()
    with tags(tenant="acme", feature="other"):
        assert await kind.next(body) == ("began", {"feature": "search", "tenant": "acme"})
        assert now() == {"feature": "other", "tenant": "acme"}
    with tags(tenant="globex"):
        assert await kind.send(body, "one") == ("one", {"feature": "search", "tenant": "globex"})
    assert await kind.send(body, "two") == ("two", FEATURE)
    await kind.close(body)


def nested():
    with tags(step="1", feature="inner"):
        yield now()
        with tags(step="2"):
            yield now()
        yield now()
    yield now()


async def anested():
    with tags(step="1", feature="inner"):
        yield now()
        with tags(step="2"):
            await asyncio.sleep(0)
            yield now()
        yield now()
    yield now()


NESTED = {"sync": (KINDS["sync"], nested), "async": (KINDS["async"], anested)}
STEPS = [
    {"feature": "inner", "step": "1"}, {"feature": "inner", "step": "2"}, {"feature": "inner", "step": "1"},
    {"feature": "search"},
]  # fmt: skip


@pytest.mark.parametrize("name", NESTED)
async def test_blocks_inside_the_body_are_kept_for_it_between_its_steps(name):
    kind, function = NESTED[name]
    body, others = tags(feature="search")(function)(), [{"tenant": "a"}, {"tenant": "b"}, {}, {"user": "c"}]
    for other, expected in zip(others, STEPS, strict=True):
        with tags(**other):
            assert await kind.next(body) == {**other, **expected}
            assert now() == other
    assert now() == {}
    await kind.close(body)


@pytest.mark.parametrize("name", NESTED)
async def test_two_generators_in_turn_do_not_see_each_others(name):
    kind, function = NESTED[name]
    decorated = tags(feature="search")(function)
    one, two = decorated(), tags(feature="chat", user="u")(function)()
    for expected in STEPS:
        assert await kind.next(one) == expected
        feature = "chat" if expected["feature"] == "search" else "inner"
        assert await kind.next(two) == {**expected, "feature": feature, "user": "u"}
        assert now() == {}
    await kind.close(one)
    await kind.close(two)


@pytest.mark.parametrize("name", NESTED)
async def test_a_generator_that_is_not_decorated_leaves_nothing_behind(name):
    """Its tags are its consumer's too between its steps, as any `with` around a `yield`; at its end they are gone."""
    kind, function = NESTED[name]
    body, outer = function(), tags(tenant="acme")
    outer.__enter__()
    await kind.next(body)
    outer.__exit__(None, None, None)
    assert now() == {"feature": "inner", "step": "1"}
    await kind.next(body)
    await kind.close(body)
    assert now() == {}


def with_context():
    MINE.set("first")
    yield MINE.get()
    yield MINE.get()
    MINE.set("second")
    yield MINE.get()


async def awith_context():
    MINE.set("first")
    yield MINE.get()
    yield MINE.get()
    MINE.set("second")
    await asyncio.sleep(0)
    yield MINE.get()


@pytest.mark.parametrize("decorated", [False, True], ids=["bare", "decorated"])
@pytest.mark.parametrize(
    ("kind", "function"), [(KINDS["sync"], with_context), (KINDS["async"], awith_context)], ids=["sync", "async"]
)
async def test_the_applications_own_context_changes_as_without_us(kind, function, decorated):
    function = tags(feature="search")(function) if decorated else function
    body = function()
    seen = [await kind.next(body), MINE.get()]
    MINE.set("consumer's")
    seen += [await kind.next(body), MINE.get(), await kind.next(body), MINE.get()]
    await kind.close(body)
    assert seen == ["first", "first", "consumer's", "consumer's", "second", "second"]


async def test_each_step_may_be_asked_for_in_another_context(kind):
    body = tags(feature="search")(kind.generator)()
    with tags(tenant="acme"):
        assert await asyncio.create_task(kind.next(body)) == ("began", {"feature": "search", "tenant": "acme"})
    found = await asyncio.create_task(kind.send(body, "one"))
    assert found == ("one", FEATURE)
    await kind.close(body)


def test_steps_in_other_threads():
    body, seen = tags(feature="search")(nested)(), []
    for _ in STEPS:
        thread = threading.Thread(target=lambda: seen.append((next(body), now())))
        thread.start()
        thread.join()
    assert seen == [(step, {}) for step in STEPS]


async def test_a_step_that_is_cancelled_leaves_no_tags():
    seen = []

    @tags(feature="search")
    async def waiting():
        try:
            await asyncio.Event().wait()
            yield
        finally:
            seen.append(now())

    async def consume():
        try:
            async for _ in waiting():
                pass
        finally:
            seen.append(now())

    task = asyncio.create_task(consume())
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen == [FEATURE, {}]


async def test_a_step_that_is_thrown_away_in_another_context_ends_nothing_there():
    @tags(feature="search")
    async def waiting():
        await asyncio.sleep(60)
        yield

    body = waiting()
    step = body.__anext__()
    contextvars.copy_context().run(step.send, None)
    with tags(tenant="acme"):
        with pytest.raises(ZeroDivisionError):
            step.throw(ZeroDivisionError())
        assert now() == {"tenant": "acme"}
    assert now() == {}
    await body.aclose()


def test_an_async_generator_that_nobody_finished_is_closed_once_and_quietly():
    """At the loop's end: were its body known to the loop too, both would be closed at once."""
    seen, complaints = [], []

    @tags(feature="search")
    async def abandoned():
        try:
            yield 1
        finally:
            for _ in range(5):
                await asyncio.sleep(0)
            seen.append(now())

    async def main():
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        generators = [abandoned() for _ in range(3)]
        for generator in generators:
            await generator.__anext__()
        main.kept = generators[1:]
        del generators, generator
        gc.collect()
        for _ in range(100):  # on a busy machine, the loop gets to the body's end late
            if seen:
                break
            await asyncio.sleep(0.01)
        assert seen == [FEATURE]

    asyncio.run(main())
    assert seen == [FEATURE] * 3
    assert complaints == []


def test_a_sync_generator_that_is_dropped_is_closed_at_once():
    seen = []
    body = tags(feature="search")(closing)(seen)
    next(body)
    del body
    assert seen == [FEATURE]
    assert now() == {}


def test_a_generator_that_fails_is_no_garbage():
    """No cycle keeps what an exception saw until a garbage collection."""

    class Big:
        pass

    gone = []

    @tags(feature="search")
    def failing():
        big = Big()
        import weakref  # noqa: PLC0415 - for this one line

        gone.append(weakref.ref(big))
        try:
            yield
        except KeyError:
            raise ValueError from None

    gc.disable()
    try:
        body = failing()
        next(body)
        with contextlib.suppress(ValueError):
            body.throw(KeyError())
        del body
        assert gone[0]() is None
    finally:
        gc.enable()


def test_inspect_says_what_it_said():
    decorate = tags(feature="search")
    assert inspect.isgeneratorfunction(decorate(plain))
    assert inspect.isasyncgenfunction(decorate(asynchronous))
    assert inspect.iscoroutinefunction(decorate(_now))
    assert not inspect.iscoroutinefunction(decorate(now))
    assert inspect.isgeneratorfunction(decorate(functools.partial(closing, [])))
    for function in (plain, asynchronous, _now, now):
        decorated = decorate(function)
        assert (decorated.__name__, decorated.__doc__, decorated.__wrapped__) == (
            function.__name__, function.__doc__, function,
        )  # fmt: skip


def test_a_context_manager_is_tagged_before_and_after_its_block():
    seen = []

    @contextlib.contextmanager
    @tags(feature="search")
    def around():
        seen.append(now())
        yield
        seen.append(now())

    with around():
        seen.append(now())
    assert seen == [FEATURE, {}, FEATURE]


async def test_a_method_of_either_kind():
    class Service:
        @tags(feature="search")
        def each(self, count):
            for _ in range(count):
                yield self, now()

        @tags(feature="chat")
        async def one(self):
            return self, now()

        @staticmethod
        @tags(feature="static")
        def alone():
            return now()

        @classmethod
        @tags(feature="class")
        def of(cls):
            return cls, now()

    service = Service()
    assert list(service.each(2)) == [(service, FEATURE)] * 2
    assert await service.one() == (service, {"feature": "chat"})
    assert Service.alone() == {"feature": "static"}
    assert Service.of() == (Service, {"feature": "class"})
