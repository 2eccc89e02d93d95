"""How the application reads the body of a response: what it saw, and how that ended."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable
from typing import Any, Final

from .._diagnostics import log_internal_error
from ..api import bedrock
from ..api.errors import ApiError
from ..api.json import as_object
from ..telemetry.call import Attempt

_MAX_BODY: Final = 64 * 1024 * 1024
"""Bytes of a body that is kept until it is whole. Longer ones are said by their headers."""
_DELTA: Final = b'{"type":"content_block_delta"'


class Reading:
    """How the body of an attempt's response is read. Only the first end counts.

    `headers`: of an `InvokeModel`, which say the counts too.
    """

    __slots__ = ("_attempt", "_error_type", "_headers", "_length", "_parts", "_recorder", "ended")

    def __init__(
        self, recorder: Any, attempt: Attempt, headers: Any, error_type: Callable[[BaseException], str | None]
    ) -> None:
        self._recorder = recorder
        self._attempt = attempt
        self._headers = headers
        self._error_type = error_type
        self._parts = bytearray()
        length = str(headers.get("content-length") or "")
        self._length = int(length) if length.isdecimal() else None
        self.ended = False

    def add(self, data: bytes, *, last: bool) -> None:
        """The application read this of the body of an `InvokeModel`. `last`: there is no more."""
        if self.ended:
            return
        parts = self._parts
        if len(parts) + len(data) > _MAX_BODY:
            parts.clear()
            self.end()
            return
        parts += data
        if last or (self._length is not None and len(parts) >= self._length):
            self.end(whole=True)

    def on_frame(self, frame: Any, *, converse: bool) -> None:
        """A message of an AWS event stream, as botocore's `to_response_dict` gives it.

        Raises:
            ValueError: It is not JSON.
        """
        headers, body = frame["headers"], frame["body"]
        if frame["status_code"] != 200:  # noqa: PLR2004 - what botocore gives to an event that is no error
            code = headers.get(":exception-type") or headers.get(":error-code")
            self.fail_in_stream(bedrock.parse_error(frame["status_code"], code))
            return
        kind = headers.get(":event-type")
        if converse:
            said = json.loads(body) if kind in bedrock.CONVERSE_EVENTS else None
            for event in bedrock.converse_events(kind, as_object(said)):
                self._recorder.on_response_data(self._attempt, event)
        elif kind == "chunk":
            event = b64decode(str(as_object(json.loads(body)).get("bytes")))
            # Most of them, and nothing of theirs is said.
            said = {"type": "content_block_delta"} if event.startswith(_DELTA) else json.loads(event)
            self._recorder.on_response_data(self._attempt, said)

    def fail(self, error: BaseException) -> None:
        """Reading it raised."""
        self._attempt.outcome, self._attempt.error_type = "failed", self._error_type(error)
        self.end(error_type=self._attempt.error_type)

    def fail_in_stream(self, said: ApiError) -> None:
        """An event of the stream is an error."""
        self._attempt.fail_in_stream(said.error_type or "client_error", said.blocked)
        self.end(error_type=self._attempt.error_type)

    def fail_as_invalid(self) -> None:
        """An event of the stream is not JSON: what it would have said is not known."""
        self._attempt.fail_as_invalid()
        self.end(error_type=self._attempt.error_type)

    def end_if_complete(self) -> None:
        """Ends the call once its stream said the stop reason and what was used: nothing that counts comes after."""
        response = self._attempt.call.responses.get(self._attempt.number)
        if response is not None and response.complete and response.usage is not None and response.usage.output:
            self.end()

    def end(self, *, whole: bool = False, error_type: str | None = None, in_finalizer: bool = False) -> None:
        """It was read to its end, or failed, or was left: closed before, or dropped."""
        if self.ended:
            return
        self.ended = True
        call = self._attempt.call
        try:
            if not call.responses:
                self._read_message(whole)
        except Exception:
            log_internal_error("read a response's body")
        try:
            self._recorder.end_call(call, error_type=error_type, in_finalizer=in_finalizer)
        except Exception:
            log_internal_error("observe a body")

    def _read_message(self, whole: bool) -> None:
        """What was read of a message, if it is all of it; else what the headers say."""
        try:
            message = json.loads(self._parts)
        except (ValueError, RecursionError):
            message = None
        if whole or as_object(message):
            message = bedrock.invoked_message(message, self._headers)
        elif (message := bedrock.headers_message(self._headers)) is None:
            return
        self._attempt.call.returned = False  # The call ends right after this, as of whoever says so.
        self._recorder.on_response_data(self._attempt, message)
