"""What the requests and responses of a call's attempts say.

Each request carries its attempt in its `extensions`, and each response too once it came, so that whatever is seen of
them later finds the attempt again.
"""

from __future__ import annotations

import sys
import weakref
from contextvars import ContextVar
from typing import Any, Final

from .._diagnostics import log_internal_error
from ..api.errors import ApiError, parse_error
from ..api.headers import parse_headers
from ..http.errors import error_type, is_status_error, was_never_sent
from ..http.headers import LISTING, raw_headers
from ..telemetry.call import FIRST_ERROR_STATUS, Attempt, Call
from ..telemetry.recorder import Recorder
from .response_body import observe_body, read_raw

_ATTEMPT: Final = "otel_claude.attempt"
"""Where a request or a response of httpx or httpx2 carries its attempt: transports pass `extensions` on unread."""
_RAW: Final = "X-Stainless-Raw-Response"
_UNAUTHORIZED: Final = 401

active_call: Final[ContextVar[Call | None]] = ContextVar("otel_claude_call", default=None)
"""The call that a method is making in this context."""
_by_idempotency_key: weakref.WeakValueDictionary[str, Call] = weakref.WeakValueDictionary()
"""Calls of clients with middleware: it may send a further hop while a stream is read, when no call is active."""


def call_of(options: Any) -> Call | None:
    """The open call that a further hop belongs to, which a middleware sends while a stream is read."""
    call = _by_idempotency_key.get(options.idempotency_key)
    return None if call is None or call.ended else call


def on_build_request(recorder: Recorder, client: Any, options: Any, built: Any) -> None:
    """A request was built and is about to be sent: an attempt, if it belongs to a call."""
    call = active_call.get()
    middleware = getattr(client, "_middleware", None)
    if call is None or middleware:
        # A stream whose middleware sends a further hop may be read while another call is active.
        call = call_of(options) or call
        if call is None:
            return
    if not call.attempts:
        call.idempotency_key = key = options.idempotency_key
        if middleware:
            call.has_middleware = True
            if key:
                _by_idempotency_key[key] = call
    attempt = built.extensions[_ATTEMPT] = recorder.on_attempt(call, options.json_data)
    attempt.options_id = id(options)


def attempt_of(response: Any) -> Attempt | None:
    """The attempt that a response carries, if it is one of a call's. Hot path."""
    try:
        attempt = response.extensions.get(_ATTEMPT) or response.request.extensions.get(_ATTEMPT)
    except (AttributeError, RuntimeError):
        # A response that a middleware made has a request only if the middleware set one.
        return None
    # Tests of applications pass stand-ins, whose every attribute is another stand-in.
    return attempt if type(attempt) is Attempt else None


def attempt_for(response: Any, options: Any) -> Attempt | None:
    """The attempt that the SDK is about to process the response of, with the options that it was made of. Hot path.

    A client that builds the request anew, a layer that signs it, a cache, a hook that assigns `extensions`: what they
    pass on carries nothing of ours, or something of an earlier call. The active call knows what it waits for.
    """
    try:
        call = active_call.get()
        attempt = (
            call.attempts[0] if call is not None and len(call.attempts) == 1 else response.request.extensions[_ATTEMPT]
        )
        # A cache can give the response of an earlier call once more, and what it carries then is that call's.
        if attempt.status is None and attempt.options_id == id(options):
            # Where it is looked for first. Streams are parsed when no call is active any more.
            response.extensions[_ATTEMPT] = attempt
            return attempt
    except (AttributeError, KeyError, RuntimeError, TypeError):
        attempt = None  # It carries nothing, or has no request, or is a stand-in of a test.
    attempt = _waiting_attempt(attempt_of(response), options)
    # Never its request: an application can use one for many responses.
    extensions = getattr(response, "extensions", None)
    if attempt is not None and isinstance(extensions, dict):
        extensions[_ATTEMPT] = attempt
    return attempt


def _waiting_attempt(carried: Attempt | None, options: Any) -> Attempt | None:
    call = call_of(options) or active_call.get()
    if call is None:
        return carried if carried is not None and carried.status is None else None
    for attempt in reversed(call.attempts):
        if attempt.options_id == id(options) and attempt.is_waiting:
            return attempt
    # Somebody who overrides `_build_request` copied the options.
    ours = carried if carried is not None and carried.call is call else None
    if ours is not None and ours.status is None:
        return ours
    if call.attempts and call.attempts[-1].is_waiting and call.idempotency_key == options.idempotency_key:
        return call.attempts[-1]
    return ours


def rejected_attempt(response: Any) -> Attempt | None:
    """The attempt of a response that the SDK makes an error of, or thinks of sending again."""
    attempt, call = attempt_of(response), active_call.get()
    # With middleware the SDK has processed each response before. What an event in a stream says is of what is carried.
    if call is None or call.has_middleware or response.status_code < FIRST_ERROR_STATUS:
        return attempt
    if attempt is not None and attempt.call is call:
        return attempt
    last = call.attempts[-1] if call.attempts else None
    if last is None or not last.is_waiting:
        return attempt
    response.extensions[_ATTEMPT] = last
    return last


def retried_attempt(response: Any) -> Attempt | None:
    """The attempt of a response of which the SDK asks whether to send it again."""
    error = sys.exc_info()[1]
    while error is not None:
        if is_status_error(error) and getattr(error, "response", None) is response:
            # It was made an error of before: of ours, or of a call that a hook or an auth flow of ours made.
            return attempt_of(response)
        error = error.__cause__
    return rejected_attempt(response)


def on_response(recorder: Recorder, attempt: Attempt, client: Any, kwargs: dict[str, Any]) -> None:
    """A response came, of whatever status. `kwargs`: those of `_process_response`."""
    response = kwargs["response"]
    status = response.status_code
    found = response.headers
    raw = found._list if found.__class__ in LISTING else raw_headers(found)  # noqa: SLF001 - as `raw_headers`
    recorder.on_headers(attempt, status, raw)
    # With any middleware the SDK comes here for every status.
    if status >= FIRST_ERROR_STATUS:
        attempt.reject(_error_in(response))
        return
    attempt.outcome = "success"
    attempt.streams = streams = bool(kwargs.get("stream"))
    headers = kwargs["options"].headers
    unparsed = isinstance(headers, dict) and _RAW in headers
    if not response.is_closed or streams:
        observe_body(recorder, attempt, response, middleware=bool(getattr(client, "_middleware", None)), raw=unparsed)
        return
    attempt.http_response = response
    if unparsed:
        # The application may never parse it, and the SDK's own span is about to end.
        recorder.on_response_data(attempt, body_of(response))


def on_return(recorder: Recorder, call: Call, result: Any) -> None:
    """The SDK's method returned. Where the SDK had no reason to decode a whole body, it is read here."""
    attempts = call.attempts
    if not attempts:
        recorder.forget(call)
        return
    last = attempts[-1]
    if call.has_middleware and (last.body_pending or last.streams):
        _observe_what_middleware_gave(recorder, last, result)
    if last.http_response is not None and not call.responses:
        recorder.on_response_data(last, body_of(last.http_response))
    call.returned = True
    for attempt in attempts:
        if attempt.body_pending:
            last.http_response = None
            return
    recorder.end_call(call)


def _observe_what_middleware_gave(recorder: Recorder, last: Attempt, result: Any) -> None:
    """What the application gets is still to be read: a response that came, or one that a middleware made of it."""
    decoded: Any = getattr(result, "response", None)  # It has one if it is a stream.
    responses: tuple[Any, ...] = (decoded, getattr(result, "http_response", None), result)
    for response in responses:
        extensions: Any = getattr(response, "extensions", None)
        if not isinstance(extensions, dict) or not hasattr(response, "stream"):
            continue
        carried, raw = attempt_of(response), response is not decoded
        if carried is not None and carried.call is not last.call:
            return
        if carried is None or carried.response_id != id(response):
            extensions[_ATTEMPT] = last
            observe_body(recorder, last, response, middleware=False, raw=raw)
        else:
            carried.passed_on = True
            if response.is_closed and not carried.streams:
                carried.body_pending = False
                if carried.number not in last.call.responses:
                    recorder.on_response_data(carried, body_of(response))
            elif raw and not response.is_closed:
                read_raw(recorder, carried, response)
        return


def on_raise(recorder: Recorder, call: Call, error: BaseException) -> None:
    """The SDK's method raised."""
    complete_failed_call(recorder, call, error)
    kind = error_type(error)
    recorder.end_call(call, error_type=kind, cancelled=kind is None)


def complete_failed_call(recorder: Recorder, call: Call, error: BaseException | None) -> None:
    """Adds what is known of a call that ends, or the SDK's span of it, before the SDK made something of a response."""
    last = call.attempts[-1] if call.attempts else None
    if last is None:
        return
    if last.http_response is not None and not call.responses:
        # What the SDK made nothing of is billed all the same.
        recorder.on_response_data(last, body_of(last.http_response))
    elif last.reader is not None and (message := last.reader.message()) is not None:
        # Closed when all was read but the end: the SDK's own span ends before its body is closed.
        recorder.on_response_data(last, message)
    if last.status is None and error is not None:
        last.never_sent = was_never_sent(error)


def on_retry(recorder: Recorder, attempt: Attempt, delay: float, headers: Any) -> None:
    """The SDK is about to wait `delay` seconds and to send the request again. `headers`: of the response, if any."""
    error = sys.exc_info()[1]
    if attempt.status is None and headers is not None and not is_status_error(error):
        # Since 0.98 `Anthropic._should_retry` retries a 401 once with a new token, without asking `BaseClient`.
        attempt.error_type = "authentication_error"
        recorder.on_headers(attempt, _UNAUTHORIZED, raw_headers(headers))
    elif attempt.status is None and error is not None:
        # Only here does a timeout or a lost connection show that the SDK goes on from: it is being handled now.
        attempt.error_type = error_type(error)
        attempt.never_sent = was_never_sent(error)
    recorder.on_retry(attempt, delay)


def on_rejected(recorder: Recorder, attempt: Attempt, response: Any) -> None:
    """The SDK asks whether to retry after this response."""
    recorder.on_headers(attempt, response.status_code, raw_headers(response.headers))
    attempt.reject(_error_in(response))


def on_error(recorder: Recorder, attempt: Attempt, error: Exception, response: Any, body: object) -> None:
    """The SDK made an exception of a response, or of an `error` event in its stream."""
    status = response.status_code
    if status >= FIRST_ERROR_STATUS:
        recorder.on_headers(attempt, status, raw_headers(response.headers))
        attempt.reject(_error(response, body))
    elif not attempt.call.ended:
        if attempt.status is None:  # A redirect that leads nowhere.
            recorder.on_headers(attempt, status, raw_headers(response.headers))
            attempt.fail_as_invalid()
        else:  # An `error` event after HTTP 200.
            attempt.fail_in_stream(error_type(error) or "client_error", _error(response, body).blocked)
        recorder.end_call(attempt.call, error_type=attempt.error_type)


def _error_in(response: Any) -> ApiError:
    """The error in a response, as far as its body was read."""
    return _error(response, body_of(response))


def _error(response: Any, body: object) -> ApiError:
    try:
        return parse_error(response.status_code, body, retry_after="retry-after" in response.headers)
    except Exception:
        log_internal_error("read an error of the API")
        return ApiError(response.status_code, None, None)


def workspace_of(response: Any) -> str | None:
    """The workspace that a response's headers name."""
    try:
        return parse_headers(raw_headers(response.headers)).workspace_id
    except Exception:
        log_internal_error("read the headers of a response")
        return None


def body_of(response: Any) -> Any:
    """The decoded body, or None if it was not read, or is no JSON."""
    try:
        return response.json()
    except Exception:
        return None
