"""Calls whose control flow is unusual: other threads, cancelled tasks, tools, threads of messages, bare posts."""

import asyncio
import contextvars
import json
import sys
import threading

import pytest
from support import api
from support.check import check
from support.expected import ABORTED, PLAIN, SERVED, STREAM, UNKNOWN
from support.face import Face
from support.library import TRACINGS, VERSION, anthropic, http
from support.server import Server, chunked, either, plain, raising, refused, stream
from support.shapes import ARGS
from support.telemetry import typed

from otel_claude import semconv

NEVER_CAME = UNKNOWN.but(reason="no_response", attempts=((None, "failed", None, None),))


async def never(_request):
    await asyncio.Event().wait()


async def until(condition):
    while not condition():  # noqa: ASYNC110 - what is waited for knows no event
        await asyncio.sleep(0)


async def test_stream_consumed_in_another_thread(telemetry, tracing, face, kind, quiet):
    client = face(stream())
    opened = await client.wait(client.client.messages.create(**ARGS, stream=True))
    if kind == "async":
        await contextvars.Context().run(asyncio.create_task, client.take(opened))
    else:
        thread = threading.Thread(target=lambda: list(opened))
        thread.start()
        thread.join()
    check(telemetry, STREAM, tracing)


async def test_call_in_another_thread(telemetry, tracing, face, kind, quiet):
    client = face(plain())
    if kind == "async":
        pytest.skip("an async client belongs to its loop")
    await asyncio.to_thread(client.client.messages.create, **ARGS)
    check(telemetry, PLAIN, tracing)


@pytest.mark.parametrize("kind", ["async"])
async def test_cancelled_task(telemetry, tracing, face, quiet):
    client = face(never)
    task = asyncio.create_task(client.client.messages.create(**ARGS))
    await until(lambda: client.server.requests)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    check(telemetry, NEVER_CAME, tracing)


@pytest.mark.parametrize("kind", ["async"])
async def test_cancelled_in_mid_stream(telemetry, tracing, face, quiet):
    client = face(stream(api.events()[:4], hangs=True))
    read = []

    async def consume():
        async for event in await client.client.messages.create(**ARGS, stream=True):
            read.append(event)  # noqa: PERF401 - read while the task goes on

    task = asyncio.create_task(consume())
    await until(lambda: len(read) == 3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    del task
    await client.resolve()
    check(telemetry, ABORTED, tracing)


@pytest.mark.parametrize("kind", ["async"])
async def test_deadline_of_the_application(telemetry, tracing, face, quiet):
    client = face(never)
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(client.client.messages.create(**ARGS), 0.01)
    check(telemetry, NEVER_CAME, tracing)


@pytest.mark.parametrize("kind", ["async"])
@pytest.mark.parametrize("tracing", ["ours"])
async def test_coroutine_thrown_away_in_another_context(telemetry, face, quiet):
    client = face(never)
    call = client.client.messages.create(**ARGS)
    inside = contextvars.copy_context()
    while True:
        waited_for = inside.run(call.send, None)
        if client.server.requests:
            break
        if waited_for is None:
            await asyncio.sleep(0)
        else:
            waited_for._asyncio_future_blocking = False
            await asyncio.wait([waited_for])
    contextvars.Context().run(call.close)
    check(telemetry, NEVER_CAME, "ours")


@pytest.mark.parametrize("kind", ["async"])
async def test_many_at_once(telemetry, tracing, face, quiet):
    client = face(either())

    async def one(place):
        if place % 2:
            return await client.client.messages.create(**ARGS)
        return await client.take(await client.client.messages.create(**ARGS, stream=True))

    await asyncio.gather(*(one(place) for place in range(20)))
    assert len(telemetry.spans) == 20
    assert sum(telemetry.metrics()["claude.client.calls"].values()) == 20
    assert sum(telemetry.metrics()["gen_ai.client.inference.usage.output_tokens"].values()) == 20 * 50


MAPPING = pytest.param(
    dict[str, object],
    marks=pytest.mark.skipif(
        sys.version_info < (3, 11), reason=f"anthropic {VERSION} takes no dict[...] as cast_to on Python 3.10"
    ),
)


@pytest.mark.parametrize("cast_to", [object, MAPPING])
async def test_post_has_a_span_of_ours(telemetry, face, cast_to, quiet):
    client = face(plain())
    answer = await client.wait(client.client.post("/v1/messages", cast_to=cast_to, body=ARGS))
    assert answer["id"] == "msg_1"
    check(telemetry, PLAIN, "ours")


async def test_post_that_wants_the_bare_response(telemetry, face, quiet):
    client = face(plain())
    answer = await client.wait(client.client.post("/v1/messages", cast_to=http.Response, body=ARGS))
    assert answer.json()["id"] == "msg_1"
    check(telemetry, PLAIN, "ours")


@pytest.mark.parametrize("options", [{}, {"query": {"beta": "true"}}], ids=["plain", "query"])
async def test_post_to_other_places_is_no_call(telemetry, face, options, quiet):
    client = face(plain({"input_tokens": 5}))
    path = "/v1/messages/count_tokens"
    await client.wait(client.client.post(path, cast_to=object, body=ARGS, options=options))
    assert telemetry.spans == []
    assert telemetry.metrics() == {}


async def test_counting_tokens_is_no_call(telemetry, face, quiet):
    client = face(plain({"input_tokens": 5}))
    await client.wait(client.client.beta.messages.count_tokens(model=api.MODEL, messages=ARGS["messages"]))
    assert telemetry.metrics() == {}
    assert not [span for span in telemetry.spans if span.name.startswith("chat")]


def tool_use(asked):
    block = {"type": "tool_use", "id": "toolu_1", "name": "add", "input": {"text": api.ARGUMENT}}
    first = api.message(content=[block], stop_reason="tool_use")
    return (plain(first), plain(api.message(id="msg_2"))) if asked == "plain" else (either(body=first),)


async def test_tool_runner(telemetry, tracing, face, kind, quiet):
    client = face(*tool_use("plain"))
    if not hasattr(client.client.beta.messages, "tool_runner"):
        pytest.skip(f"anthropic {VERSION} has no tool runner")
    tool = anthropic.beta_async_tool if kind == "async" else anthropic.beta_tool
    arguments = []
    if kind == "async":

        async def add(text: str) -> str:
            """Adds."""
            arguments.append(text)
            return "done"
    else:

        def add(text: str) -> str:
            """Adds."""
            arguments.append(text)
            return "done"

    runner = client.client.beta.messages.tool_runner(**ARGS, tools=[tool(add)])
    await client.take(runner)
    assert arguments == [api.ARGUMENT]
    name = "chat" if tracing == "ours" else "anthropic.messages.create"
    chats = [span for span in telemetry.spans if span.name.startswith(name)]
    assert len(chats) == 2
    assert [span.attributes["claude.cost.status"] for span in chats] == ["exact", "exact"]
    metrics = telemetry.metrics()
    assert sum(metrics["claude.client.calls"].values()) == 2
    assert sum(metrics["gen_ai.client.inference.usage.output_tokens"].values()) == 100


async def test_thread_of_messages(telemetry, tracing, face, quiet):
    client = face(plain(), plain(api.message(id="msg_2")))
    if not hasattr(client.client.beta.messages, "thread"):
        pytest.skip(f"anthropic {VERSION} has no threads")
    thread = client.client.beta.messages.thread(model=api.MODEL, max_tokens=64)
    for text in ("one", "two"):
        await client.wait(thread.send({"role": "user", "content": text}))
    assert len(telemetry.spans) == 2
    assert sum(telemetry.metrics()["claude.client.calls"].values()) == 2
    assert sum(telemetry.metrics()["gen_ai.client.inference.usage.input_tokens"].values()) == 2 * 1110


async def test_application_span_is_left_alone(telemetry, tracing, face, quiet):
    client = face(plain())
    tracer = telemetry.tracer_provider.get_tracer("application")
    with tracer.start_as_current_span("work") as work:
        await client.wait(client.client.messages.create(**ARGS))
    spans = {span.name: span for span in telemetry.spans}
    assert len(spans) == 2
    assert dict(spans["work"].attributes) == {}
    (call,) = (span for name, span in spans.items() if name != "work")
    assert call.parent.span_id == work.get_span_context().span_id
    assert tracing in TRACINGS


@pytest.mark.parametrize(("given", "shown"), [("conv_1", "conv_1"), (None, None), (5, None)])
async def test_a_span_of_ours_says_the_conversation_and_the_sampling(telemetry, kind, quiet, given, shown):
    options = {"traces": False, **({} if given is None else {"conversation_id": given})}
    client = Face(kind, Server(plain()), **({"open_telemetry": options} if "native" in TRACINGS else {}))
    sampling = {"temperature": 0, "top_p": 0.9, "top_k": 40, "stop_sequences": ["planted"]}
    await client.wait(client.client.messages.create(**ARGS, extra_body=sampling))
    said = {name: value for name, value in telemetry.span.attributes.items() if "request.t" in name or "conv" in name}
    expected = {"gen_ai.request.temperature": 0.0, "gen_ai.request.top_p": 0.9, "gen_ai.request.top_k": 40}
    if shown is not None and "native" in TRACINGS:
        expected["gen_ai.conversation.id"] = shown
    assert typed(said) == typed(expected)
    assert "planted" not in str(dict(telemetry.span.attributes))
    scope = telemetry.span.instrumentation_scope
    assert (scope.name, scope.schema_url) == (semconv.SCOPE, semconv.SCHEMA_URL)


async def test_streams_are_no_parent_of_the_applications_spans(telemetry, tracing, face, quiet):
    client = face(stream())
    tracer = telemetry.tracer_provider.get_tracer("application")
    opened = await client.wait(client.client.messages.create(**ARGS, stream=True))
    await client.next(opened)
    with tracer.start_as_current_span("work"):
        pass
    await client.take(opened)
    (work,) = (span for span in telemetry.spans if span.name == "work")
    assert work.parent is None


async def test_one_attempt_event_for_each_retry(telemetry, tracing, face, quiet):
    client = face(raising(http.ConnectError), plain())
    await client.wait(client.client.messages.create(**ARGS))
    (event,) = telemetry.span.events
    assert event.name == "claude.attempt"
    delay = event.attributes["claude.attempt.delay"]
    assert dict(event.attributes) == {
        "claude.attempt.number": 1, "error.type": "connection_error", "claude.attempt.delay": delay,
    }  # fmt: skip


@pytest.mark.skipif(VERSION < (0, 98), reason=f"anthropic {VERSION} fetches no tokens")
async def test_a_new_token_after_a_refused_one_is_a_retry(telemetry, tracing, kind, quiet):
    """The SDK retries this 401 by itself: it asks nobody whether it should, and no error is made of it."""
    from anthropic import AccessToken  # noqa: PLC0415 - older versions have none

    minted = []

    def provider(*, force_refresh=False):
        minted.append(force_refresh)
        return AccessToken(f"{api.TOKEN}{len(minted)}")

    server = Server(refused(401, "authentication_error"), plain())
    client = Face(kind, server, tracing, api_key=None, credentials=provider, max_retries=2)
    await client.wait(client.client.messages.create(**ARGS))
    assert minted == [False, True]
    assert len({request.headers["authorization"] for request in server.requests}) == 2
    refreshed = (401, "retried", "authentication_error", None)
    check(telemetry, PLAIN.but(attempts=(refreshed, SERVED), hint=None), tracing)


async def test_request_shape_without_consuming_it(telemetry, tracing, face, quiet):
    client = face(plain())
    cached = {"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}
    tools = [{"name": "f", "input_schema": {"type": "object"}, "cache_control": {"type": "ephemeral"}}]
    messages = ({"role": "user", "content": text} for text in ("one", "two"))
    await client.wait(
        client.client.messages.create(
            model=api.MODEL, max_tokens=5, system=[cached], tools=tools, messages=list(messages)
        )
    )
    sent = json.loads(client.server.requests[0].content)
    assert len(sent["messages"]) == 2
    attributes = telemetry.span.attributes
    assert attributes["claude.request.messages"] == 2
    assert attributes["claude.request.tools"] == 1
    assert attributes["claude.request.cache_breakpoints"] == 2


async def test_one_shot_iterators_reach_the_wire(telemetry, tracing, face, quiet):
    client = face(plain())
    messages = ({"role": "user", "content": text} for text in ("one", "two"))
    try:
        await client.wait(client.client.messages.create(model=api.MODEL, max_tokens=5, messages=messages))
    except TypeError:
        pytest.skip(f"anthropic {VERSION} takes no iterator")
    assert [m["content"] for m in json.loads(client.server.requests[0].content)["messages"]] == ["one", "two"]
    assert sum(telemetry.metrics()["claude.client.calls"].values()) == 1


async def test_chunked_plain_body_is_an_ordinary_call(telemetry, tracing, face, quiet):
    client = face(chunked())
    await client.wait(client.client.messages.create(**ARGS))
    check(telemetry, PLAIN, tracing)
