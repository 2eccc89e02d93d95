"""What the requests and responses of a call's attempts say, and how the reading of a body ends.

Each request carries its attempt in its `extensions`, so whatever is seen of it later finds the attempt again.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import Any, Final

import wrapt

from .._diagnostics import log_internal_error
from ..api import ApiError, parse_error
from ..telemetry.call import FIRST_ERROR_STATUS, Attempt, Call
from ..telemetry.recorder import Recorder
from .errors import error_type, was_never_sent

_ATTEMPT: Final = "otel_claude.attempt"
"""Where a request of httpx or httpx2 carries its attempt: transports pass `extensions` on unread."""
_RAW: Final = "X-Stainless-Raw-Response"
_UNAUTHORIZED: Final = 401

_by_idempotency_key: weakref.WeakValueDictionary[str, Call] = weakref.WeakValueDictionary()
"""Calls of clients with middleware: it may send a further hop while a stream is read, when no call is active."""


def call_of(options: Any) -> Call | None:
    """The call that a further hop belongs to, which a middleware sends while a stream is read."""
    return _by_idempotency_key.get(options.idempotency_key)


def on_build_request(recorder: Recorder, call: Call, client: Any, options: Any, built: Any) -> None:
    """An attempt was built and is about to be sent."""
    if not call.attempts and options.idempotency_key and getattr(client, "_middleware", None):
        _by_idempotency_key[options.idempotency_key] = call
    built.extensions[_ATTEMPT] = recorder.on_attempt(call, options.json_data)


def attempt_of(response: Any) -> Attempt | None:
    """The attempt that a response answers, if it is one of a call's. Hot path."""
    try:
        attempt = response.request.extensions.get(_ATTEMPT)
    except (AttributeError, RuntimeError):
        # A response that a middleware made has a request only if the middleware set one.
        return None
    # Tests of applications pass stand-ins, whose every attribute is another stand-in.
    return attempt if type(attempt) is Attempt else None


def on_response(recorder: Recorder, attempt: Attempt, client: Any, kwargs: dict[str, Any]) -> None:
    """A response came, of whatever status. `kwargs`: those of `_process_response`."""
    response = kwargs["response"]
    status = response.status_code
    recorder.on_headers(attempt, status, response.headers.raw)
    # With any middleware the SDK comes here for every status.
    if status >= FIRST_ERROR_STATUS:
        attempt.reject(_error_in(response))
        return
    attempt.outcome = "success"
    attempt.streams = streams = bool(kwargs.get("stream"))
    headers = kwargs["options"].headers
    raw = isinstance(headers, dict) and _RAW in headers
    if response.is_closed:
        if not streams:
            attempt.http_response = response
            if raw:
                # The application may never parse it, and the SDK's own span is about to end.
                recorder.on_response_data(attempt, body_of(response))
            return
    else:
        middleware = bool(getattr(client, "_middleware", None))
        response.stream = ResponseBody(response.stream, _Reading(recorder, attempt, middleware=middleware, raw=raw))
    attempt.body_pending = True
    weakref.finalize(response, _dropped, recorder, attempt).atexit = False


def on_return(recorder: Recorder, call: Call) -> None:
    """The SDK's method returned. Where the SDK had no reason to decode a whole body, it is read here."""
    attempts = call.attempts
    if not attempts:
        if not call.ended:
            recorder.discard(call)
        return
    attempt = attempts[-1]
    response = attempt.http_response
    if response is not None and not call.responses:
        recorder.on_response_data(attempt, body_of(response))
    call.returned = True
    for attempt in attempts:
        attempt.http_response = None
        if attempt.body_pending:
            return
    recorder.end_call(call)


def on_raise(recorder: Recorder, call: Call, error: BaseException) -> None:
    """The SDK's method raised."""
    if call.attempts and call.attempts[-1].status is None:
        call.attempts[-1].never_sent = was_never_sent(error)
    kind = error_type(error)
    recorder.end_call(call, error_type=kind, cancelled=kind is None)


def on_retry(recorder: Recorder, attempt: Attempt, delay: float, headers: Any) -> None:
    """The SDK is about to wait `delay` seconds and to send the request again. `headers`: of the response, if any."""
    error = sys.exc_info()[1]
    if attempt.status is None and headers is not None:
        # Since 0.98 `Anthropic._should_retry` retries a 401 once with a new token, without asking `BaseClient`.
        attempt.error_type = "authentication_error"
        recorder.on_headers(attempt, _UNAUTHORIZED, headers.raw)
    elif attempt.status is None and error is not None:
        # Only here does a timeout or a lost connection show that the SDK goes on from: it is being handled now.
        attempt.error_type = error_type(error)
        attempt.never_sent = was_never_sent(error)
    recorder.on_retry(attempt, delay)


def on_rejected(recorder: Recorder, attempt: Attempt, response: Any) -> None:
    """The SDK asks whether to retry after this response."""
    recorder.on_headers(attempt, response.status_code, response.headers.raw)
    attempt.reject(_error_in(response))


def on_error(recorder: Recorder, attempt: Attempt, error: Exception, response: Any, body: object) -> None:
    """The SDK made an exception of a response, or of an `error` event in its stream."""
    status = response.status_code
    if status >= FIRST_ERROR_STATUS:
        recorder.on_headers(attempt, status, response.headers.raw)
        attempt.reject(parse_error(status, body, retry_after="retry-after" in response.headers))
    elif not attempt.call.ended:
        # An `error` event after HTTP 200.
        said = parse_error(status, body, retry_after=False)
        attempt.outcome, attempt.error_type, attempt.blocked = "failed", said.error_type, said.blocked
        recorder.end_call(attempt.call, error_type=error_type(error))


def _error_in(response: Any) -> ApiError:
    """The error in a response, as far as its body was read."""
    return parse_error(response.status_code, body_of(response), retry_after="retry-after" in response.headers)


def body_of(response: Any) -> Any:
    """The decoded body, or None if it was not read, or is no JSON."""
    try:
        return response.json()
    except Exception:
        return None


def _dropped(recorder: Recorder, attempt: Attempt) -> None:
    """A response was dropped. This may run inside a garbage collection, with any lock held."""
    try:
        if attempt.is_last:
            recorder.end_call(attempt.call, finalizing=True)
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
            call.unread_reason = "unread_body" if how == "read" or not call.request.stream else "aborted_stream"
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
