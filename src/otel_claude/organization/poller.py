"""Poller: asks for each part of the organization's data when it is due, and keeps it for as long as it is true.

Times are seconds; the clock can be the test's. A part that could not be read is asked for later and later, at the
longest each hour, and what was read before is forgotten once it is too old. Knows no SDK and no OpenTelemetry.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, get_args

from .errors import ABSENT, SHARED, Problem, unreadable
from .models import Key, RateLimit, SpendLimit
from .reports import Range, Report, midnight, month_to_date

if TYPE_CHECKING:
    from .client import Reader

logger: Final = logging.getLogger("otel_claude.organization")

Part = Literal["report", "api_keys", "workspaces", "rate_limits", "spend_limits", "key_use"]
PARTS: Final[tuple[Part, ...]] = get_args(Part)
"""In the order in which they are read: the names of keys before what they spent, workspaces before their limits."""
USUAL_INTERVAL: Final = 300.0
MIN_INTERVAL: Final = 60.0
"""The API's documentation asks for no more than one request a minute of a report."""
_HOUR: Final = 3600.0
_KEY_USE_DAYS: Final = 30


class Times(NamedTuple):
    """How often things are asked for, in seconds. `inventory`: keys, workspaces and rate limits."""

    report: float = USUAL_INTERVAL
    inventory: float = 900.0
    key_use: float = _HOUR

    def of(self, part: Part) -> float:
        """How often a part is asked for."""
        return {"report": self.report, "spend_limits": self.report, "key_use": self.key_use}.get(part, self.inventory)


@dataclass(slots=True)
class _State:
    """What is known of a part: refreshed by the API at `as_of`, true before `until`, to be asked for at `due`."""

    value: Any = None
    as_of: float = 0.0
    until: float = 0.0
    due: float = 0.0
    failures: int = 0
    problem: Problem | None = None
    polls: Counter[str | None] = field(default_factory=Counter[str | None])
    """How often it was asked for, by what was wrong."""


class Snapshot(NamedTuple):
    """What is true at a moment. None: not known, or too old."""

    now: float
    report: Report | None
    api_keys: list[Key] | None
    workspaces: dict[str, str] | None
    rate_limits: list[RateLimit] | None
    spend_limits: list[SpendLimit] | None
    key_use: dict[str, int] | None
    ages: dict[Part, float]
    polls: dict[tuple[Part, str | None], int]
    problems: dict[Part, Problem]


class Poller:
    """Polls one organization. One thread polls; any other may look."""

    def __init__(self, reader: Reader, times: Times | None = None, clock: Callable[[], float] = time.time) -> None:
        self._reader = reader
        self._times = times or Times()
        self._clock = clock
        self._states: dict[Part, _State] = {part: _State() for part in PARTS}

    def poll(self) -> float:
        """Asks for what is due. Returns in how many seconds something is due next."""
        whole: _State | None = None
        for part, state in self._states.items():
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
        states = self._states.items()
        return Snapshot(
            now=now,
            ages={part: now - state.as_of for part, state in states if state.as_of},
            polls={(part, why): count for part, state in states for why, count in list(state.polls.items())},
            problems={part: state.problem for part, state in states if state.problem is not None},
            **{part: state.value if now < state.until else None for part, state in states},
        )

    def _ask(self, part: Part, state: _State) -> None:
        every = self._times.of(part)
        words = part.replace("_", " ").replace("api keys", "API keys")
        try:
            value, as_of = self._read(part)
        except Problem as problem:
            self._failed(state, problem, every)
            return
        except Exception as error:
            # A form that nobody thought of must not end the process; it is told like any other.
            # Where it was, and not the message, which may quote what was read.
            kind, frames = type(error).__name__, "".join(traceback.format_tb(error.__traceback__))
            logger.debug("Reading the organization's %s failed (%s):\n%s", words, kind, frames)
            self._failed(state, unreadable(words, kind), every)
            return
        now = self._clock()
        if state.failures:
            logger.warning("The organization's %s can be read again.", words)
        state.value, state.as_of, state.due = value, as_of, now + every
        # Two polls may fail before what was read is forgotten. A day's amounts are true until the day ends.
        state.until = now + 3 * every
        if part == "report":
            state.until = min(state.until, value.range.end.timestamp())
            state.due = min(state.due, max(state.until, now + MIN_INTERVAL))
        state.failures, state.problem = 0, None
        state.polls[None] += 1

    def _failed(self, state: _State, problem: Problem, every: float) -> None:
        state.polls[problem.kind] += 1
        known = {other.problem.kind for other in self._states.values() if other.problem is not None}
        warned = problem.kind in known if problem.kind in SHARED else state.problem is not None
        if not warned:
            logger.warning("%s", problem)
        state.problem = problem
        state.failures += 1
        wait = _HOUR if problem.kind in ABSENT else min(_HOUR, every * 2 ** min(state.failures - 1, 10))
        state.due = self._clock() + max(wait, problem.retry_after or 0.0, MIN_INTERVAL)

    def _read(self, part: Part) -> tuple[Any, float]:
        now = datetime.fromtimestamp(self._clock(), timezone.utc)
        reader = self._reader
        if part == "report":
            report = reader.report(month_to_date(now))
            return report, min(report.as_of, now).timestamp()
        if part == "key_use":
            today = midnight(now)
            requested = Range(today - timedelta(days=_KEY_USE_DAYS), today + timedelta(days=1), "1d")
            return reader.key_requests(requested), now.timestamp()
        if part == "rate_limits":
            return reader.rate_limits(self._states["workspaces"].value or ()), now.timestamp()
        return getattr(reader, part)(), now.timestamp()
