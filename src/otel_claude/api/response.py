"""Answer: what one attempt's body said, folded from a whole message or from a stream's events."""

from typing import Final, NamedTuple

from .json import Json, fields, text
from .usage import Usage

_PLACEHOLDERS: Final = frozenset({"output_tokens", "output_tokens_details"})
"""What `message_start` has a placeholder for. It is never kept: the real count comes with `message_delta`."""


class Answer(NamedTuple):
    """What one attempt's body said. `complete` is False while a stream has not told its stop reason."""

    id: str | None = None
    model: str | None = None
    stop_reason: str | None = None
    usage: Usage | None = None
    complete: bool = False

    def updated(self, event: Json) -> "Answer":
        """This answer with what a whole `message`, a `message_start` or a `message_delta` says in its place."""
        kind = event.get("type")
        if kind == "message_delta":
            return self._with_delta(event)
        if kind == "message_start":
            message = fields(event.get("message"))
            usage = message.get("usage")
            if said := fields(usage):
                usage = {name: value for name, value in said.items() if name not in _PLACEHOLDERS}
            return _answer(message, usage, None, complete=False)
        return _answer(event, event.get("usage"), text(event.get("stop_reason")), complete=True)

    def _with_delta(self, event: Json) -> "Answer":
        stop_reason = text(fields(event.get("delta")).get("stop_reason"))
        usage = event.get("usage")
        return Answer(
            self.id,
            self.model,
            stop_reason or self.stop_reason,
            self.usage if usage is None else (self.usage or _NO_USAGE).updated(usage),
            self.complete or stop_reason is not None,
        )


_NO_USAGE: Final = Usage()


def _answer(message: Json, usage: object, stop_reason: str | None, *, complete: bool) -> Answer:
    return Answer(
        text(message.get("id")),
        text(message.get("model")),
        stop_reason,
        None if usage is None else _NO_USAGE.updated(usage),
        complete,
    )
