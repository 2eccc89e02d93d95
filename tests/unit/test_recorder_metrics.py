"""The recorder's metrics: exact counters and histograms for every way that a call can go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from unit_calls import (
    OPUS,
    OVERHEAD,
    PARTS,
    SAVINGS,
    TOTAL,
    TOTAL_INPUT,
    USAGE,
    Body,
    failed,
    feed,
    message,
    responded,
    returned,
    sent,
    started,
    stream,
    streamed,
    success,
)
from unit_telemetry import recorder_of

from otel_claude import semconv as c
from otel_claude.api.errors import ApiError

HISTOGRAMS = [c.CALL_INPUT_TOKENS, c.CALL_OUTPUT_TOKENS, c.CALL_COST]


def whole(bench):
    success(bench.recorder)


def rejected(bench):
    call = started(bench.recorder)
    responded(bench.recorder, call, 429).reject(ApiError(429, "rate_limit_error", "rate_limit"))
    failed(bench.recorder, call, "rate_limit_error")


def no_response(bench):
    call = started(bench.recorder)
    sent(bench.recorder, call)
    failed(bench.recorder, call, "client_timeout_error")


def left_early(bench):
    call, attempt = streamed(bench.recorder, *stream()[:4])
    Body(bench.recorder, attempt).stream.close()
    return call


def left_before_anything(bench):
    _, attempt = streamed(bench.recorder)
    Body(bench.recorder, attempt).stream.close()


def unread_body(bench):
    _, attempt = streamed(bench.recorder, stream=False)
    assert list(Body(bench.recorder, attempt, raw=True).stream) == [b""]
    bench.recorder.end_call(attempt.call)


def not_sent(bench):
    failed(bench.recorder, started(bench.recorder), "client_error")


def unknown_model(bench):
    success(bench.recorder, message(model="claude-next"))


def by_a_gateway(bench):
    success(bench.recorder, message(model=f"anthropic/{OPUS}"))


def without_usage(bench):
    success(bench.recorder, message(None))


def malformed(bench):
    success(bench.recorder, message({**USAGE, "output_tokens": "300"}))


PRICED = {name: amount for name, amount in PARTS.items() if name != "output"}
KNOWN = round(sum(PRICED.values()), 6)


class Way(NamedTuple):
    """How a call goes, and what is counted then: None is no series."""

    go: Callable[[Any], None]
    counted_in: int | None
    counted_out: int | None
    tokens_in: int | None
    tokens_out: int | None
    parts: dict[str, float]
    cost: float | None
    reason: str | None


WAYS = [
    Way(whole, TOTAL_INPUT, 300, TOTAL_INPUT, 300, PARTS, TOTAL, None),
    Way(rejected, None, None, None, None, {}, None, None),
    Way(not_sent, None, None, None, None, {}, None, None),
    Way(no_response, None, None, None, None, {}, None, "no_response"),
    Way(unread_body, None, None, None, None, {}, None, "unread_body"),
    Way(left_before_anything, None, None, None, None, {}, None, "incomplete_stream"),
    Way(left_early, TOTAL_INPUT, None, TOTAL_INPUT, None, PRICED, KNOWN, "incomplete_stream"),
    Way(unknown_model, TOTAL_INPUT, 300, TOTAL_INPUT, 300, {}, None, "unknown_model"),
    Way(by_a_gateway, TOTAL_INPUT, 300, TOTAL_INPUT, 300, PARTS, TOTAL, "unknown_endpoint"),
    Way(without_usage, None, None, None, None, {}, None, "no_usage"),
    Way(malformed, TOTAL_INPUT, None, TOTAL_INPUT, None, PRICED, KNOWN, "malformed_usage"),
]


@pytest.mark.parametrize("way", WAYS, ids=[way.go.__name__ for way in WAYS])
def test_tokens_and_cost(bench, way):
    way.go(bench)
    assert (bench.value(c.INPUT_TOKENS), bench.value(c.OUTPUT_TOKENS)) == (way.counted_in, way.counted_out)
    assert [bench.value(metric) for metric in HISTOGRAMS] == [
        None if value is None else (1, value) for value in (way.tokens_in, way.tokens_out, way.cost)
    ]
    assert bench.values(c.COST, c.COST_TYPE) == way.parts
    assert bench.values(c.UNPRICED, c.UNPRICED_REASON) == ({} if way.reason is None else {way.reason: 1})
    assert bench.value(c.CALLS) == bench.value(c.DURATION)[0] == 1


def test_the_cache(bench):
    success(bench.recorder)
    assert bench.value(c.CACHE_READ_TOKENS) == 20_000
    assert bench.values(c.CACHE_WRITE_TOKENS, c.CACHE_TTL) == {"5m": 500, "1h": 200}
    assert bench.value(c.CACHE_SAVINGS) == SAVINGS
    assert bench.values(c.CACHE_OVERHEAD, c.CACHE_TTL) == OVERHEAD


def test_thinking_and_server_tools(bench):
    success(bench.recorder)
    assert bench.value(c.REASONING_TOKENS) == 120
    assert bench.values(c.SERVER_TOOL_CALLS, c.TOOL_NAME) == {"web_search": 2, "web_fetch": 1}


def test_a_call_without_cache_or_tools_has_no_such_series(bench):
    success(bench.recorder, message({"input_tokens": 10, "output_tokens": 5}))
    assert set(bench.points()) == {
        metric.name
        for metric in (
            c.DURATION, c.CALL_INPUT_TOKENS, c.CALL_OUTPUT_TOKENS, c.CALL_COST, c.INPUT_TOKENS, c.OUTPUT_TOKENS, c.COST,
            c.CALLS, c.ATTEMPTS, c.TAG_VALUES,
        )
    }  # fmt: skip


def test_how_a_call_ended_and_its_attempts(bench):
    success(bench.recorder)
    rejected(bench)
    no_response(bench)
    assert bench.values(c.CALLS, c.STOP_REASON, c.ERROR_TYPE) == {
        ("end_turn", None): 1,
        (None, "rate_limit_error"): 1,
        (None, "client_timeout_error"): 1,
    }
    assert bench.values(c.ATTEMPTS, c.STATUS_CODE, c.ERROR_TYPE, c.ATTEMPT_OUTCOME, c.BLOCKED_REASON) == {
        (200, None, "success", None): 1,
        (429, "rate_limit_error", "failed", "rate_limit"): 1,
        (None, "client_timeout_error", "failed", None): 1,
    }
    assert bench.values(c.DURATION, c.ERROR_TYPE).keys() == {None, "rate_limit_error", "client_timeout_error"}


def test_the_delay_of_a_retry(bench):
    call = started(bench.recorder)
    attempt = responded(bench.recorder, call, 529)
    bench.recorder.on_retry(attempt, 1.5)
    assert (attempt.outcome, attempt.delay) == ("retried", 1.5)
    assert bench.value(c.RETRY_DELAY) == (1, 1.5)
    bench.recorder.detach(call)
    bench.recorder.forget(call)


def test_the_time_to_first_chunk_is_that_of_streams(bench):
    left_early(bench)
    (count, seconds) = bench.value(c.TIME_TO_FIRST_CHUNK)
    assert count == 1
    assert 0 < seconds <= bench.value(c.DURATION)[1]


def test_a_call_that_is_no_stream_has_no_time_to_first_chunk(bench):
    streamed(bench.recorder, *stream(), stream=False)
    assert bench.value(c.CALLS) == 1
    assert bench.value(c.TIME_TO_FIRST_CHUNK) is None


def test_the_output_of_a_stream_without_its_end_is_counted_and_is_not_that_of_the_call(bench):
    delta = {"type": "message_delta", "delta": {}, "usage": {"output_tokens": 40}}
    _, attempt = streamed(bench.recorder, *stream()[:4], delta)
    Body(bench.recorder, attempt).stream.close()
    assert bench.value(c.OUTPUT_TOKENS) == 40
    assert bench.value(c.CALL_OUTPUT_TOKENS) is None
    assert bench.values(c.COST, c.COST_TYPE) == PRICED


def test_of_two_hops_of_which_one_has_no_price_the_cost_is_a_lower_bound(bench):
    call = started(bench.recorder)
    feed(bench.recorder, responded(bench.recorder, call), message(name="msg_1", model="claude-next"))
    feed(bench.recorder, responded(bench.recorder, call), message(name="msg_2"))
    returned(bench.recorder, call)
    assert bench.values(c.UNPRICED, c.UNPRICED_REASON) == {"unknown_model": 1}
    assert bench.value(c.CALL_COST) == (1, TOTAL)
    assert bench.span.attributes[c.COST_STATUS] == "lower_bound"


def test_fallback_hops_are_counted_each_by_its_model(bench):
    call = started(bench.recorder)
    feed(bench.recorder, responded(bench.recorder, call), message(name="msg_1", model="claude-haiku-5-5"))
    feed(bench.recorder, responded(bench.recorder, call), message(name="msg_2"))
    returned(bench.recorder, call)
    assert bench.values(c.INPUT_TOKENS, c.RESPONSE_MODEL) == {"claude-haiku-5-5": TOTAL_INPUT, OPUS: TOTAL_INPUT}
    assert bench.values(c.CALLS, c.RESPONSE_MODEL) == {OPUS: 1}
    assert bench.value(c.CALL_INPUT_TOKENS) == (1, 2 * TOTAL_INPUT)


def test_iterations_are_counted_each_by_its_model(bench):
    parts = [
        {"type": "advisor_message", "model": "claude-haiku-5-5", "input_tokens": 100, "output_tokens": 10},
        {"type": "message", "input_tokens": 1_000, "output_tokens": 300},
    ]
    success(bench.recorder, message({"input_tokens": 1_000, "output_tokens": 300, "iterations": parts}))
    assert bench.values(c.INPUT_TOKENS, c.RESPONSE_MODEL) == {"claude-haiku-5-5": 100, OPUS: 1_000}
    assert bench.values(c.OUTPUT_TOKENS, c.RESPONSE_MODEL) == {"claude-haiku-5-5": 10, OPUS: 300}
    assert bench.value(c.CALL_INPUT_TOKENS) == (1, 1_100)


def test_a_hostile_response_does_not_stop_the_export_of_sums(bench):
    """A sum beyond 64 bits fails to encode, and with it every metric of every later export."""
    entry = {"type": "message", "input_tokens": (1 << 53) - 1, "output_tokens": (1 << 53) - 1}
    success(bench.recorder, message({**entry, "iterations": [entry] * 2_000}))
    assert bench.value(c.INPUT_TOKENS) is None
    assert bench.values(c.UNPRICED, c.UNPRICED_REASON) == {"malformed_usage": 1}


ALWAYS = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "anthropic",
    "claude.client.library": "anthropic",
    "gen_ai.request.model": OPUS,
    "gen_ai.response.model": OPUS,
    "server.address": "api.anthropic.com",
    "server.port": 443,
    "claude.api_key.hint": "sk-ant-api03-R2D...igAA",
}
TAGGED = {"claude.tag.feature": "search", "claude.tag.tenant": "acme"}


def attributes(bench, metric):
    return [dict(point.attributes) for point in bench.points()[metric.name]]


@pytest.mark.parametrize("usage", [USAGE, {"input_tokens": 10, "output_tokens": 5}], ids=["general", "ordinary"])
@pytest.mark.parametrize("asked_for", [False, True])
def test_tags_are_on_counters_and_on_histograms_only_where_that_is_asked_for(bench, usage, asked_for):
    recorder, _ = recorder_of(None, bench.metering, histogram_tags=asked_for)
    success(recorder, message(usage))
    assert attributes(bench, c.CALLS) == [{**ALWAYS, **TAGGED, c.STOP_REASON: "end_turn"}]
    for metric in (c.DURATION, *HISTOGRAMS):
        assert attributes(bench, metric) == [{**ALWAYS, **TAGGED} if asked_for else ALWAYS], metric.name


GEOS = [("us", "us"), ("eu", "eu"), ("global", None), ("not_available", None), (None, None)]


@pytest.mark.parametrize("searches", [0, 1], ids=["ordinary", "general"])
@pytest.mark.parametrize(("geo", "shown"), GEOS)
def test_cost_says_where_it_was_served_if_that_is_not_the_default(bench, geo, shown, searches):
    usage = {"input_tokens": 10, "output_tokens": 5, "inference_geo": geo}
    success(bench.recorder, message({**usage, "server_tool_use": {"web_search_requests": searches}}))
    assert {key for key, _ in bench.values(c.COST, c.INFERENCE_GEO, c.COST_TYPE)} <= {shown}
    assert all(c.INFERENCE_GEO not in found for metric in (c.CALLS, c.CALL_COST) for found in attributes(bench, metric))


def test_a_sum_of_zero_is_no_point(bench):
    success(bench.recorder, message({"input_tokens": 5, "output_tokens": 0, "cache_read_input_tokens": 0}))
    assert c.OUTPUT_TOKENS.name not in bench.points()
    assert bench.values(c.COST, c.COST_TYPE).keys() == {"input"}
    assert bench.value(c.CALL_OUTPUT_TOKENS) == (1, 0), "of a call it is known that it had none"


def test_no_input_beside_output_is_not_known(bench):
    success(bench.recorder, message({"input_tokens": 0, "output_tokens": 5, "cache_read_input_tokens": 0}))
    assert c.INPUT_TOKENS.name not in bench.points()
    assert c.CALL_INPUT_TOKENS.name not in bench.points()
    assert bench.values(c.COST, c.COST_TYPE).keys() == {"output"}
    assert bench.values(c.UNPRICED, c.UNPRICED_REASON) == {"missing_counts": 1}
