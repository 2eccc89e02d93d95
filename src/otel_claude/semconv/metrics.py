"""Every metric that is emitted: name, kind, unit, description, attributes and buckets. Each is written once, here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from . import attributes

SECONDS_BUCKETS: Final = (
    0.01,
    0.02,
    0.04,
    0.08,
    0.16,
    0.32,
    0.64,
    1.28,
    2.56,
    5.12,
    10.24,
    20.48,
    40.96,
    81.92,
)
TOKEN_BUCKETS: Final = tuple(4.0**power for power in range(14))
USD_BUCKETS: Final = (*(float(f"{digit}e{power}") for power in range(-5, 2) for digit in (1, 2, 5)), 100.0)

Kind = Literal["counter", "histogram", "gauge"]
_PROMETHEUS_UNITS: Final = {"s": "seconds", "USD": "USD", "tokens": "tokens"}


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
    deltas: bool = False
    """Whether its series can be deltas, which are added up as they are."""

    @property
    def prometheus(self) -> str:
        """The series' name in Prometheus under its default translation strategy, without `_bucket`, `_sum`, `_count`.

        Source: Prometheus 3.x OTLP translator, `UnderscoreEscapingWithSuffixes`: a unit in braces adds nothing, and `1`
        adds `_ratio` to gauges.
        """
        name = prometheus_label(self.name)
        unit = _PROMETHEUS_UNITS.get(self.unit)
        if unit is not None:
            name = f"{name}_{unit}"
        elif self.unit == "1" and self.kind == "gauge":
            name = f"{name}_ratio"
        return f"{name}_total" if self.kind == "counter" else name


def prometheus_label(name: str) -> str:
    """The label or metric name that Prometheus makes of an OpenTelemetry name."""
    return re.sub(r"[^A-Za-z0-9_:]", "_", name)


def counter(name: str, *, unit: str, description: str, attributes: tuple[str, ...] = (), tags: bool = True) -> Metric:
    """A counter: it only grows."""
    return Metric(name, "counter", unit, description, attributes, tags=tags)


def histogram(
    name: str,
    *,
    unit: str,
    description: str,
    buckets: tuple[float, ...],
    attributes: tuple[str, ...] = (),
    tags: bool = False,
) -> Metric:
    """A histogram with explicit bucket boundaries. Tags are on it with `OTEL_CLAUDE_HISTOGRAM_TAGS=true` only."""
    return Metric(name, "histogram", unit, description, attributes, buckets, tags)


def gauge(name: str, *, unit: str, description: str, attributes: tuple[str, ...] = (), tags: bool = True) -> Metric:
    """A gauge: the latest value."""
    return Metric(name, "gauge", unit, description, attributes, tags=tags)


DURATION: Final = histogram(
    "gen_ai.client.inference.duration",
    unit="s",
    attributes=(attributes.ERROR_TYPE,),
    buckets=SECONDS_BUCKETS,
    description="How long a call took: all its attempts, the waits between them, and the reading of its stream.",
)
TIME_TO_FIRST_CHUNK: Final = histogram(
    "gen_ai.client.inference.time_to_first_chunk",
    unit="s",
    buckets=SECONDS_BUCKETS,
    description="How long a stream took to its first piece of content, from the start of the call.",
)
CALL_INPUT_TOKENS: Final = histogram(
    "gen_ai.client.inference.operation.input_tokens",
    unit="{token}",
    attributes=(attributes.ERROR_TYPE,),
    buckets=TOKEN_BUCKETS,
    description="Input tokens of one call, cached ones included.",
)
CALL_OUTPUT_TOKENS: Final = histogram(
    "gen_ai.client.inference.operation.output_tokens",
    unit="{token}",
    attributes=(attributes.ERROR_TYPE,),
    buckets=TOKEN_BUCKETS,
    description="Output tokens of one call, thinking included. Absent for a stream that was not read to its end.",
)
CALL_COST: Final = histogram(
    "claude.client.call.cost.usd",
    unit="{USD}",
    buckets=USD_BUCKETS,
    description="What one call cost in US dollars; its exemplars lead to the expensive calls' traces.",
)
RETRY_DELAY: Final = histogram(
    "claude.client.retry.delay",
    unit="s",
    buckets=SECONDS_BUCKETS,
    description="How long the SDK waited before it sent a request again.",
)

INPUT_TOKENS: Final = counter(
    "gen_ai.client.inference.usage.input_tokens",
    unit="{token}",
    attributes=(attributes.TOKEN_MODALITY,),
    description="Total input tokens: uncached, read from the cache, and written to it.",
)
OUTPUT_TOKENS: Final = counter(
    "gen_ai.client.inference.usage.output_tokens",
    unit="{token}",
    attributes=(attributes.TOKEN_MODALITY,),
    description="Output tokens, thinking included.",
)
CACHE_READ_TOKENS: Final = counter(
    "gen_ai.client.inference.usage.cache_read.input_tokens",
    unit="{token}",
    attributes=(attributes.TOKEN_MODALITY,),
    description="Input tokens read from the prompt cache.",
)
CACHE_WRITE_TOKENS: Final = counter(
    "gen_ai.client.inference.usage.cache_write.input_tokens",
    unit="{token}",
    attributes=(attributes.TOKEN_MODALITY, attributes.CACHE_TTL),
    description="Input tokens written to the prompt cache, by time to live.",
)
REASONING_TOKENS: Final = counter(
    "gen_ai.client.inference.usage.reasoning.output_tokens",
    unit="{token}",
    attributes=(attributes.TOKEN_MODALITY,),
    description="Output tokens spent on thinking; part of the output tokens.",
)
COST: Final = counter(
    "claude.client.cost.usd",
    unit="{USD}",
    attributes=(attributes.COST_TYPE, attributes.RESPONSE_SERVICE_TIER, attributes.SPEED, attributes.INFERENCE_GEO),
    description=(
        "What calls and results of batches cost in US dollars, by type. What could not be priced is not in it: see "
        "claude.client.unpriced."
    ),
)
CACHE_SAVINGS: Final = counter(
    "claude.client.cache.savings.usd",
    unit="{USD}",
    description="What cache reads saved in US dollars against the uncached input price.",
)
CACHE_OVERHEAD: Final = counter(
    "claude.client.cache.overhead.usd",
    unit="{USD}",
    attributes=(attributes.CACHE_TTL,),
    description="What cache writes cost in US dollars above the uncached input price.",
)
CACHE_MISSED_TOKENS: Final = counter(
    "claude.client.cache.missed.input_tokens",
    unit="{token}",
    attributes=(attributes.CACHE_MISS_REASON,),
    description=(
        "Input tokens that the cache would have given had the prompt not changed, by the API's diagnosis; approximate."
    ),
)
CACHE_MISSED_COST: Final = counter(
    "claude.client.cache.missed.usd",
    unit="{USD}",
    attributes=(attributes.CACHE_MISS_REASON,),
    description="What those tokens cost in US dollars above a cache read; approximate as their number is.",
)
CACHE_DIAGNOSES: Final = counter(
    "claude.client.cache.diagnoses",
    unit="{call}",
    attributes=(attributes.CACHE_MISS_REASON,),
    description=(
        "Calls and results of batches to which the API said why the prompt cache missed: those that asked for it. One "
        "that did not miss is not counted."
    ),
)
UNPRICED: Final = counter(
    "claude.client.unpriced",
    unit="{call}",
    attributes=(attributes.UNPRICED_REASON,),
    description="Calls and results of batches whose cost is not known, or known as a lower bound only, and why.",
)
CALLS: Final = counter(
    "claude.client.calls",
    unit="{call}",
    attributes=(attributes.STOP_REASON, attributes.ERROR_TYPE),
    description="Calls, by how they ended.",
)
ATTEMPTS: Final = counter(
    "claude.client.attempts",
    unit="{attempt}",
    attributes=(attributes.STATUS_CODE, attributes.ERROR_TYPE, attributes.ATTEMPT_OUTCOME, attributes.BLOCKED_REASON),
    description="HTTP requests, those that the SDK retried by itself included, and what blocked them.",
)
SERVER_TOOL_CALLS: Final = counter(
    "claude.client.server_tool.requests",
    unit="{request}",
    attributes=(attributes.TOOL_NAME,),
    description="Requests that Anthropic's servers made to tools during calls.",
)

BATCH_RESULTS: Final = counter(
    "claude.client.batch.results",
    unit="{request}",
    attributes=(attributes.BATCH_RESULT, attributes.STOP_REASON, attributes.ERROR_TYPE),
    description="Results of batches that the application read, each once per process, by how the request ended.",
)
BATCH_REQUESTS: Final = gauge(
    "claude.client.batch.requests",
    unit="{request}",
    attributes=(attributes.BATCH_STATUS,),
    description=(
        "Requests of the batches that this process watches, by where they are. A batch is left out an hour after the "
        "application last asked for it, or five minutes after it was seen to have ended."
    ),
)

RATE_LIMIT_LIMIT: Final = gauge(
    "claude.client.rate_limit.limit",
    unit="{unit}",
    attributes=(attributes.RATE_LIMIT_NAME,),
    tags=False,
    description="A rate limit's size, in tokens or requests by its name, as the API last said.",
)
RATE_LIMIT_REMAINING: Final = gauge(
    "claude.client.rate_limit.remaining",
    unit="{unit}",
    attributes=(attributes.RATE_LIMIT_NAME,),
    tags=False,
    description="What is left of a rate limit, in tokens or requests by its name, as the API last said.",
)
RATE_LIMIT_UTILIZATION: Final = gauge(
    "claude.client.rate_limit.utilization",
    unit="1",
    attributes=(attributes.RATE_LIMIT_NAME,),
    tags=False,
    description="The used share of a rate limit, 0 to 1.",
)
RATE_LIMIT_RESET: Final = gauge(
    "claude.client.rate_limit.reset",
    unit="s",
    attributes=(attributes.RATE_LIMIT_NAME,),
    tags=False,
    description="Seconds until a rate limit resets. The series ends then.",
)

RETIREMENT: Final = gauge(
    "claude.client.model.retirement.timestamp",
    unit="s",
    tags=False,
    description=(
        "When a model that this process uses retires on Anthropic's own platform, in seconds since 1970: at 00:00 UTC, "
        "for the hour is not published."
    ),
)
TAG_VALUES: Final = gauge(
    "claude.client.tag.values",
    unit="{value}",
    attributes=(attributes.TAG_KEY,),
    tags=False,
    description=(
        "Distinct values of a tag's key in this process. Beyond OTEL_CLAUDE_TAG_LIMIT, or the list of "
        "OTEL_CLAUDE_TAG_VALUES, values are recorded as _other."
    ),
)
TAG_CHANGES: Final = counter(
    "claude.client.tag.changes",
    unit="{value}",
    attributes=(attributes.TAG_KEY, attributes.TAG_CHANGE),
    tags=False,
    description=(
        "Values of tags that did not fit: empty or not_text (left out), too_long (cut), control_characters (each a "
        "space)."
    ),
)

LEGACY_TOKEN_TYPE: Final = "gen_ai.token.type"  # noqa: S105 - the name of an attribute, no secret
LEGACY_TOKEN_USAGE: Final = histogram(
    "gen_ai.client.token.usage",
    unit="{token}",
    attributes=(LEGACY_TOKEN_TYPE, attributes.ERROR_TYPE),
    buckets=TOKEN_BUCKETS,
    description="Tokens of one call by type, under the name of before September 2026.",
)
LEGACY_DURATION: Final = histogram(
    "gen_ai.client.operation.duration",
    unit="s",
    attributes=(attributes.ERROR_TYPE,),
    buckets=SECONDS_BUCKETS,
    description="How long a call took, under the name of before October 2026.",
)

METRICS: Final = (
    DURATION,
    TIME_TO_FIRST_CHUNK,
    CALL_INPUT_TOKENS,
    CALL_OUTPUT_TOKENS,
    INPUT_TOKENS,
    OUTPUT_TOKENS,
    CACHE_READ_TOKENS,
    CACHE_WRITE_TOKENS,
    REASONING_TOKENS,
    CALL_COST,
    COST,
    CACHE_SAVINGS,
    CACHE_OVERHEAD,
    CACHE_MISSED_TOKENS,
    CACHE_MISSED_COST,
    CACHE_DIAGNOSES,
    UNPRICED,
    CALLS,
    ATTEMPTS,
    RETRY_DELAY,
    RATE_LIMIT_LIMIT,
    RATE_LIMIT_REMAINING,
    RATE_LIMIT_UTILIZATION,
    RATE_LIMIT_RESET,
    SERVER_TOOL_CALLS,
    BATCH_RESULTS,
    BATCH_REQUESTS,
    RETIREMENT,
    TAG_VALUES,
    TAG_CHANGES,
)
"""Everything that is emitted by default."""
LEGACY_METRICS: Final = (LEGACY_TOKEN_USAGE, LEGACY_DURATION)
"""Emitted too with `OTEL_CLAUDE_LEGACY_METRICS=true`."""
TAG_METRICS: Final = (TAG_VALUES, TAG_CHANGES)
"""About tags themselves: they have none of the common attributes but `claude.instance.id`."""
RATE_LIMIT_METRICS: Final = (RATE_LIMIT_LIMIT, RATE_LIMIT_REMAINING, RATE_LIMIT_UTILIZATION, RATE_LIMIT_RESET)
