"""How the application reads what botocore gives it: the body of `InvokeModel`, and the two kinds of streams.

What is read is observed on its way, and nothing is read for it. The objects that the application holds keep their
types: only what lies under them is replaced, by transparent proxies.
"""

from __future__ import annotations

import weakref
from collections.abc import AsyncIterator, Iterator
from typing import Any

import wrapt

from .._diagnostics import log_internal_error
from ..http.reading import Reading
from ..telemetry.call import Attempt
from ..telemetry.recorder import Recorder
from .errors import error_type

_Proxy: Any = wrapt.ObjectProxy


def observe_body(recorder: Recorder, attempt: Attempt, body: Any, headers: Any) -> None:
    """Observes the `StreamingBody` of an `InvokeModel`."""
    reading = Reading(recorder, attempt, headers, error_type)
    attempt.body_pending = True
    place = "__wrapped__" if isinstance(body, _Proxy) else "_raw_stream"  # aiobotocore 2; 3, and botocore 1.35 to 1.44
    raw = getattr(body, place)
    proxy = _HttpxResponse if _is_httpx(raw) else _AioResponse if hasattr(raw, "content") else _Raw
    below = proxy(raw, reading)
    setattr(body, place, below)
    # Not of the body: other instrumentations put one of their own in its place, over the same stream.
    weakref.finalize(below, reading.end, in_finalizer=True).atexit = False


def observe_stream(recorder: Recorder, attempt: Attempt, stream: Any, *, converse: bool) -> None:
    """Observes an `EventStream`."""
    reading = Reading(recorder, attempt, {}, error_type)
    attempt.body_pending = attempt.streams = True
    weakref.finalize(stream, reading.end, in_finalizer=True).atexit = False
    raw = stream._raw_stream  # noqa: SLF001 - botocore 1.35 to 1.44, aiobotocore 2 and 3
    if not _is_httpx(raw):  # whose streams aiobotocore cannot read (2.25 to 3.10)
        stream._raw_stream = _AioResponse(raw, reading) if hasattr(raw, "content") else _RawStream(raw, reading)  # noqa: SLF001
    stream._parser = _Parser(stream._parser, reading, converse)  # noqa: SLF001


def _is_httpx(raw: Any) -> bool:
    """Whether a response is one of httpx or httpx2. Its `content` raises until it is read."""
    return hasattr(raw, "aiter_raw")


class _Raw(_Proxy):
    """Stands for the urllib3 response under a `StreamingBody`."""

    def __init__(self, raw: Any, reading: Reading) -> None:
        super().__init__(raw)  # pyright: ignore[reportUnknownMemberType] - wrapt has no types before 2.0
        # wrapt keeps attributes with this prefix on the proxy; any other would land on the response.
        self._self_reading = reading
        self._self_seen = reading.add

    def _self_call(self, method: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return method(*args, **kwargs)
        except Exception as error:
            self._self_reading.fail(error)
            raise

    def read(self, amt: int | None = None, *args: Any, **kwargs: Any) -> bytes:
        data: bytes = self._self_call(self.__wrapped__.read, amt, *args, **kwargs)
        self._self_seen(data, last=amt is None or amt < 0 or (not data and amt > 0))
        return data

    def read1(self, amt: int | None = None, *args: Any, **kwargs: Any) -> bytes:
        data: bytes = self._self_call(self.__wrapped__.read1, amt, *args, **kwargs)
        self._self_seen(data, last=not data and amt != 0)
        return data

    def readinto(self, buffer: Any) -> int:
        count: int = self._self_call(self.__wrapped__.readinto, buffer)
        self._self_seen(bytes(memoryview(buffer)[:count]), last=not count and len(buffer) > 0)
        return count

    def readline(self, *args: Any) -> bytes:
        data: bytes = self._self_call(self.__wrapped__.readline, *args)
        self._self_seen(data, last=not data and args[:1] != (0,))
        return data

    def readlines(self, *args: Any) -> list[bytes]:
        lines: list[bytes] = self._self_call(self.__wrapped__.readlines, *args)
        self._self_seen(b"".join(lines), last=not args)
        return lines

    def stream(self, *args: Any, **kwargs: Any) -> Iterator[bytes]:
        try:
            for data in self.__wrapped__.stream(*args, **kwargs):
                self._self_seen(data, last=False)
                yield data
        except Exception as error:
            self._self_reading.fail(error)
            raise
        self._self_seen(b"", last=True)

    def __iter__(self) -> Iterator[bytes]:
        for data in self.__wrapped__:
            self._self_seen(data, last=False)
            yield data
        self._self_seen(b"", last=True)

    def __enter__(self) -> Any:
        self.__wrapped__.__enter__()
        return self

    def __exit__(self, *args: object) -> Any:
        self._self_reading.end()
        return self.__wrapped__.__exit__(*args)

    def close(self) -> None:
        self._self_reading.end()
        self.__wrapped__.close()


class _RawStream(_Proxy):
    """Stands for the urllib3 response under an `EventStream`, and says how reading it ended."""

    def __init__(self, raw: Any, reading: Reading) -> None:
        super().__init__(raw)  # pyright: ignore[reportUnknownMemberType]
        self._self_reading = reading

    def stream(self, *args: Any, **kwargs: Any) -> Iterator[bytes]:
        try:
            yield from self.__wrapped__.stream(*args, **kwargs)
        except Exception as error:
            self._self_reading.fail(error)
            raise
        self._self_reading.end()

    def close(self) -> None:
        self._self_reading.end()
        self.__wrapped__.close()


class _AioResponse(_Proxy):
    """Stands for the aiohttp response under a body or a stream of aiobotocore."""

    def __init__(self, raw: Any, reading: Reading) -> None:
        super().__init__(raw)  # pyright: ignore[reportUnknownMemberType]
        self._self_reading = reading
        self._self_content = _AioContent(raw.content, reading)

    async def read(self) -> bytes:
        try:
            data: bytes = await self.__wrapped__.read()
        except Exception as error:
            self._self_reading.fail(error)
            raise
        self._self_reading.add(data, last=True)
        return data

    @property
    def content(self) -> Any:
        return self._self_content

    def close(self) -> None:
        self._self_reading.end()
        self.__wrapped__.close()

    def release(self) -> Any:
        self._self_reading.end()
        return self.__wrapped__.release()

    async def __aenter__(self) -> Any:
        await self.__wrapped__.__aenter__()
        return self

    async def __aexit__(self, *args: object) -> Any:
        self._self_reading.end()
        return await self.__wrapped__.__aexit__(*args)


class _AioContent(_Proxy):
    """Stands for the `StreamReader` of such a response."""

    def __init__(self, content: Any, reading: Reading) -> None:
        super().__init__(content)  # pyright: ignore[reportUnknownMemberType]
        self._self_reading = reading

    async def read(self, amt: int = -1) -> bytes:
        try:
            data: bytes = await self.__wrapped__.read(amt)
        except Exception as error:
            self._self_reading.fail(error)
            raise
        self._self_reading.add(data, last=amt < 0 or (not data and amt > 0))
        return data

    async def iter_chunks(self) -> AsyncIterator[Any]:
        try:
            async for chunk in self.__wrapped__.iter_chunks():
                yield chunk
        except Exception as error:
            self._self_reading.fail(error)
            raise
        self._self_reading.end()


class _HttpxResponse(_Proxy):
    """Stands for the response of httpx under a body of aiobotocore, with its `HttpxSession`."""

    def __init__(self, raw: Any, reading: Reading) -> None:
        super().__init__(raw)  # pyright: ignore[reportUnknownMemberType]
        self._self_reading = reading

    async def aread(self) -> bytes:
        try:
            data: bytes = await self.__wrapped__.aread()
        except Exception as error:
            self._self_reading.fail(error)
            raise
        self._self_reading.add(data, last=True)
        return data

    async def aiter_raw(self, *args: Any, **kwargs: Any) -> AsyncIterator[bytes]:
        try:
            async for data in self.__wrapped__.aiter_raw(*args, **kwargs):
                self._self_reading.add(data, last=False)
                yield data
        except Exception as error:
            self._self_reading.fail(error)
            raise
        self._self_reading.add(b"", last=True)

    async def aclose(self) -> None:
        self._self_reading.end()
        await self.__wrapped__.aclose()


class _Parser(_Proxy):
    """Stands for the parser of an `EventStream`, and sees each event as it came: old models drop fields of it."""

    def __init__(self, parser: Any, reading: Reading, converse: bool) -> None:
        super().__init__(parser)  # pyright: ignore[reportUnknownMemberType]
        self._self_reading = reading
        self._self_converse = converse

    def parse(self, response: Any, shape: Any) -> Any:
        if not self._self_reading.ended:
            try:
                self._self_reading.on_frame(response, converse=self._self_converse)
            except (ValueError, RecursionError):
                self._self_reading.fail_as_invalid()
            except Exception:
                log_internal_error("read an event of a stream")
        return self.__wrapped__.parse(response, shape)
