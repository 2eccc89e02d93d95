"""Names of attributes, of metrics and of spans, and the values that are ours to choose. Each is written once, here.

`gen_ai.*`, `server.*`, `http.*` and `error.type` follow the main branch of the OpenTelemetry GenAI semantic
conventions as of 2026-11; `anthropic.*` are the names of the SDK's own spans (anthropic 1.14 to 2.12); `claude.*` are
ours.
"""

from __future__ import annotations

from typing import Final, Literal

# Attributes, of metrics and of spans.
OPERATION_NAME: Final = "gen_ai.operation.name"
PROVIDER_NAME: Final = "gen_ai.provider.name"
CLIENT_LIBRARY: Final = "claude.client.library"
INSTANCE_ID: Final = "claude.instance.id"
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
TAG_PREFIX: Final = "claude.tag."
TAG_KEY: Final = "claude.client.tag.key"
TAG_CHANGE: Final = "claude.client.tag.change"
COST_TYPE: Final = "claude.cost.type"
SPEED: Final = "claude.speed"
CACHE_TTL: Final = "claude.cache.ttl"
CACHE_MISS_REASON: Final = "claude.cache.miss_reason"
UNPRICED_REASON: Final = "claude.unpriced.reason"
ATTEMPT_OUTCOME: Final = "claude.attempt.outcome"
BLOCKED_REASON: Final = "claude.blocked.reason"
RATE_LIMIT_NAME: Final = "claude.rate_limit.name"
BATCH_RESULT: Final = "claude.batch.result"
BATCH_STATUS: Final = "claude.batch.status"
TOKEN_TYPE: Final = "claude.token.type"  # noqa: S105 - the name of an attribute, no secret

# Attributes of spans only.
REQUEST_MAX_TOKENS: Final = "gen_ai.request.max_tokens"
REQUEST_STREAM: Final = "gen_ai.request.stream"
REQUEST_REASONING_LEVEL: Final = "gen_ai.request.reasoning.level"
REQUEST_TEMPERATURE: Final = "gen_ai.request.temperature"
REQUEST_TOP_P: Final = "gen_ai.request.top_p"
REQUEST_TOP_K: Final = "gen_ai.request.top_k"
CONVERSATION_ID: Final = "gen_ai.conversation.id"
CONVERSATION_COMPACTED: Final = "gen_ai.conversation.compacted"
OUTPUT_TYPE: Final = "gen_ai.output.type"
RESPONSE_ID: Final = "gen_ai.response.id"
RESPONSE_FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
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
CACHE_MISSED_INPUT: Final = "claude.cache.missed.input_tokens"
ATTEMPT_EVENT: Final = "claude.attempt"
ATTEMPT_NUMBER: Final = "claude.attempt.number"
ATTEMPT_DELAY: Final = "claude.attempt.delay"

SCOPE: Final = "otel_claude"
"""The instrumentation scope of all that we emit."""
SCHEMA_URL: Final = "https://opentelemetry.io/schemas/gen-ai-dev/1.42.0-dev"
"""Of that scope: the conventions that it follows, as the manifest of their main branch says (2026-10-07)."""
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
    "input",
    "cache_read",
    "cache_write_5m",
    "cache_write_1h",
    "output",
    "web_search",
)
COST_PARTS: Final = tuple(f"claude.cost.{name}.usd" for name in COST_TYPES)
"""The attributes of a span for them, in their order."""
RESULT_TYPES: Final = ("succeeded", "errored", "canceled", "expired")
"""How a request of a batch ended, in the API's words (anthropic 2.12.0, `MessageBatchResult`)."""
BATCH_STATUSES: Final = ("processing", *RESULT_TYPES)
"""Where the requests of a batch are, in the API's words (anthropic 2.12.0, `MessageBatchRequestCounts`)."""
SERVER_TOOLS: Final = ("web_search", "web_fetch", "code_execution")
SERVER_TOOL_REQUESTS: Final = {name: f"claude.server_tool.{name}.requests" for name in SERVER_TOOLS}

COMMON_ATTRIBUTES: Final = (
    OPERATION_NAME,
    PROVIDER_NAME,
    CLIENT_LIBRARY,
    REQUEST_MODEL,
    RESPONSE_MODEL,
    SERVER_ADDRESS,
    SERVER_PORT,
    WORKSPACE_ID,
    API_KEY_HINT,
    INSTANCE_ID,
)
"""On every metric, where known. On counters also `claude.tag.<key>` for each tag. `claude.instance.id` is there where
the resource does not tell processes apart."""


def rate_limit_attribute(name: str, field: str) -> str:
    """The attribute of a span for one field of a rate limit: `limit`, `remaining` or `reset`."""
    return f"claude.rate_limit.{name}.{field}"
