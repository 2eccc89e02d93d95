"""What the application gets is what the bare SDK gives: types, attributes, exceptions and their tracebacks."""

import traceback

import pytest
from support import api
from support.face import Face
from support.library import VERSION, anthropic, http
from support.server import Server, plain, raising, refused, stream, throttled
from support.shapes import ARGS

from otel_claude import ClaudeInstrumentor
from otel_claude.sdk.retirement import retirement_days

CUT = api.events()[:4]
HELPER = "get_final_message"


async def call_plain(client):
    return await client.wait(client.client.messages.create(**ARGS))


async def call_stream(client):
    return await client.take(await client.wait(client.client.messages.create(**ARGS, stream=True)))


async def call_helper(client):
    async with client.inside(client.client.messages.stream(**ARGS)) as opened:
        return await client.wait(opened.get_final_message())


async def call_raw(client):
    raw = await client.wait(client.client.messages.with_raw_response.create(**ARGS))
    return await client.wait(raw.parse())


FAILURES = {
    "429 to the end": (call_plain, (throttled(),)),
    "429 to the end, helper": (call_helper, (throttled(),)),
    "400": (call_plain, (refused(400, "invalid_request_error"),)),
    "400, raw": (call_raw, (refused(400, "invalid_request_error"),)),
    "529, stream": (call_stream, (refused(529, "overloaded_error"),)),
    "body that is no JSON": (call_stream, (lambda _request: http.Response(500, text="<html>"),)),
    "connection": (call_plain, (raising(http.ConnectError),)),
    "timeout": (call_plain, (raising(http.ReadTimeout),)),
    "error event": (call_stream, (stream([*CUT, api.error("overloaded_error")]),)),
    "error event, helper": (call_helper, (stream([*CUT, api.error("overloaded_error")]),)),
    "cut": (call_stream, (stream(CUT, http.ReadError),)),
    "bare exception of the transport": (call_plain, (raising(LookupError),)),
}


def told(error):
    """All that a program can see of an exception, without our own frames."""
    chain = []
    while error is not None:
        frames = [
            (frame.filename.rpartition("site-packages/")[2], frame.name)
            for frame in traceback.extract_tb(error.__traceback__)
            if "otel_claude" not in frame.filename and "/tests/" not in frame.filename
        ]
        attributes = {k: v for k, v in vars(error).items() if isinstance(v, str | int | dict | None)}
        chain.append((type(error), [str(a) for a in error.args], attributes, error.__suppress_context__, frames))
        error = error.__cause__ or error.__context__
    return chain


async def failure(act, replies, kind, tracing):
    client = Face(kind, Server(*replies), tracing)
    try:
        await act(client)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is compared
        return told(error)
    pytest.fail("nothing was raised")


@pytest.mark.parametrize("name", FAILURES)
async def test_exceptions(telemetry, kind, tracing, name, quiet):
    act, replies = FAILURES[name]
    ours = await failure(act, replies, kind, tracing)
    ClaudeInstrumentor().uninstrument()
    bare = await failure(act, replies, kind, tracing)
    assert ours == bare
    assert len(telemetry.metrics()["claude.client.calls"]) == 1


def shown(thing):
    return type(thing), sorted(name for name in dir(thing) if not name.startswith("__"))


async def results(kind, tracing):
    """The type and the attributes of everything that is handed out."""
    got = []
    for reply in (plain(), stream()):
        client = Face(kind, Server(reply), tracing)
        if reply is not None and len(got) == 0:
            got.append(shown(await call_plain(client)))
            got.append(shown(await client.wait(client.client.messages.with_raw_response.create(**ARGS))))
            continue
        opened = await client.wait(client.client.messages.create(**ARGS, stream=True))
        got += [shown(opened), shown(opened.response), shown(await client.next(opened))]
        assert isinstance(opened, anthropic.AsyncStream if kind == "async" else anthropic.Stream)
        body = http.AsyncByteStream if kind == "async" else http.SyncByteStream
        assert isinstance(opened.response.stream, body)
        await client.take(opened)
        manager = client.client.messages.stream(**ARGS)
        got.append(shown(manager))
        async with client.inside(manager) as helper:
            got += [shown(helper), shown(helper.response), type(helper.text_stream)]
            await client.wait(helper.until_done())
            got.append(shown(await client.wait(helper.get_final_message())))
    return got


async def test_results(telemetry, kind, tracing, quiet):
    ours = await results(kind, tracing)
    ClaudeInstrumentor().uninstrument()
    assert ours == await results(kind, tracing)


async def test_answers_are_equal(telemetry, kind, tracing, quiet):
    outcomes = []
    for _ in range(2):
        client = Face(kind, Server(stream()), tracing)
        outcomes.append([event.type for event in await call_stream(client)])
        outcomes[-1].append((await call_helper(client)).content[0].text)
        if ClaudeInstrumentor().is_instrumented_by_opentelemetry:
            ClaudeInstrumentor().uninstrument()
    assert outcomes[0] == outcomes[1]


async def test_requests_are_equal(telemetry, kind, tracing, quiet):
    sent = []
    for _ in range(2):
        client = Face(kind, Server(throttled(), plain()), tracing)
        await call_plain(client)
        ignored = ("traceparent", "idempotency-key")
        sent.append(
            [
                (r.method, str(r.url), r.content, {k: v for k, v in r.headers.items() if k not in ignored})
                for r in client.server.requests
            ]
        )
        if ClaudeInstrumentor().is_instrumented_by_opentelemetry:
            ClaudeInstrumentor().uninstrument()
    assert sent[0] == sent[1]


async def test_warnings_point_at_the_application(telemetry, kind, quiet):
    client = Face(kind, Server(plain()))
    if VERSION < (0, 60):
        pytest.skip(f"anthropic {VERSION} warns of no model")
    model = next(iter(retirement_days()))  # Each version of the SDK has a list of its own.
    with pytest.warns(DeprecationWarning, match=f"'{model}' is deprecated") as caught:
        await client.wait(client.client.messages.create(**{**ARGS, "model": model}))
    assert [warning.filename for warning in caught if model in str(warning.message)] == [__file__]


async def test_bodies_are_closed_once_and_only_by_the_sdk(telemetry, kind, tracing, quiet):
    closed = []
    for _ in range(2):
        bodies = []
        reply = stream()

        def keeping(request, reply=reply, bodies=bodies):
            response = reply(request)
            bodies.append(response.stream)
            return response

        client = Face(kind, Server(keeping), tracing)
        await call_stream(client)
        closed.append([body.closed for body in bodies])
        if ClaudeInstrumentor().is_instrumented_by_opentelemetry:
            ClaudeInstrumentor().uninstrument()
    assert closed[0] == closed[1]
