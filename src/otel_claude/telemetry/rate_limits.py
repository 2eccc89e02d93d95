"""Limits: the latest rate limits that the API reported, with their expiry, for the gauges.

A limit is seen by a plain assignment, so nothing locks. Knows no OpenTelemetry.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final, Protocol

from ..api import Limit

_MOST: Final = 2_000
"""Limits kept at once: names, models and keys come from outside."""
_UNTOLD_RESET: Final = 300.0
"""Seconds that a limit without a reset time is shown. The documented families always tell one."""
_LONGEST: Final = 31 * 86_400.0
"""Seconds that a limit is shown at most without being told again. The longest known window is a week."""


class Labelled(Protocol):
    """Who is limited. Compared by identity."""

    @property
    def attributes(self) -> dict[str, str | int | bool]:
        """What tells this one apart."""
        ...


class Limits:
    """The latest limits by the attributes of who is limited. `clock` gives seconds since the epoch."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._latest: dict[tuple[Labelled, str], tuple[Limit, float]] = {}

    def seen(self, labels: Labelled, limits: tuple[Limit, ...]) -> None:
        """The API just reported these limits."""
        now = self._clock()
        for limit in limits:
            if len(self._latest) >= _MOST and (labels, limit.name) not in self._latest:
                self._forget_expired(now)
                self._forget_longest_unseen()
            expiry = now + _UNTOLD_RESET if limit.reset is None else min(limit.reset, now + _LONGEST)
            self._latest[labels, limit.name] = (limit, expiry)

    def current(self) -> Iterator[tuple[Labelled, Limit, float | None]]:
        """Each limit whose reset time has not passed, and the seconds until then, if it has one."""
        now = self._clock()
        self._forget_expired(now)
        for (labels, _), (limit, _) in self._latest.copy().items():
            yield labels, limit, None if limit.reset is None else limit.reset - now

    def clear(self) -> None:
        """Forgets everything."""
        self._latest = {}

    def _forget_longest_unseen(self) -> None:
        """Room for a new limit: what was first told longest ago goes."""
        for key in list(self._latest)[: len(self._latest) + 1 - _MOST]:
            self._latest.pop(key, None)

    def _forget_expired(self, now: float) -> None:
        for key, (_, expiry) in self._latest.copy().items():
            if expiry <= now:
                self._latest.pop(key, None)
