"""Every shape of call, written once for both clients, with what it must leave behind."""

from collections.abc import Awaitable, Callable
from operator import attrgetter
from typing import Any, NamedTuple

import pytest

from support import api
from support.api import ARGS
from support.check import check
from support.expected import ABORTED, PLAIN, STREAM, Expected
from support.face import Face
from support.library import NEWEST, VERSION
from support.server import Reply, chunked, plain, stream, stream_at_once

Action = Callable[[Face], Awaitable[Any]]


class Shape(NamedTuple):
    """`act` on a client whose server gives `replies`. `needs` is a method that older versions lack."""

    act: Action
    expected: Expected
    replies: tuple[Reply, ...] = ()
    needs: str = ""
    options: dict[str, Any] = {}  # noqa: RUF012 - a NamedTuple's default, never changed


def messages(face: Face, *, beta: bool = False) -> Any:
    return face.client.beta.messages if beta else face.client.messages


# Whole answers.


async def create(face: Face) -> Any:
    return await face.wait(face.client.messages.create(**ARGS))


async def create_beta(face: Face) -> Any:
    return await face.wait(face.client.beta.messages.create(**ARGS, betas=["some-beta-2025-01-01"]))


async def parse(face: Face) -> Any:
    return await face.wait(face.client.messages.parse(**ARGS))


async def parse_beta(face: Face) -> Any:
    return await face.wait(face.client.beta.messages.parse(**ARGS))


async def raw_parsed(face: Face) -> None:
    raw = await face.wait(face.client.messages.with_raw_response.create(**ARGS))
    parsed = await face.wait(raw.parse())
    assert parsed.content[0].text == api.COMPLETION
    await face.wait(raw.parse())


async def raw_never_parsed(face: Face) -> None:
    raw = await face.wait(face.client.messages.with_raw_response.create(**ARGS))
    assert raw.headers["request-id"] == "req_1"


async def streaming_response_parsed(face: Face) -> None:
    async with face.inside(face.client.messages.with_streaming_response.create(**ARGS)) as response:
        parsed = await face.wait(response.parse())
    assert parsed.content[0].text == api.COMPLETION


async def streaming_response_lines(face: Face) -> None:
    async with face.inside(face.client.messages.with_streaming_response.create(**ARGS)) as response:
        assert await face.take(response.iter_lines())
    del response
    await face.resolve()


async def streaming_response_unread(face: Face) -> None:
    async with face.inside(face.client.messages.with_streaming_response.create(**ARGS)):
        pass


# Streams.


async def opened(face: Face) -> Any:
    return await face.wait(face.client.messages.create(**ARGS, stream=True))


async def stream_read(face: Face) -> None:
    events = await face.take(await opened(face))
    assert [event.type for event in events] == [event["type"] for event in api.events() if event != api.PING]


async def stream_read_beta(face: Face) -> None:
    await face.take(await face.wait(face.client.beta.messages.create(**ARGS, stream=True)))


async def stream_next(face: Face) -> None:
    stream = await opened(face)
    while await face.next(stream) is not None:
        pass


async def stream_inside(face: Face) -> None:
    async with face.inside(await opened(face)) as stream:
        await face.take(stream)


async def stream_broken_off(face: Face) -> None:
    async with face.inside(await opened(face)) as stream:
        await face.take(stream, 4)


async def stream_closed(face: Face) -> None:
    stream = await opened(face)
    await face.take(stream, 4)
    await face.wait(stream.close())


async def stream_never_iterated(face: Face) -> None:
    async with face.inside(await opened(face)):
        pass


async def stream_dropped(face: Face) -> None:
    stream = await opened(face)
    for _ in range(4):
        await face.next(stream)
    del stream
    await face.resolve()


async def stream_dropped_unread(face: Face) -> None:
    stream = await opened(face)
    del stream
    await face.resolve()


async def stream_raising_in_loop(face: Face) -> None:
    with pytest.raises(LookupError):  # noqa: PT012 - what is raised is raised inside
        async with face.inside(await opened(face)) as stream:
            await face.take(stream, 4)
            raise LookupError(api.PROMPT)


async def helper_final_message(face: Face) -> None:
    async with face.inside(face.client.messages.stream(**ARGS)) as stream:
        final = await face.wait(stream.get_final_message())
    assert final.usage.output_tokens == 50


async def helper_beta(face: Face) -> None:
    async with face.inside(face.client.beta.messages.stream(**ARGS)) as stream:
        await face.wait(stream.get_final_message())


async def helper_text_then_final(face: Face) -> None:
    async with face.inside(face.client.messages.stream(**ARGS)) as stream:
        assert "".join(await face.take(stream.text_stream)) == api.COMPLETION
        final = await face.wait(stream.get_final_message())
    assert final.usage.output_tokens == 50


async def helper_until_done(face: Face) -> None:
    async with face.inside(face.client.messages.stream(**ARGS)) as stream:
        await face.wait(stream.until_done())


async def helper_left_early(face: Face) -> None:
    async with face.inside(face.client.messages.stream(**ARGS)) as stream:
        await face.take(stream.text_stream, 1)


async def raw_stream(face: Face) -> None:
    raw = await face.wait(face.client.messages.with_raw_response.create(**ARGS, stream=True))
    await face.take(await face.wait(raw.parse()))


async def raw_stream_never_parsed(face: Face) -> None:
    raw = await face.wait(face.client.messages.with_raw_response.create(**ARGS, stream=True))
    del raw
    await face.resolve()


async def streaming_response_stream(face: Face) -> None:
    manager = face.client.messages.with_streaming_response.create(**ARGS, stream=True)
    async with face.inside(manager) as response:
        await face.take(await face.wait(response.parse()))


async def raw_stream_lines(face: Face) -> None:
    manager = face.client.messages.with_streaming_response.create(**ARGS, stream=True)
    async with face.inside(manager) as response:
        assert await face.take(response.iter_lines())
    del response, manager
    await face.resolve()


UNREAD = Expected(tokens=None, cost="unpriced", status="UNSET", stop_reason=None, reason="unread_body")
NEVER = ABORTED.but(tokens=None, cost="unpriced", first_chunk=False)

WHOLE = (plain(),)
CHUNKED = (chunked(),)
STREAMED = (stream(),)
SHAPES = {
    "create": Shape(create, PLAIN, WHOLE),
    "create, beta": Shape(create_beta, PLAIN, WHOLE),
    "parse": Shape(parse, PLAIN, WHOLE, "messages.parse"),
    "parse, beta": Shape(parse_beta, PLAIN, WHOLE, "beta.messages.parse"),
    "raw, parsed twice": Shape(raw_parsed, PLAIN, WHOLE),
    "raw, never parsed": Shape(raw_never_parsed, PLAIN, WHOLE),
    "streaming response, parsed": Shape(
        streaming_response_parsed,
        PLAIN.but(native_tokens=False),
        CHUNKED,
    ),
    "streaming response, body at once": Shape(streaming_response_lines, PLAIN, WHOLE),
    "streaming response, by lines": Shape(streaming_response_lines, PLAIN.but(native_tokens=False), CHUNKED),
    "streaming response, unread": Shape(streaming_response_unread, UNREAD, CHUNKED),
    "stream, read": Shape(stream_read, STREAM, STREAMED),
    "stream, read, body at once": Shape(stream_read, STREAM, (stream_at_once(),)),
    "stream, read, beta": Shape(stream_read_beta, STREAM, STREAMED),
    "stream, next()": Shape(stream_next, STREAM, STREAMED),
    "stream, with": Shape(stream_inside, STREAM, STREAMED),
    "stream, break": Shape(stream_broken_off, ABORTED, STREAMED),
    "stream, closed": Shape(stream_closed, ABORTED, STREAMED),
    "stream, never iterated": Shape(stream_never_iterated, NEVER, STREAMED),
    "stream, dropped": Shape(stream_dropped, ABORTED, STREAMED),
    "stream, dropped unread": Shape(stream_dropped_unread, NEVER, STREAMED),
    "stream, exception in the loop": Shape(stream_raising_in_loop, ABORTED, STREAMED),
    "helper, final message": Shape(helper_final_message, STREAM, STREAMED),
    "helper, beta": Shape(helper_beta, STREAM, STREAMED, "beta.messages.stream"),
    "helper, text, then final message": Shape(helper_text_then_final, STREAM, STREAMED),
    "helper, until done": Shape(helper_until_done, STREAM, STREAMED),
    "helper, left early": Shape(helper_left_early, ABORTED, STREAMED),
    "raw stream": Shape(raw_stream, STREAM, STREAMED),
    "raw stream, never parsed": Shape(raw_stream_never_parsed, NEVER, STREAMED),
    "streaming response, stream": Shape(streaming_response_stream, STREAM, STREAMED),
    "streaming response, stream by lines": Shape(raw_stream_lines, STREAM.but(native_tokens=False), STREAMED),
}


async def run(shape: Shape, face: Any, tracing: str, telemetry: Any) -> None:
    """Acts, and compares all that is left behind with all that must be."""
    client = face(*shape.replies, **shape.options)
    if shape.needs:
        try:
            attrgetter(shape.needs)(client.client)
        except AttributeError:
            assert VERSION < NEWEST, "the newest SDK has everything"
            pytest.skip(f"anthropic {VERSION} has no {shape.needs}")
    await shape.act(client)
    await client.resolve()
    check(telemetry, shape.expected, tracing)
