"""What gateways answer instead of what the API would: what is said of it must be true."""

import json

import pytest
from support import api
from support.api import USAGE, delta, events, message, start
from support.check import check
from support.expected import ABORTED, PLAIN, STREAM, TOKENS, UNKNOWN
from support.library import anthropic
from support.server import pieces, plain, stream
from support.shapes import ARGS, create, run
from support.usages import streamed, whole, without

NO_INPUT = {
    "input_tokens": 0,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": 0,
    "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
}
BOUND = STREAM.but(cost="lower_bound", reason="missing_counts")
CACHED = {"cache_read": 0, "cache_write_5m": 0, "cache_write_1h": 0, "output": 50}
NO_PROMPT = {"tokens": CACHED, "cost": "lower_bound", "reason": "missing_counts", "native_tokens": False}

STREAMS = {
    "final counts and message_stop without a stop reason": streamed(
        STREAM.but(stop_reason=None, finished=True), events(last=delta({"output_tokens": 50}, None))
    ),
    "final counts in two deltas without a stop reason": streamed(
        STREAM.but(stop_reason=None, finished=True),
        [start(), *api.BLOCK, delta({"output_tokens": 20}, None), delta({"output_tokens": 50}, None), api.STOP],
    ),
    "message_stop without message_delta": streamed(
        BOUND.but(tokens=without("output"), stop_reason=None, finished=True), [start(), *api.BLOCK, api.STOP]
    ),
    "message_stop after a message_delta without counts": streamed(
        BOUND.but(tokens=without("output"), native_tokens=False), events(last=delta({}))
    ),
    "message_stop without message_start": streamed(
        UNKNOWN.but(reason="no_usage", status="OK", stream=True, first_chunk=True, native_tokens=False),
        [*api.BLOCK, api.STOP],
    ),
    "a delta that lowers the input to 0": streamed(
        STREAM.but(native_tokens=False), events(last=delta({"input_tokens": 0, "output_tokens": 50}))
    ),
    "a delta of no input at all": streamed(
        STREAM.but(native_tokens=False), events(last=delta({**NO_INPUT, "output_tokens": 50}))
    ),
    "a delta without input beside what was read from the cache": streamed(
        STREAM.but(tokens={**TOKENS, "input": 0}), events(last=delta({**USAGE, "input_tokens": 0}))
    ),
    "no input from the first event to the last": streamed(
        STREAM.but(**NO_PROMPT), events(first=start({**USAGE, **NO_INPUT}), last=delta())
    ),
}
WHOLE = {
    "no input beside output": whole(PLAIN.but(**NO_PROMPT), message({**USAGE, **NO_INPUT})),
    "no input beside what was read from the cache": whole(
        PLAIN.but(tokens={**CACHED, "input": 0, "cache_read": 1000}),
        message({**USAGE, **NO_INPUT, "cache_read_input_tokens": 1000}),
    ),
    "empty names and lists": whole(
        PLAIN.but(tier=None), message({**USAGE, "service_tier": "", "inference_geo": "", "speed": "", "iterations": []})
    ),
    "an empty list where an object belongs": whole(
        PLAIN.but(tokens={**TOKENS, "cache_write_5m": 100, "cache_write_1h": 0}, split=False, native_tokens=False),
        message({**USAGE, "cache_creation": [], "server_tool_use": [], "output_tokens_details": []}),
    ),
}


@pytest.mark.parametrize("name", STREAMS)
async def test_a_stream_says_what_it_said(name, face, tracing, quiet):
    await run(STREAMS[name], face, tracing, quiet)


@pytest.mark.parametrize("name", WHOLE)
async def test_a_whole_message_says_what_it_said(name, face, tracing, quiet):
    await run(WHOLE[name], face, tracing, quiet)


INVALID = UNKNOWN.but(
    status="ERROR",
    reason="invalid_response",
    error_type="invalid_response",
    attempts=((200, "failed", "invalid_response", None),),
)
JSON, HTML = "application/json", "text/html; charset=utf-8"
NO_MESSAGES = {
    "an error": (json.dumps(api.error("overloaded_error")), JSON),
    "an error without a type": ('{"error": {"message": "no"}}', JSON),
    "a list": (json.dumps([api.message()]), JSON),
    "null": ("null", JSON),
    "a string": ('"sorry"', JSON),
    "another object": ('{"object": "chat.completion", "id": "x"}', JSON),
    "cut": (json.dumps(api.message())[:-9], JSON),
    "HTML": ("<html>Bad gateway</html>", HTML),
    "HTML that says it is JSON": ("<html>Bad gateway</html>", JSON),
    "empty": ("", JSON),
    "empty, of no type": ("", None),
}


async def asked(face, **more):
    """A call whose answer is none: what the SDK makes of it differs."""
    try:
        answer = await face.wait(face.client.messages.create(**ARGS, **more))
        if more:
            await face.take(answer)
    except (ValueError, TypeError, AttributeError, anthropic.APIError):
        pass
    await face.resolve()


def whole_body(text, kind):
    return pieces(text.encode(), content_type=kind) if text else pieces(content_type=kind)


@pytest.mark.parametrize("name", NO_MESSAGES)
async def test_what_is_no_message_is_an_invalid_response(name, face, telemetry, kind, quiet):
    client = face(whole_body(*NO_MESSAGES[name]))
    await asked(client)
    assert telemetry.metrics() == INVALID.metrics()


@pytest.mark.parametrize("tracing", ["ours"])
@pytest.mark.parametrize("name", NO_MESSAGES)
async def test_the_span_of_an_invalid_response_says_the_same(name, face, telemetry, quiet):
    await asked(face(whole_body(*NO_MESSAGES[name])))
    check(telemetry, INVALID, "ours")


@pytest.mark.parametrize("name", ["an error", "a list", "HTML", "empty"])
async def test_what_is_no_stream_is_an_invalid_response(name, face, telemetry, quiet):
    await asked(face(whole_body(*NO_MESSAGES[name])), stream=True)
    assert telemetry.metrics() == INVALID.metrics()


@pytest.mark.parametrize("name", ["an error", "a list", "HTML", "empty", "cut"])
async def test_what_is_no_message_is_invalid_also_where_it_is_read_raw(name, face, telemetry, quiet):
    client = face(whole_body(*NO_MESSAGES[name]))
    async with client.inside(client.client.messages.with_streaming_response.create(**ARGS)) as response:
        await client.wait(response.read())
    assert telemetry.metrics() == INVALID.metrics()


@pytest.mark.parametrize("streams", [False, True])
async def test_a_redirect_that_leads_nowhere_is_an_invalid_response(streams, face, telemetry, quiet):
    client = face(plain({}, 302), max_retries=0)
    with pytest.raises(anthropic.APIStatusError):
        await client.wait(client.client.messages.create(**ARGS, **({"stream": True} if streams else {})))
    expected = INVALID.but(attempts=((302, "failed", "invalid_response", None),))
    assert telemetry.metrics() == expected.metrics()


async def test_an_invalid_response_is_the_end_that_counts(face, telemetry, quiet):
    """One that a retry of the application's own mends is another call."""
    client = face(plain(api.error("overloaded_error")), plain())
    await asked(client)
    await create(client)
    calls = {dict(key).get("error.type"): count for key, count in telemetry.metrics()["claude.client.calls"].items()}
    assert calls == {"invalid_response": 1, None: 1}


async def test_a_connection_that_ends_cleanly_is_no_failure(face, telemetry, tracing, quiet):
    client = face(stream(api.events()[:4]))
    opened = await client.wait(client.client.messages.create(**ARGS, stream=True))
    assert len(await client.take(opened)) == 3
    await client.resolve()
    assert telemetry.metrics() == ABORTED.metrics()
    if tracing == "ours":
        check(telemetry, ABORTED, "ours")
