"""A transport that answers with what a test scripted, in the HTTP library of the installed SDK."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from support import api
from support.library import http

Reply = Callable[[Any], Any]


class Chunks(http.SyncByteStream, http.AsyncByteStream):
    """A body that comes in chunks, and may end with an error or never."""

    def __init__(self, chunks: list[bytes], failure: Exception | None = None, *, hangs: bool = False) -> None:
        self.chunks = chunks
        self.failure = failure
        self.hangs = hangs
        self.closed = 0

    def __iter__(self):
        yield from self.chunks
        if self.failure is not None:
            raise self.failure

    async def __aiter__(self):
        for chunk in self.chunks:
            yield chunk
        if self.hangs:
            await asyncio.Event().wait()
        if self.failure is not None:
            raise self.failure

    def close(self) -> None:
        self.closed += 1

    async def aclose(self) -> None:
        self.closed += 1


def plain(body: Any = None, status: int = 200, headers: dict[str, str] | None = None, **more: str) -> Reply:
    """A JSON body that comes whole."""
    headers = api.HEADERS if headers is None else headers
    named = {name.replace("_", "-"): value for name, value in more.items()}

    def reply(_request: Any) -> Any:
        said = api.message() if body is None else body
        return http.Response(status, headers={**headers, **named}, json=said)

    return reply


def chunked(body: Any = None) -> Reply:
    """A JSON body that comes in chunks."""

    def reply(_request: Any) -> Any:
        content = json.dumps(api.message() if body is None else body).encode()
        chunks = Chunks([content[:40], content[40:]])
        return http.Response(200, headers={"content-type": "application/json", **api.HEADERS}, stream=chunks)

    return reply


def pieces(*chunks: bytes, content_type: str | None = None, headers: dict[str, str] | None = None) -> Reply:
    """HTTP 200 with these bytes, as they are."""

    def reply(_request: Any) -> Any:
        named = {**api.HEADERS, **(headers or {}), **({} if content_type is None else {"content-type": content_type})}
        return http.Response(200, headers=named, stream=Chunks(list(chunks)))

    return reply


def error_event(data: Any) -> Reply:
    """A stream whose only event is an error, of this data: JSON, or a text."""
    text = data if isinstance(data, str) else json.dumps(data)
    return pieces(f"event: error\ndata: {text}\n\n".encode(), content_type="text/event-stream")


def stream(listed: list[Any] | None = None, failure: type[Exception] | None = None, *, hangs: bool = False) -> Reply:
    """Server-sent events in chunks."""

    def reply(_request: Any) -> Any:
        chunks = api.sse(api.events() if listed is None else listed)
        body = Chunks(chunks, None if failure is None else failure("cut"), hangs=hangs)
        return http.Response(200, headers={"content-type": "text/event-stream", **api.HEADERS}, stream=body)

    return reply


def stream_at_once(listed: list[Any] | None = None) -> Reply:
    """Server-sent events as one body of known length."""

    def reply(_request: Any) -> Any:
        content = b"".join(api.sse(api.events() if listed is None else listed))
        return http.Response(200, headers={"content-type": "text/event-stream", **api.HEADERS}, content=content)

    return reply


def either(listed: list[Any] | None = None, body: Any = None) -> Reply:
    """A stream to who asks for one, else a whole message."""
    whole, streamed = plain(body), stream(listed)
    return lambda request: (streamed if json.loads(request.content).get("stream") else whole)(request)


def refused(status: int, kind: str, text: str = "no", headers: dict[str, str] | None = None, **details: Any) -> Reply:
    """A failure. Retries come at once."""
    return plain(api.error(kind, text, **details), status, {**api.HEADERS, "retry-after-ms": "1", **(headers or {})})


def throttled() -> Reply:
    """429, as the API says it of a rate limit."""
    return refused(429, "rate_limit_error", headers={"retry-after": "1"})


def raising(failure: type[Exception]) -> Reply:
    """No answer at all."""

    def reply(_request: Any) -> Any:
        raise failure("no answer")

    return reply


class Server:
    """Answers with each reply in turn, and goes on with the last."""

    def __init__(self, *replies: Reply) -> None:
        self.replies = list(replies)
        self.requests: list[Any] = []

    def __call__(self, request: Any) -> Any:
        self.requests.append(request)
        return self.replies[min(len(self.requests), len(self.replies)) - 1](request)

    def client(self) -> Any:
        """A client of the HTTP library."""
        return http.Client(transport=http.MockTransport(self))

    def async_client(self) -> Any:
        """The same, asynchronous."""
        return http.AsyncClient(transport=http.MockTransport(self))
