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

_DELTA: Final = b'{"type":"content_block_delta"'


class Reading:
    """How the body of an attempt's response is read. Only the first end counts."""

    __slots__ = ("_attempt", "_error_type", "_recorder", "ended", "headers")

    def __init__(
        self, recorder: Any, attempt: Attempt, headers: Any, error_type: Callable[[BaseException], str | None]
    ) -> None:
        self._recorder = recorder
        self._attempt = attempt
        self._error_type = error_type
        self.headers = headers
        self.ended = False

    def on_data(self, data: object) -> None:
        """A message, or an event in the form of the Messages API."""
        try:
            self._recorder.on_response_data(self._attempt, data)
        except Exception:
            log_internal_error("read a response's body")

    def on_frame(self, frame: Any, *, converse: bool) -> None:
        """A message of an AWS event stream, as botocore's `to_response_dict` gives it."""
        headers, body = frame["headers"], frame["body"]
        if frame["status_code"] != 200:  # noqa: PLR2004 - what botocore gives to an event that is no error
            code = headers.get(":exception-type") or headers.get(":error-code")
            self.fail_in_stream(bedrock.parse_error(frame["status_code"], code))
        elif converse:
            kind = headers.get(":event-type")
            said = None if kind == "contentBlockDelta" else json.loads(body)
            for data in bedrock.converse_events(str(kind), as_object(said)):
                self.on_data(data)
        else:
            event = b64decode(str(as_object(json.loads(body)).get("bytes")))
            # Most of them, and nothing of theirs is said.
            self.on_data({"type": "content_block_delta"} if event.startswith(_DELTA) else json.loads(event))

    def end_if_complete(self) -> None:
        """Ends the call once its stream said the stop reason and what was used: nothing that counts comes after."""
        response = self._attempt.call.responses.get(self._attempt.number)
        if response is not None and response.complete and response.usage is not None and response.usage.output:
            self.end()

    def fail(self, error: BaseException) -> None:
        """Reading it raised."""
        self._attempt.outcome, self._attempt.error_type = "failed", self._error_type(error)
        self.end(error_type=self._attempt.error_type)

    def fail_in_stream(self, said: ApiError) -> None:
        """An event of the stream is an error."""
        self._attempt.fail_in_stream(said.error_type or "client_error", said.blocked)
        self.end(error_type=self._attempt.error_type)

    def end(self, *, error_type: str | None = None, in_finalizer: bool = False) -> None:
        """It was read to its end, or failed, or was left: closed before, or dropped."""
        if self.ended:
            return
        self.ended = True
        try:
            call = self._attempt.call
            if not call.responses and (said := bedrock.headers_message(self.headers)) is not None:
                call.returned = False  # The call ends below, as of whoever says so.
                self.on_data(said)
            self._recorder.end_call(call, error_type=error_type, in_finalizer=in_finalizer)
        except Exception:
            log_internal_error("observe a body")
