"""Sessions: the latest usage of the Managed Agents sessions that the application heard of, for the gauges.

The counts of a session are cumulative and the server's own. They are shown as gauges, by agent, and are added to no
counter: any number of processes may hear of one session, each as often as it asks. Knows no SDK.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from . import conventions_agents as a
from .contain import contained
from .labels import Labeller, Labels
from .ledger import Value
from .record import Caller
from .wire import Session, Usage

SHOWN: Final = 900.0
"""Seconds that a session is shown after it was last heard of."""
_MOST: Final = 2_000
"""Sessions kept at once: ids come from outside. Who was heard of longest ago gives way."""
_CENT: Final = 100
_CLASSES: Final = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output")

Attributes = dict[str, Value]
Sum = tuple[Attributes, int | float]


class Owner(NamedTuple):
    """Who asked for a session, and in which workspace it is."""

    caller: Caller
    workspace: str | None


class _Heard(NamedTuple):
    session: Session
    labels: Labels
    at: float


class Sessions:
    """The latest of each session. `clock` gives seconds since the epoch. Hearing is plain assignment: nothing locks."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._latest: dict[str, _Heard] = {}

    def heard(self, session: Session, owner: Owner, labeller: Labeller) -> None:
        """The API just told of this session."""
        known = self._latest.pop(session.id, None)
        if known is not None:
            session = session.after(known.session)
        elif len(self._latest) >= _MOST:
            self._latest.pop(next(iter(self._latest)), None)
        self._latest[session.id] = _Heard(session, _labels(session, owner, labeller), self._clock())

    def read(self, metric: str) -> Iterator[Sum]:
        """One metric's values by attributes: of all sessions heard of lately together."""
        value_of, together = _READ[metric]
        found: dict[tuple[tuple[str, Value], ...], list[int | float]] = {}
        for session, labels in self._lately():
            try:
                for more, value in value_of(session):
                    key = tuple(sorted({**labels.attributes, **more}.items()))
                    found.setdefault(key, []).append(value)
            except Exception:
                contained("read a session")
        for key, values in found.items():
            yield dict(key), together(values)

    def clear(self) -> None:
        """Forgets everything: a forked child has heard of none."""
        self._latest = {}

    def _lately(self) -> Iterator[tuple[Session, Labels]]:
        since = self._clock() - SHOWN
        for heard in self._latest.copy().values():
            if heard.at > since:
                yield heard.session, heard.labels


def _labels(session: Session, owner: Owner, labeller: Labeller) -> Labels:
    return labeller.of(owner.caller, session.model, None, owner.workspace, (), a.INVOKE_AGENT).also(
        (a.AGENT_ID, session.agent_id), (a.AGENT_NAME, session.agent_name)
    )


def _tokens(session: Session) -> Iterator[Sum]:
    usage = session.usage or Usage()
    for name in _CLASSES:
        tokens: int | None = getattr(usage, name)
        if tokens is not None:
            yield {a.TOKEN_CLASS: name}, tokens


def _cents(session: Session) -> Iterator[Sum]:
    if session.list_cost is not None:
        yield {}, session.list_cost


def _budget(session: Session) -> Iterator[Sum]:
    if session.list_cost is not None and session.budget:
        yield {}, session.list_cost / session.budget


def _one(_session: Session) -> Iterator[Sum]:
    yield {}, 1


def _dollars(together: Callable[[Iterable[int | float]], int | float]) -> Callable[[Iterable[int | float]], float]:
    # Cents are added up as integers.
    return lambda cents: together(cents) / _CENT


_READ: Final[dict[str, tuple[Callable[[Session], Iterator[Sum]], Callable[[Iterable[int | float]], int | float]]]] = {
    a.SESSION_TOKENS.name: (_tokens, sum),
    a.SESSION_COST.name: (_cents, _dollars(sum)),
    a.SESSION_HIGHEST_COST.name: (_cents, _dollars(max)),
    a.SESSION_BUDGET.name: (_budget, max),
    a.SESSIONS.name: (_one, sum),
}
"""What each session adds to a metric, and what is made of all of them."""
