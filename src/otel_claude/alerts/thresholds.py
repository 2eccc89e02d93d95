"""Thresholds: every number that an alert compares with, in one place. `docs/runbooks.md` shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

HOURS_OF_A_MONTH: Final = 30 * 24


@dataclass(frozen=True)
class Thresholds:
    """Shares are 0 to 1, times are seconds, money is US dollars."""

    monthly_budget: float = 5000.0
    """All services together, in thirty days."""
    daily_budget: float = 200.0
    """All services together, in 24 hours."""
    hour_of_daily_budget: float = 0.25
    """The share of a day's budget that one service may spend in one hour."""
    anomaly_factor: float = 3.0
    """How many times the spend of the same hour a week ago is too much."""
    anomaly_floor: float = 5.0
    """Dollars per hour below which nothing is an anomaly."""
    error_budget: float = 0.01
    """The share of calls that may fail: 1 % is an objective of 99 %."""
    rate_limited: float = 0.05
    overloaded: float = 0.05
    headroom: float = 0.1
    """The share of a rate limit that should be left."""
    duration_p95: float = 60.0
    first_chunk_p95: float = 10.0
    cache_overhead_floor: float = 0.5
    """Dollars in six hours that a cache may cost before its alert."""
    cache_drop: float = 0.5
    """The share of the day's cache-hit ratio under which the hour's is a drop."""
    cache_drop_floor: float = 0.2
    """The day's cache-hit ratio from which on a drop matters."""
    cache_drop_tokens: float = 100_000
    """Input tokens per hour from which on a drop matters."""
    cache_misses: float = 5
    """Calls in half an hour that may miss the cache because their system prompt, or their tools, changed."""
    truncated: float = 0.1
    unpriced: float = 0.05
    retires_days: float = 60
    """Days before a model's end from which on it should be replaced."""
    retires_soon_days: float = 14
    spend_limit_used: float = 0.85
    """The used share of a spend limit from which on it is near."""
    unexplained: float = 0.1
    """The share of a key's reported spend of a day that may be unmeasured."""
    unexplained_floor: float = 1.5
    """Dollars of a day below which nothing is unexplained."""
    drift: float = 0.01
    """The share by which a key's measured spend of a day may differ from the reported one."""
    drift_floor: float = 3.0
    """Dollars of a day from which on a drift matters."""
    unused_days: float = 30
    """After so many days without a request a key is not used. What is reported goes back as far."""
    organization_age: float = 3600
    developer_budget: float = 500.0
    """What one developer's Claude Code may cost in thirty days."""
    team_budget: float = 5000.0
    """What one team's Claude Code may cost in thirty days."""
    developer_hour: float = 40.0
    """Dollars of one developer's Claude Code in an hour, above which a session runs away."""
    code_errors: float = 0.25
    """The share of Claude Code's requests that may fail for good."""
    savings: float = 0.0
    """Dollars a month that one piece of advice is worth exactly, from which on an alert says so. 0: there is none."""
    steady_hours: float = 2
    """For how many hours of the last day a service must have sent metrics, for its silence to be news."""
    calls: float = 20
    """Calls or attempts in a window from which on shares of them mean something."""


@dataclass(frozen=True)
class Burn:
    """A budget spent too fast: `factor` times the even pace over the long window, and still over the short one."""

    factor: float
    long: str
    short: str


FAST: Final = (Burn(14.4, "1h", "5m"), Burn(6, "6h", "30m"))
SLOW: Final = (Burn(3, "1d", "2h"), Burn(1, "3d", "6h"))
"""The windows of Google's SRE workbook: fast ones page, slow ones open a ticket."""
