"""Bodies that the application reads itself: they are counted, and a call ends when its body was read or closed."""

import gzip
import json

import pytest
from support import api
from support.check import check
from support.eventstream import frame
from support.expected import ABORTED, PLAIN, STREAM
from support.face import Face
from support.failing import BROKEN, MUTE
from support.library import HAS_MIDDLEWARE, VERSION, anthropic, http
from support.server import Chunks, Server, error_event, pieces, stream
from support.shapes import ARGS, NEVER, UNREAD

from otel_claude.http import bodies as raw_body

BODY = json.dumps(api.message()).encode()
JSON = {"content_type": "application/json"}
SSE = {"content_type": "text/event-stream"}
READ = PLAIN.but(native_tokens=False)
STREAM_READ = STREAM.but(native_tokens=False)


def in_pieces(content, size, **more):
    return pieces(*(content[at : at + size] for at in range(0, len(content), size)), **more)


def raw(client, **more):
    return client.inside(client.client.messages.with_streaming_response.create(**ARGS, **more))


def ended(telemetry, expected, tracing):
    """The call is over though the application still holds its response."""
    assert telemetry.metrics() == expected.metrics()
    check(telemetry, expected, tracing)


async def read(face, response):
    assert json.loads(await face.wait(response.read()))["id"] == "msg_1"


async def read_json(face, response):
    assert (await face.wait(response.json()))["id"] == "msg_1"


async def read_text(face, response):
    assert json.loads(await face.wait(response.text()))["id"] == "msg_1"


async def parse(face, response):
    assert (await face.wait(response.parse())).id == "msg_1"


async def iterate_bytes(face, response):
    assert b"".join(await face.take(response.iter_bytes())) == BODY


async def iterate_small_bytes(face, response):
    assert b"".join(await face.take(response.iter_bytes(7))) == BODY


async def iterate_text(face, response):
    assert "".join(await face.take(response.iter_text())) == BODY.decode()


async def iterate_lines(face, response):
    assert await face.take(response.iter_lines()) == [BODY.decode()]


WAYS = [read, read_json, read_text, parse, iterate_bytes, iterate_small_bytes, iterate_text, iterate_lines]
ENCODED = {
    "whole": pieces(BODY, **JSON),
    "in pieces": in_pieces(BODY, 40, **JSON),
    "compressed": in_pieces(gzip.compress(BODY), 40, headers={"content-encoding": "gzip"}, **JSON),
}


@pytest.mark.parametrize("sent", ENCODED)
@pytest.mark.parametrize("way", WAYS)
async def test_a_body_is_counted_and_its_call_ends_when_it_was_read(way, sent, face, telemetry, tracing, quiet):
    client = face(ENCODED[sent])
    async with raw(client) as response:
        await way(client, response)
        if (way, sent) == (parse, "whole"):
            await way(client, response)
        ended(telemetry, READ, tracing)


async def test_a_body_that_is_closed_unread_ends_its_call(face, telemetry, tracing, quiet):
    body = Chunks([BODY])
    body.__class__ = type("Unread", (Chunks,), {"__iter__": None, "__aiter__": None})
    client = face(
        lambda _: http.Response(200, headers={**api.HEADERS, "content-type": "application/json"}, stream=body)
    )
    async with raw(client) as response:
        pass
    assert body.closed
    ended(telemetry, UNREAD, tracing)
    del response


async def test_a_body_that_is_left_in_the_middle_was_not_read(face, telemetry, quiet):
    client = face(in_pieces(BODY, 40, **JSON))
    async with raw(client) as response:
        left = response.iter_bytes()
        assert await client.next(left) == BODY[:40]
    assert telemetry.metrics() == UNREAD.metrics()


async def test_a_body_of_which_all_but_the_end_was_read_is_counted(face, telemetry, tracing, quiet):
    client = face(in_pieces(BODY, 40, **JSON))
    async with raw(client) as response:
        left = response.iter_bytes()
        for _ in range(-(-len(BODY) // 40)):
            assert await client.next(left)
    ended(telemetry, READ.but(native_status="UNSET"), tracing)


@pytest.mark.parametrize("streams", [False, True])
async def test_what_is_read_past_the_decoder_is_not_seen(streams, face, telemetry, quiet):
    client = face(stream() if streams else ENCODED["compressed"])
    async with raw(client, **({"stream": True} if streams else {})) as response:
        whole = response.http_response
        await client.take(whole.aiter_raw() if client.is_async else whole.iter_raw())
        assert telemetry.metrics() == UNREAD.but(stream=streams).metrics()


async def test_no_more_is_kept_than_the_bound(face, telemetry, monkeypatch, quiet):
    monkeypatch.setattr(raw_body, "MAX_SIZE", len(BODY) - 1)
    client = face(in_pieces(BODY, 40, **JSON))
    async with raw(client) as response:
        assert await client.wait(response.read()) == BODY
        assert telemetry.metrics() == UNREAD.metrics()


async def test_a_body_as_long_as_the_bound_is_counted(face, telemetry, monkeypatch, quiet):
    monkeypatch.setattr(raw_body, "MAX_SIZE", len(BODY))
    client = face(in_pieces(BODY, 40, **JSON))
    async with raw(client) as response:
        await client.wait(response.read())
        assert telemetry.metrics() == PLAIN.metrics()


async def test_a_body_that_is_cut_got_no_response(face, telemetry, quiet):
    def cut(_request):
        body = Chunks([BODY[:40]], http.ReadError("cut"))
        return http.Response(200, headers={**api.HEADERS, "content-type": "application/json"}, stream=body)

    client = face(cut)
    async with raw(client) as response:
        with pytest.raises(http.ReadError):
            await client.wait(response.read())
        expected = UNREAD.but(
            reason="no_response", error_type="connection_error", attempts=((200, "failed", "connection_error", None),)
        )
        assert telemetry.metrics() == expected.metrics()


async def test_a_failure_of_ours_is_not_the_applications(face, telemetry, monkeypatch):
    def broken(*_args):
        raise LookupError

    monkeypatch.setattr(raw_body.MessageReader, "read", broken)
    client = face(ENCODED["in pieces"])
    async with raw(client) as response:
        assert await client.wait(response.read()) == BODY
    assert sum(telemetry.metrics()["claude.client.calls"].values()) == 1
    assert len(telemetry.warnings) == 1


# Streams.


def sse(listed):
    return b"".join(api.sse(listed))


async def stream_read(face, response):
    assert await face.wait(response.read()) == sse(api.events())


async def stream_lines(face, response):
    assert len(await face.take(response.iter_lines())) > len(api.events())


async def stream_events(face, response):
    kind = anthropic.AsyncStream if face.is_async else anthropic.Stream
    assert len(await face.take(kind.raw_events(response.http_response))) == len(api.events())


async def stream_parsed(face, response):
    assert len(await face.take(await face.wait(response.parse()))) == len(api.events()) - 1


STREAM_WAYS = [stream_read, stream_lines, stream_parsed]
if hasattr(anthropic.Stream, "raw_events"):
    STREAM_WAYS.append(stream_events)
STREAMS = {
    "by events": stream(),
    "at once": pieces(sse(api.events()), **SSE),
    "in small pieces": in_pieces(sse(api.events()), 7, **SSE),
    "with other ends of lines": pieces(sse(api.events()).replace(b"\n", b"\r\n"), **SSE),
}


@pytest.mark.parametrize("sent", STREAMS)
@pytest.mark.parametrize("way", STREAM_WAYS)
async def test_a_stream_is_counted_and_its_call_ends_when_it_was_read(way, sent, face, telemetry, tracing, quiet):
    client = face(STREAMS[sent])
    if (way, sent) == (stream_read, "with other ends of lines"):
        way = stream_lines
    async with raw(client, stream=True) as response:
        await way(client, response)
        ended(telemetry, STREAM if way is stream_parsed else STREAM_READ, tracing)


async def test_a_raw_stream_that_is_left_early_is_incomplete(face, telemetry, tracing, quiet):
    client = face(stream())
    async with raw(client, stream=True) as response:
        left = response.iter_bytes()
        for _ in range(5):
            await client.next(left)
    ended(telemetry, ABORTED.but(native_tokens=False), tracing)


@pytest.mark.parametrize("sent", STREAMS)
async def test_of_a_raw_stream_that_the_sdk_decodes_what_the_application_saw_counts(
    sent, face, telemetry, tracing, quiet
):
    client = face(STREAMS[sent])
    async with raw(client, stream=True) as response:
        await client.take(await client.wait(response.parse()), 3)
    ended(telemetry, ABORTED, tracing)


async def test_a_raw_stream_that_ends_cleanly_is_incomplete(face, telemetry, quiet):
    client = face(stream(api.events()[:4]))
    async with raw(client, stream=True) as response:
        await client.wait(response.read())
        assert telemetry.metrics() == ABORTED.metrics()


@pytest.mark.parametrize("before", [[], api.events()[:4]], ids=["at once", "in the middle"])
async def test_an_error_event_that_is_read_raw_is_a_failure(before, face, telemetry, quiet):
    client = face(stream([*before, api.error("overloaded_error")]))
    failed = {"error_type": "overloaded_error", "attempts": ((200, "failed", "overloaded_error", "overloaded"),)}
    async with raw(client, stream=True) as response:
        await client.wait(response.read())
        expected = BROKEN.but(**failed) if before else MUTE.but(reason="error_event", **failed)
        assert telemetry.metrics() == expected.metrics()


async def test_an_error_event_without_a_type_that_is_read_raw(face, telemetry, quiet):
    client = face(error_event({"error": {"message": "no"}}))
    async with raw(client, stream=True) as response:
        await client.wait(response.read())
        failed = {"error_type": "client_error", "attempts": ((200, "failed", "client_error", None),)}
        assert telemetry.metrics() == MUTE.but(reason="error_event", **failed).metrics()


async def test_a_line_beyond_the_bound_is_passed_over(face, telemetry, monkeypatch, quiet):
    long = {"type": "content_block_delta", "delta": {"text": "message_" * 400}}
    monkeypatch.setattr(raw_body, "MAX_SIZE", 1_000)
    client = face(in_pieces(sse([*api.events()[:3], long, *api.events()[3:]]), 100, **SSE))
    async with raw(client, stream=True) as response:
        await client.wait(response.read())
        assert telemetry.metrics() == STREAM.metrics()


async def test_what_is_no_event_is_passed_over(face, telemetry, quiet):
    odd = b'data: {"message_\n\ndata:\n\n: "message_"\nevent: "error"\ndata: ["message_stop"]\ndata: "message_stop"\n\n'
    client = face(pieces(odd, sse(api.events()), **SSE))
    async with raw(client, stream=True) as response:
        await client.wait(response.read())
        assert telemetry.metrics() == STREAM.metrics()


async def test_frames_of_bedrock_that_are_read_raw_are_not_seen(telemetry, kind, quiet):
    pytest.importorskip("boto3")
    frames = pieces(*map(frame, api.events()), content_type="application/vnd.amazon.eventstream")
    keys = {"aws_access_key": "a", "aws_secret_key": "b", "aws_region": "us-east-1"}
    client = Face(kind, Server(frames), "ours", "AnthropicBedrock", **keys)
    async with raw(client, stream=True) as response:
        await client.wait(response.read())
        (reason,) = (dict(key)["claude.unpriced.reason"] for key in telemetry.metrics()["claude.client.unpriced"])
        assert reason == "unread_body"


async def test_a_raw_stream_that_is_never_read(face, telemetry, quiet):
    client = face(stream())
    async with raw(client, stream=True):
        pass
    assert telemetry.metrics() == NEVER.metrics()


# Clients with middleware.

if HAS_MIDDLEWARE:
    from anthropic._middleware import Middleware
else:
    Middleware = object

middleware_only = pytest.mark.skipif(not HAS_MIDDLEWARE, reason=f"anthropic {VERSION} has no middleware")


class Sending(Middleware):
    """Sends so often, reads what came if it is to, and gives one of the responses."""

    def __init__(self, times=1, gives=0, *, reads=False):
        self.times, self.gives, self.reads = times, gives, reads

    def handle(self, request, call_next):
        came = [call_next(request) for _ in range(self.times)]
        if self.reads:
            came[self.gives].read()
        return came[self.gives]

    async def handle_async(self, request, call_next):
        came = [await call_next(request) for _ in range(self.times)]
        if self.reads:
            await came[self.gives].read()
        return came[self.gives]


@middleware_only
@pytest.mark.parametrize("way", WAYS)
async def test_middleware_that_passes_a_body_on(way, face, telemetry, tracing, quiet):
    client = face(ENCODED["in pieces"], middleware=[Sending()])
    async with raw(client) as response:
        await way(client, response)
        ended(telemetry, READ, tracing)


class Again(Middleware):
    """Parses what came, and sends again."""

    def handle(self, request, call_next):
        call_next(request).parse()
        return call_next(request)

    async def handle_async(self, request, call_next):
        await (await call_next(request)).parse()
        return await call_next(request)


@middleware_only
async def test_middleware_that_parsed_another_answer_before(face, telemetry, quiet):
    client = face(ENCODED["in pieces"], middleware=[Again()])
    async with raw(client) as response:
        await read_json(client, response)
        metrics = telemetry.metrics()
        assert list(metrics["claude.client.calls"].values()) == [1]
        assert list(metrics["gen_ai.client.inference.usage.output_tokens"].values()) == [100]


@middleware_only
async def test_middleware_that_has_read_the_body(face, telemetry, tracing, quiet):
    client = face(ENCODED["in pieces"], middleware=[Sending(reads=True)])
    async with raw(client) as response:
        # The SDK's own span ends when the middleware has read it.
        ended(telemetry, READ.but(native_cost="unpriced", native_reason="unread_body"), tracing)
        await read(client, response)


class Buffering(Middleware):
    """Gives a response of its own, which carries what the first one does, and reads that when it is read itself."""

    def remade(self, response):
        old = response.http_response
        new = http.Response(
            200, headers=old.headers, stream=Buffered(old), request=old.request, extensions=old.extensions
        )
        return type(response)(
            raw=new, cast_to=response._cast_to, client=response._client, stream=True, stream_cls=response._stream_cls,
            options=response._options, retries_taken=response.retries_taken,
        )  # fmt: skip

    def handle(self, request, call_next):
        return self.remade(call_next(request))

    async def handle_async(self, request, call_next):
        return self.remade(await call_next(request))


class Buffered(http.SyncByteStream, http.AsyncByteStream):
    def __init__(self, response):
        self.response = response

    def __iter__(self):
        yield from [self.response.read()[:200], self.response.read()[200:]]

    async def __aiter__(self):
        content = await self.response.aread()
        for chunk in (content[:200], content[200:]):
            yield chunk

    def close(self):
        self.response.close()

    async def aclose(self):
        await self.response.aclose()


@middleware_only
@pytest.mark.parametrize("count", [2, None])
async def test_middleware_that_reads_ahead_does_not_end_the_call(count, face, telemetry, quiet):
    client = face(stream(), middleware=[Buffering()])
    opened = await client.wait(client.client.messages.create(**ARGS, stream=True))
    await client.take(opened, count)
    await client.wait(opened.close())
    assert telemetry.metrics() == (STREAM if count is None else ABORTED.but(first_chunk=False)).metrics()
    await client.resolve()


@middleware_only
@pytest.mark.parametrize("way", STREAM_WAYS)
async def test_middleware_that_passes_a_raw_stream_on(way, face, telemetry, tracing, quiet):
    client = face(stream(), middleware=[Sending()])
    async with raw(client, stream=True) as response:
        await way(client, response)
        ended(telemetry, STREAM if way is stream_parsed else STREAM_READ, tracing)


@middleware_only
@pytest.mark.parametrize("gives", [0, 1])
async def test_a_stream_that_is_closed_ends_its_call_whichever_it_was(gives, face, telemetry, quiet):
    client = face(stream(), middleware=[Sending(2, gives)])
    opened = await client.wait(client.client.messages.create(**ARGS, stream=True))
    await client.take(opened, 4)
    await client.wait(opened.close())
    assert sum(telemetry.metrics()["claude.client.calls"].values()) == 1
    assert sum(telemetry.metrics()["claude.client.attempts"].values()) == 2


@middleware_only
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("count", [2, 6])
async def test_a_spliced_stream_that_is_closed_ends_its_call(count, face, telemetry, quiet):
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
    client = face(stream(declined), stream(served), middleware=[fallback])
    opened = await client.wait(client.client.beta.messages.create(**ARGS, stream=True))
    assert len(await client.take(opened, count)) == count
    await client.wait(opened.close())
    assert sum(telemetry.metrics()["claude.client.calls"].values()) == 1
    del opened
    await client.resolve()
