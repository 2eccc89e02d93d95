"""Middleware of the application's and of the SDK's own (from 0.108 on)."""

from contextlib import suppress

import pytest
from support import api
from support.check import check
from support.expected import ABORTED, PLAIN, SERVED, STREAM
from support.library import HAS_MIDDLEWARE, VERSION, anthropic
from support.server import plain, refused, stream, throttled
from support.shapes import ARGS

pytestmark = pytest.mark.skipif(not HAS_MIDDLEWARE, reason=f"anthropic {VERSION} has no middleware")
HAIKU = "claude-haiku-4-5-20251001"

if HAS_MIDDLEWARE:
    from anthropic._middleware import Middleware
else:
    Middleware = object


class Passing(Middleware):
    def handle(self, request, call_next):
        return call_next(request)

    async def handle_async(self, request, call_next):
        return await call_next(request)


class Cached(Middleware):
    def handle(self, request, call_next):
        return "cached"

    async def handle_async(self, request, call_next):
        return "cached"


class Twice(Middleware):
    """Sends again whatever came, and answers with the first or the second."""

    def __init__(self, gives):
        self.gives = gives

    def handle(self, request, call_next):
        return [call_next(request), call_next(request)][self.gives]

    async def handle_async(self, request, call_next):
        return [await call_next(request), await call_next(request)][self.gives]


class Raising(Middleware):
    def __init__(self, *, before):
        self.before = before

    def handle(self, request, call_next):
        if not self.before:
            call_next(request)
        raise LookupError("the application's own")

    async def handle_async(self, request, call_next):
        if not self.before:
            await call_next(request)
        raise LookupError("the application's own")


class Counting(Middleware):
    """Asks another client something that costs nothing, within the call."""

    def __init__(self, other):
        self.other = other

    def handle(self, request, call_next):
        self.other.client.beta.messages.count_tokens(model=api.MODEL, messages=ARGS["messages"])
        return call_next(request)

    async def handle_async(self, request, call_next):
        await self.other.client.beta.messages.count_tokens(model=api.MODEL, messages=ARGS["messages"])
        return await call_next(request)


async def create(client, **more):
    return await client.wait(client.client.messages.create(**ARGS, **more))


async def test_passing(telemetry, tracing, face, quiet):
    client = face(plain(), middleware=[Passing()])
    assert (await create(client)).id == "msg_1"
    check(telemetry, PLAIN, tracing)


async def test_passing_a_stream(telemetry, tracing, face, quiet):
    client = face(stream(), middleware=[Passing(), Passing()])
    await client.take(await create(client, stream=True))
    await client.resolve()
    check(telemetry, STREAM, tracing)


async def test_passing_a_stream_that_is_closed_early(telemetry, tracing, face, quiet):
    client = face(stream(), middleware=[Passing()])
    async with client.inside(await create(client, stream=True)) as opened:
        await client.take(opened, 4)
    check(telemetry, ABORTED, tracing)


async def test_passing_a_retry(telemetry, tracing, face, quiet):
    client = face(throttled(), plain(), middleware=[Passing()])
    await create(client)
    check(telemetry, PLAIN.but(attempts=((429, "retried", "rate_limit_error", "rate_limit"), SERVED)), tracing)


async def test_answering_by_itself_is_no_call(telemetry, tracing, face, quiet):
    client = face(plain(), middleware=[Cached()])
    assert await create(client) == "cached"
    assert client.server.requests == []
    assert telemetry.metrics() == {}
    assert telemetry.span.status.status_code.name != "ERROR"


async def test_sending_twice_counts_both(telemetry, tracing, face, quiet):
    client = face(plain(), plain(api.message(id="msg_2")), middleware=[Twice(1)])
    assert (await create(client)).id == "msg_2"
    metrics = telemetry.metrics()
    assert list(metrics["claude.client.calls"].values()) == [1]
    assert list(metrics["claude.client.attempts"].values()) == [2]
    assert list(metrics["gen_ai.client.inference.usage.output_tokens"].values()) == [100]
    assert telemetry.span.attributes["gen_ai.usage.cost.amount"] == pytest.approx(2 * 0.001545)


@pytest.mark.parametrize("gives", [0, 1])
async def test_two_answers_of_one_id_are_two_bills(telemetry, tracing, face, gives, quiet):
    client = face(plain(), plain(), middleware=[Twice(gives)])
    await create(client)
    metrics = telemetry.metrics()
    assert list(metrics["claude.client.calls"].values()) == [1]
    assert list(metrics["claude.client.attempts"].values()) == [2]
    assert list(metrics["gen_ai.client.inference.usage.output_tokens"].values()) == [100]
    assert telemetry.span.attributes["gen_ai.usage.cost.amount"] == pytest.approx(2 * 0.001545)


async def test_second_is_refused_and_the_first_given(telemetry, tracing, face, quiet):
    client = face(plain(), refused(529, "overloaded_error"), middleware=[Twice(0)])
    assert (await create(client)).id == "msg_1"
    metrics = telemetry.metrics()
    assert list(metrics["claude.client.calls"].values()) == [1]
    assert sorted(dict(key)["claude.attempt.outcome"] for key in metrics["claude.client.attempts"]) == [
        "failed", "success",
    ]  # fmt: skip
    assert list(metrics["gen_ai.client.inference.usage.output_tokens"].values()) == [50]
    assert len(telemetry.spans) == 1


@pytest.mark.parametrize("before", [True, False])
async def test_raising(telemetry, tracing, face, before, quiet):
    client = face(plain(), middleware=[Raising(before=before)])
    with pytest.raises(LookupError, match="the application's own"):
        await create(client)
    metrics = telemetry.metrics()
    ((key, count),) = metrics["claude.client.calls"].items()
    assert (dict(key)["error.type"], count) == ("client_error", 1)
    assert ("gen_ai.client.inference.usage.output_tokens" in metrics) == (not before)
    assert telemetry.span.status.status_code.name == "ERROR"


async def test_another_request_within_a_call_is_none_of_its_attempts(telemetry, tracing, face, quiet):
    other = face(plain({"input_tokens": 5}))
    client = face(plain(), middleware=[Counting(other)])
    await create(client)
    assert telemetry.metrics() == PLAIN.metrics()


def fallback():
    try:
        from anthropic.lib.middleware import BetaRefusalFallbackMiddleware  # noqa: PLC0415 - only newer ones have it
    except ImportError:
        pytest.skip(f"anthropic {VERSION} has no fallback middleware")
    return BetaRefusalFallbackMiddleware([{"model": HAIKU}])


SECOND = {"input_tokens": 20, "output_tokens": 7, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0}
DECLINED = {"input_tokens": 10, "output_tokens": 0, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0}


def tokens_by_model(telemetry, name):
    points = telemetry.metrics()[f"gen_ai.client.inference.usage.{name}_tokens"]
    return {dict(key)["gen_ai.response.model"]: value for key, value in points.items()}


@pytest.mark.filterwarnings("ignore")
async def test_fallback_of_a_whole_body(telemetry, tracing, face, quiet):
    refusal = api.message(DECLINED, stop_reason="refusal", content=[])
    served = api.message({**SECOND, "service_tier": "standard"}, id="msg_2", model=HAIKU)
    client = face(plain(refusal), plain(served), middleware=[fallback()])
    answer = await client.wait(client.client.beta.messages.create(**ARGS))
    assert answer.model == HAIKU
    assert len(telemetry.spans) == 1
    assert tokens_by_model(telemetry, "input") == {api.MODEL: 10, HAIKU: 20}
    assert tokens_by_model(telemetry, "output") == {HAIKU: 7}  # and no point of zero
    metrics = telemetry.metrics()
    assert list(metrics["claude.client.calls"].values()) == [1]
    assert sum(metrics["claude.client.attempts"].values()) == 2
    # A refusal before any output is free.
    assert telemetry.span.attributes["gen_ai.usage.cost.amount"] == (20 * 1 + 7 * 5) / 1e6
    assert telemetry.span.attributes["claude.cost.status"] == "exact"


@pytest.mark.filterwarnings("ignore")
async def test_fallback_of_a_stream(telemetry, tracing, face, quiet):
    refusal = [api.start(DECLINED), api.delta({"output_tokens": 0}, "refusal"), api.STOP]
    served = [api.start({**SECOND, "output_tokens": 1}, id="msg_2", model=HAIKU), *api.BLOCK,
              api.delta({**SECOND}), api.STOP]  # fmt: skip
    client = face(stream(refusal), stream(served), middleware=[fallback()])
    events = await client.take(await client.wait(client.client.beta.messages.create(**ARGS, stream=True)))
    assert events[-1].type == "message_stop"
    await client.resolve()
    metrics = telemetry.metrics()
    assert len(telemetry.spans) == 1
    assert list(metrics["claude.client.calls"].values()) == [1]
    assert sum(metrics["claude.client.attempts"].values()) == 2
    assert tokens_by_model(telemetry, "input") == {api.MODEL: 10, HAIKU: 20}
    assert tokens_by_model(telemetry, "output") == {HAIKU: 7}  # and no point of zero
    assert telemetry.span.attributes["gen_ai.usage.cost.amount"] == (20 * 1 + 7 * 5) / 1e6


@pytest.mark.filterwarnings("ignore")
async def test_fallback_that_fails_gives_the_refusal(telemetry, tracing, face, quiet):
    refusal = api.message(DECLINED, stop_reason="refusal", content=[])
    client = face(plain(refusal), refused(529, "overloaded_error"), middleware=[fallback()], max_retries=0)
    # What the SDK makes of it differs between versions.
    with suppress(anthropic.APIStatusError):
        await client.wait(client.client.beta.messages.create(**ARGS))
    await client.resolve()
    metrics = telemetry.metrics()
    assert list(metrics["claude.client.calls"].values()) == [1]
    assert tokens_by_model(telemetry, "input") == {api.MODEL: 10}
    assert len(telemetry.spans) == 1
