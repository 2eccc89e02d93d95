"""The parts of measuring: how each is made to fail, and all that may be missing then."""

from collections.abc import Callable
from typing import Any, NamedTuple

from otel_claude import runtime as measuring
from otel_claude import semconv as c
from otel_claude import span_parts
from otel_claude.api import Answer
from otel_claude.pricing import PriceTable, load, shipped
from otel_claude.sdk import client, errors
from otel_claude.sdk import responses as exchange
from otel_claude.shutdown import ShutdownHooks
from otel_claude.telemetry import increments as postings
from otel_claude.telemetry import recorder
from otel_claude.telemetry import span_attributes as spans
from otel_claude.telemetry.attributes import Labeller
from otel_claude.telemetry.counters import Ledger
from otel_claude.telemetry.metrics import _by_provider
from otel_claude.telemetry.rate_limits import Limits
from otel_claude.telemetry.recorder import Recorder
from support import wire

MESSAGE = f"broken by {wire.PROMPT}"


class OursError(Exception):
    """A mistake of ours, whose message quotes a prompt."""


def broken(*_args, **_kwargs):
    raise OursError(MESSAGE)


class Part(NamedTuple):
    """`fail` breaks it. `hops` are what the warnings name; all else here is what may differ then, and nothing else."""

    fail: Callable[[Any, Any], None]
    hops: tuple[str, ...]
    metrics: tuple[c.Metric, ...] = ()
    labels: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    """Prefixes of attributes of spans."""
    reasons: dict[str, int] = {}  # noqa: RUF012 - a NamedTuple's default, never changed
    """Calls by `claude.unpriced.reason`, that an unharmed run has none of."""
    span: tuple[str, ...] = ()
    """Of a span: `name`, `status`, `events`, or `itself`."""
    tracing: tuple[str, ...] = ("native", "ours")
    """Where it is used at all."""


def at(owner: Any, name: str) -> Callable[[Any, Any], None]:
    return lambda patch, _telemetry: patch.setattr(owner, name, broken)


def table(patch, _telemetry):
    shipped.cache_clear()
    patch.setattr(_module(load), "_data", broken)


def _module(function: Any) -> Any:
    import sys  # noqa: PLC0415 - `otel_claude.pricing.price_file` is a function by that name

    return sys.modules[function.__module__]


def histogram(patch, telemetry):
    patch.setitem(_by_provider[telemetry.meter_provider].histograms, c.DURATION.name, object())


COSTS = (c.COST, c.CACHE_SAVINGS, c.CACHE_OVERHEAD, c.CALL_COST)
COST = ("claude.cost.", "claude.price_table", "gen_ai.usage.cost.", "claude.unpriced.")
COUNTERS = tuple(metric for metric in c.METRICS if metric.kind == "counter")
GAUGES = (c.RATE_LIMIT_LIMIT, c.RATE_LIMIT_REMAINING, c.RATE_LIMIT_UTILIZATION, c.RATE_LIMIT_RESET)
TOKENS = (c.INPUT_TOKENS, c.OUTPUT_TOKENS, c.CACHE_READ_TOKENS, c.CACHE_WRITE_TOKENS)
CALL_TOKENS = (c.CALL_INPUT_TOKENS, c.CALL_OUTPUT_TOKENS)
LIMITS = ("claude.rate_limit.",)
CALLER = (c.PROVIDER_NAME, c.SERVER_ADDRESS, c.SERVER_PORT, c.API_KEY_HINT)
REQUEST = (
    c.REQUEST_MODEL, c.REQUEST_STREAM, c.REQUEST_MAX_TOKENS, c.RESPONSE_TIME_TO_FIRST_CHUNK,
)  # fmt: skip
IDENTITY = (c.REQUEST_ID, c.ORGANIZATION_ID, c.WORKSPACE_ID)
USED = ("gen_ai.usage.", "anthropic.usage.", "gen_ai.response.", "anthropic.response.", c.STOP_REASON)
SERVED = ("claude.speed", "claude.server_tool.")
OURS = ("ours",)
DESCRIBED = "described the {} on a span"

PARTS = {
    "the price table": Part(table, (), (*COSTS, c.UNPRICED), (), COST, {"no_price_table": 2}),
    "a price": Part(
        at(PriceTable, "price"), ("priced a call",), (*COSTS, c.UNPRICED), (), COST, {"pricing_error": 2}
    ),
    "a bill": Part(
        at(recorder, "bill"), ("priced a call",), (*COSTS, c.UNPRICED), (), COST, {"pricing_error": 2}
    ),
    "limits": Part(at(Limits, "seen"), ("kept the limits",), GAUGES),
    "tags": Part(at(measuring, "current_tags"), ("read the tags",), (), ("claude.tag.x",), ("claude.tag.",)),
    "headers": Part(
        at(exchange, "head"), ("read the headers of a response",), GAUGES, (c.WORKSPACE_ID,), (*LIMITS, *IDENTITY)
    ),
    "a request": Part(
        at(measuring, "request_of"), ("read a request",), (c.TIME_TO_FIRST_CHUNK,), (c.REQUEST_MODEL,), REQUEST,
        span=("name",),
    ),
    "the shape of a request": Part(
        at(exchange, "shape"), ("looked at the shape of a request",), attributes=("claude.request.",)
    ),
    "the key": Part(
        at(measuring, "key_of"), ("read an API key",), (), (c.API_KEY_HINT,), (c.API_KEY_HINT,)
    ),
    "the key's hint": Part(
        at(client, "shown"), ("made the hint of an API key",), (), (c.API_KEY_HINT,), (c.API_KEY_HINT,)
    ),
    "the caller": Part(
        at(client, "_platform"), ("found out who calls",), (*COSTS, c.UNPRICED), CALLER, (*COST, *CALLER),
        {"pricing_error": 2},
    ),
    "labels": Part(
        at(Labeller, "_within"), ("made labels",), (),
        (c.SERVER_ADDRESS, c.SERVER_PORT, c.API_KEY_HINT, c.REQUEST_MODEL, c.RESPONSE_MODEL, c.WORKSPACE_ID,
         "claude.tag.x"),
    ),
    "an answer": Part(
        at(Answer, "updated"), ("heard a body",),
        (*COSTS, *TOKENS, *CALL_TOKENS, c.SERVER_TOOL_CALLS, c.UNPRICED),
        (c.STOP_REASON, c.RESPONSE_MODEL), (*COST, *USED, *SERVED),
        {"unread_body": 1, "aborted_stream": 1}, span=("status",),
    ),
    "a refusal": Part(
        at(exchange, "refusal"), ("read a refusal",), (), (c.ERROR_TYPE, c.BLOCKED_REASON), span=("events",)
    ),
    "an error's type": Part(
        at(errors, "_type_of"), ("named an error",), (), (c.ERROR_TYPE,), (c.ERROR_TYPE,)
    ),
    "a body": Part(at(exchange, "Body"), ("watched a body",)),
    "the exit": Part(at(ShutdownHooks, "start"), ("prepared the exit",)),
    "the SDK's tracing": Part(
        at(measuring, "has_native_span"), ("looked for the SDK's own tracing",), span=("itself",)
    ),
    "a span": Part(at(Recorder, "_open"), ("opened a span",), span=("itself",), tracing=OURS),
    "a span's beginning": Part(
        at(spans, "of_request"), (DESCRIBED.format("request"),),
        attributes=("gen_ai.operation.", "gen_ai.provider.", "gen_ai.request.", "server.", "http.request.method",
                    "http.route"),
        tracing=OURS,
    ),
    "a span's cost": Part(
        at(spans, "of_cost"), (DESCRIBED.format("cost"), DESCRIBED.format("cost so far"),
                               DESCRIBED.format("cost of answer")),
        attributes=COST,
    ),
    "a span's usage": Part(
        at(spans, "of_usage"), (DESCRIBED.format("usage"), DESCRIBED.format("usage of answer")),
        attributes=SERVED,
    ),
    "a span's limits": Part(
        at(spans, "of_limits"), (DESCRIBED.format("limits"), DESCRIBED.format("all limits")), attributes=LIMITS
    ),
    "a span's call": Part(
        at(spans, "of_call"), (DESCRIBED.format("call"), DESCRIBED.format("shape")),
        attributes=("claude.request.", c.API_KEY_HINT, "claude.tag."),
    ),
    "a span's answer": Part(
        at(spans, "of_answer"), (DESCRIBED.format("answer"),),
        attributes=(*USED, *IDENTITY, "http.", "error.type"), tracing=OURS,
    ),
    "a span's status": Part(
        at(span_parts, "Status"), ("set the status of a span",), span=("status",), tracing=OURS
    ),
    "a span's event": Part(at(spans, "of_attempt"), ("told a span of an attempt",), span=("events",)),
    "a histogram": Part(histogram, (f"recorded {c.DURATION.name}",), (c.DURATION,)),
    "the tokens of a call": Part(at(recorder, "_tokens"), ("measured a call",), CALL_TOKENS),
    "a gauge": Part(at(Limits, "current"), tuple(f"observed {gauge.name}" for gauge in GAUGES), GAUGES),
    "posting": Part(at(Ledger, "post"), ("posted a call",), COUNTERS),
    "the sums of calls": Part(at(postings, "stop_reason"), ("added up the end of a call",), (c.CALLS,)),
    "the sums of attempts": Part(at(postings, "_attempt"), ("added up the attempts of a call",), (c.ATTEMPTS,)),
    "the sums of tokens": Part(at(postings, "_tokens"), ("added up the usage of a call",), TOKENS),
    "the sums of tools": Part(at(postings, "_server_tools"), ("added up the tools of a call",), (c.SERVER_TOOL_CALLS,)),
    "the sums of dollars": Part(at(postings, "_costs"), ("added up the cost of a call",), COSTS[:3]),
}  # fmt: skip
