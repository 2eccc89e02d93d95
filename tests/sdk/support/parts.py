"""The parts of measuring: how each is made to fail, and all that may be missing then."""

from collections.abc import Callable
from typing import Any, NamedTuple

from otel_claude import runtime
from otel_claude import semconv as c
from otel_claude.api import response as api_response
from otel_claude.http import errors
from otel_claude.pricing import PriceTable, calculate, load, shipped
from otel_claude.sdk import client, response_body, responses
from otel_claude.shutdown import ShutdownHooks
from otel_claude.telemetry import increments, own_span, recorder, series, span_attributes
from otel_claude.telemetry.attributes import AttributeSets
from otel_claude.telemetry.rate_limits import RateLimits
from otel_claude.telemetry.recorder import Recorder
from otel_claude.telemetry.series import CallSeries
from support import api

MESSAGE = f"broken by {api.PROMPT}"


class OursError(Exception):
    """A mistake of ours, whose message quotes a prompt."""


def broken(*_args, **_kwargs):
    raise OursError(MESSAGE)


class Part(NamedTuple):
    """`fail` breaks it. `doing` is what the warnings name; all else here is what may differ then, and nothing else."""

    fail: Callable[[Any, Any], None]
    doing: tuple[str, ...]
    metrics: tuple[c.Metric, ...] = ()
    metric_attributes: tuple[str, ...] = ()
    span_attributes: tuple[str, ...] = ()
    """Prefixes."""
    reasons: dict[str, int] = {}  # noqa: RUF012 - a NamedTuple's default, never changed
    """Calls by `claude.unpriced.reason`, that an unharmed run has none of."""
    span: tuple[str, ...] = ()
    """Of a span: `name`, `status`, `events`, or `itself`."""
    tracing: tuple[str, ...] = ("native", "ours")
    """Where it is used at all."""


def at(owner: Any, name: str) -> Callable[[Any, Any], None]:
    return lambda patch, _telemetry: patch.setattr(owner, name, broken)


def late(owner: Any, name: str) -> Callable[[Any, Any], None]:
    """For a generator, which fails when it is asked for its first value."""

    def failing(*_args: Any, **_kwargs: Any):
        yield broken()

    return lambda patch, _telemetry: patch.setattr(owner, name, failing)


def table(patch, _telemetry):
    shipped.cache_clear()
    patch.setattr(_module(load), "_data", broken)


def _module(function: Any) -> Any:
    import sys  # noqa: PLC0415 - `otel_claude.pricing.price_file` is a function by that name

    return sys.modules[function.__module__]


def recording(name: str) -> Callable[[Any, Any], None]:
    """What a recorder keeps of a histogram. A property of its class stands before what it keeps itself."""
    return lambda patch, _telemetry: patch.setattr(Recorder, name, property(lambda _recorder: broken), raising=False)


COSTS = (c.COST, c.CACHE_SAVINGS, c.CACHE_OVERHEAD, c.CALL_COST)
COST = ("claude.cost.", "claude.price_table", "gen_ai.usage.cost.", "claude.unpriced.")
COUNTERS = tuple(metric for metric in c.METRICS if metric.kind == "counter")
GAUGES = (c.RATE_LIMIT_LIMIT, c.RATE_LIMIT_REMAINING, c.RATE_LIMIT_UTILIZATION, c.RATE_LIMIT_RESET)
TOKENS = (c.INPUT_TOKENS, c.OUTPUT_TOKENS, c.CACHE_READ_TOKENS, c.CACHE_WRITE_TOKENS, c.REASONING_TOKENS)
HISTOGRAMS = (c.DURATION, c.TIME_TO_FIRST_CHUNK, c.CALL_INPUT_TOKENS, c.CALL_OUTPUT_TOKENS, c.CALL_COST)
CALL_TOKENS = (c.CALL_INPUT_TOKENS, c.CALL_OUTPUT_TOKENS)
LIMITS = ("claude.rate_limit.",)
CLIENT = (c.PROVIDER_NAME, c.CLIENT_LIBRARY, c.SERVER_ADDRESS, c.SERVER_PORT, c.API_KEY_HINT)
REQUEST = (
    c.REQUEST_MODEL, c.REQUEST_STREAM, c.REQUEST_MAX_TOKENS, c.RESPONSE_TIME_TO_FIRST_CHUNK,
)  # fmt: skip
IDENTITY = (c.REQUEST_ID, c.ORGANIZATION_ID, c.WORKSPACE_ID)
USED = ("gen_ai.usage.", "anthropic.usage.", "gen_ai.response.", "anthropic.response.", c.STOP_REASON)
SERVED = ("claude.speed", "claude.server_tool.", "claude.inference_geo")
CALL = (*COST, *LIMITS, *SERVED, "claude.request.", c.API_KEY_HINT, "claude.tag.")
"""What a span has of us, whoever opened it."""
OURS = ("ours",)
DESCRIBED = ("describe a call on a span",)
BODY = (*COSTS, *TOKENS, *CALL_TOKENS, c.SERVER_TOOL_CALLS, c.UNPRICED)

PARTS = {
    "the price table": Part(table, (), (*COSTS, c.UNPRICED), (), COST, {"no_price_table": 2}),
    "a price": Part(
        at(calculate, "price_response"), ("price a call",), (*COSTS, c.UNPRICED), (), COST, {"pricing_error": 1}
    ),
    "the price of a call": Part(
        at(recorder, "price_call"), ("price a call",), (*COSTS, c.UNPRICED), (), COST, {"pricing_error": 1}
    ),
    "the rates of calls alike": Part(at(PriceTable, "common_rates"), ("make what calls alike share",)),
    "what calls alike share": Part(at(recorder, "CallSeries"), ("make what calls alike share",)),
    "the attributes of calls alike": Part(at(series, "of_service"), ("make what calls alike share",)),
    "the key of calls alike": Part(at(recorder, "SeriesKey"), ("make what calls alike share",)),
    "the sums of calls alike": Part(at(CallSeries, "increments"), ("add up calls",), COUNTERS),
    "rate limits": Part(at(RateLimits, "update"), ("keep the rate limits",), GAUGES),
    "tags": Part(at(runtime, "current_tags"), ("read the tags",), (), ("claude.tag.x",), ("claude.tag.",)),
    "headers": Part(
        at(recorder, "parse_headers"), ("read the headers of a response",), GAUGES, (c.WORKSPACE_ID,),
        (*LIMITS, *IDENTITY),
    ),
    "a request": Part(
        at(client, "parse_request"), ("read a request",), (c.TIME_TO_FIRST_CHUNK,), (c.REQUEST_MODEL,), REQUEST,
        span=("name",),
    ),
    "the size of a request": Part(
        at(recorder, "measure_request"), ("measure a request",), span_attributes=("claude.request.",)
    ),
    "the key": Part(
        at(client, "request_api_key"), ("read an API key",), (), (c.API_KEY_HINT,), (c.API_KEY_HINT,)
    ),
    "the key's hint": Part(
        at(client, "redact_api_key"), ("make the hint of an API key",), (), (c.API_KEY_HINT,), (c.API_KEY_HINT,)
    ),
    "the client": Part(
        at(client, "_platform"), ("find out who calls",), (*COSTS, c.UNPRICED), CLIENT, (*COST, *CLIENT),
        {"pricing_error": 2},
    ),
    "attribute sets": Part(
        at(AttributeSets, "make"), ("make what calls alike share", "make the attributes of a call"), (),
        (c.CLIENT_LIBRARY, c.SERVER_ADDRESS, c.SERVER_PORT, c.API_KEY_HINT, c.REQUEST_MODEL, c.RESPONSE_MODEL,
         c.WORKSPACE_ID, "claude.tag.x"),
    ),
    "a response": Part(
        at(api_response, "parse_usage"), ("read a response's body",), BODY, (c.STOP_REASON, c.RESPONSE_MODEL),
        (*COST, *USED, *SERVED), {"pricing_error": 2}, span=("status",),
    ),
    "a message": Part(
        at(recorder, "parse_message"), ("read a response's body",), BODY, (c.STOP_REASON, c.RESPONSE_MODEL),
        (*COST, *USED, *SERVED), {"pricing_error": 1}, span=("status",),
    ),
    "an error of the API": Part(
        at(responses, "parse_error"), ("read an error of the API",), (), (c.ERROR_TYPE, c.BLOCKED_REASON),
        span=("events",),
    ),
    "an error's type": Part(
        at(errors, "_type_of"), ("name an error",), (), (c.ERROR_TYPE,), (c.ERROR_TYPE,)
    ),
    "a body": Part(at(response_body, "ResponseBody"), ("observe a body",)),
    "the exit": Part(at(ShutdownHooks, "watch_signal"), ("prepare the last export",)),
    "the SDK's tracing": Part(
        at(client, "can_record"), ("find the client library's tracing",), span=("itself",)
    ),
    "a span": Part(at(recorder, "open_span"), ("open a span",), span=("itself",), tracing=OURS),
    "the SDK's span": Part(
        at(Recorder, "_adopt_native_span"), ("find the client library's span",), span_attributes=CALL,
        span=("events",), tracing=("native",),
    ),
    "a span's start": Part(
        at(span_attributes, "of_start"), ("describe a request on a span",),
        span_attributes=("gen_ai.operation.", "gen_ai.provider.", "gen_ai.request.", "server.",
                         "http.request.method", "http.route"),
        tracing=OURS,
    ),
    "a span's call": Part(at(span_attributes, "of_call"), DESCRIBED, span_attributes=CALL),
    "a span's response": Part(
        at(span_attributes, "of_response"), ("describe a response on a span",),
        span_attributes=(*USED, *IDENTITY, "http.response.", "http.request.resend_count", "error.type"),
        tracing=OURS,
    ),
    "a span's status": Part(
        at(own_span, "Status"), ("set the status of a span",), span=("status",), tracing=OURS
    ),
    "a span's event": Part(
        at(span_attributes, "of_attempt"), ("describe an attempt on a span",), span=("events",)
    ),
    "the duration": Part(recording("_duration"), (f"record {c.DURATION.name}",), (c.DURATION,)),
    "the time to the first chunk": Part(
        recording("_first_chunk"), (f"record {c.TIME_TO_FIRST_CHUNK.name}",), (c.TIME_TO_FIRST_CHUNK,)
    ),
    "the input of a call": Part(
        recording("_input_tokens"), (f"record {c.CALL_INPUT_TOKENS.name}",), (c.CALL_INPUT_TOKENS,)
    ),
    "the output of a call": Part(
        recording("_output_tokens"), (f"record {c.CALL_OUTPUT_TOKENS.name}",), (c.CALL_OUTPUT_TOKENS,)
    ),
    "the cost of a call": Part(recording("_cost"), (f"record {c.CALL_COST.name}",), (c.CALL_COST,)),
    "the delay of a retry": Part(recording("_retry_delay"), (f"record {c.RETRY_DELAY.name}",), (c.RETRY_DELAY,)),
    "the histograms": Part(at(Recorder, "_record_histograms"), ("record the histograms of a call",), HISTOGRAMS),
    "the tokens of a call": Part(at(recorder, "tokens_of"), ("sum up the tokens of a call",), CALL_TOKENS),
    "a gauge": Part(at(RateLimits, "current"), tuple(f"observe {gauge.name}" for gauge in GAUGES), GAUGES),
    "counting": Part(at(recorder, "call_increments"), ("count a call",), COUNTERS),
    "the increments of calls": Part(late(increments, "_call"), ("count the end of a call",), (c.CALLS,)),
    "the increments of attempts": Part(
        late(increments, "_attempts"), ("count the attempts of a call",), (c.ATTEMPTS,)
    ),
    "the increments of tokens": Part(late(increments, "_tokens"), ("count tokens",), TOKENS),
    "the increments of a usage": Part(at(increments, "_tokens_of_usage"), ("count tokens",), TOKENS),
    "the increments of server tools": Part(
        late(increments, "_server_tools"), ("count uses of server tools",), (c.SERVER_TOOL_CALLS,)
    ),
    "the increments of costs": Part(late(increments, "_costs"), ("add up the cost",), COSTS[:3]),
    "the increments of a charge": Part(at(increments, "_costs_of_charge"), ("add up the cost",), COSTS[:3]),
}  # fmt: skip
