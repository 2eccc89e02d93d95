"""What an application asks of others while a call runs is none of that call's."""

from contextlib import suppress

import pytest
from support import api
from support.check import check
from support.expected import PLAIN, SERVED, STREAM
from support.face import Face
from support.layers import Sending, copied
from support.library import HAS_MIDDLEWARE, VERSION, anthropic, http
from support.server import Server, plain, refused, stream
from support.shapes import ARGS, create

COUNTED = plain({"input_tokens": 5})
FREE = {"messages": ARGS["messages"], "model": api.MODEL}


def within(server, ask, ask_async):
    """A client that asks something before it sends a copy: with `ask` where it is sync, else with `ask_async`."""

    class Client(http.Client):
        def send(self, request, **options):
            ask()
            return super().send(copied(request), **options)

    class AsyncClient(http.AsyncClient):
        async def send(self, request, **options):
            await ask_async()
            return await super().send(copied(request), **options)

    server.client = lambda: Client(transport=http.MockTransport(server))
    server.async_client = lambda: AsyncClient(transport=http.MockTransport(server))
    return server


def asking(kind, tracing, other, act, *replies, **options):
    """A client that acts on another one while its own calls run."""

    async def ask_async():
        with suppress(anthropic.APIStatusError):
            await act(other.client)

    def ask():
        with suppress(anthropic.APIStatusError):
            act(other.client)

    return Face(kind, within(Server(*replies), ask, ask_async), tracing, **options)


def count(client):
    return client.messages.count_tokens(**FREE)


async def test_a_free_request_within_a_call(kind, tracing, telemetry, quiet):
    other = Face(kind, Sending(COUNTED), tracing)
    client = asking(
        kind, tracing, other, lambda c: c.post("/v1/messages/count_tokens", cast_to=object, body=FREE), plain()
    )
    await create(client)
    assert len(other.server.requests) == 1
    assert telemetry.metrics() == PLAIN.metrics()


async def test_a_free_request_that_is_refused_within_a_call(kind, tracing, telemetry, quiet):
    other = Face(kind, Sending(refused(400, "invalid_request_error")), tracing, max_retries=0)
    client = asking(
        kind, tracing, other, lambda c: c.post("/v1/messages/count_tokens", cast_to=object, body=FREE), plain()
    )
    await create(client)
    assert telemetry.metrics() == PLAIN.metrics()


async def test_a_call_within_a_call_counts_for_itself(kind, tracing, telemetry, quiet):
    other = Face(kind, Sending(plain(api.message(id="msg_2"))), tracing)
    client = asking(kind, tracing, other, lambda c: c.messages.create(**ARGS), plain())
    await create(client)
    metrics = telemetry.metrics()
    assert list(metrics["claude.client.calls"].values()) == [2]
    assert list(metrics["claude.client.attempts"].values()) == [2]
    assert list(metrics["gen_ai.client.inference.usage.output_tokens"].values()) == [100]
    assert sorted(span.attributes["gen_ai.response.id"] for span in telemetry.spans) == ["msg_1", "msg_2"]


def reading(kind, opened):
    """Reads a stream to its end, within a call."""

    async def read_async(_client):
        async for _ in opened:
            pass

    def read(_client):
        for _ in opened:
            pass

    return read_async if kind == "async" else read


async def test_a_stream_that_is_read_within_a_call_is_its_own_calls(kind, tracing, telemetry, quiet):
    other = Face(kind, Sending(stream(api.events(first=api.start(id="msg_2")))), tracing)
    opened = await other.wait(other.client.messages.create(**ARGS, stream=True))

    client = asking(kind, tracing, other, reading(kind, opened), plain())
    await create(client)
    await other.resolve()
    told = {span.attributes["gen_ai.response.id"]: span.attributes for span in telemetry.spans}
    assert sorted(told) == ["msg_1", "msg_2"]
    assert {attributes["gen_ai.usage.output_tokens"] for attributes in told.values()} == {50}
    assert sum(telemetry.metrics()["claude.client.attempts"].values()) == 2


async def test_an_error_in_a_stream_that_is_read_within_a_call(kind, tracing, telemetry, quiet):
    listed = [*api.events()[:4], api.error("overloaded_error")]
    other = Face(kind, Sending(stream(listed)), tracing)
    opened = await other.wait(other.client.messages.create(**ARGS, stream=True))

    client = asking(kind, tracing, other, reading(kind, opened), plain())
    await create(client)
    points = telemetry.metrics()["claude.client.attempts"]
    assert sorted((dict(key)["claude.attempt.outcome"], dict(key).get("error.type")) for key in points) == [
        ("failed", "overloaded_error"), ("success", None),
    ]  # fmt: skip


@pytest.mark.parametrize("spends", [False, True], ids=["a free request", "a call"])
async def test_what_refuses_a_token_is_no_answer_of_the_call(kind, tracing, telemetry, spends, quiet):
    """An auth flow asks another client for a token, and what that raises leaves the call, which the SDK retries."""
    other = Face(kind, Sending(refused(429, "rate_limit_error")), tracing, max_retries=0)
    asked = []

    def act():
        asked.append(1)
        if spends:
            return other.client.messages.create(**ARGS)
        return other.client.post("/v1/messages/count_tokens", cast_to=object, body=FREE)

    async def act_async():
        if len(asked) < 1:
            await act()

    server = within(Server(plain()), lambda: act() if len(asked) < 1 else None, act_async)
    client = Face(kind, server, tracing, max_retries=1)
    expected = [(0, "retried", 1), (200, "success", 1)]
    try:
        await create(client)
    except anthropic.RateLimitError:
        # anthropic 0.100.0 retries no error of its own that the HTTP client raised.
        assert VERSION == (0, 100, 0)
        expected = [(0, "failed", 1)]
    found = sorted(
        (dict(key).get("http.response.status_code", 0), dict(key)["claude.attempt.outcome"], number)
        for key, number in telemetry.metrics()["claude.client.attempts"].items()
    )
    # What was lost before it was sent had no answer of its own, whatever the other client was told.
    assert found == [*expected, *([(429, "failed", 1)] if spends else [])]


async def test_a_plain_http_request_of_the_same_client_is_nobodys(kind, tracing, telemetry, quiet):
    server = Server(plain())
    inner = Face(kind, server, tracing)
    raw = inner.client._client

    async def ask_async():
        await raw.post("https://auth.test/token", json={})

    client = Face(
        kind, within(Server(plain()), lambda: raw.post("https://auth.test/token", json={}), ask_async), tracing
    )
    await create(client)
    assert len(server.requests) == 1
    check(telemetry, PLAIN, tracing)


async def test_a_batch_that_is_asked_for_within_a_call(kind, tracing, telemetry, quiet):
    batch = {"id": "msgbatch_1", "type": "message_batch", "processing_status": "in_progress"}
    other = Face(kind, Sending(plain(batch)), tracing)
    client = asking(kind, tracing, other, lambda c: c.get("/v1/messages/batches/msgbatch_1", cast_to=object), plain())
    await create(client)
    metrics = telemetry.metrics()
    assert list(metrics["claude.client.attempts"].values()) == [1]
    assert list(metrics["gen_ai.client.inference.usage.output_tokens"].values()) == [50]


if HAS_MIDDLEWARE:
    from anthropic._middleware import Middleware
else:
    Middleware = object


class Reading(Middleware):
    """Goes on with another call's stream, of a client with middleware too, within its own call."""

    def __init__(self, other=None):
        self.other = other

    def handle(self, request, call_next):
        if self.other is not None:
            for _ in self.other:
                pass
        return call_next(request)

    async def handle_async(self, request, call_next):
        if self.other is not None:
            async for _ in self.other:
                pass
        return await call_next(request)


@pytest.mark.skipif(not HAS_MIDDLEWARE, reason=f"anthropic {VERSION} has no middleware")
@pytest.mark.filterwarnings("ignore")
async def test_a_further_hop_of_a_stream_that_another_call_reads_is_the_streams(kind, tracing, telemetry, quiet):
    try:
        from anthropic.lib.middleware import BetaRefusalFallbackMiddleware  # noqa: PLC0415 - only newer ones have it
    except ImportError:
        pytest.skip(f"anthropic {VERSION} has no fallback middleware")
    haiku = "claude-haiku-4-5-20251001"
    declined = [
        api.start({"input_tokens": 10, "output_tokens": 0}),
        api.delta({"output_tokens": 0}, "refusal"),
        api.STOP,
    ]
    served = [api.start(id="msg_2", model=haiku), *api.BLOCK, api.delta(), api.STOP]
    fallback = BetaRefusalFallbackMiddleware([{"model": haiku}])
    other = Face(kind, Server(stream(declined), stream(served)), tracing, middleware=[fallback])
    opened = await other.wait(other.client.beta.messages.create(**ARGS, stream=True))
    client = Face(kind, Server(plain(api.message(id="msg_3"))), tracing, middleware=[Reading(opened)])
    await create(client)
    await other.resolve()
    points = telemetry.metrics()["gen_ai.client.inference.duration"]
    assert sum(count for count, _ in points.values()) == 2
    by_model = telemetry.metrics()["gen_ai.client.inference.operation.output_tokens"]
    assert sorted(value for _, value in by_model.values()) == [50, 50]
    costs = sorted(span.attributes["gen_ai.usage.cost.amount"] for span in telemetry.spans)
    assert costs[-1] == 0.001545


async def test_the_answer_of_an_unmeasured_request_is_nobodys(kind, tracing, telemetry, quiet):
    client = Face(kind, Sending(stream()), tracing)
    await client.take(await client.wait(client.client.messages.create(**ARGS, stream=True)))
    await client.resolve()
    check(telemetry, STREAM.but(attempts=(SERVED,)), tracing)
    free = Face(kind, Sending(COUNTED), tracing)
    await free.wait(free.client.post("/v1/messages/count_tokens", cast_to=object, body=FREE))
    assert sum(telemetry.metrics()["claude.client.attempts"].values()) == 1
