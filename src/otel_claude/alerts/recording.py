"""The recording rules: exact spend and calls in windows, cache ratios, use of limits."""

from __future__ import annotations

from typing import Final

from otel_claude import semconv as c

from ..promql.names import JOB, NameTranslator
from ..promql.queries import Queries
from .rules import Group, Recording

WHO: Final = (JOB, c.REQUEST_MODEL, c.API_KEY_HINT)
WINDOWS: Final = ("5m", "30m", "1h", "2h", "6h", "1d")
CALL_WINDOWS: Final = ("5m", "30m", "1h", "6h")


def spend(window: str) -> str:
    """Dollars spent in a window, by service, model and key."""
    return f"claude:spend_usd:{window}"


def error_ratio(window: str) -> str:
    """The share of a service's calls that failed in a window."""
    return f"claude:call_errors:ratio_{window}"


def calls(window: str) -> str:
    """A service's calls in a window."""
    return f"claude:calls:{window}"


def cache_hits(window: str) -> str:
    """The share of input tokens that the cache gave, by service and model."""
    return f"claude:cache_hits:ratio_{window}"


INPUT_HOUR: Final = "claude:input_tokens:1h"
CACHE_NET_DAY: Final = "claude:cache_net_usd:1d"
LIMIT_USED: Final = "claude:rate_limit_used:ratio"
LIMIT_BY: Final = (JOB, c.REQUEST_MODEL, c.API_KEY_HINT, c.RATE_LIMIT_NAME)
SPEND_3D: Final = "claude:spend_usd:3d"
SPEND_30D: Final = "claude:spend_usd:30d"
_HOURLY: Final = {SPEND_3D: "3d", SPEND_30D: "30d"}


def recording_groups(translator: NameTranslator) -> tuple[Group, ...]:
    """All recording rules."""
    q = Queries(translator)
    model = (JOB, c.REQUEST_MODEL)
    long = tuple(
        # The hours that are over, added up: the raw series of a month would be too many.
        Recording(name, q.by(WHO, f"sum_over_time({spend('1h')}[{window}:1h])"))
        for name, window in _HOURLY.items()
    )
    return (
        Group("otel-claude-spend", tuple(Recording(spend(window), q.spent(window, WHO)) for window in WINDOWS)),
        Group("otel-claude-spend-long", long, "5m"),
        Group(
            "otel-claude-calls",
            (
                *(Recording(calls(window), q.calls(window, (JOB,))) for window in CALL_WINDOWS),
                *(Recording(error_ratio(window), q.errors(window, (JOB,))) for window in CALL_WINDOWS),
            ),
        ),
        Group(
            "otel-claude-cache",
            (
                Recording(INPUT_HOUR, q.exact_increase(c.INPUT_TOKENS, "1h", model)),
                Recording(cache_hits("1h"), q.cache_hits("1h", model)),
                Recording(cache_hits("1d"), q.cache_hits("1d", model)),
                Recording(CACHE_NET_DAY, q.cache_net("1d", model)),
            ),
        ),
        Group("otel-claude-limits", (Recording(LIMIT_USED, q.used(LIMIT_BY)),)),
    )
