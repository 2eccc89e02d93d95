"""Every name, unit, bucket and description that we emit, written once.

Code, tests, dashboards, rules and documents take them from here. Nothing of ours is imported.

`gen_ai.*`, `server.*`, `http.*` and `error.type` follow the main branch of the OpenTelemetry GenAI semantic
conventions as of 2026-11; `anthropic.*` are the names of the SDK's own spans (anthropic 1.14 to 2.12); `claude.*` are
ours.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

# Attributes, of metrics and of spans.
OPERATION_NAME: Final = "gen_ai.operation.name"
PROVIDER_NAME: Final = "gen_ai.provider.name"
REQUEST_MODEL: Final = "gen_ai.request.model"
RESPONSE_MODEL: Final = "gen_ai.response.model"
SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"
ERROR_TYPE: Final = "error.type"
WORKSPACE_ID: Final = "anthropic.workspace.id"
STOP_REASON: Final = "anthropic.message.stop_reason"
RESPONSE_SERVICE_TIER: Final = "anthropic.response.service_tier"
STATUS_CODE: Final = "http.response.status_code"
TOOL_NAME: Final = "gen_ai.tool.name"
TOKEN_MODALITY: Final = "gen_ai.token.modality"  # noqa: S105 - the name of an attribute, no secret
API_KEY_HINT: Final = "claude.api_key.hint"
INSTANCE_ID: Final = "claude.instance.id"
TAG_PREFIX: Final = "claude.tag."
COST_TYPE: Final = "claude.cost.type"
SPEED: Final = "claude.speed"
CACHE_TTL: Final = "claude.cache.ttl"
UNPRICED_REASON: Final = "claude.unpriced.reason"
ATTEMPT_OUTCOME: Final = "claude.attempt.outcome"
BLOCKED_REASON: Final = "claude.blocked.reason"
RATE_LIMIT_NAME: Final = "claude.rate_limit.name"
BATCH_RESULT: Final = "claude.batch.result"
BATCH_STATUS: Final = "claude.batch.status"
TOKEN_CLASS: Final = "claude.token.class"  # noqa: S105 - the name of an attribute, no secret

# Attributes of spans only.
REQUEST_MAX_TOKENS: Final = "gen_ai.request.max_tokens"
REQUEST_STREAM: Final = "gen_ai.request.stream"
REQUEST_REASONING_LEVEL: Final = "gen_ai.request.reasoning.level"
OUTPUT_TYPE: Final = "gen_ai.output.type"
RESPONSE_ID: Final = "gen_ai.response.id"
RESPONSE_TIME_TO_FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"
USAGE_INPUT: Final = "gen_ai.usage.input_tokens"
USAGE_OUTPUT: Final = "gen_ai.usage.output_tokens"
USAGE_CACHE_READ: Final = "gen_ai.usage.cache_read.input_tokens"
USAGE_CACHE_WRITE: Final = "gen_ai.usage.cache_write.input_tokens"
USAGE_REASONING: Final = "gen_ai.usage.reasoning.output_tokens"
USAGE_CACHE_WRITE_5M: Final = "anthropic.usage.cache_creation.ephemeral_5m_input_tokens"
USAGE_CACHE_WRITE_1H: Final = "anthropic.usage.cache_creation.ephemeral_1h_input_tokens"
USAGE_COMPACTION_INPUT: Final = "anthropic.usage.compaction.input_tokens"
USAGE_COMPACTION_OUTPUT: Final = "anthropic.usage.compaction.output_tokens"
REQUEST_SERVICE_TIER: Final = "anthropic.request.service_tier"
THINKING_TYPE: Final = "anthropic.thinking.type"
THINKING_BUDGET: Final = "anthropic.thinking.budget_tokens"
BETA: Final = "anthropic.beta"
REQUEST_ID: Final = "anthropic.request.id"
ORGANIZATION_ID: Final = "anthropic.organization.id"
HTTP_METHOD: Final = "http.request.method"
HTTP_ROUTE: Final = "http.route"
RESEND_COUNT: Final = "http.request.resend_count"
COST_AMOUNT: Final = "gen_ai.usage.cost.amount"
COST_CURRENCY: Final = "gen_ai.usage.cost.currency"
COST_SOURCE: Final = "gen_ai.usage.cost.source"
COST_STATUS: Final = "claude.cost.status"
PRICE_TABLE: Final = "claude.price_table"
INFERENCE_GEO: Final = "claude.inference_geo"
REQUEST_TOOLS: Final = "claude.request.tools"
REQUEST_MESSAGES: Final = "claude.request.messages"
REQUEST_CACHE_BREAKPOINTS: Final = "claude.request.cache_breakpoints"
ATTEMPT_EVENT: Final = "claude.attempt"
ATTEMPT_NUMBER: Final = "claude.attempt.number"
ATTEMPT_DELAY: Final = "claude.attempt.delay"

SCOPE: Final = "otel_claude"
"""The instrumentation scope of all that we emit."""
NATIVE_SCOPE: Final = "com.anthropic.sdk.python"
"""What the instrumentation scope of the SDK's own spans starts with (anthropic 1.14 to 2.12)."""
CHAT: Final = "chat"
BATCH: Final = "batch"
"""`gen_ai.operation.name` of batches and their results. The conventions (2026-11) have no such operation, and allow
names of one's own. Not `chat`: so what batches spent is told from what calls spent, whatever the service tier says."""
OTHER: Final = "_other"
"""What a value becomes that is one too many of its kind, or not fit to be a label."""

CostType = Literal["input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "web_search"]
COST_TYPES: Final[tuple[CostType, ...]] = (
    "input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "web_search",
)  # fmt: skip
COST_PARTS: Final = tuple(f"claude.cost.{name}.usd" for name in COST_TYPES)
"""The attributes of a span for them, in their order."""
RESULT_TYPES: Final = ("succeeded", "errored", "canceled", "expired")
"""How a request of a batch ended, in the API's words (anthropic 2.12.0, `MessageBatchResult`)."""
BATCH_STATUSES: Final = ("processing", *RESULT_TYPES)
"""Where the requests of a batch are, in the API's words (anthropic 2.12.0, `MessageBatchRequestCounts`)."""
SERVER_TOOLS: Final = ("web_search", "web_fetch", "code_execution")
SERVER_TOOL_REQUESTS: Final = {name: f"claude.server_tool.{name}.requests" for name in SERVER_TOOLS}

COMMON_ATTRIBUTES: Final = (
    OPERATION_NAME, PROVIDER_NAME, REQUEST_MODEL, RESPONSE_MODEL, SERVER_ADDRESS, SERVER_PORT, WORKSPACE_ID,
    API_KEY_HINT, INSTANCE_ID,
)  # fmt: skip
"""On every metric, where known; beside them `claude.tag.<key>` for each tag, except on the gauges of limits.
`claude.instance.id` is there where the resource does not tell processes apart."""

SECONDS_BUCKETS: Final = (
    0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
)  # fmt: skip
TOKEN_BUCKETS: Final = tuple(4.0**power for power in range(14))
USD_BUCKETS: Final = (*(float(f"{digit}e{power}") for power in range(-5, 2) for digit in (1, 2, 5)), 100.0)

Kind = Literal["counter", "histogram", "gauge"]
_PROMETHEUS_UNITS: Final = {"s": "seconds"}


@lru_cache(maxsize=64)
def limit_attributes(name: str) -> tuple[str, str, str]:
    """The attributes of a span for a rate limit's size, what remains of it, and its reset time."""
    prefix = f"claude.rate_limit.{name}"
    return f"{prefix}.limit", f"{prefix}.remaining", f"{prefix}.reset"


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

BATCH_REQUESTS: Final = Metric(
    "claude.client.batch.requests", "counter", "{request}",
    "Results of batches that the application read, each once per process, by how the request ended.",
    (BATCH_RESULT, STOP_REASON, ERROR_TYPE),
)  # fmt: skip
BATCH_PROGRESS: Final = Metric(
    "claude.client.batch.progress", "gauge", "{request}",
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
    "claude.client.rate_limit.utilization", "gauge", "{ratio}",
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
    BATCH_REQUESTS, BATCH_PROGRESS,
)  # fmt: skip
"""Everything that is emitted by default."""
LEGACY_METRICS: Final = (LEGACY_TOKEN_USAGE, LEGACY_DURATION)
"""Emitted too with `OTEL_CLAUDE_LEGACY_METRICS=true`."""
