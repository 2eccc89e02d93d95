"""The recorder beside the SDK's own span: it enriches it before it ends, and never ends it."""

from __future__ import annotations

import pytest
from opentelemetry import trace
from unit_calls import PARTS, TOTAL, answered, begun, message, stream

from otel_claude import pricing
from otel_claude import semconv as c
from otel_claude.api import Limit, Refusal

ENRICHED = {
    "claude.api_key.hint": "sk-ant-api03-R2D...igAA",
    "claude.tag.feature": "search",
    "claude.tag.tenant": "acme",
    "claude.price_table": pricing.shipped().name,
}
SERVED = {
    "claude.speed": "standard",
    "claude.inference_geo": "global",
    "claude.server_tool.web_search.requests": 2,
    "claude.server_tool.web_fetch.requests": 1,
}


def cost(status, parts=(), total=None):
    amounts = {} if total is None else {c.COST_AMOUNT: total, c.COST_CURRENCY: "USD", c.COST_SOURCE: "local"}
    return {c.COST_STATUS: status, **amounts, **{f"claude.cost.{name}.usd": PARTS[name] for name in parts}}


@pytest.fixture
def native(bench):
    """A call inside a span of the SDK's, which the test ends."""
    tracer = bench.tracing.get_tracer("com.anthropic.sdk.python/anthropic")
    with tracer.start_as_current_span("chat", end_on_exit=False) as span:
        call = begun(bench.recorder, native=True, stream=True)
        assert call.span is None, "ours was opened beside it"
        bench.recorder.sending(call)
        assert call.span is span
        bench.recorder.described(call)
    yield call
    if span.is_recording():
        span.end()


def test_what_it_has_from_the_start(bench, native):
    assert dict(native.span.attributes) == {**ENRICHED, **cost("unpriced")}
    native.discard()


def test_a_message_enriches_it_at_once(bench, native):
    native.heard(message(), answered(native))
    native.span.end()
    native.returned(pending=False)
    assert dict(bench.span.attributes) == {**ENRICHED, **SERVED, **cost("exact", PARTS, TOTAL)}


def test_a_stream_has_a_cost_once_its_counts_are_final(bench, native):
    """What `message_start` says may be replaced, and no attribute can be taken back."""
    attempt = answered(native)
    native.returned(pending=True)
    *events, delta, _ = stream()
    for event in events:
        native.heard(event, attempt)
    assert dict(native.span.attributes) == {**ENRICHED, c.COST_STATUS: "unpriced"}
    native.heard(delta, attempt)
    assert dict(native.span.attributes) == {**ENRICHED, **SERVED, **cost("exact", PARTS, TOTAL)}
    native.end()
    assert native.span.is_recording(), "it is not ours to end"


def test_an_aborted_stream_says_why_if_the_span_is_still_open(bench, native):
    attempt = answered(native)
    native.returned(pending=True)
    native.heard(stream()[0], attempt)
    native.body_ended(attempt, read=False)
    assert native.span.attributes[c.COST_STATUS] == "lower_bound"
    assert native.span.attributes[c.UNPRICED_REASON] == "incomplete_stream"


def test_a_refusal_costs_nothing(bench, native):
    answered(native, 400).refused(Refusal(400, "invalid_request_error", None))
    bench.recorder.known(native)
    native.failed("invalid_request_error")
    assert dict(native.span.attributes) == {**ENRICHED, **cost("exact", (), 0.0)}


def test_a_refusal_and_then_no_answer_is_not_free(bench, native):
    """A middleware went on after the refusal, and what it sent then may have been billed."""
    answered(native, 400).refused(Refusal(400, "invalid_request_error", None))
    bench.recorder.known(native)
    native.attempt()
    native.failed("connection_error")
    assert bench.values(c.UNPRICED, c.UNPRICED_REASON) == {"no_response": 1}
    assert native.span.attributes[c.COST_STATUS] == "unpriced"


def test_limits_and_retries_are_told_at_once(bench, native):
    attempt = answered(native, 529)
    attempt.refused(Refusal(529, "overloaded_error", "overloaded"))
    attempt.limits = (Limit("requests", 10, 4, 0.6, 1_795_348_800.0),)
    bench.recorder.limited(native, attempt)
    attempt.outcome, attempt.delay = "retried", 0.5
    bench.recorder.retried(attempt)
    told = dict(native.span.attributes)
    assert {name: told[f"claude.rate_limit.requests.{name}"] for name in ("limit", "remaining", "reset")} == {
        "limit": 10,
        "remaining": 4,
        "reset": 1_795_348_800.0,
    }
    assert [event.name for event in native.span.events] == ["claude.attempt"]
    native.discard()


def test_a_span_of_the_applications_is_left_alone(bench):
    with bench.tracing.get_tracer("application").start_as_current_span("request") as span:
        call = begun(bench.recorder, native=True)
        bench.recorder.sending(call)
        assert call.span is None
        call.heard(message(), answered(call))
        call.returned(pending=False)
        assert dict(span.attributes) == {}
        assert trace.get_current_span() is span
