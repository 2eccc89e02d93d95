"""What each program of `apps` does, and what must be told of it. A program is run as its users run it.

A call is (model, way, end): `plain` or `stream`; its stop reason, the `error.type` that it failed with, or `left` for a
stream that the program left early.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

HAIKU, SONNET, HAIKU_4_5 = "claude-haiku-5-5", "claude-sonnet-5-5", "claude-haiku-4-5-20251001"
# US dollars per million tokens, as published for November 2026. Written here, so that they are not our own table's.
PRICES = {
    SONNET: {"input": "2", "cache_read": "0.10", "cache_write_5m": "2.5", "cache_write_1h": "4", "output": "10"},
    HAIKU_4_5: {"input": "1", "cache_read": ".10", "cache_write_5m": "1.25", "cache_write_1h": "2", "output": "5"},
    HAIKU: {"input": ".10", "cache_read": ".01", "cache_write_5m": ".125", "cache_write_1h": ".20", "output": ".50"},
}  # fmt: skip
SECRETS = ("heron", "[simulated]")
"""In every prompt, and in every answer's text: neither may leave the process."""


class Row(NamedTuple):
    """One program under `opentelemetry-instrument`."""

    framework: str
    app: str
    calls: dict[tuple[str, str, str], int]
    scenario: str = ""
    """What the simulator plays for every request."""
    retried: int = 0
    """Attempts that the SDK retried by itself, each after HTTP 529."""
    tags: dict[str, int] | None = None
    """Calls by the value of the tag `feature`."""
    caches: tuple[str, ...] = ()
    """Types of cached tokens of which there must be some."""
    variables: dict[str, str] = {}  # noqa: RUF012 - a NamedTuple's default, never written to
    own_spans: dict[str, int] = {}  # noqa: RUF012 - the same
    """Other spans, by their operation's name or else their own: the program's, and the framework's if it is told to."""
    content: bool = False
    """Whether the framework's own telemetry sends prompts and answers."""
    parents: dict[str, int] = {}  # noqa: RUF012 - the same
    """What the spans of calls are children of, named the same way."""
    unseen: int = 0
    """Requests that the framework sends by itself, before all others: nothing of ours sees them."""
    tracings: tuple[str, ...] = ("native", "ours")
    """Whose span each call has: the SDK's own (since 1.14), or ours where that is off or absent."""

    @property
    def name(self) -> str:
        return self.app + ("-retried" if self.retried else "-its-own-telemetry" if self.variables else "")


LITELLM = "litellm"
DSPY = "dspy"
LANGCHAIN = "langchain"
PYDANTIC_AI = "pydantic-ai"
LLAMA_INDEX = "llama-index"
INSTRUCTOR = "instructor"
RETRY = "overloaded=1,retry_after=0.01"

VISIT = {"visit": 1}
CHAT = {(HAIKU, "plain", "end_turn"): 4, (HAIKU, "stream", "end_turn"): 1}
OBJECTS = {(HAIKU, "plain", "tool_use"): 3, (HAIKU, "stream", "tool_use"): 1}

ROWS = (
    Row(LANGCHAIN, "langchain_chat", CHAT),
    Row(LANGCHAIN, "langchain_chat", CHAT, scenario=RETRY, retried=5),
    Row(LANGCHAIN, "langchain_async", {(HAIKU, "plain", "end_turn"): 3, (HAIKU, "stream", "end_turn"): 2}),
    Row(
        LANGCHAIN, "langchain_agent",
        {
            (SONNET, "plain", "tool_use"): 1, (SONNET, "plain", "end_turn"): 1,
            (SONNET, "stream", "tool_use"): 1, (SONNET, "stream", "end_turn"): 1,
        },
        caches=("cache_write_1h", "cache_read"),
    ),
    Row(
        LANGCHAIN, "langchain_structured",
        {(HAIKU, "plain", "tool_use"): 1, (HAIKU, "plain", "end_turn"): 1, (SONNET, "plain", "end_turn"): 1},
    ),
    Row(LANGCHAIN, "langchain_left", {(HAIKU, "stream", "left"): 1, (HAIKU, "plain", "invalid_request_error"): 1}),
    Row(
        LANGCHAIN, "langchain_tags",
        {(HAIKU, "plain", "end_turn"): 7, (HAIKU, "plain", "tool_use"): 1, (HAIKU, "stream", "end_turn"): 1},
        tags={"batch": 2, "parallel": 2, "agent": 3, "executor": 1, "stream": 1}, own_spans=VISIT, parents={"visit": 9},
    ),
    Row(
        LANGCHAIN, "langchain_chat", CHAT,
        # A key that is none, and an endpoint where nobody listens: nothing but OTLP is sent.
        variables={
            "LANGSMITH_TRACING": "true", "LANGSMITH_OTEL_ENABLED": "true", "LANGSMITH_OTEL_ONLY": "true",
            "LANGSMITH_API_KEY": "none", "LANGSMITH_ENDPOINT": "http://127.0.0.1:9",
        },
        own_spans={"chain": 3, "chat": 8, "parser": 3}, content=True,
        tracings=("native",),
    ),
    Row(
        # Pydantic AI streams every request by itself, unless `max_tokens` keeps it short.
        PYDANTIC_AI, "pydantic_ai_agent",
        {(SONNET, "stream", "tool_use"): 1, (SONNET, "stream", "end_turn"): 1, (HAIKU, "stream", "end_turn"): 1},
    ),
    Row(PYDANTIC_AI, "pydantic_ai_stream", {(HAIKU, "stream", "end_turn"): 5}),
    Row(PYDANTIC_AI, "pydantic_ai_stream", {(HAIKU, "stream", "end_turn"): 5}, scenario=RETRY, retried=5),
    Row(
        PYDANTIC_AI, "pydantic_ai_caching", {(HAIKU, "plain", "end_turn"): 2},
        caches=("cache_write_5m", "cache_write_1h", "cache_read"),
    ),
    Row(PYDANTIC_AI, "pydantic_ai_left", {(HAIKU, "stream", "left"): 1, (HAIKU, "plain", "invalid_request_error"): 1}),
    Row(
        PYDANTIC_AI, "pydantic_ai_instrumented", {(HAIKU, "stream", "tool_use"): 1, (HAIKU, "stream", "end_turn"): 1},
        own_spans={"invoke_agent": 1, "chat": 2, "execute_tool": 1}, parents={"chat": 2},
    ),
    Row(
        PYDANTIC_AI, "pydantic_ai_tags",
        {(HAIKU, "stream", "tool_use"): 1, (HAIKU, "stream", "end_turn"): 3, (HAIKU, "plain", "end_turn"): 1},
        tags={"sync": 3, "async": 2}, own_spans=VISIT, parents={"visit": 5},
    ),
    Row(LLAMA_INDEX, "llama_index_chat", {(HAIKU, "plain", "end_turn"): 2, (HAIKU, "stream", "end_turn"): 2}),
    Row(
        LLAMA_INDEX, "llama_index_agent",
        {(SONNET, "stream", "tool_use"): 1, (SONNET, "stream", "end_turn"): 1, (HAIKU, "plain", "end_turn"): 2},
    ),
    Row(
        LLAMA_INDEX, "llama_index_caching", {(HAIKU, "plain", "end_turn"): 2, (HAIKU, "stream", "end_turn"): 1},
        caches=("cache_write_1h", "cache_read"),
    ),
    Row(
        LLAMA_INDEX, "llama_index_tags",
        {(HAIKU, "stream", "tool_use"): 1, (HAIKU, "stream", "end_turn"): 2, (HAIKU, "plain", "end_turn"): 1},
        tags={"agent": 3, "chat": 1}, own_spans=VISIT, parents={"visit": 4},
    ),
    Row(INSTRUCTOR, "instructor_objects", OBJECTS, tracings=("ours",)),
    Row("instructor-newest", "instructor_objects", OBJECTS),
    # LiteLLM's calls have spans of ours, also beside an SDK that traces itself.
    Row(
        LITELLM, "litellm_completion", {(HAIKU, "plain", "end_turn"): 4, (HAIKU, "stream", "end_turn"): 1},
        tracings=("ours",),
    ),
    Row(
        LITELLM, "litellm_calls", {(HAIKU, "plain", "end_turn"): 2, (HAIKU, "stream", "end_turn"): 1},
        tracings=("ours",),
    ),
    Row(DSPY, "dspy_lm", {(HAIKU, "plain", "end_turn"): 2}, tracings=("ours",)),
)  # fmt: skip

# On Bedrock, by boto3. They name no message, and Converse names no model.
BEDROCK_ROWS = (
    Row(
        "langchain-aws", "langchain_aws_chat",
        {(HAIKU, "plain", "end_turn"): 6, (HAIKU, "stream", "end_turn"): 2, (HAIKU, "plain", "tool_use"): 2},
    ),
    Row(
        "pydantic-ai-bedrock", "pydantic_ai_bedrock",
        {(HAIKU, "plain", "tool_use"): 1, (HAIKU, "plain", "end_turn"): 1, (HAIKU, "stream", "tool_use"): 1},
        caches=("cache_write_5m", "cache_read"),
    ),
    Row(
        "llama-index-bedrock", "llama_index_bedrock",
        {(HAIKU_4_5, "plain", "end_turn"): 3, (HAIKU_4_5, "stream", "end_turn"): 2}, scenario=RETRY, retried=5,
    ),
    Row(
        "strands", "strands_agent", {(HAIKU, "stream", "tool_use"): 1, (HAIKU, "stream", "end_turn"): 1},
        own_spans={"chat": 2, "execute_event_loop_cycle": 2, "execute_tool": 1, "invoke_agent": 1}, content=True,
    ),
    Row("haystack-bedrock", "haystack_chat", {(HAIKU, "plain", "end_turn"): 1, (HAIKU, "stream", "end_turn"): 1}),
)  # fmt: skip


def price(model: str, counts: dict[str, int]) -> Fraction:
    """Dollars."""
    return sum((Fraction(PRICES[model][kind]) * amount for kind, amount in counts.items()), Fraction(0)) / 1_000_000


def counts(used: dict, *, left: bool) -> dict[str, int]:
    """The tokens of a served answer in disjoint types; of a stream that was left, those that its start told."""
    split = used["cache_creation"]
    found = {
        "input": used["input_tokens"],
        "cache_read": used["cache_read_input_tokens"],
        "cache_write_5m": split["ephemeral_5m_input_tokens"],
        "cache_write_1h": split["ephemeral_1h_input_tokens"],
    }
    return found if left else {**found, "output": used["output_tokens"]}
