"""Exchange: what the requests and responses of a call's attempts say, told to the call.

Each request carries its attempt in its `extensions`, and each response too once it came, so whatever is seen of them
later finds the attempt again. `finding.py` finds it where the application made another request of ours.
"""

from __future__ import annotations

import sys
import weakref
from typing import Any, Final

from ..body import Body
from ..call import Call
from ..contain import contained
from ..record import Attempt
from ..wire import Refusal, head, refusal, shape
from .errors import FIRST_ERROR, error_type, is_status_error, was_never_sent

ATTEMPT: Final = "otel_claude.attempt"
"""Where a request or a response of httpx or httpx2 carries its attempt: transports pass `extensions` on unread."""
_RAW: Final = "X-Stainless-Raw-Response"
_UNAUTHORIZED: Final = 401

_by_idempotency_key: weakref.WeakValueDictionary[str, Call] = weakref.WeakValueDictionary()
"""Calls of clients with middleware: it may send a further hop while a stream is read, when no call is running."""


def call_of(options: Any) -> Call | None:
    """The open call that a further hop belongs to, which a middleware sends while a stream is read."""
    call = _by_idempotency_key.get(options.idempotency_key)
    return None if call is None or call.ended else call


def sending(call: Call, options: Any, built: Any, middleware: Any) -> None:
    """An attempt was built and is about to be sent."""
    attempt = built.extensions[ATTEMPT] = call.attempt()
    attempt.sent_as = id(options)
    if attempt.number == 0:
        key = call.idempotency_key = options.idempotency_key
        if middleware:
            call.has_middleware = True
            if key:
                _by_idempotency_key[key] = call
        call.sink.sending(call)
        try:
            call.shape = shape(options.json_data, breakpoints=call.span is not None)
        except Exception:
            contained("looked at the shape of a request")
        call.sink.described(call)


def answered(attempt: Attempt, response: Any, client: Any, kwargs: dict[str, Any]) -> None:
    """A response came, of whatever status."""
    call = attempt.call
    read_headers(attempt, response.status_code, response.headers)
    # With any middleware the SDK comes here for every status.
    if response.status_code >= FIRST_ERROR:
        attempt.refused(refusal_of(response))
        return
    attempt.outcome = "success"
    attempt.streams = bool(kwargs.get("stream"))
    headers = kwargs["options"].headers
    raw = isinstance(headers, dict) and _RAW in headers
    if response.is_closed and not attempt.streams:
        attempt.response = response
        if raw:
            # The application may never parse it, and the SDK's own span is about to end.
            call.heard(body_of(response), attempt)
        return
    if not response.is_closed:
        try:
            middleware = bool(getattr(client, "_middleware", None))
            response.stream = Body(response.stream, _Reading(attempt, middleware=middleware, raw=raw))
        except Exception:
            contained("watched a body")
    attempt.pending = True
    weakref.finalize(response, _dropped, attempt).atexit = False


def _dropped(attempt: Attempt) -> None:
    """A response was dropped. This may run inside a garbage collection, with any lock held."""
    try:
        call = attempt.call
        if attempt.is_last and call.has_returned:
            call.end(finalizing=True)
        else:
            # A middleware read it, and may give the application another one. If it does not, the call ends then.
            attempt.pending = False
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
        self._ended = attempt.body_over = True
        # The end of an earlier body is not the end of the call: a middleware went on to another hop.
        if attempt.is_last:
            attempt.call.body_ended(attempt, read=read, error_type=error, last=last, raw=self._raw)
        elif error is not None and not attempt.call.ended:
            attempt.outcome, attempt.error_type = "failed", error


def given(call: Call, result: Any) -> None:
    """The SDK's method gives the application this, of which something is still to be read."""
    response = _response_in(result)
    if response is None:
        return
    attempt = attempt_of(response)
    if attempt is not None and attempt.call is not call:
        return
    if ATTEMPT not in response.extensions:
        # A middleware made a response of its own.
        attempt = response.extensions[ATTEMPT] = call.attempts[-1]
        attempt.pending, attempt.body_over = True, False
        if not response.is_closed:
            response.stream = Body(response.stream, _Reading(attempt, middleware=False, raw=False))
        weakref.finalize(response, _dropped, attempt).atexit = False
    observer = getattr(response.stream, "stream_observer", None)
    if observer is not None:
        # The SDK's own span ends here, before its body is closed. On the instance, as the SDK asks for the class.
        observer.end = _Leaving(call, response, observer)


class _Leaving:
    """The end of a stream as the SDK's own span sees it: the application may be leaving it early."""

    __slots__ = ("_call", "_observer", "_response")

    def __init__(self, call: Call, response: Any, observer: Any) -> None:
        self._call = call
        self._observer = observer
        self._response = weakref.ref(response)

    def __call__(self, how: str, *error: BaseException | None, **more: Any) -> None:
        try:
            attempts = self._call.attempts
            # What is read to its end, or dropped, is seen elsewhere.
            if how != "read" and attempts and not attempts[-1].body_over and self._response() is not None:
                attempts[-1].body_over = True
                self._call.body_ended(attempts[-1], read=False)
        except Exception:
            contained("saw a stream being left")
        # It ends once. Each stream would be a cycle for the garbage collector otherwise.
        observer, self._observer = self._observer, None
        if observer is not None:
            del observer.end
            observer.end(how, *error, **more)


def _response_in(result: Any) -> Any:
    """The HTTP response in a stream or in a raw response of the SDK's, or that is given itself."""
    for response in (getattr(result, "response", None), getattr(result, "http_response", None), result):
        if isinstance(getattr(response, "extensions", None), dict) and hasattr(response, "stream"):
            return response
    return None


def retried(attempt: Attempt, delay: float, headers: Any) -> None:
    """The SDK is about to wait `delay` seconds and to send the request again. `headers`: of the answer, if any came."""
    error = sys.exc_info()[1]
    attempt.outcome = "retried"
    attempt.delay = delay
    if attempt.status is None and headers is not None and not is_status_error(error):
        # Since 0.98 `Anthropic._should_retry` retries a 401 once with a new token, without asking `BaseClient`.
        attempt.error_type = "authentication_error"
        read_headers(attempt, _UNAUTHORIZED, headers)
    elif attempt.status is None and error is not None:
        # Only here does a timeout or a lost connection show that the SDK goes on from: it is being handled now.
        attempt.error_type = error_type(error)
        attempt.unsent = was_never_sent(error)
    attempt.call.sink.retried(attempt)


def failed(attempt: Attempt, error: Exception, response: Any, body: object) -> None:
    """The SDK made an error of a response, or of an `error` event in its stream."""
    if response.status_code >= FIRST_ERROR:
        read_headers(attempt, response.status_code, response.headers)
        attempt.refused(_refusal(response, body))
        attempt.call.sink.known(attempt.call)
    elif not attempt.call.ended:
        # An `error` event after HTTP 200.
        told = _refusal(response, body)
        attempt.outcome, attempt.error_type, attempt.blocked = "failed", told.error_type, told.blocked
        attempt.call.failed(error_type(error))


def attempt_of(response: Any) -> Attempt | None:
    """The attempt that a response answers, if it is one of a call's."""
    try:
        attempt = response.extensions.get(ATTEMPT) or response.request.extensions.get(ATTEMPT)
    except (AttributeError, RuntimeError):
        # A response that a middleware made has a request only if the middleware set one.
        return None
    # Tests of applications pass stand-ins, whose every attribute is another stand-in.
    return attempt if type(attempt) is Attempt else None


def read_headers(attempt: Attempt, status: int, headers: Any) -> None:
    """Reads the status and the headers of an attempt's response, once."""
    if attempt.status is not None:
        return
    attempt.status = status
    call = attempt.call
    try:
        told = head(headers.raw)
    except Exception:
        contained("read the headers of a response")
        return
    attempt.limits = told.limits
    call.request_id = told.request_id or call.request_id
    call.organization_id = told.organization_id or call.organization_id
    call.workspace_id = told.workspace_id or call.workspace_id
    if told.limits:
        call.sink.limited(call, attempt)


def refusal_of(response: Any) -> Refusal:
    """The refusal in an error's response, as far as its body was read."""
    return _refusal(response, body_of(response))


def _refusal(response: Any, body: object) -> Refusal:
    try:
        return refusal(response.status_code, body, retry_after="retry-after" in response.headers)
    except Exception:
        contained("read a refusal")
        return Refusal(response.status_code, None, None)


def body_of(response: Any) -> Any:
    """The decoded body, or None if it was not read, or is no JSON."""
    try:
        return response.json()
    except Exception:
        return None
