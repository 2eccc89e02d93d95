"""How the application reads the body of a response that `send` gave it unread."""

from __future__ import annotations

import weakref
from importlib import import_module
from typing import Any, Final

from .._diagnostics import log_internal_error
from ..http.bodies import EventReader, MessageReader, ResponseBody, content_type, observe_bytes
from ..http.errors import error_type
from ..http.reading import Reading
from ..telemetry.call import FIRST_ERROR_STATUS, Attempt
from .requests import Target

_FRAMES: Final = "application/vnd.amazon.eventstream"
_EVENTS: Final = "text/event-stream"


def on_body(recorder: Any, attempt: Attempt, target: Target, headers: Any, body: object) -> None:
    """A whole body is known: a message, or an error."""
    status = attempt.status or 0
    if status >= FIRST_ERROR_STATUS:
        attempt.reject(target.error(status, body, headers))
    else:
        recorder.on_response_data(attempt, target.message(body, headers))


def observe_body(recorder: Any, attempt: Attempt, target: Target, response: Any) -> None:
    """Has the recorder learn how a response is read that is left to the application."""
    kind, headers = content_type(response), response.headers
    reading = Reading(recorder, attempt, headers if target.form == "invoke" else {}, error_type)
    attempt.body_pending = True
    reader: MessageReader
    if kind.startswith(_EVENTS):
        reader = _EventReader(recorder, attempt, reading)
    elif kind.startswith(_FRAMES):
        reader = _FrameReader(reading, converse=target.form == "converse")
    else:
        reader = MessageReader()
    attempt.streams = type(reader) is not MessageReader
    body = _Body(recorder, attempt, target, headers, reading, reader)
    observe_bytes(response, reader)
    response.stream = ResponseBody(response.stream, body)
    weakref.finalize(response, body.end, "dropped").atexit = False


class _EventReader(EventReader):
    """Ends a call at its stop reason: LiteLLM up to 1.90 reads no further, and closes nothing."""

    def __init__(self, recorder: Any, attempt: Attempt, reading: Reading) -> None:
        super().__init__(recorder, attempt)
        self._reading = reading

    def read(self, piece: bytes) -> None:
        super().read(piece)
        self._reading.end_if_complete()


class _FrameReader(MessageReader):
    """Reads an AWS event stream. Without botocore, which LiteLLM needs for Bedrock, nothing of it is read."""

    def __init__(self, reading: Reading, *, converse: bool) -> None:
        super().__init__()
        self._reading = reading
        self._converse = converse
        try:
            library: Any = import_module("botocore.eventstream")
        except ImportError:
            self._frames: Any = None
        else:
            self._frames = library.EventStreamBuffer()
            self._parser_error: type[Exception] = library.ParserError

    def read(self, piece: bytes) -> None:
        if self._frames is None or self._reading.ended:
            return
        self.saw_any = True
        self._frames.add_data(piece)
        try:
            for frame in self._frames:
                self._reading.on_frame(frame.to_response_dict(), converse=self._converse)
        except (ValueError, RecursionError, self._parser_error):
            self._reading.fail_as_invalid()
        self._reading.end_if_complete()


class _Body:
    """What is read of a response, and how that ends."""

    def __init__(
        self, recorder: Any, attempt: Attempt, target: Target, headers: Any, reading: Reading, reader: MessageReader
    ) -> None:
        self._recorder = recorder
        self._attempt = attempt
        self._target = target
        self._headers = headers
        self._reading = reading
        self._reader = reader

    def end(self, how: str, error: BaseException | None = None) -> None:
        """`how`: `read` to its end, `closed` before, `dropped`, or `failed` with `error`."""
        reading, attempt = self._reading, self._attempt
        if reading.ended:
            return
        try:
            self._read_message(how)
        except Exception:
            log_internal_error("read a response's body")
        if error is not None:
            reading.fail(error)
        else:
            reading.end(error_type=attempt.error_type, in_finalizer=how == "dropped")

    def _read_message(self, how: str) -> None:
        attempt, reader = self._attempt, self._reader
        if type(reader) is MessageReader:
            message = reader.message()
            if message is not None or how == "read":
                attempt.call.returned = False  # The call ends right after this, as of whoever says so.
                on_body(self._recorder, attempt, self._target, self._headers, message)
        elif not reader.saw_any:
            attempt.call.no_usage_reason = "unread_body"
