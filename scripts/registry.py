"""The registry of what otel-claude emits, as OpenTelemetry's weaver reads it (`file_format: definition/2`).

Made of the tables in src/otel_claude/semconv. What a table does not have of an attribute is here: its type, its values
and what it means. `scripts/stack-files` writes the files, and `scripts/docs.py` the same words into docs/metrics.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from otel_claude import semconv as c
from otel_claude.deploy_files.yaml import to_yaml
from otel_claude.pricing import UNPRICED_REASONS
from otel_claude.semconv import Metric
from otel_claude.semconv import agents as a
from otel_claude.semconv import organization as o
from otel_claude.version import __version__

GENAI: Final = "06ec68e722c45a7218e23ea1bc1339fe4e21ecae"
"""The commit of the GenAI conventions' main branch that names and types follow (2026-10-07). They have no release."""
CORE: Final = "1.44.0"
"""The version of the core conventions that those depend on."""
SCHEMA_URL: Final = f"https://otel-claude.invalid/schemas/{__version__}"
"""Which registry this is. A name and no address: `.invalid` is nobody's."""
DEVELOPMENT: Final = "development"
WHERE_KNOWN: Final = {"conditionally_required": "where it is known"}
CALL_SPAN: Final = "claude.call"
"""The type of the span of a call, in the registry alone: spans do not say their type."""


@dataclass(frozen=True)
class Attribute:
    """An attribute that OpenTelemetry's own registries do not have. `values`: those that are known; more may come."""

    key: str
    type: str
    brief: str
    values: tuple[str, ...] = ()
    examples: tuple[Any, ...] = ()

    @property
    def shown(self) -> str:
        """The key for people to read."""
        return f"{self.key}.<{'name>.<field' if 'double' in self.type else 'key'}>" if self.is_template else self.key

    @property
    def kind(self) -> str:
        """The type of its values."""
        return self.type.removeprefix("template[").removesuffix("]") if self.is_template else self.type

    @property
    def is_template(self) -> bool:
        """Whether keys begin with it."""
        return self.type.startswith("template[")


def _text(key: str, brief: str, *examples: str) -> Attribute:
    return Attribute(key, "string", brief, examples=examples)


def _enum(key: str, brief: str, *values: str) -> Attribute:
    return Attribute(key, "string", brief, values)


def _count(key: str, brief: str) -> Attribute:
    return Attribute(key, "int", brief)


ATTRIBUTES: Final = (
    _enum(c.CLIENT_LIBRARY, "The library that made the call.", "anthropic", "botocore", "litellm", "httpx"),
    _text(
        c.INSTANCE_ID,
        "Tells processes apart where the resource does not: drawn by each process, and anew after a fork.",
        "4f1c0a9b77de",
    ),
    _text(c.API_KEY_HINT, "The API key as the Console shows it, or its hash.", "sk-ant-api03-R2D...igAA"),
    Attribute(c.TAG_PREFIX.rstrip("."), "template[string]", "The application's own tags.", examples=("acme", "search")),
    _enum(
        c.COST_TYPE,
        "What a cost is of. The last two are the organization's: no response reports them.",
        *c.COST_TYPES,
        "code_execution",
        "session_usage",
    ),
    _enum(
        c.TOKEN_TYPE,
        "The type of tokens; `input` is uncached. `cache_write`: written to the cache for an unknown time.",
        *a.TOKEN_TYPES,
    ),
    _text(c.SPEED, "How fast a response was served, as the API says.", "standard", "fast"),
    _text(c.INFERENCE_GEO, "Where a response was served, as the API says.", "global", "us"),
    _enum(c.CACHE_TTL, "How long the cache keeps what was written.", "5m", "1h"),
    _text(
        c.CACHE_MISS_REASON,
        "Why the prompt cache missed, as the API diagnoses it; `pending` while it has not compared.",
        "model_changed",
        "system_changed",
        "tools_changed",
        "messages_changed",
        "previous_message_not_found",
        "unavailable",
        "pending",
    ),
    _count(c.CACHE_MISSED_INPUT, "Input tokens that the cache would have given, by the API's diagnosis; approximate."),
    _enum(c.COST_STATUS, "Whether the cost is known.", "exact", "lower_bound", "unpriced"),
    _enum(c.UNPRICED_REASON, "Why the cost is not exact.", *UNPRICED_REASONS),
    _text(
        c.PRICE_TABLE,
        "The date of the price table, with `+custom` where prices of the user's own were merged in.",
        "2026-11-22",
    ),
    Attribute(c.COST_AMOUNT, "double", "What the call cost, in US dollars. Absent if it is not known at all."),
    _enum(c.COST_CURRENCY, "The currency of the cost: `USD`.", "USD"),
    _enum(c.COST_SOURCE, "Who worked the cost out: `local` is this process, from its price table.", "local"),
    *(
        Attribute(key, "double", f"The part of the cost that is of `{name}`, in US dollars.")
        for key, name in zip(c.COST_PARTS, c.COST_TYPES, strict=True)
    ),
    _enum(c.ATTEMPT_OUTCOME, "What became of an attempt, which is one HTTP request.", "success", "retried", "failed"),
    _enum(c.BLOCKED_REASON, "What blocked an attempt.", "rate_limit", "spend_limit", "credit_balance", "overloaded"),
    _count(c.ATTEMPT_NUMBER, "Which attempt of its call it was, from 1."),
    Attribute(c.ATTEMPT_DELAY, "double", "Seconds that the client library waited before the next attempt."),
    _text(
        c.RATE_LIMIT_NAME,
        "Which rate limit it is, as the API's headers name it.",
        "requests",
        "input_tokens",
        "output_tokens",
        "unified_5h",
    ),
    _text(o.RATE_LIMIT_GROUP, "The models that share a configured rate limit, as the Admin API says.", "model_group"),
    _text(a.RATE_LIMIT_STATUS, "The state of a rate limit, as the claude program says.", "allowed", "rejected"),
    Attribute(
        "claude.rate_limit",
        "template[double]",
        "Each rate limit after the call: `<name>.limit` and `<name>.remaining` (integers), and `<name>.reset`, when it "
        "is full again, in seconds since the epoch.",
    ),
    *(
        _count(key, f"Requests that Anthropic's servers made to the tool `{name}`.")
        for name, key in c.SERVER_TOOL_REQUESTS.items()
    ),
    _count(c.REQUEST_TOOLS, "Tools in the request."),
    _count(c.REQUEST_MESSAGES, "Messages in the request."),
    _count(c.REQUEST_CACHE_BREAKPOINTS, "Cache breakpoints in the request."),
    _enum(c.BATCH_RESULT, "How a request of a batch ended.", *c.RESULT_TYPES),
    _enum(c.BATCH_STATUS, "Where a request of a batch is.", *c.BATCH_STATUSES),
    _text(c.TAG_KEY, "The key of a tag.", "tenant"),
    _enum(
        c.TAG_CHANGE,
        "What was done to a tag's value that did not fit.",
        "empty",
        "not_text",
        "too_long",
        "control_characters",
    ),
    _enum(a.REPORTED_BY, "The program that worked the numbers out.", a.CLAUDE_CODE),
    _enum(a.SKIPPED_REASON, "Why a result's tokens and cost are in no metric.", *a.SKIPPED_REASONS),
    _enum(o.ORGANIZATION_PERIOD, "The period of a sum, in UTC; `month` is to date.", "today", "yesterday", "month"),
    _text(o.ORGANIZATION_PART, "A part of the organization's data.", "report", "spend_limits"),
    _text(o.WORKSPACE_NAME, "The name of a workspace.", "production"),
    _text(o.API_KEY_ID, "The id of an API key.", "apikey_01"),
    _text(o.API_KEY_NAME, "The name of an API key.", "search"),
    _text(o.API_KEY_STATUS, "The state of an API key, as the Admin API says.", "active", "inactive"),
    _text(o.SPEND_LIMIT_ID, "The id of a spend limit.", "spl_01"),
    _text(o.SPEND_LIMIT_SCOPE, "What a spend limit is of.", "organization", "workspace"),
    _text(o.SPEND_LIMIT_PERIOD, "The period of a spend limit.", "daily", "weekly", "monthly"),
    # Of the SDK's own spans; those of ours have the same.
    _text(c.WORKSPACE_ID, "The workspace that was charged, as a response's headers say.", "wrkspc_01"),
    _text(c.ORGANIZATION_ID, "The organization that was charged, as a response's headers say.", "org_01"),
    _text(c.REQUEST_ID, "The id of the last request, as its response's headers say.", "req_01"),
    _text(c.STOP_REASON, "Why the model stopped, in the API's word.", "end_turn", "max_tokens", "tool_use", "refusal"),
    _text(c.REQUEST_SERVICE_TIER, "The service tier that was asked for.", "auto", "standard_only"),
    _text(c.RESPONSE_SERVICE_TIER, "The service tier that served the response.", "standard", "priority", "batch"),
    _text(c.THINKING_TYPE, "Whether thinking was asked for.", "enabled", "adaptive", "disabled"),
    _count(c.THINKING_BUDGET, "The most tokens that thinking may take."),
    Attribute(c.BETA, "string[]", "The betas that were asked for.", examples=(["context-1m-2025-08-07"],)),
    _count(c.USAGE_CACHE_WRITE_5M, "Input tokens written to the cache for five minutes."),
    _count(c.USAGE_CACHE_WRITE_1H, "Input tokens written to the cache for an hour."),
    _count(c.USAGE_COMPACTION_INPUT, "Input tokens of compactions within the call."),
    _count(c.USAGE_COMPACTION_OUTPUT, "Output tokens of compactions within the call."),
    _enum(c.LEGACY_TOKEN_TYPE, "Of the metric of before September 2026 alone.", "input", "output"),
)
"""All of them."""

ALWAYS: Final = frozenset(
    {
        c.OPERATION_NAME, c.COST_TYPE, c.UNPRICED_REASON, c.ATTEMPT_OUTCOME, c.RATE_LIMIT_NAME, c.TOOL_NAME,
        c.BATCH_RESULT, c.BATCH_STATUS, c.TAG_KEY, c.TAG_CHANGE, c.TOKEN_TYPE, c.CACHE_TTL, c.LEGACY_TOKEN_TYPE,
        a.REPORTED_BY, a.SKIPPED_REASON, a.RATE_LIMIT_STATUS, o.ORGANIZATION_PERIOD, o.ORGANIZATION_PART,
    }
)  # fmt: skip
"""On every point of a metric that has it. The organization's costs are without a type where a period has none."""
OF_CALLS: Final = (*c.METRICS, *c.LEGACY_METRICS, *a.SESSION_METRICS, *a.AGENT_METRICS)
METRICS: Final = (*OF_CALLS, *o.ORGANIZATION_METRICS)
"""Every metric that any command or process emits."""

SPAN_ATTRIBUTES: Final = (
    c.COST_AMOUNT, c.COST_CURRENCY, c.COST_SOURCE, *c.COST_PARTS, c.COST_STATUS, c.UNPRICED_REASON, c.PRICE_TABLE,
    "claude.rate_limit", *c.SERVER_TOOL_REQUESTS.values(), c.SPEED, c.INFERENCE_GEO, c.API_KEY_HINT, c.REQUEST_TOOLS,
    c.REQUEST_MESSAGES, c.REQUEST_CACHE_BREAKPOINTS, c.CACHE_MISS_REASON, c.CACHE_MISSED_INPUT, "claude.tag",
)  # fmt: skip
"""What is added to the span of a call, whoever opened it."""
OWN_SPAN_ATTRIBUTES: Final = (
    c.OPERATION_NAME, c.PROVIDER_NAME, c.REQUEST_MODEL, c.SERVER_ADDRESS, c.SERVER_PORT, c.REQUEST_MAX_TOKENS,
    c.REQUEST_STREAM, c.REQUEST_REASONING_LEVEL, c.REQUEST_TEMPERATURE, c.REQUEST_TOP_P, c.REQUEST_TOP_K,
    c.CONVERSATION_ID, c.CONVERSATION_COMPACTED, c.OUTPUT_TYPE, c.RESPONSE_ID, c.RESPONSE_MODEL,
    c.RESPONSE_FINISH_REASONS, c.RESPONSE_TIME_TO_FIRST_CHUNK, c.USAGE_INPUT, c.USAGE_OUTPUT, c.USAGE_CACHE_READ,
    c.USAGE_CACHE_WRITE, c.USAGE_REASONING, c.ERROR_TYPE, c.HTTP_METHOD, c.HTTP_ROUTE, c.STATUS_CODE, c.RESEND_COUNT,
    c.REQUEST_SERVICE_TIER, c.THINKING_TYPE, c.THINKING_BUDGET, c.STOP_REASON, c.RESPONSE_SERVICE_TIER, c.REQUEST_ID,
    c.ORGANIZATION_ID, c.WORKSPACE_ID, c.USAGE_CACHE_WRITE_5M, c.USAGE_CACHE_WRITE_1H, c.USAGE_COMPACTION_INPUT,
    c.USAGE_COMPACTION_OUTPUT,
)  # fmt: skip
"""What the span of a call has beside them: what the SDK's own has too, and what the conventions ask for."""
SDK_SPAN_ATTRIBUTES: Final = (c.BETA, "url.full", "url.path", "url.query", "url.scheme")
"""What the SDK's own span of a call has, and ours has not."""
EVENT_ATTRIBUTES: Final = (c.ATTEMPT_NUMBER, c.STATUS_CODE, c.ERROR_TYPE, c.BLOCKED_REASON, c.ATTEMPT_DELAY)


def attributes_of(metric: Metric) -> dict[str, str | Mapping[str, str]]:
    """The attributes that points of a metric can have, with their requirement levels. Tags are a template."""
    if metric in o.ORGANIZATION_METRICS:
        common: tuple[str, ...] = ()
    elif metric in c.TAG_METRICS:
        common = (c.INSTANCE_ID,)
    elif metric is c.RETIREMENT:
        common = (c.PROVIDER_NAME, c.REQUEST_MODEL, c.INSTANCE_ID)
    else:
        common = c.COMMON_ATTRIBUTES
    always = ALWAYS - {c.COST_TYPE} if metric in o.ORGANIZATION_METRICS else ALWAYS
    found: dict[str, str | Mapping[str, str]] = {
        key: "required" if key in always else WHERE_KNOWN for key in (*common, *metric.attributes)
    }
    if metric.tags or metric.kind == "histogram":
        found["claude.tag"] = "opt_in"
    return found


def registry() -> dict[str, Any]:
    """The registry, as `registry.yaml` has it."""
    ours = {attribute.key for attribute in ATTRIBUTES}
    inference = [metric for metric in c.METRICS if metric.name.startswith("gen_ai.")]
    return {
        "file_format": "definition/2",
        "imports": {"metrics": ["gen_ai.client.inference.*"], "entities": ["service", "telemetry.sdk"]},
        "attributes": [_definition(attribute) for attribute in ATTRIBUTES],
        "metrics": [
            {
                "name": metric.name,
                "instrument": metric.kind,
                "unit": metric.unit,
                "brief": metric.description,
                "requirement_level": "opt_in" if metric in c.LEGACY_METRICS else "recommended",
                "stability": DEVELOPMENT,
                **({"deprecated": _DEPRECATED} if metric in c.LEGACY_METRICS else {}),
                "attributes": _references(attributes_of(metric)),
            }
            for metric in METRICS
            if metric not in inference
        ],
        "metric_refinements": [
            {
                "id": f"claude.{metric.name}",
                "ref": metric.name,
                "brief": metric.description,
                "stability": DEVELOPMENT,
                "attributes": _references({k: v for k, v in attributes_of(metric).items() if k in ours}),
            }
            for metric in inference
        ],
        "spans": [
            {
                "type": CALL_SPAN,
                "kind": "client",
                "name": {"note": "`chat {gen_ai.request.model}`; the SDK's own is `anthropic.messages.create`."},
                "brief": "A call to the Messages API: all its attempts, and the reading of its stream.",
                "requirement_level": "recommended",
                "stability": DEVELOPMENT,
                "attributes": _references(
                    {
                        key: "required" if key in (c.OPERATION_NAME, c.COST_STATUS) else WHERE_KNOWN
                        for key in (*OWN_SPAN_ATTRIBUTES, *SPAN_ATTRIBUTES, *SDK_SPAN_ATTRIBUTES)
                    }
                ),
            }
        ],
        "events": [
            {
                "name": c.ATTEMPT_EVENT,
                "brief": "On the span of a call: an attempt that was retried.",
                "requirement_level": "recommended",
                "stability": DEVELOPMENT,
                "attributes": _references(
                    {key: "required" if key == c.ATTEMPT_NUMBER else WHERE_KNOWN for key in EVENT_ATTRIBUTES}
                ),
            }
        ],
    }


_DEPRECATED: Final = {"reason": "uncategorized", "note": "The conventions have gen_ai.client.inference.* in its place."}


def _definition(attribute: Attribute) -> dict[str, Any]:
    kind: Any = attribute.type
    if attribute.values:
        kind = {"members": [{"id": value, "value": value, "stability": DEVELOPMENT} for value in attribute.values]}
    defined = {"key": attribute.key, "type": kind, "brief": attribute.brief, "stability": DEVELOPMENT}
    return {**defined, "examples": list(attribute.examples)} if attribute.examples else defined


def _references(levels: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"ref": key, "requirement_level": level} for key, level in levels.items()]


def manifest() -> dict[str, Any]:
    """What says which registry it is, and which others it needs: `manifest.yaml`."""
    organization = "https://github.com/open-telemetry"
    return {
        "name": "otel-claude",
        "description": "What otel-claude emits beside the GenAI conventions.",
        "schema_url": SCHEMA_URL,
        "stability": DEVELOPMENT,
        "dependencies": [
            {
                "schema_url": f"https://opentelemetry.io/schemas/{CORE}",
                "registry_path": f"{organization}/semantic-conventions.git@v{CORE}[model]",
            },
            {
                "schema_url": c.SCHEMA_URL,
                "registry_path": f"{organization}/semantic-conventions-genai.git@{GENAI}[model]",
            },
        ],
    }


def files() -> dict[str, str]:
    """The files of the folder that weaver is given, by their names."""
    return {
        "manifest.yaml": to_yaml(
            manifest(), "A registry for OpenTelemetry's weaver: see docs/metrics.md. Its schema_url names it, no more."
        ),
        "registry.yaml": to_yaml(
            registry(), "Made of src/otel_claude/semconv: run `make dashboards` after a change there."
        ),
    }
