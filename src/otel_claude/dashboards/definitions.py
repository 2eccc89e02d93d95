"""The dashboards: which panels, in which rows. Those of agents, Claude Code and the organization stand apart."""

from __future__ import annotations

from typing import Final

from . import batches, claude_code, limits, movers, reliability, spend, tokens
from .claude_code import CLAUDE_CODE
from .organization import ORGANIZATION
from .panels import LIMITS_UID, SERVICE_UID, USAGE_UID, Dashboard, Row
from .savings import SAVINGS
from .sessions import AGENTS

_SPEND_ROW: Final = (
    (spend.BY_KEY, 8, 8), (spend.BY_WORKSPACE, 8, 8), (spend.BY_TIER, 8, 8),
)  # fmt: skip
_BATCH_ROW: Final = Row(
    "Are batches used?",
    (
        (batches.AGAINST_CALLS, 9, 8), (batches.SHARE, 4, 8), (batches.RESULTS, 5, 8), (batches.PROGRESS, 6, 8),
    ),
)  # fmt: skip
_CACHE_ROW: Final = Row(
    "Is the cache paying?",
    (
        (tokens.CACHE_DOLLARS, 8, 8), (tokens.CACHE_HITS_OVER_TIME, 8, 8), (tokens.CACHE_READ_AGAINST_WRITTEN, 8, 8),
        (tokens.CACHE_MISSES, 24, 7),
    ),
)  # fmt: skip
_SHAPE_ROW: Final = Row(
    "What do calls look like?",
    (
        (spend.CALL_COST_OVER_TIME, 8, 8), (tokens.INPUT_PER_CALL, 8, 8), (tokens.OUTPUT_PER_CALL, 8, 8),
        (tokens.STOP_REASONS, 8, 8), (tokens.THINKING, 8, 8), (tokens.SERVER_TOOLS, 8, 8),
    ),
)  # fmt: skip
_HEALTH_ROW: Final = Row(
    "Can these numbers be trusted?",
    (
        (reliability.UNPRICED_BY_REASON, 8, 8), (reliability.SAMPLE_AGE, 8, 8), (reliability.INSTANCES, 8, 8),
    ),
)  # fmt: skip

USAGE: Final = Dashboard(
    USAGE_UID, "Claude: usage and cost",
    "What the calls to Claude cost, who makes them, what the tokens are, and whether the cache pays.",
    (
        Row(
            "",
            (
                (spend.SPEND, 3, 4), (spend.SPEND_LAST_HOUR, 3, 4), (spend.PROJECTED_MONTH, 3, 4),
                (spend.BUDGET_SHARE, 3, 4), (spend.CALLS, 3, 4), (tokens.CACHE_HITS, 3, 4), (tokens.CACHE_NET, 3, 4),
                (reliability.UNPRICED, 3, 4),
                (spend.SPEND_OVER_TIME, 12, 8), (tokens.TOKENS_PER_MINUTE, 12, 8),
                (spend.BY_SERVICE, 5, 8), (spend.BY_MODEL, 6, 8), (spend.BY_TYPE, 7, 8), (spend.BY_TAG, 6, 8),
            ),
        ),
        Row(
            "Who spends it?",
            (
                (spend.TOP_SPENDERS, 24, 9),
                (spend.BY_KEY, 6, 8), (spend.BY_WORKSPACE, 6, 8), (spend.BY_TIER, 6, 8), (movers.BUDGETS, 6, 8),
                (movers.MOVERS, 13, 9), (movers.TAG_MOVERS, 11, 9),
            ),
        ),
        Row("Why it changed", ((movers.WHY, 24, 9),)),
        Row(
            "What is paid for?",
            (
                (spend.SPEND_BY_TYPE_OVER_TIME, 12, 8), (tokens.TOKENS_BY_TYPE, 8, 8), (spend.COST_PER_CALL, 4, 8),
                (spend.RETIREMENTS, 24, 7),
            ),
        ),
        _BATCH_ROW,
        _CACHE_ROW,
        _SHAPE_ROW,
        Row(
            "What does Claude Code cost?",
            (
                (claude_code.BESIDE, 10, 8), (claude_code.BESIDE_COST, 4, 8), (claude_code.BESIDE_TEAM, 5, 8),
                (claude_code.BESIDE_MODEL, 5, 8),
            ),
        ),
    ),
)  # fmt: skip

LIMITS: Final = Dashboard(
    LIMITS_UID, "Claude: limits and reliability",
    "How much of each rate limit is left, which attempts were refused and why, how long calls take, and whether the "
    "telemetry can be trusted.",
    (
        Row(
            "",
            (
                (limits.HIGHEST, 3, 4), (reliability.RATE_LIMITED, 3, 4), (reliability.OVERLOADED, 3, 4),
                (reliability.STOPPED, 3, 4), (reliability.ERROR_RATIO, 3, 4), (reliability.DURATION_P95, 3, 4),
                (reliability.FIRST_CHUNK_P95, 3, 4), (reliability.WAITED, 3, 4),
                (limits.USED_NOW, 14, 8), (reliability.ATTEMPTS_BY_OUTCOME, 10, 8),
                (reliability.BLOCKED_BY_REASON, 8, 8), (reliability.ERRORS_BY_TYPE, 8, 8), (reliability.DURATION, 8, 8),
            ),
        ),
        Row(
            "How full are the limits?",
            (
                (limits.LIMITS_TABLE, 24, 9), (limits.USED_OVER_TIME, 24, 9),
                (limits.INPUT_AGAINST_LIMIT, 12, 9), (limits.OUTPUT_AGAINST_LIMIT, 12, 9),
                (limits.REQUESTS_AGAINST_LIMIT, 12, 9), (limits.RESETS, 12, 9),
            ),
        ),
        Row(
            "How long do calls take?",
            (
                (reliability.FIRST_CHUNK, 8, 9), (reliability.DURATION_BY_MODEL, 8, 9), (reliability.RETRIES, 8, 9),
            ),
        ),
        Row(
            _HEALTH_ROW.title,
            (
                *_HEALTH_ROW.panels,
                (reliability.VERSIONS, 6, 8), (reliability.LABELS, 7, 8), (reliability.LABEL_SETS, 11, 8),
                (reliability.TAG_VALUES, 12, 8), (reliability.TAG_CHANGES, 12, 8),
            ),
        ),
    ),
)  # fmt: skip

SERVICE: Final = Dashboard(
    SERVICE_UID, "Claude: one service",
    "One service's calls to Claude, for the page of the team that owns it.",
    (
        Row(
            "",
            (
                (spend.SPEND, 3, 4), (spend.SPEND_LAST_HOUR, 3, 4), (spend.CALLS, 3, 4), (spend.COST_PER_CALL, 3, 4),
                (tokens.CACHE_HITS, 3, 4), (tokens.TRUNCATED, 3, 4), (reliability.ERROR_RATIO, 3, 4),
                (reliability.DURATION_P95, 3, 4),
                (spend.SPEND_OVER_TIME, 12, 8), (tokens.TOKENS_PER_MINUTE, 12, 8),
                (spend.BY_TAG, 5, 8), (spend.BY_MODEL, 5, 8), (spend.BY_TYPE, 6, 8), (limits.USED_NOW, 8, 8),
            ),
        ),
        Row(
            "Does it work?",
            (
                (reliability.ATTEMPTS_BY_OUTCOME, 8, 8), (reliability.ERRORS_BY_TYPE, 8, 8),
                (reliability.DURATION, 8, 8),
                (reliability.BLOCKED_BY_REASON, 8, 8), (reliability.FIRST_CHUNK, 8, 8), (limits.USED_OVER_TIME, 8, 8),
            ),
        ),
        _CACHE_ROW,
        _SHAPE_ROW,
        Row("Who spends it?", (*_SPEND_ROW, (movers.TAG_MOVERS, 12, 9), (batches.AGAINST_CALLS, 12, 9))),
        _HEALTH_ROW,
    ),
    one_job=True,
)  # fmt: skip

DASHBOARDS: Final = (USAGE, SAVINGS, LIMITS, SERVICE, AGENTS, CLAUDE_CODE, ORGANIZATION)
