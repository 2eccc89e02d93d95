"""The latest usage of the Managed Agents sessions that the application heard of, for the gauges.

The counts of a session are cumulative and the server's own. They are shown as gauges, by agent, and are added to no
counter: any number of processes may hear of one session, each as often as it asks. Knows no SDK.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from opentelemetry.metrics import CallbackOptions, Observation

from .._diagnostics import log_internal_error
from ..api.managed_agents import Session
from ..api.response import Usage
from ..semconv import agents as a
from .attributes import AttributeSet, AttributeSets, Pair
from .call import ClientInfo
from .instance_id import InstanceId

SHOWN: Final = 900.0
"""Seconds that a session is shown after it was last heard of."""
_MAX_SESSIONS: Final = 2_000
"""Sessions kept at once: ids come from outside. Who was heard of longest ago gives way."""
_CENT: Final = 100
_TOKEN_TYPES: Final = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output")

Sum = tuple[tuple[Pair, ...], int | float]


class Owner(NamedTuple):
    """Who asked for a session, and in which workspace it is."""

    client: ClientInfo
    workspace_id: str | None


class _Reported(NamedTuple):
    session: Session
    attributes: AttributeSet
    at: float


class Sessions:
    """The latest of each session. `clock` gives seconds since the epoch. Hearing is plain assignment: nothing locks."""

    def __init__(self, instance_id: InstanceId, clock: Callable[[], float] = time.time) -> None:
        self._instance_id = instance_id
        self._clock = clock
        self._latest: dict[str, _Reported] = {}

    def update(self, session: Session, owner: Owner, sets: AttributeSets) -> None:
        """The API just reported this session."""
        known = self._latest.pop(session.id, None)
        if known is not None:
            session = session.after(known.session)
        elif len(self._latest) >= _MAX_SESSIONS:
            self._latest.pop(next(iter(self._latest)), None)
        self._latest[session.id] = _Reported(session, _attributes(session, owner, sets), self._clock())

    def observe(self, metric: str, _options: CallbackOptions) -> list[Observation]:
        """One metric's values by attributes: of all sessions reported lately together. Never raises."""
        if not self._latest:
            return []
        try:
            return self._observe(metric)
        except Exception:
            log_internal_error(f"observe {metric}")  # OpenTelemetry would log that anew at each collection.
            return []

    def _observe(self, metric: str) -> list[Observation]:
        values_of, together = _VALUES[metric]
        attributes_of = self._instance_id.resolve()
        found: dict[AttributeSet, list[int | float]] = {}
        for session, attributes in self._lately():
            try:
                for pairs, value in values_of(session):
                    found.setdefault(attributes.plus(*pairs), []).append(value)
            except Exception:
                log_internal_error(f"show a session as {metric}")  # The others are shown.
        return [Observation(together(values), attributes_of(attributes)) for attributes, values in found.items()]

    def clear(self) -> None:
        """Forgets everything: a forked child has heard of none."""
        self._latest = {}

    def _lately(self) -> Iterator[tuple[Session, AttributeSet]]:
        since = self._clock() - SHOWN
        for reported in self._latest.copy().values():
            if reported.at > since:
                yield reported.session, reported.attributes


def _attributes(session: Session, owner: Owner, sets: AttributeSets) -> AttributeSet:
    return sets.of(owner.client, session.model, None, owner.workspace_id, (), a.INVOKE_AGENT).plus(
        (a.AGENT_ID, session.agent_id), (a.AGENT_NAME, session.agent_name)
    )


def _tokens(session: Session) -> Iterator[Sum]:
    usage = session.usage or Usage()
    for name in _TOKEN_TYPES:
        tokens: int | None = getattr(usage, name)
        if tokens is not None:
            yield ((a.TOKEN_TYPE, name),), tokens


def _cents(session: Session) -> Iterator[Sum]:
    if session.list_cost is not None:
        yield (), session.list_cost


def _budget(session: Session) -> Iterator[Sum]:
    if session.list_cost is not None and session.budget:
        yield (), session.list_cost / session.budget


def _one(_session: Session) -> Iterator[Sum]:
    yield (), 1


def _dollars(together: Callable[[Iterable[int | float]], int | float]) -> Callable[[Iterable[int | float]], float]:
    # Cents are added up as integers.
    return lambda cents: together(cents) / _CENT


_VALUES: Final[dict[str, tuple[Callable[[Session], Iterator[Sum]], Callable[[Iterable[int | float]], int | float]]]] = {
    a.SESSION_TOKENS.name: (_tokens, sum),
    a.SESSION_COST.name: (_cents, _dollars(sum)),
    a.SESSION_MAX_COST.name: (_cents, _dollars(max)),
    a.SESSION_BUDGET.name: (_budget, max),
    a.SESSIONS.name: (_one, sum),
}
"""What each session adds to a metric, and what is made of all of them."""
