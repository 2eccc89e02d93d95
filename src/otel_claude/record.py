"""What a call is made of and what it was: Caller, Attempt, CallRecord. Knows neither the SDK nor OpenTelemetry."""

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from .pricing import PlatformName
from .tags import Tags
from .wire import Answer, Limit, Refusal, Request, Shape

if TYPE_CHECKING:
    from .call import Call  # an attempt knows its call; nothing here needs the class


class Caller(NamedTuple):
    """Who calls whom: the client's provider and platform, the server it talks to, the key it shows."""

    provider: str
    platform: PlatformName | None = "anthropic"
    """None if it could not be found out: then no price is sure."""
    region: str | None = None
    server_address: str | None = None
    server_port: int | None = None
    api_key_hint: str | None = None


UNKNOWN_CALLER: Final = Caller("_other", None)
"""Stands for one that could not be found out, because something of ours failed."""


class Attempt:
    """One HTTP request within a call. `outcome` is None until it is known."""

    status: int | None = None
    error_type: str | None = None
    blocked: str | None = None
    outcome: str | None = None
    delay: float | None = None
    limits: tuple[Limit, ...] = ()
    unsent = False
    """Whether it surely never reached the API, as when no connection could be made."""
    streams = False
    pending = False
    """Whether its body, or its stream, was left for the application to read."""
    body_over = False
    """Whether its body was read, closed, or failed."""
    sent_as = 0
    """The `id` of the SDK's options that it was made of. They live until its answer is processed."""
    response: Any = None
    """Only while the SDK has the whole body and its method has not returned."""

    def __init__(self, call: "Call", number: int) -> None:
        self.call = call
        self.number = number
        self.key = f"attempt {number}"
        """Of its answer in `Call.answers`: the message's id, once that is known."""

    @property
    def is_last(self) -> bool:
        """Whether the call made no further attempt since, and is not over."""
        return self.number == len(self.call.attempts) - 1

    @property
    def unanswered(self) -> bool:
        """Whether the API may have served it, and billed it, without our hearing of it."""
        return self.status is None and not self.unsent

    @property
    def waits(self) -> bool:
        """Whether nothing came of it yet: no answer, and nothing that the SDK went on from."""
        return self.status is None and self.outcome is None

    def refused(self, refusal: Refusal) -> None:
        """The API answered this attempt with an error. Told twice, the one with more to say wins."""
        self.status = refusal.status
        self.error_type = refusal.error_type or self.error_type
        self.blocked = refusal.blocked or self.blocked


class CallRecord(NamedTuple):
    """What a call was: all that any telemetry of it is made from. `started_at` is in seconds since the epoch.

    `error_type` is None for a call that succeeded and for one that the application stopped. `missing` says why there
    is no answer, where there is none: `refused`, `no_answer`, `unread_body`, `aborted_stream`, or `not_sent`.

    The result of a request in a batch is one too, though it is no call: `result` is its type, and None for a call.
    `started_at` is then when it was made at the latest, and `missing` can be `unreadable_result`.
    """

    request: Request
    caller: Caller
    started_at: float
    duration: float
    shape: Shape = Shape()
    tags: Tags = ()
    answers: tuple[Answer, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    missing: str | None = None
    error_type: str | None = None
    stopped: bool = False
    time_to_first_chunk: float | None = None
    request_id: str | None = None
    organization_id: str | None = None
    workspace_id: str | None = None
    span: Any = None
    owns_span: bool = False
    context: Any = None
    bill: Any = None
    result: str | None = None

    def __repr__(self) -> str:
        """Without the context: it has the application's baggage."""
        told = [f"{name}={value!r}" for name, value in self._asdict().items() if name != "context"]
        return f"CallRecord({', '.join(told)})"
