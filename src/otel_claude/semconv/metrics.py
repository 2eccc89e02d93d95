"""Every metric that is emitted: name, kind, unit, description, attributes and buckets. Each is written once, here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from .attributes import *  # noqa: F403 - the attributes of the metrics below

SECONDS_BUCKETS: Final = (
    0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
)  # fmt: skip
TOKEN_BUCKETS: Final = tuple(4.0**power for power in range(14))
USD_BUCKETS: Final = (*(float(f"{digit}e{power}") for power in range(-5, 2) for digit in (1, 2, 5)), 100.0)

Kind = Literal["counter", "histogram", "gauge"]
_PROMETHEUS_UNITS: Final = {"s": "seconds"}


@dataclass(frozen=True)
class Metric:
    """One metric: its name, what it counts in which unit, and which attributes it has beside the common ones."""

    name: str
    kind: Kind
    unit: str
    description: str
    attributes: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    tags: bool = True

    @property
    def prometheus(self) -> str:
        """The series' name in Prometheus under its default translation strategy, without `_bucket`, `_sum`, `_count`.

        Source: Prometheus 3.x OTLP translator, `UnderscoreEscapingWithSuffixes`: a unit in braces adds nothing.
        """
        name = prometheus_label(self.name)
        unit = _PROMETHEUS_UNITS.get(self.unit)
        if unit is not None:
            name = f"{name}_{unit}"
        return f"{name}_total" if self.kind == "counter" else name


def prometheus_label(name: str) -> str:
    """The label or metric name that Prometheus makes of an OpenTelemetry name."""
    return re.sub(r"[^A-Za-z0-9_:]", "_", name)


DURATION: Final = Metric(
    "gen_ai.client.inference.duration", "histogram", "s",
    "How long a call took: all its attempts, the waits between them, and the reading of its stream.",
    (ERROR_TYPE,), SECONDS_BUCKETS,
)  # fmt: skip
TIME_TO_FIRST_CHUNK: Final = Metric(
    "gen_ai.client.inference.time_to_first_chunk", "histogram", "s",
    "How long a stream took to its first piece of content, from the start of the call.",
    (), SECONDS_BUCKETS,
)  # fmt: skip
CALL_INPUT_TOKENS: Final = Metric(
    "gen_ai.client.inference.operation.input_tokens", "histogram", "{token}",
    "Input tokens of one call, cached ones included.", (ERROR_TYPE,), TOKEN_BUCKETS,
)  # fmt: skip
CALL_OUTPUT_TOKENS: Final = Metric(
    "gen_ai.client.inference.operation.output_tokens", "histogram", "{token}",
    "Output tokens of one call, thinking included. Absent for a stream that was not read to its end.",
    (ERROR_TYPE,), TOKEN_BUCKETS,
)  # fmt: skip
CALL_COST: Final = Metric(
    "claude.client.call.cost.usd", "histogram", "{USD}",
    "What one call cost in US dollars; its exemplars lead to the expensive calls' traces.",
    (), USD_BUCKETS,
)  # fmt: skip
RETRY_DELAY: Final = Metric(
    "claude.client.retry.delay", "histogram", "s",
    "How long the SDK waited before it sent a request again.", (), SECONDS_BUCKETS,
)  # fmt: skip

INPUT_TOKENS: Final = Metric(
    "gen_ai.client.inference.usage.input_tokens", "counter", "{token}",
    "Total input tokens: uncached, read from the cache, and written to it.", (TOKEN_MODALITY,),
)  # fmt: skip
OUTPUT_TOKENS: Final = Metric(
    "gen_ai.client.inference.usage.output_tokens", "counter", "{token}",
    "Output tokens, thinking included.", (TOKEN_MODALITY,),
)  # fmt: skip
CACHE_READ_TOKENS: Final = Metric(
    "gen_ai.client.inference.usage.cache_read.input_tokens", "counter", "{token}",
    "Input tokens read from the prompt cache.", (TOKEN_MODALITY,),
)  # fmt: skip
CACHE_WRITE_TOKENS: Final = Metric(
    "gen_ai.client.inference.usage.cache_write.input_tokens", "counter", "{token}",
    "Input tokens written to the prompt cache, by time to live.", (TOKEN_MODALITY, CACHE_TTL),
)  # fmt: skip
REASONING_TOKENS: Final = Metric(
    "gen_ai.client.inference.usage.reasoning.output_tokens", "counter", "{token}",
    "Output tokens spent on thinking; part of the output tokens.", (TOKEN_MODALITY,),
)  # fmt: skip
COST: Final = Metric(
    "claude.client.cost.usd", "counter", "{USD}",
    "What calls and results of batches cost in US dollars, by class. What could not be priced is not in it: see "
    "claude.client.unpriced.",
    (COST_TYPE, RESPONSE_SERVICE_TIER, SPEED),
)  # fmt: skip
CACHE_SAVINGS: Final = Metric(
    "claude.client.cache.savings.usd", "counter", "{USD}",
    "What cache reads saved in US dollars against the uncached input price.",
)  # fmt: skip
CACHE_OVERHEAD: Final = Metric(
    "claude.client.cache.overhead.usd", "counter", "{USD}",
    "What cache writes cost in US dollars above the uncached input price.", (CACHE_TTL,),
)  # fmt: skip
UNPRICED: Final = Metric(
    "claude.client.unpriced", "counter", "{call}",
    "Calls and results of batches whose cost is not known, or known as a lower bound only, and why.",
    (UNPRICED_REASON,),
)  # fmt: skip
CALLS: Final = Metric(
    "claude.client.calls", "counter", "{call}",
    "Calls, by how they ended.", (STOP_REASON, ERROR_TYPE),
)  # fmt: skip
ATTEMPTS: Final = Metric(
    "claude.client.attempts", "counter", "{attempt}",
    "HTTP requests, those that the SDK retried by itself included, and what blocked them.",
    (STATUS_CODE, ERROR_TYPE, ATTEMPT_OUTCOME, BLOCKED_REASON),
)  # fmt: skip
SERVER_TOOL_CALLS: Final = Metric(
    "claude.client.server_tool.requests", "counter", "{request}",
    "Requests that Anthropic's servers made to tools during calls.", (TOOL_NAME,),
)  # fmt: skip

BATCH_RESULTS: Final = Metric(
    "claude.client.batch.results", "counter", "{request}",
    "Results of batches that the application read, each once per process, by how the request ended.",
    (BATCH_RESULT, STOP_REASON, ERROR_TYPE),
)  # fmt: skip
BATCH_REQUESTS: Final = Metric(
    "claude.client.batch.requests", "gauge", "{request}",
    "Requests of the batches that this process watches, by where they are. A batch is left out an hour after the "
    "application last asked for it, or five minutes after it was seen to have ended.",
    (BATCH_STATUS,),
)  # fmt: skip

RATE_LIMIT_LIMIT: Final = Metric(
    "claude.client.rate_limit.limit", "gauge", "{unit}",
    "A rate limit's size, in tokens or requests by its name, as the API last said.", (RATE_LIMIT_NAME,), tags=False,
)  # fmt: skip
RATE_LIMIT_REMAINING: Final = Metric(
    "claude.client.rate_limit.remaining", "gauge", "{unit}",
    "What is left of a rate limit, in tokens or requests by its name, as the API last said.",
    (RATE_LIMIT_NAME,), tags=False,
)  # fmt: skip
RATE_LIMIT_UTILIZATION: Final = Metric(
    "claude.client.rate_limit.utilization", "gauge", "1",
    "The used share of a rate limit, 0 to 1.", (RATE_LIMIT_NAME,), tags=False,
)  # fmt: skip
RATE_LIMIT_RESET: Final = Metric(
    "claude.client.rate_limit.reset", "gauge", "s",
    "Seconds until a rate limit is full again. The series ends then.", (RATE_LIMIT_NAME,), tags=False,
)  # fmt: skip

LEGACY_TOKEN_TYPE: Final = "gen_ai.token.type"  # noqa: S105 - the name of an attribute, no secret
LEGACY_TOKEN_USAGE: Final = Metric(
    "gen_ai.client.token.usage", "histogram", "{token}",
    "Tokens of one call by type, under the name of before September 2026.",
    (LEGACY_TOKEN_TYPE, ERROR_TYPE), TOKEN_BUCKETS,
)  # fmt: skip
LEGACY_DURATION: Final = Metric(
    "gen_ai.client.operation.duration", "histogram", "s",
    "How long a call took, under the name of before October 2026.", (ERROR_TYPE,), SECONDS_BUCKETS,
)  # fmt: skip

METRICS: Final = (
    DURATION, TIME_TO_FIRST_CHUNK, CALL_INPUT_TOKENS, CALL_OUTPUT_TOKENS,
    INPUT_TOKENS, OUTPUT_TOKENS, CACHE_READ_TOKENS, CACHE_WRITE_TOKENS, REASONING_TOKENS,
    CALL_COST, COST, CACHE_SAVINGS, CACHE_OVERHEAD, UNPRICED, CALLS, ATTEMPTS, RETRY_DELAY,
    RATE_LIMIT_LIMIT, RATE_LIMIT_REMAINING, RATE_LIMIT_UTILIZATION, RATE_LIMIT_RESET, SERVER_TOOL_CALLS,
    BATCH_RESULTS, BATCH_REQUESTS,
)  # fmt: skip
"""Everything that is emitted by default."""
LEGACY_METRICS: Final = (LEGACY_TOKEN_USAGE, LEGACY_DURATION)
"""Emitted too with `OTEL_CLAUDE_LEGACY_METRICS=true`."""
RATE_LIMIT_METRICS: Final = (RATE_LIMIT_LIMIT, RATE_LIMIT_REMAINING, RATE_LIMIT_UTILIZATION, RATE_LIMIT_RESET)
