"""How the reading of a response's body ends: read to its end, closed before, failed, or dropped."""

from __future__ import annotations

import weakref
from typing import Any, Final

from .._diagnostics import log_internal_error
from ..http.bodies import DelayedEventReader, MessageReader, ResponseBody, content_type, observe_bytes
from ..http.errors import error_type
from ..telemetry.call import Attempt
from ..telemetry.recorder import Recorder

_EVENTS: Final = "text/event-stream"


def observe_body(recorder: Recorder, attempt: Attempt, response: Any, *, middleware: bool, raw: bool) -> None:
    """Has the recorder learn how a response is read that is left to the application, or to a middleware.

    `raw`: the application asked for the response itself, and may read its bytes.
    """
    attempt.body_pending, attempt.response_id = True, id(response)
    if not response.is_closed:
        try:
            raw = raw and not middleware  # A middleware has the SDK give it everything raw.
            reading = _Reading(recorder, attempt, response, middleware=middleware, raw=raw)
            response.stream = ResponseBody(response.stream, reading)
            if raw:
                read_raw(recorder, attempt, response)
        except Exception:
            log_internal_error("observe a body")
    weakref.finalize(response, _dropped, recorder, attempt, middleware=middleware).atexit = False


def read_raw(recorder: Recorder, attempt: Attempt, response: Any) -> None:
    """Has the recorder see the bytes that the application reads of a raw response."""
    if not attempt.streams:
        attempt.reader = MessageReader()
    elif content_type(response).startswith(_EVENTS):
        attempt.reader = DelayedEventReader(recorder, attempt)
    else:
        return  # The frames of Amazon Bedrock are no text.
    observe_bytes(response, attempt.reader)


def _dropped(recorder: Recorder, attempt: Attempt, *, middleware: bool) -> None:
    """A response was dropped. This may run inside a garbage collection, with any lock held."""
    try:
        call = attempt.call
        if attempt.reader is not None:
            attempt.reader.end()
        if call.returned and (attempt.is_last or attempt.passed_on or not middleware):
            recorder.end_call(call, in_finalizer=True)
        else:
            # A middleware read it, and may give the application another one. If it does not, the call ends then.
            attempt.body_pending = False
    except Exception:
        log_internal_error("end a dropped call")


class _Reading:
    """How the body of an attempt's response is read. Only the first end counts: a body that was read is closed too."""

    __slots__ = ("_attempt", "_ended", "_middleware", "_raw", "_recorder", "_response")

    def __init__(self, recorder: Recorder, attempt: Attempt, response: Any, *, middleware: bool, raw: bool) -> None:
        self._recorder = recorder
        self._attempt = attempt
        self._response = weakref.ref(response)
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
        if error is not None:
            attempt.outcome, attempt.error_type = "failed", error
        if self._middleware and not attempt.passed_on:
            return  # It goes on to another hop, or gives the application a response of its own.
        if attempt.reader is not None:
            attempt.reader.end()
            if call.ended:
                return
        call.error_type = error
        if attempt.number not in call.responses:
            if not attempt.streams and attempt.reader is None and how == "read":
                return  # It is parsed later.
            try:
                (self._explain_stream if attempt.streams else self._read_message)(how)
            except Exception:
                log_internal_error("find out why a body says nothing")
        self._recorder.end_call(call)

    def _read_message(self, how: str) -> None:
        """Reads the message in the bytes that the application read, or says why there is none."""
        attempt, reader = self._attempt, self._attempt.reader
        call = attempt.call
        call.no_usage_reason = "no_response" if how == "failed" else "unread_body"
        if reader is None or reader.is_too_long:
            return
        message = reader.message()
        if message is not None or (how == "read" and (reader.saw_any or not self._bytes_came())):
            self._recorder.on_response_data(attempt, message)

    def _explain_stream(self, how: str) -> None:
        """Says why nothing is known of a stream."""
        attempt, kind = self._attempt, content_type(self._response())
        if how == "read" and kind and "event" not in kind:
            attempt.fail_as_invalid()
        elif (self._raw if attempt.reader is None else not attempt.reader.saw_any) and self._bytes_came():
            attempt.call.no_usage_reason = "unread_body"

    def _bytes_came(self) -> bool:
        return bool(getattr(self._response(), "num_bytes_downloaded", 1))
