"""What an application puts between the SDK and the network changes nothing of what is measured."""

import asyncio
import threading

import pytest
from support import api
from support.check import check
from support.expected import PLAIN, SERVED, STREAM, THROTTLED
from support.face import Face
from support.failing import FAILING
from support.layers import LAYERS, Caching, Sending, Stored, Unrequested
from support.library import HAS_MIDDLEWARE, VERSION, anthropic, http
from support.server import Server, either, plain, refused, stream, stream_at_once, throttled
from support.shapes import ARGS, SHAPES, Shape, create, run, stream_read

REFUSAL = {"stop_reason": "refusal", "content": []}
REBUILT = {
    **{
        name: SHAPES[name]
        for name in (
            "create",
            "raw, parsed twice",
            "streaming response, parsed",
            "stream, read",
            "stream, closed",
            "stream, dropped unread",
            "helper, final message",
            "raw stream",
            "streaming response, stream",
        )
    },
    **{
        name: FAILING[name]
        for name in (
            "429, then success",
            "429 to the end",
            "400",
            "connection error, 529, 429, then success",
            "error event",
            "clean cut",
        )
    },
    "refusal": Shape(create, PLAIN.but(stop_reason="refusal"), (plain(api.message(**REFUSAL)),)),
    "refusal of a stream": Shape(
        stream_read,
        STREAM.but(stop_reason="refusal"),
        (stream(api.events(last=api.delta(stop_reason="refusal"))),),
    ),
}


OFTEN = ("create", "stream, read", "raw stream", "429, then success", "400", "refusal")
"""What is tried with every layer. All else is with the two that differ most: one sends, and one does not."""
TRIED = [
    (name, layer) for layer in LAYERS for name in REBUILT if name in OFTEN or layer in ("send that copies", "cache")
]


@pytest.mark.parametrize(("name", "layer"), TRIED)
async def test_a_call_is_measured_as_that_of_a_plain_client(name, layer, kind, tracing, telemetry, quiet):
    def face(*replies, **options):
        return Face(kind, LAYERS[layer](*replies), tracing, **options)

    await run(REBUILT[name], face, tracing, telemetry)


async def test_a_response_that_is_given_twice_is_the_answer_of_both_calls(kind, tracing, telemetry, quiet):
    client = Face(kind, Stored(plain()), tracing)
    assert await create(client) == await create(client)
    metrics = telemetry.metrics()
    assert list(metrics["claude.client.calls"].values()) == [2]
    assert list(metrics["claude.client.attempts"].values()) == [2]
    assert list(metrics["gen_ai.client.inference.usage.output_tokens"].values()) == [100]
    assert "claude.client.unpriced" not in metrics


async def test_a_stored_refusal_is_that_of_each_call(kind, tracing, telemetry, quiet):
    client = Face(kind, Stored(refused(400, "invalid_request_error")), tracing, max_retries=0)
    for _ in range(2):
        with pytest.raises(anthropic.BadRequestError):
            await create(client)
    ((key, count),) = telemetry.metrics()["claude.client.attempts"].items()
    assert (dict(key)["http.response.status_code"], dict(key)["claude.attempt.outcome"], count) == (400, "failed", 2)
    assert "claude.client.unpriced" not in telemetry.metrics()


async def test_a_stored_429_is_retried_each_time(kind, tracing, telemetry, quiet):
    client = Face(kind, Stored(throttled(), plain()), tracing)
    await create(client)
    client.server.requests.clear()
    telemetry.recorded.started.clear()
    telemetry.recorded.ended.clear()
    await create(client)
    points = telemetry.metrics()["claude.client.attempts"]
    found = {
        (dict(key).get("http.response.status_code"), dict(key)["claude.attempt.outcome"]): n
        for key, n in points.items()
    }
    assert found == {(429, "retried"): 2, (200, "success"): 2}


async def test_streams_that_share_one_request_are_told_apart(kind, tracing, telemetry, quiet):
    """Read in turns, and each is its own call's."""
    client = Face(kind, Caching(stream(), stream(api.events(first=api.start(id="msg_2")))), tracing)
    streams = [await client.wait(client.client.messages.create(**ARGS, stream=True)) for _ in range(2)]
    while await client.next(streams[0]) is not None:
        await client.next(streams[1])
    while await client.next(streams[1]) is not None:
        pass
    await client.resolve()
    metrics = telemetry.metrics()
    assert list(metrics["claude.client.calls"].values()) == [2]
    assert list(metrics["gen_ai.client.inference.usage.output_tokens"].values()) == [100]
    assert sorted(span.attributes["gen_ai.response.id"] for span in telemetry.spans) == ["msg_1", "msg_2"]
    assert {span.attributes["gen_ai.usage.cost.amount"] for span in telemetry.spans} == {0.001545}


@pytest.mark.skipif(VERSION < (0, 125), reason="older SDKs ask for the request before anything of ours")
async def test_a_response_without_a_request_fails_in_the_sdk_and_is_billed(kind, tracing, telemetry, quiet):
    client = Face(kind, Unrequested(plain()), tracing, max_retries=0)
    with pytest.raises(RuntimeError, match="request"):
        await create(client)
    metrics = telemetry.metrics()
    assert [dict(key)["error.type"] for key in metrics["claude.client.calls"]] == ["client_error"]
    assert [dict(key)["http.response.status_code"] for key in metrics["claude.client.attempts"]] == [200]
    assert list(metrics["gen_ai.client.inference.usage.output_tokens"].values()) == [50]
    assert telemetry.span.attributes["gen_ai.usage.cost.amount"] == 0.001545


async def test_redirects_are_followed_within_one_attempt(kind, tracing, telemetry, quiet):
    def moved(_request):
        return http.Response(307, headers={"location": "https://api.anthropic.com/v1/messages"})

    for server in (Server(moved, plain()), Sending(moved, plain())):
        client = Face(kind, server, tracing)
        client.client._client.follow_redirects = True
        await create(client)
        assert len(server.requests) == 2
    metrics = telemetry.metrics()
    assert list(metrics["claude.client.attempts"].values()) == [2]
    assert list(metrics["gen_ai.client.inference.usage.output_tokens"].values()) == [100]


async def test_concurrent_calls_are_told_apart(kind, tracing, telemetry, quiet):
    client = Face(kind, Sending(either()), tracing)

    async def both():
        await create(client)
        await stream_read(client)

    if client.is_async:
        await asyncio.gather(*(both() for _ in range(8)))
    else:
        threads = [threading.Thread(target=lambda: asyncio.run(both())) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    await client.resolve()
    metrics = telemetry.metrics()
    assert list(metrics["claude.client.calls"].values()) == [16]
    assert list(metrics["gen_ai.client.inference.usage.output_tokens"].values()) == [16 * 50]
    assert "claude.client.unpriced" not in metrics


async def test_who_copies_the_options_is_measured_too(kind, tracing, telemetry, monkeypatch, quiet):
    """A layer that signs overrides `_build_request`, and gives ours a copy."""

    class Copying(type(Face(kind, Server(plain()), tracing).client)):
        def _build_request(self, options, **more):
            return super()._build_request(
                options.model_copy() if hasattr(options, "model_copy") else options.copy(), **more
            )

    monkeypatch.setattr(anthropic, "AsyncCopying" if kind == "async" else "Copying", Copying, raising=False)
    options = {"api_key": api.KEY, "base_url": "https://api.anthropic.com"}
    client = Face(kind, Sending(throttled(), plain()), tracing, "Copying", **options)
    await create(client)
    check(telemetry, PLAIN.but(attempts=(THROTTLED, SERVED)), tracing)


# Middleware that answers with a response of its own.


def remade(response, *, request):
    """A raw response of the SDK's around another HTTP response."""
    old = response.http_response
    more = (
        {"request": old.request} if request == "kept" else {"request": copied_request()} if request == "another" else {}
    )
    new = http.Response(old.status_code, headers=old.headers, content=old.content, **more)
    return type(response)(
        raw=new, cast_to=response._cast_to, client=response._client, stream=response._is_sse_stream,
        stream_cls=response._stream_cls, options=response._options, retries_taken=response.retries_taken,
    )  # fmt: skip


def copied_request():
    return http.Request("POST", "https://another.test/v1/messages")


if HAS_MIDDLEWARE:
    from anthropic._middleware import Middleware
else:
    Middleware = object


class Remaking(Middleware):
    def __init__(self, request):
        self.request = request

    def handle(self, request, call_next):
        response = call_next(request)
        response.http_response.read()
        return remade(response, request=self.request)

    async def handle_async(self, request, call_next):
        response = await call_next(request)
        await response.http_response.aread()
        return remade(response, request=self.request)


ANOTHER = {"whole": (plain(), create, PLAIN), "stream": (stream(), stream_read, STREAM),
           "stream at once": (stream_at_once(), stream_read, STREAM)}  # fmt: skip


@pytest.mark.skipif(not HAS_MIDDLEWARE, reason=f"anthropic {VERSION} has no middleware")
@pytest.mark.parametrize("request_", ["kept", "another"])
@pytest.mark.parametrize("layer", [Server, Sending])
@pytest.mark.parametrize("name", ANOTHER)
async def test_a_middleware_that_answers_with_another_response(kind, tracing, quiet, request_, layer, name):
    reply, act, expected = ANOTHER[name]
    client = Face(kind, layer(reply), tracing, middleware=[Remaking(request_)])
    await act(client)
    await client.resolve()
    check(quiet, expected, tracing)
