"""Listener: who hears the messages of one query, and posts what they report. Knows no SDK."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from .. import conventions as c
from .. import conventions_agents as a
from ..contain import contained
from ..instruments import Instruments
from ..labels import Group, Labels
from ..ledger import Row
from ..record import Caller
from ..tags import Tags
from ..wire.agent import Result, rate_limit, result
from ..wire.json import Json, fields
from .totals import Connection

_PROVIDER: Final = "anthropic"
"""Of a result by a program that does not tell it, and of limits."""
_ONE: Final = (1,)
_UNREADABLE: Final = Result(None, c.OTHER, None, None, None)
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
            self._ended(told)
        elif kind == "rate_limit_event":
            self._limited(told)
        elif kind == "conversation_reset":
            self._connection.cleared()

    def _ended(self, message: Json) -> None:
        """Posts a turn's end. Each part by itself: one that fails leaves the others."""
        base = self._labels(_PROVIDER, None)
        try:
            turn = result(message)
        except Exception:
            contained("read a result of the Claude Agent SDK")
            turn = _UNREADABLE
        self._post((base.cells(_RESULT, (c.ERROR_TYPE, turn.error_type)), _ONE))
        try:
            used = tuple(self._used(turn, base))
        except Exception:
            contained("counted what the Claude Agent SDK reports")
            used = ((base.cells(_UNCOUNTED, (a.UNCOUNTED_REASON, "failed")), _ONE),)
        self._post(*used)

    def _used(self, turn: Result, base: Labels) -> Iterator[Row]:
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
        try:
            self._instruments.limits.seen(labels, told.limits)
        except Exception:
            contained("kept the limits")
        change = ((c.RATE_LIMIT_NAME, told.name or c.OTHER), (a.RATE_LIMIT_STATUS, told.status))
        self._post((self._labels(_PROVIDER, None).cells(_LIMITED, *change), _ONE))

    def _post(self, *rows: Row) -> None:
        try:
            self._instruments.reports.post(rows)
        except Exception:
            contained("posted what the Claude Agent SDK reports")

    def _labels(self, provider: str, model: str | None) -> Labels:
        labels = self._instruments.labels.of(Caller(provider), None, model, None, self._tags, a.INVOKE_AGENT)
        return labels.also((a.REPORTED_BY, a.CLAUDE_CODE))
