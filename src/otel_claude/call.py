"""Call: one call's life, from the SDK's method to the last byte of its answer; Sink: who it tells.

Knows neither the SDK nor OpenTelemetry. The seams tell it what happened, it tells a `Sink`. A call is the one mutable
object here; it may be told things from several threads, and it ends once, whoever says so first.
"""

from __future__ import annotations

import time
from typing import Any, Protocol

from .collecting import collecting
from .record import Attempt, Caller, CallRecord
from .tags import Tags
from .wire import Answer, Request, Shape
from .wire.json import Json, fields

_ANSWER = Answer()


class Sink(Protocol):
    """What a call tells of itself. No method may raise."""

    def began(self, call: Call) -> None:
        """The call begins: open and enter a span if there is to be one."""
        ...

    def sending(self, call: Call) -> None:
        """An attempt is about to be sent: the SDK's own span is current, if there is one."""
        ...

    def described(self, call: Call) -> None:
        """The shape of the call's request is known."""
        ...

    def limited(self, call: Call, attempt: Attempt) -> None:
        """An answer's headers told limits."""
        ...

    def retried(self, attempt: Attempt) -> None:
        """The SDK is about to wait and to send the request again."""
        ...

    def known(self, call: Call) -> None:
        """An answer said something new, or refused the call. A span of the SDK's may end before we are asked again."""
        ...

    def left(self, call: Call) -> None:
        """The SDK's method returns or raises: leave what `began` entered."""
        ...

    def discarded(self, call: Call) -> None:
        """It was no call after all."""
        ...

    def ended(self, record: CallRecord, *, finalizing: bool) -> None:
        """The call is over. `finalizing`: a garbage collector's finalizer says so, and nothing may lock."""
        ...


_open: set[Call] = set()
"""The calls that have begun and not ended. Removing one is atomic, which makes an end happen once."""


class Call:
    """One use of an SDK method that reaches the Messages API: all its attempts and the reading of its stream."""

    # What most calls leave as it is stands here, so that making a call sets little.
    bill: Any = None
    """What `answers` cost, once the sink has worked it out; None again when more is said or sent."""
    span: Any = None
    owns_span = False
    token: Any = None
    context: Any = None
    shape = Shape()
    first_chunk: float | None = None
    request_id: str | None = None
    organization_id: str | None = None
    workspace_id: str | None = None
    idempotency_key: str | None = None
    """That of the options of its first attempt, and of all others."""
    has_middleware = False
    parts_told: tuple[int, ...] | None = None
    """The parts of the cost that a span of the SDK's has, once it has any."""
    _error_type: str | None = None
    _missing: str | None = None
    _returned = False

    def __init__(self, request: Request, caller: Caller, tags: Tags, sink: Sink, *, has_native_span: bool) -> None:
        self.request = request
        self.caller = caller
        self.tags = tags
        self.sink = sink
        self.has_native_span = has_native_span
        self.attempts: list[Attempt] = []
        self.answers: dict[str, Answer] = {}
        self.started_at = time.time()
        self._clock = time.perf_counter()
        _open.add(self)

    @property
    def has_returned(self) -> bool:
        """Whether the SDK's method returned, and the rest is read by the application."""
        return self._returned

    @property
    def ended(self) -> bool:
        """Whether the call is over."""
        return self not in _open

    def attempt(self) -> Attempt:
        """A further HTTP request of this call."""
        attempt = Attempt(self, len(self.attempts))
        self.attempts.append(attempt)
        self.bill = None
        return attempt

    def heard(self, data: object, attempt: Attempt) -> None:
        """A body, or one event of a stream, was decoded. Once for each event: what matters to few comes last."""
        body = fields(data)
        kind = body.get("type")
        if kind == "content_block_delta":
            if self.first_chunk is None:
                self.first_chunk = time.perf_counter() - self._clock
            return
        if kind == "message_stop":
            self.end()
        elif kind in _TELLING or (kind is None and "usage" in body):
            self._fold(body, attempt, kind)

    def _fold(self, body: Json, attempt: Attempt, kind: object) -> None:
        if self.ended:
            return
        delta = kind == "message_delta"
        answer = (self.answers.get(attempt.key, _ANSWER) if delta else _ANSWER).updated(body)
        if not delta:
            # The same message can be heard twice: under middleware, or when a raw response is parsed again.
            self.answers.pop(attempt.key, None)
            attempt.key = answer.id or attempt.key
        self.answers[attempt.key] = answer
        self.bill = None
        self.sink.known(self)
        if self._returned and answer.complete and kind not in _STREAMED:
            self.end()

    def returned(self, *, pending: bool) -> None:
        """The SDK's method returned; `pending` if its body or its stream is still to be read."""
        self._returned = True
        if not pending:
            self.end()

    def body_ended(
        self, attempt: Attempt, *, read: bool, error_type: str | None = None, last: bool = True, raw: bool = False
    ) -> None:
        """The body of an attempt was read to its end, failed, or was closed before.

        `last` is False if more may be heard of it: a plain body is closed before it is parsed. `raw`: the application
        may have read it by itself.
        """
        if self.ended:
            # Its attempts are the record's now.
            return
        unfinished = not any(answer.complete for answer in self.answers.values())
        if read and last and unfinished and (self.answers or not raw):
            # The server cut the stream short, and the SDK raises nothing.
            error_type = error_type or "api_error"
        if error_type:
            self._error_type = error_type
            attempt.outcome, attempt.error_type = "failed", error_type
        elif not self.answers:
            self._missing = "unread_body" if read or not self.request.stream else "aborted_stream"
        if last:
            self.end()

    def failed(self, error_type: str | None) -> None:
        """The call ends with an error of this type; None if the application stopped it."""
        self._error_type = error_type
        self.end(stopped=error_type is None)

    def discard(self) -> None:
        """This was no call to the API: nothing was sent, as when a middleware answers by itself."""
        try:
            _open.remove(self)
        except KeyError:
            return
        self.sink.discarded(self)

    def end(self, *, stopped: bool = False, finalizing: bool = False) -> None:
        """The call is over. Only the first end counts."""
        try:
            _open.remove(self)
        except KeyError:
            return
        # They are the record's now. Kept here too, each ended call would be a cycle for the garbage collector.
        attempts, self.attempts = self.attempts, []
        for attempt in attempts:
            attempt.response = None
            if attempt.outcome is None:
                attempt.outcome = "failed"
                attempt.error_type = attempt.error_type or self._error_type
        answers = tuple(self.answers.values())
        record = CallRecord(
            self.request,
            self.caller,
            self.started_at,
            time.perf_counter() - self._clock,
            self.shape,
            self.tags,
            answers,
            tuple(attempts),
            None if answers else self._why_missing(attempts),
            self._error_type,
            stopped or not (self._error_type or any(answer.complete for answer in answers)),
            self.first_chunk,
            self.request_id,
            self.organization_id,
            self.workspace_id,
            self.span,
            self.owns_span,
            self.context,
            self.bill,
        )
        self.sink.ended(record, finalizing=finalizing or collecting())

    def _why_missing(self, attempts: list[Attempt]) -> str:
        if any(attempt.unanswered for attempt in attempts):
            return "no_answer"
        status = attempts[-1].status if attempts else None
        if status is None:
            return "not_sent"
        if status >= 400:  # noqa: PLR2004 - HTTP's own number
            return "refused"
        return self._missing or ("aborted_stream" if self.request.stream else "unread_body")


# Tuples and no sets: a hostile `type` can be a list, which has no hash.
_TELLING = ("message", "message_start", "message_delta")
_STREAMED = ("message_start", "message_delta")


def end_open_calls() -> None:
    """Ends every call that is still open, with what is known: the process is about to exit."""
    for call in list(_open):
        call.end(stopped=True)


def release_open_calls() -> None:
    """Ends or forgets the calls of which nothing more will be seen: the seams are about to be removed.

    A stream that is being read is seen to its end. What got no answer yet is forgotten: it may well succeed.
    """
    for call in list(_open):
        last = call.attempts[-1] if call.attempts else None
        if call.answers or (last is not None and last.response is not None):
            continue
        if last is not None and last.outcome == "success":
            call.end(stopped=True)
        else:
            call.discard()


def forget_open_calls() -> None:
    """Forgets every open call: this is a forked child, and they are its parent's."""
    _open.clear()
