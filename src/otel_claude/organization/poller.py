"""Poller: asks for each part of the organization's data when it is due, and keeps it for as long as it is true.

Times are seconds; the clock can be the test's. A part that could not be read is asked for later and later, at the
longest each hour, and what was read before is forgotten once it is too old. Knows no SDK and no OpenTelemetry.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Final, Literal, Protocol, get_args

from .errors import ABSENT, SHARED, Problem, unreadable
from .models import Key, RateLimit, SpendLimit, Workspace
from .reports import Range, Report, midnight, month_to_date

logger: Final = logging.getLogger("otel_claude.organization")

Part = Literal["report", "api_keys", "workspaces", "rate_limits", "spend_limits", "key_use"]
PARTS: Final[tuple[Part, ...]] = get_args(Part)
"""In the order in which they are read: the names of keys before what they spent, workspaces before their limits."""
USUAL: Final = 300.0
LEAST: Final = 60.0
"""The API's documentation asks for no more than one request a minute of a report."""
_HOUR: Final = 3600.0
_UNUSED_DAYS: Final = 30


class Source(Protocol):
    """What a poller asks: `Reader`."""

    def report(self, requested: Range) -> Report: ...  # noqa: D102
    def api_keys(self) -> list[Key]: ...  # noqa: D102
    def workspaces(self) -> list[Workspace]: ...  # noqa: D102
    def rate_limits(self, workspaces: list[Workspace]) -> list[RateLimit]: ...  # noqa: D102
    def spend_limits(self) -> list[SpendLimit]: ...  # noqa: D102
    def key_requests(self, requested: Range) -> dict[str, int]: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Times:
    """How often things are asked for, in seconds."""

    report: float = USUAL
    inventory: float = 900.0
    """Keys, workspaces and limits."""
    key_use: float = _HOUR

    def of(self, part: Part) -> float:
        """How often a part is asked for."""
        return {"report": self.report, "spend_limits": self.report, "key_use": self.key_use}.get(part, self.inventory)


@dataclass(slots=True)
class State:
    """What is known of a part."""

    value: Any = None
    as_of: float = 0.0
    """When the API refreshed it last."""
    until: float = 0.0
    """From then on it is not true any more."""
    due: float = 0.0
    failures: int = 0
    problem: Problem | None = None
    polls: dict[str | None, int] = field(default_factory=dict[str | None, int])
    """How often it was asked for, by what was wrong."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is true at a moment. None: not known, or too old."""

    now: float
    report: Report | None
    keys: tuple[Key, ...] | None
    workspaces: tuple[Workspace, ...] | None
    rate_limits: tuple[RateLimit, ...] | None
    spend_limits: tuple[SpendLimit, ...] | None
    key_use: dict[str, int] | None
    ages: dict[Part, float]
    polls: dict[tuple[Part, str | None], int]
    problems: dict[Part, Problem]


class Poller:
    """Polls one organization. One thread polls; any other may look."""

    def __init__(self, source: Source, times: Times | None = None, clock: Callable[[], float] = time.time) -> None:
        self._source = source
        self._times = times or Times()
        self._clock = clock
        self._states: dict[Part, State] = {part: State() for part in PARTS}

    def poll(self) -> float:
        """Asks for what is due. Returns in how many seconds something is due next."""
        whole: State | None = None
        for part in PARTS:
            state = self._states[part]
            if state.due > self._clock():
                continue
            if whole is None:
                self._ask(part, state)
                whole = state if state.problem is not None and state.problem.kind in SHARED else None
            else:
                # What is wrong with one part is wrong with all: asking for the others would not help.
                state.problem, state.due = whole.problem, whole.due
        return max(0.0, min(state.due for state in self._states.values()) - self._clock())

    def seen(self) -> Snapshot:
        """What is true now."""
        now = self._clock()
        states = self._states
        held = {part: state.value if now < state.until else None for part, state in states.items()}
        return Snapshot(
            now,
            held["report"],
            held["api_keys"],
            held["workspaces"],
            held["rate_limits"],
            held["spend_limits"],
            held["key_use"],
            {part: now - state.as_of for part, state in states.items() if state.as_of},
            {(part, why): count for part, state in states.items() for why, count in list(state.polls.items())},
            {part: state.problem for part, state in states.items() if state.problem is not None},
        )

    def _ask(self, part: Part, state: State) -> None:
        every = self._times.of(part)
        try:
            value, as_of = self._read(part)
        except Problem as problem:
            self._failed(state, problem, every)
            return
        except Exception as error:
            # A form that nobody thought of must not end the process; it is told like any other.
            # Where it was, and not the message, which may quote what was read.
            frames = "".join(traceback.format_tb(error.__traceback__))
            logger.debug("Reading the organization's %s failed (%s):\n%s", _words(part), type(error).__name__, frames)
            self._failed(state, unreadable(_words(part), type(error).__name__), every)
            return
        now = self._clock()
        if state.failures:
            logger.warning("The organization's %s can be read again.", _words(part))
        state.value, state.as_of, state.due = value, as_of, now + every
        # Two polls may fail before what was read is forgotten. A day's amounts are true until the day ends.
        state.until = now + 3 * every
        if part == "report":
            state.until = min(state.until, value.range.end.timestamp())
            state.due = min(state.due, max(state.until, now + LEAST))
        state.failures, state.problem = 0, None
        state.polls[None] = state.polls.get(None, 0) + 1

    def _failed(self, state: State, problem: Problem, every: float) -> None:
        state.polls[problem.kind] = state.polls.get(problem.kind, 0) + 1
        known = {other.problem.kind for other in self._states.values() if other.problem is not None}
        warned = problem.kind in known if problem.kind in SHARED else state.problem is not None
        if not warned:
            logger.warning("%s", problem)
        state.problem = problem
        state.failures += 1
        wait = min(_HOUR, every * 2 ** min(state.failures - 1, 10))
        if problem.kind in ABSENT:
            wait = _HOUR
        state.due = self._clock() + max(wait, problem.retry_after or 0.0, LEAST)

    def _read(self, part: Part) -> tuple[Any, float]:
        now = datetime.fromtimestamp(self._clock(), timezone.utc)
        source = self._source
        if part == "report":
            report = source.report(month_to_date(now))
            return report, min(report.as_of.timestamp(), now.timestamp())
        if part == "key_use":
            today = midnight(now)
            requested = Range(today - timedelta(days=_UNUSED_DAYS), today + timedelta(days=1), "1d")
            return source.key_requests(requested), now.timestamp()
        if part == "rate_limits":
            workspaces: list[Workspace] = list(self._states["workspaces"].value or [])
            return tuple(source.rate_limits(workspaces)), now.timestamp()
        ask = {"api_keys": source.api_keys, "workspaces": source.workspaces, "spend_limits": source.spend_limits}[part]
        return tuple(ask()), now.timestamp()


def _words(part: Part) -> str:
    return part.replace("_", " ").replace("api keys", "API keys")
