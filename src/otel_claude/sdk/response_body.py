"""How the reading of a response's body ends: read to its end, closed before, failed, or dropped."""

from __future__ import annotations

import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import Any

import wrapt

from .._diagnostics import log_internal_error
from ..telemetry.call import Attempt
from ..telemetry.recorder import Recorder
from .errors import error_type


def observe_body(recorder: Recorder, attempt: Attempt, response: Any, *, middleware: bool, raw: bool) -> None:
    """Has the recorder learn how the application reads a response that is left to it.

    `raw`: the application asked for the response itself, and may read its bytes.
    """
    attempt.body_pending = True
    if not response.is_closed:
        try:
            reading = _Reading(recorder, attempt, middleware=middleware, raw=raw)
            response.stream = ResponseBody(response.stream, reading)
        except Exception:
            log_internal_error("observe a body")
    weakref.finalize(response, _dropped, recorder, attempt).atexit = False


def _dropped(recorder: Recorder, attempt: Attempt) -> None:
    """A response was dropped. This may run inside a garbage collection, with any lock held."""
    try:
        if attempt.is_last and attempt.call.returned:
            recorder.end_call(attempt.call, in_finalizer=True)
        else:
            # A middleware read it, and may give the application another one. If it does not, the call ends then.
            attempt.body_pending = False
    except Exception:
        log_internal_error("end a dropped call")


class _Reading:
    """How the body of an attempt's response is read. Only the first end counts: a body that was read is closed too."""

    __slots__ = ("_attempt", "_ended", "_middleware", "_raw", "_recorder")

    def __init__(self, recorder: Recorder, attempt: Attempt, *, middleware: bool, raw: bool) -> None:
        self._recorder = recorder
        self._attempt = attempt
        self._middleware = middleware
        self._raw = raw
        self._ended = False

    def end(self, how: str, error: BaseException | None = None) -> None:
        """`how`: `read` to its end, `closed` before, or `failed` with `error`."""
        if self._ended:
            return
        self._ended = True
        try:
            self._end(how, None if error is None else error_type(error))
        except Exception:
            log_internal_error("observe a body")

    def _end(self, how: str, error: str | None) -> None:
        attempt = self._attempt
        call = attempt.call
        if call.ended:
            return
        # The end of an earlier body is not the end of the call: a middleware went on to another hop.
        if not attempt.is_last:
            if error is not None:
                attempt.outcome, attempt.error_type = "failed", error
            return
        # A plain body is parsed after it was read. A middleware closes a body before it goes on to another hop; if it
        # does not go on, the response is dropped soon.
        last = how == "failed" or (not self._middleware and (how == "closed" or attempt.streams))
        if how == "read" and last and not call.is_complete() and (call.responses or not self._raw):
            error = error or "api_error"  # The server cut the stream short, and the SDK raises nothing.
        if error is not None:
            attempt.outcome, attempt.error_type = "failed", error
            call.error_type = error
        elif not call.responses:
            call.unread_reason = "unread_body" if how == "read" or not call.request.stream else "incomplete_stream"
        if last:
            self._recorder.end_call(call)


_Proxy: Any = wrapt.ObjectProxy


class ResponseBody(_Proxy):
    """Stands for the `stream` of a response of httpx or httpx2, and says how reading it ended.

    A transparent proxy: it passes `isinstance`, so it works for the bodies of httpx and of httpx2 and imports neither.
    It keeps nothing of what it passes on.
    """

    def __init__(self, body: Any, reading: _Reading) -> None:
        super().__init__(body)  # pyright: ignore[reportUnknownMemberType] - wrapt has no types before 2.0
        # wrapt keeps attributes with this prefix on the proxy; any other would land on the body.
        self._self_reading = reading

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self.__wrapped__
        except Exception as error:
            self._self_reading.end("failed", error)
            raise
        self._self_reading.end("read")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunks: Any = self.__wrapped__.__aiter__()
        try:
            async for chunk in chunks:
                yield chunk
        except Exception as error:
            self._self_reading.end("failed", error)
            raise
        finally:
            # In the task that read it. Otherwise the event loop closes a body read in part, in a task of its own.
            if isinstance(chunks, AsyncGenerator):
                await chunks.aclose()
        self._self_reading.end("read")

    def close(self) -> None:
        """As the body's own."""
        self._self_reading.end("closed")
        self.__wrapped__.close()

    async def aclose(self) -> None:
        """As the body's own."""
        self._self_reading.end("closed")
        await self.__wrapped__.aclose()
