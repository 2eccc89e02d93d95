"""Tags reach the span and every metric of a call, and are those of the moment it was made, wherever it is read."""

import asyncio
import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from opentelemetry import baggage, context
from support import api
from support.check import check
from support.expected import ABORTED, PLAIN, STREAM
from support.failing import FAILING
from support.library import VERSION, anthropic
from support.server import either, plain, stream
from support.shapes import ARGS, SHAPES, run

from otel_claude import ClaudeInstrumentor, tags

TAGS = {"feature": "search", "tenant": "acme"}
OTHERS = {"feature": "other", "user": "u1"}


@pytest.mark.parametrize("name", [*SHAPES, *FAILING])
async def test_every_shape_of_call_has_them_on_all_it_leaves_behind(name, face, tracing, quiet):
    shape = {**SHAPES, **FAILING}[name]
    with tags(**TAGS):
        await run(shape._replace(expected=shape.expected.but(tags=TAGS)), face, tracing, quiet)


# The moment of the call.


async def opened_inside(client, **more):
    with tags(**TAGS):
        return await client.wait(client.client.messages.create(**ARGS, stream=True, **more))


async def outside(client, opened):
    await client.take(opened)


async def inside_others(client, opened):
    with tags(**OTHERS):
        await client.take(opened)


async def in_a_task_of_another_context(client, opened):
    await asyncio.create_task(inside_others(client, opened))


async def in_another_thread(client, opened):
    if client.is_async:
        pytest.skip("an async client belongs to its loop")
    thread = threading.Thread(target=contextvars.Context().run, args=(list, opened))
    thread.start()
    thread.join()


@pytest.mark.parametrize("read", [outside, inside_others, in_a_task_of_another_context, in_another_thread])
async def test_a_stream_has_those_of_when_it_was_opened(telemetry, tracing, face, read, quiet):
    client = face(stream())
    await read(client, await opened_inside(client))
    check(telemetry, STREAM.but(tags=TAGS), tracing)


async def test_a_stream_that_is_dropped_inside_others(telemetry, tracing, face, quiet):
    client = face(stream())
    opened = await opened_inside(client)
    with tags(**OTHERS):
        for _ in range(4):
            await client.next(opened)
        del opened
        await client.resolve()
    check(telemetry, ABORTED.but(tags=TAGS), tracing)


async def test_a_helper_calls_when_it_is_entered(telemetry, tracing, face, quiet):
    """`.stream()` sends nothing by itself."""
    client = face(stream())
    with tags(**OTHERS):
        manager = client.client.messages.stream(**ARGS)
    with tags(**TAGS):
        entered = await client.wait(manager.__aenter__() if client.is_async else manager.__enter__())
    with tags(**OTHERS):
        await client.wait(entered.get_final_message())
        await client.wait(entered.close())
    check(telemetry, STREAM.but(tags=TAGS), tracing)


@pytest.mark.parametrize("kind", ["async"])
async def test_a_coroutine_calls_when_it_is_awaited(telemetry, tracing, face, quiet):
    client = face(plain())
    with tags(**OTHERS):
        coroutine = client.client.messages.create(**ARGS)
    with tags(**TAGS):
        await coroutine
    check(telemetry, PLAIN.but(tags=TAGS), tracing)


@pytest.mark.parametrize("kind", ["async"])
async def test_a_task_calls_with_those_of_its_start(telemetry, tracing, face, quiet):
    client = face(plain())
    with tags(**TAGS):
        task = asyncio.create_task(client.client.messages.create(**ARGS))
    with tags(**OTHERS):
        await task
    check(telemetry, PLAIN.but(tags=TAGS), tracing)


@pytest.mark.parametrize("kind", ["sync"])
@pytest.mark.parametrize("way", ["to_thread", "pool", "bare"])
async def test_a_thread_calls_with_those_of_the_context_it_was_given(telemetry, tracing, face, way, quiet):
    create = face(plain()).client.messages.create
    with tags(**TAGS), ThreadPoolExecutor(1) as pool:
        if way == "to_thread":
            await asyncio.to_thread(create, **ARGS)
        elif way == "pool":
            pool.submit(contextvars.copy_context().run, create, **ARGS).result()
        else:
            # A thread that nobody gives a context begins with none, as Python has it before 3.14.
            pool.submit(contextvars.Context().run, create, **ARGS).result()
    check(telemetry, PLAIN.but(tags={} if way == "bare" else TAGS), tracing)


async def test_nested_and_overridden(telemetry, tracing, face, quiet):
    client = face(plain())
    with tags(feature="outer", tenant="acme"), tags(feature="search"):
        await client.wait(client.client.messages.create(**ARGS))
    check(telemetry, PLAIN.but(tags=TAGS), tracing)


async def test_after_an_exception_there_are_none(telemetry, tracing, face, quiet):
    client = face(plain())
    with pytest.raises(LookupError), tags(**TAGS):
        raise LookupError
    await client.wait(client.client.messages.create(**ARGS))
    check(telemetry, PLAIN, tracing)


# Decorated.


def by(telemetry, *keys):
    """Calls by the values of these tags."""
    return {
        tuple(dict(labels).get(f"claude.tag.{key}") for key in keys): value
        for labels, value in telemetry.metrics()["claude.client.calls"].items()
    }


async def test_decorated_functions(telemetry, face, kind, quiet):
    client = face(plain())
    if kind == "async":

        @tags(**TAGS)
        async def ask():
            await client.client.messages.create(**ARGS)
    else:

        @tags(**TAGS)
        def ask():
            client.client.messages.create(**ARGS)

    await client.wait(ask())
    assert by(telemetry, "feature", "tenant") == {("search", "acme"): 1}


async def test_a_decorated_generator_that_calls_in_each_step(telemetry, face, kind, quiet):
    client = face(either())
    create = client.client.messages.create
    if kind == "async":

        @tags(feature="search")
        async def ask(times):
            for _ in range(times):
                async for _event in await create(**ARGS, stream=True):
                    yield
    else:

        @tags(feature="search")
        def ask(times):
            for _ in range(times):
                for _event in create(**ARGS, stream=True):
                    yield

    asking = ask(2)
    with tags(tenant="acme"):
        await client.next(asking)
        await client.wait(create(**ARGS))
    await client.wait(create(**ARGS))
    with tags(tenant="globex"):
        await client.take(asking)
    assert by(telemetry, "feature", "tenant") == {
        ("search", "acme"): 1, (None, "acme"): 1, (None, None): 1, ("search", "globex"): 1,
    }  # fmt: skip


async def test_each_turn_of_a_tool_runner_is_a_call_of_its_moment(telemetry, face, kind, quiet):
    block = {"type": "tool_use", "id": "toolu_1", "name": "add", "input": {}}
    first = api.message(content=[block], stop_reason="tool_use")
    client = face(plain(first), plain(api.message(id="msg_2")))
    if not hasattr(client.client.beta.messages, "tool_runner"):
        pytest.skip(f"anthropic {VERSION} has no tool runner")
    if kind == "async":

        @anthropic.beta_async_tool
        async def add() -> str:
            """Adds."""
            return "done"
    else:

        @anthropic.beta_tool
        def add() -> str:
            """Adds."""
            return "done"

    with tags(turn="never"):
        runner = client.client.beta.messages.tool_runner(**ARGS, tools=[add])
        turns = runner.__aiter__() if kind == "async" else iter(runner)
    for turn in ("1", "2"):
        with tags(turn=turn):
            await client.next(turns)
    assert by(telemetry, "turn") == {("1",): 1, ("2",): 1}


# Baggage.


@pytest.fixture
def from_baggage(telemetry, monkeypatch):
    """`OTEL_CLAUDE_BAGGAGE_TAGS=tenant,user`."""
    monkeypatch.setenv("OTEL_CLAUDE_BAGGAGE_TAGS", "tenant,user")
    ClaudeInstrumentor().uninstrument()
    ClaudeInstrumentor().instrument(meter_provider=telemetry.meter_provider)
    return telemetry


def carrying(**pairs):
    carried = context.get_current()
    for key, value in pairs.items():
        carried = baggage.set_baggage(key, value, carried)
    return carried


@pytest.mark.parametrize(
    "case",
    [
        ({"tenant": "acme", "other": "x"}, {}, {"tenant": "acme"}),
        ({"tenant": "acme", "user": "u"}, {"tenant": "mine", "feature": "f"},
         {"tenant": "mine", "user": "u", "feature": "f"}),
        ({}, {}, {}),
    ],
    ids=["named keys alone", "code wins", "none"],
)  # fmt: skip
async def test_tags_of_the_baggage(from_baggage, tracing, face, case, quiet):
    carried, coded, expected = case
    client = face(plain())
    token = context.attach(carrying(**carried))
    try:
        with tags(**coded):
            await client.wait(client.client.messages.create(**ARGS))
    finally:
        context.detach(token)
    check(from_baggage, PLAIN.but(tags=expected), tracing)


@pytest.mark.parametrize("way", ["code", "baggage"])
async def test_values_that_do_not_fit_are_counted_and_take_nothing_with_them(from_baggage, tracing, face, way):
    client = face(plain())
    given = {"tenant": "x" * 201, "user": ""}
    token = context.attach(carrying(**given) if way == "baggage" else context.get_current())
    try:
        with tags(**(given if way == "code" else {}), feature="a\nb"):
            await client.wait(client.client.messages.create(**ARGS))
    finally:
        context.detach(token)
    counted = from_baggage.metrics().pop("claude.client.tag.changes")
    assert counted == {
        (("claude.client.tag.change", change), ("claude.client.tag.key", key)): 1
        for key, change in [("tenant", "too_long"), ("user", "empty"), ("feature", "control_characters")]
    }
    found = from_baggage.metrics()
    del found["claude.client.tag.changes"]
    assert {dict(key).get("claude.tag.tenant") for key in found["claude.client.cost.usd"]} == {"x" * 200}
    assert {dict(key).get("claude.tag.feature") for key in found["claude.client.cost.usd"]} == {"a b"}
    assert not any("claude.tag.user" in dict(key) for points in found.values() for key in points)
    assert len(from_baggage.warnings) == 3


async def test_a_streams_baggage_is_that_of_when_it_was_opened(from_baggage, tracing, face, quiet):
    client = face(stream())
    token = context.attach(carrying(tenant="acme"))
    opened = await client.wait(client.client.messages.create(**ARGS, stream=True))
    context.detach(token)
    token = context.attach(carrying(tenant="globex"))
    await client.take(opened)
    context.detach(token)
    check(from_baggage, STREAM.but(tags={"tenant": "acme"}), tracing)
