"""Rate limits that count down and refill continuously, and the headers that report them.

Knows header names and a clock's reading. A bucket holds what may be used at once and refills by as much in a minute.
Models of one group share buckets. Input counts without cache reads; output counts as written; fast requests have
buckets of their own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timezone

from otel_claude_demo.simulator.failures import DETAILS, Failure
from otel_claude_demo.simulator.scenarios import Scenario

MINUTE = 60.0
THOUSAND = 1000
_ROUNDING = 1e-6
_FIVE_HOURS, _WEEK = 5 * 3600, 7 * 86400


@dataclass(frozen=True, slots=True)
class Limits:
    """What each model group may use per minute."""

    requests: int = 4_000
    input_tokens: int = 2_000_000
    output_tokens: int = 400_000
    fast_input_tokens: int = 400_000
    fast_output_tokens: int = 80_000
    priority_input_tokens: int = 600_000
    priority_output_tokens: int = 120_000


class Bucket:
    """One limit's level, which rises with time."""

    def __init__(self, capacity: int, now: float) -> None:
        self.capacity = capacity
        self._level = float(capacity)
        self._at = now

    def level(self, now: float) -> float:
        """How much is left; below 0 when output outran its limit."""
        refilled = self._level + (now - self._at) * self.capacity / MINUTE
        self._level, self._at = min(float(self.capacity), refilled), now
        return self._level

    def take(self, amount: int, now: float) -> None:
        """Use some."""
        self._level = self.level(now) - amount

    def wait(self, amount: int, now: float) -> float:
        """Seconds until that much is left; 0 if it is."""
        lacking = amount - self.level(now)
        return lacking * MINUTE / max(1, self.capacity) if lacking > _ROUNDING else 0.0

    def full_at(self, now: float) -> float:
        """When the bucket is full again."""
        return now + self.wait(self.capacity, now)


class RateLimits:
    """The buckets of all model groups."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._buckets: dict[tuple[str, str], Bucket] = {}

    def admit(self, group: str, tokens: int, now: float, pool: str = "") -> Failure | None:
        """Take a request and its input, or say why not. `pool` is empty, `fast_` or `priority_`."""
        wanted = (("requests", 1), (f"{pool}input_tokens", tokens), (f"{pool}output_tokens", 1))
        waits = {name: self._bucket(group, name, now).wait(amount, now) for name, amount in wanted}
        name = max(waits, key=lambda key: waits[key])
        if waits[name] > 0:
            what = name.replace("_", " ")
            return Failure(
                429,
                "rate_limit_error",
                "This request would exceed your organization's rate limit of "
                f"{getattr(self.limits, name):,} {what} per minute ({group}). For details, refer to: {DETAILS}",
                retry_after=math.ceil(waits[name]),
                should_retry=True,
            )
        self._bucket(group, "requests", now).take(1, now)
        self.spend(group, now, pool, input_tokens=tokens)
        return None

    def spend(self, group: str, now: float, pool: str = "", *, input_tokens: int = 0, output_tokens: int = 0) -> None:
        """Take tokens without asking."""
        self._bucket(group, f"{pool}input_tokens", now).take(input_tokens, now)
        self._bucket(group, f"{pool}output_tokens", now).take(output_tokens, now)

    def headers(
        self, group: str, now: float, scenario: Scenario, pool: str = "", failure: Failure | None = None
    ) -> dict[str, str]:
        """The headers of an answer."""
        if "no_limits" in scenario:
            return {}
        if "unified" in scenario:
            return self._unified(group, now, failure)
        sums = [self._bucket(group, name, now) for name in ("input_tokens", "output_tokens")]
        headers = {
            **_named("anthropic-ratelimit-requests", [self._bucket(group, "requests", now)], now, 1),
            **_named("anthropic-ratelimit-tokens", sums, now),
            **_named("anthropic-ratelimit-input-tokens", sums[:1], now),
            **_named("anthropic-ratelimit-output-tokens", sums[1:], now),
        }
        for extra in {
            pool,
            "priority_" if "priority" in scenario else "",
            "fast_" if "fast_limits" in scenario else "",
        }:
            if extra:
                for side in ("input", "output"):
                    bucket = self._bucket(group, f"{extra}{side}_tokens", now)
                    name = f"anthropic-{extra.rstrip('_')}-{side}-tokens"
                    headers.update(_named(name, [bucket], now))
        if failure and failure.exhausts:
            name = f"anthropic-ratelimit-{failure.exhausts}"
            headers[f"{name}-remaining"] = "0"
            headers[f"{name}-reset"] = _rfc3339(now + (failure.retry_after or 0))
        return headers

    def _bucket(self, group: str, name: str, now: float) -> Bucket:
        bucket = self._buckets.get((group, name))
        if bucket is None:
            bucket = self._buckets[group, name] = Bucket(getattr(self.limits, name), now)
        return bucket

    def _unified(self, group: str, now: float, failure: Failure | None) -> dict[str, str]:
        bucket = self._bucket(group, "input_tokens", now)
        rejected = failure is not None and failure.exhausts is not None
        used = 1.0 if rejected else 1 - bucket.level(now) / bucket.capacity
        prefix = "anthropic-ratelimit-unified"
        status = "rejected" if rejected else "allowed_warning" if used > 0.8 else "allowed"  # noqa: PLR2004
        five_hours = (int(now) // _FIVE_HOURS + 1) * _FIVE_HOURS
        return {
            f"{prefix}-status": status,
            f"{prefix}-reset": str(five_hours),
            f"{prefix}-5h-status": status,
            f"{prefix}-5h-reset": str(five_hours),
            f"{prefix}-5h-utilization": f"{used:.2f}",
            f"{prefix}-7d-status": "allowed",
            f"{prefix}-7d-reset": str((int(now) // _WEEK + 1) * _WEEK),
            f"{prefix}-7d-utilization": f"{used / 4:.2f}",
            f"{prefix}-representative-claim": "five_hour",
            f"{prefix}-fallback-percentage": "0.5",
            f"{prefix}-overage-disabled-reason": "org_level_disabled",
        }


def _named(name: str, buckets: list[Bucket], now: float, unit: int = THOUSAND) -> dict[str, str]:
    left = sum(max(0.0, bucket.level(now)) for bucket in buckets)
    return {
        f"{name}-limit": str(sum(bucket.capacity for bucket in buckets)),
        # Tokens are reported in whole thousands, requests as they are.
        f"{name}-remaining": str(round(left / unit) * unit if unit > 1 else math.floor(left)),
        f"{name}-reset": _rfc3339(max(bucket.full_at(now) for bucket in buckets)),
    }


def _rfc3339(moment: float) -> str:
    return datetime.fromtimestamp(math.ceil(moment), tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
