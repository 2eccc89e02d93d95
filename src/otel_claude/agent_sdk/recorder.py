"""Records what the `claude` program reports of one query: tokens and cost, ends of turns, rate limits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from .. import semconv
from .._diagnostics import log_internal_error
from ..api.json import Json, as_object
from ..pricing import ANTHROPIC
from ..semconv import agents as a
from ..tags import Tags
from ..telemetry.attributes import AttributeSet
from ..telemetry.call import ClientInfo
from ..telemetry.counters import Increment
from ..telemetry.metrics import Instruments
from .messages import Result, parse_rate_limit, parse_result
from .totals import Connection

_PROVIDERS: Final = {
    name: ClientInfo(name, None, ANTHROPIC) for name in ("anthropic", "aws.bedrock", "gcp.vertex_ai", semconv.OTHER)
}
_ANTHROPIC: Final = _PROVIDERS["anthropic"]
"""Of a result by a program that does not say who served it, and of limits."""

_INVALID: Final = Result(None, semconv.OTHER, None, None, None)


def _skipped(base: AttributeSet, reason: str) -> Increment:
    return Increment(a.AGENT_RESULTS_SKIPPED.name, base.plus((a.SKIPPED_REASON, reason)), 1)


class AgentRecorder:
    """Records the messages of a query, with the tags of the moment when the application began to read them."""

    def __init__(self, instruments: Instruments, connection: Connection, tags: Tags) -> None:
        self._instruments = instruments
        self._connection = connection
        self._tags = tags

    def on_message(self, message: object) -> None:
        """The program sent this. Nothing but numbers, names of models and kinds of ends is taken from it."""
        parsed = as_object(message)
        kind = parsed.get("type")
        if kind == "result":
            self._on_result(parsed)
        elif kind == "rate_limit_event":
            self._limited(parsed)
        elif kind == "conversation_reset":
            self._connection.reset()

    def _add(self, *increments: Increment) -> None:
        self._instruments.agent_counters.add((None, increments))

    def _on_result(self, message: Json) -> None:
        """A turn ended. Each part by itself: one that fails leaves the others."""
        base = self._attributes(None, None)
        try:
            turn = parse_result(message)
        except Exception:
            log_internal_error("read a result of the Claude Agent SDK")
            turn = _INVALID
        self._add(Increment(a.AGENT_RESULTS.name, base.plus((semconv.ERROR_TYPE, turn.error_type)), 1))
        try:
            used = list(self._used(turn, base))
        except Exception:
            log_internal_error("count what the Claude Agent SDK reports")
            used = [_skipped(base, "failed")]
        self._add(*used)

    def _used(self, turn: Result, base: AttributeSet) -> Iterator[Increment]:
        new = self._connection.since_last_result(turn)
        if new is None:
            yield _skipped(base, "no_usage" if turn.totals is None else "resumed")
            return
        for model, usage in new.items():
            attributes = self._attributes(usage.provider, model)
            for name in a.TOKEN_TYPES:
                tokens = attributes.plus((semconv.TOKEN_TYPE, name))
                yield Increment(a.AGENT_TOKENS.name, tokens, getattr(usage, name) or 0)
            yield Increment(a.AGENT_COST.name, attributes, usage.cost or 0)

    def _limited(self, message: Json) -> None:
        limit = parse_rate_limit(message)
        attributes = self._instruments.sets.of(_ANTHROPIC, None, operation=a.INVOKE_AGENT)
        try:
            self._instruments.rate_limits.report(attributes, limit.limits)
        except Exception:
            log_internal_error("keep the rate limits")
        change = ((semconv.RATE_LIMIT_NAME, limit.name or semconv.OTHER), (a.RATE_LIMIT_STATUS, limit.status))
        changed = self._attributes(None, None).plus(*change)
        self._add(Increment(a.AGENT_RATE_LIMITS.name, changed, 1))

    def _attributes(self, provider: str | None, model: str | None) -> AttributeSet:
        client = _PROVIDERS.get(provider or "", _ANTHROPIC)
        sets = self._instruments.sets
        return sets.of(client, None, model, None, self._tags, a.INVOKE_AGENT).plus((a.REPORTED_BY, a.CLAUDE_CODE))
