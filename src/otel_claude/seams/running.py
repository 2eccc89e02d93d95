"""Running: a call while the SDK's method runs, and how it leaves that method."""

from __future__ import annotations

from contextvars import ContextVar, Token
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from ..call import Call
from ..contain import contained
from ..record import Attempt
from .errors import error_type, was_never_sent
from .exchange import body_of, given

if TYPE_CHECKING:
    from typing_extensions import Self

_running: Final[ContextVar[Call | None]] = ContextVar("otel_claude_call", default=None)


def running() -> Call | None:
    """The call whose method runs in this context."""
    return _running.get()


class Running:
    """A call while the SDK's method runs. None: a method that is no call, though it may run within one."""

    __slots__ = ("_call", "_token", "result")

    def __init__(self, call: Call | None) -> None:
        self._call = call
        self.result: Any = None
        """What the method gives the application."""

    def __enter__(self) -> Self:
        self._token: Token[Call | None] = _running.set(self._call)
        return self

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
                _returned(self._call, self.result)
            else:
                raised(self._call, error)
        except Exception:
            contained("ended a call")


def _returned(call: Call, result: Any) -> None:
    """The SDK's method returned. Where the SDK had no reason to decode a whole body, it is read here."""
    attempts = call.attempts
    if not attempts:
        call.discard()
        return
    attempt = attempts[-1]
    response, attempt.response = attempt.response, None
    if response is not None and not call.answers:
        _heard(call, attempt, response)
    pending = any(attempt.pending for attempt in attempts)
    if (pending or attempt.streams) and (call.has_native_span or call.has_middleware):
        try:
            given(call, result)
        except Exception:
            contained("saw what a call gives")
        pending = any(attempt.pending for attempt in attempts)
    call.returned(pending=pending)


def _heard(call: Call, attempt: Attempt, response: Any) -> None:
    try:
        call.heard(body_of(response), attempt)
    except Exception:
        contained("heard a body")


def raised(call: Call, error: BaseException) -> None:
    """The SDK's method raises. Only the first time counts."""
    attempts = call.attempts
    if attempts and attempts[-1].response is not None and not call.answers:
        # What the SDK made nothing of is billed all the same.
        _heard(call, attempts[-1], attempts[-1].response)
    if attempts and attempts[-1].status is None:
        attempts[-1].unsent = was_never_sent(error)
    call.failed(error_type(error))
