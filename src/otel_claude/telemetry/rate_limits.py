"""The latest rate limits that the API reported, for the gauges. An update is one assignment, so nothing locks."""

from __future__ import annotations

import time
from collections.abc import Callable
from operator import attrgetter, itemgetter
from typing import Any, Final, NamedTuple

from opentelemetry.metrics import CallbackOptions, Observation

from .. import semconv
from .._diagnostics import log_internal_error
from ..api.headers import HeaderLayout, RateLimit, rate_limits
from .attributes import AttributeSet, AttributeSets
from .call import ClientInfo
from .instance_id import InstanceId

_MAX_LIMITS: Final = 2_000
"""Responses whose limits are kept at once: models and keys come from outside."""
_SHOWN_WITHOUT_RESET: Final = 300.0
"""Seconds that a limit without a reset time is shown. The documented families always have one."""
_MAX_SHOWN: Final = 31 * 86_400.0
"""Seconds that a limit is shown at most without being reported again. The longest known window is a week."""

_REREAD_AFTER: Final = 1.0
"""Seconds for which what was found is read again."""

_Key = tuple[ClientInfo, "str | None", "str | None", HeaderLayout]


class CurrentLimit(NamedTuple):
    """A limit whose reset time has not passed, and the seconds until then, if it has one.

    `attributes` are those of its gauges, the limit's name among them.
    """

    attributes: AttributeSet
    limit: RateLimit
    seconds: float | None


_VALUES: Final[dict[str, Callable[[CurrentLimit], float | None]]] = {
    semconv.RATE_LIMIT_LIMIT.name: attrgetter("limit.limit"),
    semconv.RATE_LIMIT_REMAINING.name: attrgetter("limit.remaining"),
    semconv.RATE_LIMIT_UTILIZATION.name: attrgetter("limit.utilization"),
    semconv.RATE_LIMIT_RESET.name: attrgetter("seconds"),
}


class RateLimits:
    """The latest limits by who is limited. `clock` gives seconds since the epoch."""

    def __init__(self, sets: AttributeSets, instance_id: InstanceId, clock: Callable[[], float] = time.time) -> None:
        self._sets = sets
        self._instance_id = instance_id
        self._clock = clock
        self._latest: dict[_Key, tuple[float, tuple[Any, ...]]] = {}
        self._reported: dict[tuple[AttributeSet, str], tuple[float, RateLimit]] = {}
        self._found: list[tuple[AttributeSet, RateLimit, float]] | None = None
        self._found_at = 0.0

    def update(
        self,
        client: ClientInfo,
        model: str | None,
        workspace_id: str | None,
        layout: HeaderLayout,
        values: tuple[Any, ...],
    ) -> None:
        """A response's headers just reported these. What they say is worked out when the gauges are read. Hot path."""
        key = (client, model, workspace_id, layout)
        if key not in self._latest and len(self._latest) >= _MAX_LIMITS:
            self._latest.pop(next(iter(self._latest)), None)
        self._latest[key] = (self._clock(), values)
        self._found = None

    def report(self, attributes: AttributeSet, limits: tuple[RateLimit, ...]) -> None:
        """The same for limits that were read elsewhere than in headers."""
        now = self._clock()
        for limit in limits:
            if (attributes, limit.name) not in self._reported and len(self._reported) >= _MAX_LIMITS:
                self._reported.pop(next(iter(self._reported)), None)
            self._reported[attributes, limit.name] = (now, limit)
        self._found = None

    def current(self) -> list[CurrentLimit]:
        """Each limit that still holds. Of two reports of one limit, the later wins."""
        now = self._clock()
        # The gauges of one collection are read one after the other.
        found = self._found
        if found is None or not 0 <= now - self._found_at < _REREAD_AFTER:
            found = self._found = self._find()
            self._found_at = now
        return [
            CurrentLimit(attributes, limit, None if limit.reset is None else limit.reset - now)
            for attributes, limit, expiry in found
            if expiry > now
        ]

    def _find(self) -> list[tuple[AttributeSet, RateLimit, float]]:
        """Each limit that is kept, with the attributes of its gauges and the time when it expires."""
        now = self._clock()
        reports: list[tuple[float, AttributeSet, tuple[RateLimit, ...]]] = []
        for key, (seen_at, values) in self._latest.copy().items():
            client, model, workspace_id, layout = key
            limits = rate_limits(layout, values)
            if all(_expiry(limit, seen_at) <= now for limit in limits):
                self._latest.pop(key, None)
            else:
                reports.append((seen_at, self._sets.of(client, model, None, workspace_id), limits))
        for key, (seen_at, limit) in self._reported.copy().items():
            if _expiry(limit, seen_at) <= now:
                self._reported.pop(key, None)
            else:
                reports.append((seen_at, key[0], (limit,)))
        reports.sort(key=itemgetter(0))
        found: dict[AttributeSet, tuple[RateLimit, float]] = {}
        for seen_at, attributes, limits in reports:
            for limit in limits:
                named = attributes.plus((semconv.RATE_LIMIT_NAME, limit.name))
                found[named] = limit, _expiry(limit, seen_at)
        return [(named, limit, expiry) for named, (limit, expiry) in found.items()]

    def observe(self, metric: str, _options: CallbackOptions) -> list[Observation]:
        """The values of one of the gauges of limits. Never raises."""
        if not (self._latest or self._reported):
            return []
        try:
            value_of, attributes_of = _VALUES[metric], self._instance_id.resolve()
            return [
                Observation(value, attributes_of(current.attributes))
                for current in self.current()
                if (value := value_of(current)) is not None
            ]
        except Exception:
            log_internal_error(f"observe {metric}")  # OpenTelemetry would log that anew at each collection.
            return []

    def clear(self) -> None:
        """Forgets everything."""
        self._latest = {}
        self._reported = {}
        self._found = None


def _expiry(limit: RateLimit, seen_at: float) -> float:
    if limit.reset is None:
        return seen_at + _SHOWN_WITHOUT_RESET
    return min(limit.reset, seen_at + _MAX_SHOWN)
