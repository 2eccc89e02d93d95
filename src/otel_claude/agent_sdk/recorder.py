"""Listener: who hears the messages of one query, and posts what they report. Knows no SDK."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from .. import semconv as c
from ..api.json import Json, fields
from ..semconv import agents as a
from ..tags import Tags
from ..telemetry.attributes import Group, Labels
from ..telemetry.counters import Row
from ..telemetry.metrics import Instruments
from ..telemetry.record import Caller
from .messages import Result, rate_limit, result
from .totals import Connection

_PROVIDER: Final = "anthropic"
"""Of a result by a program that does not tell it, and of limits."""
_ONE: Final = (1,)
_RESULT: Final = Group((a.AGENT_RESULTS.name, ()))
_UNCOUNTED: Final = Group((a.AGENT_UNCOUNTED.name, ()))
_LIMITED: Final = Group((a.AGENT_RATE_LIMITS.name, ()))
_USED: Final = Group(
    *((a.AGENT_TOKENS.name, ((a.TOKEN_CLASS, name),)) for name in a.TOKEN_CLASSES), (a.AGENT_COST.name, ())
)


class Listener:
    """Hears the messages of a query, with the tags of the moment when the application began to read them."""

    def __init__(self, instruments: Instruments, connection: Connection, tags: Tags) -> None:
        self._instruments = instruments
        self._connection = connection
        self._tags = tags

    def heard(self, message: object) -> None:
        """The program sent this. Nothing but numbers, names of models and kinds of ends is taken from it."""
        told = fields(message)
        kind = told.get("type")
        if kind == "result":
            self._instruments.reports.post(tuple(self._ended(result(told))))
        elif kind == "rate_limit_event":
            self._limited(told)
        elif kind == "conversation_reset":
            self._connection.cleared()

    def _ended(self, turn: Result) -> Iterator[Row]:
        base = self._labels(_PROVIDER, None)
        yield base.cells(_RESULT, (c.ERROR_TYPE, turn.error_type)), _ONE
        new = self._connection.news(turn)
        if new is None:
            reason = "no_usage" if turn.totals is None else "resumed"
            yield base.cells(_UNCOUNTED, (a.UNCOUNTED_REASON, reason)), _ONE
            return
        for model, usage in new.items():
            labels = self._labels(usage.provider or _PROVIDER, model)
            yield labels.cells(_USED), [getattr(usage, name) or None for name in (*a.TOKEN_CLASSES, "cost")]

    def _limited(self, message: Json) -> None:
        told = rate_limit(message)
        labels = self._instruments.labels.of(Caller(_PROVIDER), None, None, None, (), a.INVOKE_AGENT)
        self._instruments.limits.seen(labels, told.limits)
        change = ((c.RATE_LIMIT_NAME, told.name or c.OTHER), (a.RATE_LIMIT_STATUS, told.status))
        self._instruments.reports.post(((self._labels(_PROVIDER, None).cells(_LIMITED, *change), _ONE),))

    def _labels(self, provider: str, model: str | None) -> Labels:
        labels = self._instruments.labels.of(Caller(provider), None, model, None, self._tags, a.INVOKE_AGENT)
        return labels.also((a.REPORTED_BY, a.CLAUDE_CODE))
