"""The replacement of each seam: it tells a `Call` what passes, and passes it on unchanged.

Each takes the original and `begin`. Nothing of ours raises here: every hop contains its own failure.
"""

from __future__ import annotations

import functools
import sys
import weakref
from collections.abc import Callable
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any, Final

from ..body import Body
from ..call import Attempt, Call
from ..contain import contained
from ..wire import head, refusal, shape
from .errors import error_type, was_never_sent

Begin = Callable[[Any, Any], "Call | None"]
Original = Callable[..., Any]

_ATTEMPT: Final = "otel_claude.attempt"
"""Where a request of httpx or httpx2 carries its attempt: in its `extensions`, which transports pass on unread."""
_RAW: Final = "X-Stainless-Raw-Response"
_FIRST_ERROR: Final = 400
_UNAUTHORIZED: Final = 401

_running: ContextVar[Call | None] = ContextVar("otel_claude_call", default=None)
_by_idempotency_key: weakref.WeakValueDictionary[str, Call] = weakref.WeakValueDictionary()
"""Calls of clients with middleware: it may send a further hop while a stream is read, when no call is running."""


class _Running:
    """A call while the SDK's method runs. None: a method that is no call, though it may run within one."""

    __slots__ = ("_call", "_token")

    def __init__(self, call: Call | None) -> None:
        self._call = call

    def __enter__(self) -> None:
        self._token: Token[Call | None] = _running.set(self._call)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        entered = True
        try:
            _running.reset(self._token)
        except ValueError:
            # A coroutine that is thrown away is closed in another context, which never saw the call.
            entered = False
        if self._call is None:
            return
        try:
            if entered:
                self._call.sink.left(self._call)
            if error is None:
                _returned(self._call)
            else:
                _raised(self._call, error)
        except Exception:
            contained("ended a call")


def request(original: Original, begin: Begin) -> Original:
    """`SyncAPIClient.request(cast_to, options, …)`."""

    @functools.wraps(original)
    def request(client: Any, *args: Any, **kwargs: Any) -> Any:
        call = _begun(begin, client, args, kwargs)
        if call is None and _running.get() is None:
            return original(client, *args, **kwargs)
        with _Running(call):
            return original(client, *args, **kwargs)

    return request


def request_async(original: Original, begin: Begin) -> Original:
    """`AsyncAPIClient.request(cast_to, options, …)`."""

    @functools.wraps(original)
    async def request(client: Any, *args: Any, **kwargs: Any) -> Any:
        call = _begun(begin, client, args, kwargs)
        if call is None and _running.get() is None:
            return await original(client, *args, **kwargs)
        with _Running(call):
            return await original(client, *args, **kwargs)

    return request


def _raised(call: Call, error: BaseException) -> None:
    if call.attempts and call.attempts[-1].status is None:
        call.attempts[-1].unsent = was_never_sent(error)
    call.failed(error_type(error))


def _begun(begin: Begin, client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call | None:
    try:
        return begin(client, args[1] if len(args) > 1 else kwargs["options"])
    except Exception:
        contained("began a call")
        return None


def _returned(call: Call) -> None:
    """The SDK's method returned. Where the SDK had no reason to decode a whole body, it is read here."""
    if not call.attempts:
        call.discard()
        return
    attempt = call.attempts[-1]
    response, attempt.response = attempt.response, None
    if response is not None and not call.answers:
        call.heard(_json(response), attempt)
    call.returned(pending=any(attempt.pending for attempt in call.attempts))


def build_request(original: Original, _begin: Begin) -> Original:
    """`BaseClient._build_request(options, *, retries_taken=0)`: once for every attempt, before it is sent."""

    @functools.wraps(original)
    def build_request(client: Any, options: Any, **kwargs: Any) -> Any:
        built = original(client, options, **kwargs)
        try:
            call = _running.get() or _by_idempotency_key.get(options.idempotency_key)
            if call is not None:
                _sending(call, client, options, built)
        except Exception:
            contained("saw an attempt")
        return built

    return build_request


def _sending(call: Call, client: Any, options: Any, built: Any) -> None:
    attempt = built.extensions[_ATTEMPT] = call.attempt()
    if attempt.number == 0:
        if getattr(client, "_middleware", None) and options.idempotency_key:
            _by_idempotency_key[options.idempotency_key] = call
        # Last, as it may fail: the call is counted without its span and its shape.
        call.sink.sending(call)
        call.shape = shape(options.json_data, breakpoints=call.span is not None)
        call.sink.described(call)


def process_response(original: Original, _begin: Begin) -> Original:
    """`_process_response(*, cast_to, options, response, …)` of both clients. Its result may be awaitable."""

    @functools.wraps(original)
    def process_response(client: Any, **kwargs: Any) -> Any:
        try:
            response = kwargs["response"]
            attempt = _attempt_of(response)
            if attempt is not None:
                _answered(attempt, response, client, kwargs)
        except Exception:
            contained("saw a response")
        return original(client, **kwargs)

    return process_response


def _answered(attempt: Attempt, response: Any, client: Any, kwargs: dict[str, Any]) -> None:
    call = attempt.call
    _read_headers(attempt, response)
    # With any middleware the SDK comes here for every status.
    if response.status_code >= _FIRST_ERROR:
        attempt.refused(_refusal(response))
        return
    attempt.outcome = "success"
    attempt.streams = bool(kwargs.get("stream"))
    headers = kwargs["options"].headers
    raw = isinstance(headers, dict) and _RAW in headers
    if response.is_closed and not attempt.streams:
        attempt.response = response
        if raw:
            # The application may never parse it, and the SDK's own span is about to end.
            call.heard(_json(response), attempt)
        return
    if not response.is_closed:
        middleware = bool(getattr(client, "_middleware", None))
        response.stream = Body(response.stream, _Reading(attempt, middleware=middleware, raw=raw))
    attempt.pending = True
    weakref.finalize(response, _dropped, attempt).atexit = False


def _dropped(attempt: Attempt) -> None:
    """A response was dropped. This may run inside a garbage collection, with any lock held."""
    try:
        if attempt.is_last:
            attempt.call.end(finalizing=True)
    except Exception:
        contained("ended a dropped call")


class _Reading:
    """How the body of an attempt's response is read. Only the first end counts: a body that was read is closed too."""

    __slots__ = ("_attempt", "_ended", "_middleware", "_raw")

    def __init__(self, attempt: Attempt, *, middleware: bool, raw: bool) -> None:
        self._attempt = attempt
        self._middleware = middleware
        self._raw = raw
        self._ended = False

    def body_read(self) -> None:
        # A plain body is parsed after it was read. A middleware may go on with another hop's body.
        self._end(read=True, last=self._attempt.streams and not self._middleware)

    def body_closed(self) -> None:
        # A middleware closes a body before it goes on to another hop. If it does not, the response is dropped soon.
        self._end(read=False, last=not self._middleware)

    def body_failed(self, error: BaseException) -> None:
        self._end(read=False, last=True, error=error_type(error))

    def _end(self, *, read: bool, last: bool, error: str | None = None) -> None:
        attempt = self._attempt
        if self._ended:
            return
        self._ended = True
        # The end of an earlier body is not the end of the call: a middleware went on to another hop.
        if attempt.is_last:
            attempt.call.body_ended(attempt, read=read, error_type=error, last=last, raw=self._raw)
        elif error is not None:
            attempt.outcome, attempt.error_type = "failed", error


def process_response_data(original: Original, _begin: Begin) -> Original:
    """`BaseClient._process_response_data(*, data, cast_to, response)`: each decoded body, each event of each stream."""

    @functools.wraps(original)
    def process_response_data(client: Any, *, data: Any, cast_to: Any, response: Any) -> Any:
        try:
            attempt = _attempt_of(response)
            if attempt is not None:
                attempt.call.heard(data, attempt)
        except Exception:
            contained("heard a body")
        return original(client, data=data, cast_to=cast_to, response=response)

    return process_response_data


def should_retry(original: Original, _begin: Begin) -> Original:
    """`BaseClient._should_retry(response)`: each failed attempt that has retries left."""

    @functools.wraps(original)
    def should_retry(client: Any, response: Any) -> Any:
        try:
            attempt = _attempt_of(response)
            if attempt is not None:
                _read_headers(attempt, response)
                attempt.refused(_refusal(response))
        except Exception:
            contained("saw a failed attempt")
        return original(client, response)

    return should_retry


def calculate_retry_timeout(original: Original, _begin: Begin) -> Original:
    """`BaseClient._calculate_retry_timeout(remaining_retries, options, response_headers=None)`: once per retry."""

    @functools.wraps(original)
    def calculate_retry_timeout(client: Any, *args: Any, **kwargs: Any) -> Any:
        delay = original(client, *args, **kwargs)
        try:
            call = _running.get()
            if call is not None and call.attempts:
                _retried(call.attempts[-1], delay)
        except Exception:
            contained("saw a retry")
        return delay

    return calculate_retry_timeout


def _retried(attempt: Attempt, delay: float) -> None:
    error = sys.exc_info()[1]
    if attempt.status is None:
        if error is not None:
            # Only here does a timeout or a lost connection show that the SDK goes on from: it is being handled now.
            attempt.error_type = error_type(error)
            attempt.unsent = was_never_sent(error)
        else:
            # Since 0.98 `Anthropic._should_retry` retries a 401 once with a new token, without asking `BaseClient`.
            attempt.status, attempt.error_type = _UNAUTHORIZED, "authentication_error"
    attempt.outcome = "retried"
    attempt.delay = delay
    attempt.call.sink.retried(attempt)


def status_error(original: Original, _begin: Begin) -> Original:
    """`APIStatusError.__init__(message, *, response, body)`: failures, also those that an event in a stream tells."""

    @functools.wraps(original)
    def __init__(error: Any, message: Any, *, response: Any, body: Any) -> None:  # noqa: N807 - the seam's own name
        original(error, message, response=response, body=body)
        try:
            attempt = _attempt_of(response)
            if attempt is not None:
                _failed(attempt, error, response, body)
        except Exception:
            contained("saw an error")

    return __init__


def _failed(attempt: Attempt, error: Exception, response: Any, body: object) -> None:
    if response.status_code >= _FIRST_ERROR:
        _read_headers(attempt, response)
        attempt.refused(refusal(response.status_code, body, retry_after="retry-after" in response.headers))
        attempt.call.sink.known(attempt.call)
    elif not attempt.call.ended:
        # An `error` event after HTTP 200.
        told = refusal(response.status_code, body, retry_after=False)
        attempt.outcome, attempt.error_type, attempt.blocked = "failed", told.error_type, told.blocked
        attempt.call.failed(error_type(error))


def _attempt_of(response: Any) -> Attempt | None:
    try:
        attempt = response.request.extensions.get(_ATTEMPT)
    except (AttributeError, RuntimeError):
        # A response that a middleware made has a request only if the middleware set one.
        return None
    # Tests of applications pass stand-ins, whose every attribute is another stand-in.
    return attempt if type(attempt) is Attempt else None


def _read_headers(attempt: Attempt, response: Any) -> None:
    if attempt.status is not None:
        return
    attempt.status = response.status_code
    call = attempt.call
    told = head(response.headers.raw)
    attempt.limits = told.limits
    call.request_id = told.request_id or call.request_id
    call.organization_id = told.organization_id or call.organization_id
    call.workspace_id = told.workspace_id or call.workspace_id
    if told.limits:
        call.sink.limited(call, attempt)


def _refusal(response: Any) -> Any:
    return refusal(response.status_code, _json(response), retry_after="retry-after" in response.headers)


def _json(response: Any) -> Any:
    """The decoded body, or None if it was not read, or is no JSON."""
    try:
        return response.json()
    except Exception:
        return None
