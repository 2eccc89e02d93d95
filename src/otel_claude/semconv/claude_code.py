"""The names of what Claude Code exports of itself, once a Collector has added up its sessions.

Names and attributes are the program's own, as of 2.1.332; from `claude_code.api.requests` on they are made of its
events by deploy/collector/claude-code.yaml. No number is ours, and none is added to a metric of calls.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from .attributes import CACHE_TTL
from .metrics import Metric, counter

USER_ID: Final = "user.id"
USER_EMAIL: Final = "user.email"
TEAM: Final = "team"
"""Not the program's: of OTEL_RESOURCE_ATTRIBUTES, which it puts on every point."""
MODEL: Final = "model"
QUERY_SOURCE: Final = "query_source"
SPEED: Final = "speed"
TYPE: Final = "type"
START_TYPE: Final = "start_type"
STATUS_CODE: Final = "status_code"
TOOL_NAME: Final = "tool_name"
DECISION: Final = "decision"
SOURCE: Final = "source"
TEMPORALITY: Final = "claude.temporality"
"""`delta` on series of deltas, absent on cumulative sums."""
DELTA: Final = "delta"

_WHO: Final = (USER_ID, USER_EMAIL, TEAM)
_CALL: Final = (*_WHO, MODEL, QUERY_SOURCE, SPEED)


def _deltas(name: str, unit: str, description: str, attributes: tuple[str, ...]) -> Metric:
    return replace(counter(name, unit=unit, description=description, attributes=attributes, tags=False), deltas=True)


CODE_COST: Final = _deltas(
    "claude_code.cost.usage", "USD", "What Claude Code cost in US dollars, by prices of its own.", _CALL
)
CODE_TOKENS: Final = _deltas(
    "claude_code.token.usage", "tokens", "Tokens: input (uncached), cacheRead, cacheCreation, output.", (TYPE, *_CALL)
)
CODE_SESSIONS: Final = _deltas(
    "claude_code.session.count", "", "Sessions that began: fresh, resume, continue.", (START_TYPE, *_WHO)
)
CODE_REQUESTS: Final = _deltas("claude_code.api.requests", "{request}", "Requests that the API answered.", _CALL)
CODE_ERRORS: Final = _deltas(
    "claude_code.api.errors", "{request}", "Requests that failed for good, by status. What a retry mended is not told.",
    (STATUS_CODE, *_CALL),
)  # fmt: skip
CODE_CACHE_WRITES: Final = _deltas(
    "claude_code.cache_write.tokens", "{token}", "Tokens written to the cache, by time to live.",
    (CACHE_TTL, *_WHO, MODEL),
)  # fmt: skip
CODE_DECISIONS: Final = _deltas(
    "claude_code.tool.decisions", "{decision}", "Whether tools were allowed to run, and who decided.",
    (TOOL_NAME, DECISION, SOURCE, *_WHO),
)  # fmt: skip

CLAUDE_CODE_METRICS: Final = (
    CODE_COST, CODE_TOKENS, CODE_SESSIONS, CODE_REQUESTS, CODE_ERRORS, CODE_CACHE_WRITES, CODE_DECISIONS,
)  # fmt: skip
"""What is recorded and shown."""
PASSED_ON: Final = (
    "claude_code.active_time.total", "claude_code.lines_of_code.count", "claude_code.commit.count",
    "claude_code.pull_request.count",
)  # fmt: skip
"""What the Collector adds up too, and nothing reads."""
