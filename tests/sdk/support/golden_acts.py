"""What an application does in a golden file, by name, once for both clients; and the server that its replies make."""

import json
from collections.abc import Awaitable, Callable
from contextlib import nullcontext, suppress
from typing import Any

import pydantic
import pytest

from support import api
from support.eventstream import frame
from support.face import Face
from support.library import anthropic, http
from support.server import Chunks, Reply, Server

Act = Callable[[Face, Any, dict[str, Any]], Awaitable[Any]]


class Number(pydantic.BaseModel):
    """What the planted completion is not."""

    number: int


async def create(face: Face, messages: Any, request: dict[str, Any]) -> Any:
    return await face.wait(messages.create(**request))


async def parse(face: Face, messages: Any, request: dict[str, Any]) -> Any:
    return await face.wait(messages.parse(**request))


async def parse_number(face: Face, messages: Any, request: dict[str, Any]) -> Any:
    return await face.wait(messages.parse(**request, output_format=Number))


async def raw_parsed_twice(face: Face, messages: Any, request: dict[str, Any]) -> None:
    raw = await face.wait(messages.with_raw_response.create(**request))
    await face.wait(raw.parse())
    await face.wait(raw.parse())


async def raw_never_parsed(face: Face, messages: Any, request: dict[str, Any]) -> None:
    raw = await face.wait(messages.with_raw_response.create(**request))
    del raw
    await face.resolve()


async def streaming_response_parsed(face: Face, messages: Any, request: dict[str, Any]) -> None:
    async with face.inside(messages.with_streaming_response.create(**request)) as response:
        await face.wait(response.parse())


async def streaming_response_lines(face: Face, messages: Any, request: dict[str, Any]) -> None:
    async with face.inside(messages.with_streaming_response.create(**request)) as response:
        assert await face.take(response.iter_lines())


async def streaming_response_unread(face: Face, messages: Any, request: dict[str, Any]) -> None:
    async with face.inside(messages.with_streaming_response.create(**request)):
        pass


async def streaming_response_stream(face: Face, messages: Any, request: dict[str, Any]) -> None:
    async with face.inside(messages.with_streaming_response.create(**request, stream=True)) as response:
        await face.take(await face.wait(response.parse()))


async def streaming_response_stream_lines(face: Face, messages: Any, request: dict[str, Any]) -> None:
    async with face.inside(messages.with_streaming_response.create(**request, stream=True)) as response:
        assert await face.take(response.iter_lines())


async def _opened(face: Face, messages: Any, request: dict[str, Any]) -> Any:
    return await face.wait(messages.create(**request, stream=True))


async def stream(face: Face, messages: Any, request: dict[str, Any]) -> None:
    await face.take(await _opened(face, messages, request))


async def stream_next(face: Face, messages: Any, request: dict[str, Any]) -> None:
    opened = await _opened(face, messages, request)
    while await face.next(opened) is not None:
        pass


async def stream_left_early(face: Face, messages: Any, request: dict[str, Any]) -> None:
    async with face.inside(await _opened(face, messages, request)) as opened:
        await face.take(opened, 4)


async def stream_closed(face: Face, messages: Any, request: dict[str, Any]) -> None:
    opened = await _opened(face, messages, request)
    await face.take(opened, 4)
    await face.wait(opened.close())


async def stream_never_iterated(face: Face, messages: Any, request: dict[str, Any]) -> None:
    async with face.inside(await _opened(face, messages, request)):
        pass


async def stream_dropped(face: Face, messages: Any, request: dict[str, Any]) -> None:
    opened = await _opened(face, messages, request)
    for _ in range(4):
        await face.next(opened)
    del opened
    await face.resolve()


async def stream_dropped_unread(face: Face, messages: Any, request: dict[str, Any]) -> None:
    opened = await _opened(face, messages, request)
    del opened
    await face.resolve()


async def stream_raising_in_loop(face: Face, messages: Any, request: dict[str, Any]) -> None:
    async with face.inside(await _opened(face, messages, request)) as opened:
        await face.take(opened, 4)
        raise LookupError(api.PROMPT)


async def helper(face: Face, messages: Any, request: dict[str, Any]) -> None:
    async with face.inside(messages.stream(**request)) as opened:
        await face.wait(opened.get_final_message())


async def helper_text_then_final(face: Face, messages: Any, request: dict[str, Any]) -> None:
    async with face.inside(messages.stream(**request)) as opened:
        assert "".join(await face.take(opened.text_stream)) == api.COMPLETION
        await face.wait(opened.get_final_message())


async def helper_until_done(face: Face, messages: Any, request: dict[str, Any]) -> None:
    async with face.inside(messages.stream(**request)) as opened:
        await face.wait(opened.until_done())


async def helper_left_early(face: Face, messages: Any, request: dict[str, Any]) -> None:
    async with face.inside(messages.stream(**request)) as opened:
        await face.take(opened.text_stream, 1)


async def raw_stream(face: Face, messages: Any, request: dict[str, Any]) -> None:
    raw = await face.wait(messages.with_raw_response.create(**request, stream=True))
    await face.take(await face.wait(raw.parse()))


async def raw_stream_never_parsed(face: Face, messages: Any, request: dict[str, Any]) -> None:
    raw = await face.wait(messages.with_raw_response.create(**request, stream=True))
    del raw
    await face.resolve()


async def post(face: Face, _messages: Any, request: dict[str, Any]) -> None:
    await face.wait(face.client.post("/v1/messages", cast_to=object, body=request))


async def count_tokens(face: Face, messages: Any, request: dict[str, Any]) -> None:
    await face.wait(messages.count_tokens(**request))


async def tool_runner(face: Face, messages: Any, request: dict[str, Any]) -> None:
    def add(text: str) -> str:
        """Adds."""
        return f"added {text}"

    async def add_async(text: str) -> str:
        """Adds."""
        return add(text)

    tool = anthropic.beta_async_tool(add_async, name="add") if face.is_async else anthropic.beta_tool(add)
    await face.take(messages.tool_runner(**request, tools=[tool]))


async def thread(face: Face, messages: Any, request: dict[str, Any]) -> None:
    said = messages.thread(**request)
    for text in ("one", "two"):
        await face.wait(said.send({"role": "user", "content": f"{api.PROMPT} {text}"}))


async def batch_results(face: Face, messages: Any, _request: dict[str, Any]) -> None:
    await face.take(await face.wait(messages.batches.results("msgbatch_1")))


async def create_twice(face: Face, messages: Any, request: dict[str, Any]) -> None:
    for _ in range(2):
        await create(face, messages, request)


ACTS: dict[str, Act] = {
    act.__name__: act
    for act in (
        create, parse, parse_number, raw_parsed_twice, raw_never_parsed, streaming_response_parsed,
        streaming_response_lines, streaming_response_unread, streaming_response_stream, streaming_response_stream_lines,
        stream, stream_next, stream_left_early, stream_closed, stream_never_iterated, stream_dropped,
        stream_dropped_unread, stream_raising_in_loop, helper, helper_text_then_final, helper_until_done,
        helper_left_early, raw_stream, raw_stream_never_parsed, post, count_tokens, tool_runner, thread, batch_results,
        create_twice,
    )
}  # fmt: skip
CREDENTIALS = {"$KEY": api.KEY, "$TOKEN": api.TOKEN}
"""What stands in the files for a key and a token, which no file of this repository has."""


def face_of(case: dict[str, Any], kind: str, tracing: str) -> Face:
    """The client of a file, and the server of its replies."""
    options = dict(case.get("client", {}))
    if fallbacks := options.pop("fallbacks", None):
        from anthropic.lib.middleware import BetaRefusalFallbackMiddleware  # noqa: PLC0415 - only newer ones have it

        options["middleware"] = [BetaRefusalFallbackMiddleware(fallbacks)]
    for name in ("api_key", "auth_token"):
        if name in options:
            options[name] = CREDENTIALS.get(options[name], options[name])
    server = Server(*(reply_of(reply) for reply in case["replies"]))
    return Face(kind, server, tracing, options.pop("class", "Anthropic"), **options)


async def run(case: dict[str, Any], face: Face) -> None:
    """Does what the file says, and sees it raise what the file says."""
    messages = face.client.beta.messages if case.get("beta") else face.client.messages
    name = case.get("raises")
    with nullcontext() if name is None else pytest.raises(error_class(name)) as raised:
        await ACTS[case["action"]](face, messages, dict(case["request"]))
    # What was raised has frames, and they have the response: an application forgets it too.
    del raised
    await face.resolve()


def error_class(name: str) -> type[BaseException]:
    """An error of the SDK's, of its HTTP library's, of pydantic's or of Python's."""
    for place in (anthropic, http, pydantic):
        with suppress(AttributeError):
            return getattr(place, name)
    return {"LookupError": LookupError}[name]


def reply_of(said: dict[str, Any]) -> Reply:
    """What the server does with a request: `raises`, or a `body`, `events`, `lines` or `text`."""

    def reply(_request: Any) -> Any:
        if "raises" in said:
            raise error_class(said["raises"])("no answer")
        headers = dict(said.get("headers", {}))
        if "events" in said:
            failure = error_class(said["then"])("cut") if "then" in said else None
            frames = "amazon" in headers.get("content-type", "")
            chunks = [frame(event) for event in said["events"]] if frames else api.sse(said["events"])
            headers.setdefault("content-type", "text/event-stream")
            return http.Response(said["status"], headers=headers, stream=Chunks(chunks, failure))
        if "body" in said:
            headers.setdefault("content-type", "application/json")
            content = json.dumps(said["body"]).encode()
        elif "lines" in said:
            headers.setdefault("content-type", "application/x-jsonl")
            content = b"".join(json.dumps(line).encode() + b"\n" for line in said["lines"])
        else:
            content = said["text"].encode()
        if said.get("chunked"):
            return http.Response(said["status"], headers=headers, stream=Chunks([content[:40], content[40:]]))
        return http.Response(said["status"], headers=headers, content=content)

    return reply
