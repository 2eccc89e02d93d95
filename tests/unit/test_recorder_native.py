"""The recorder beside the SDK's own span: it describes the call on it once, just before it ends, and never ends it."""

from __future__ import annotations

import httpx2
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor
from unit_calls import (
    PARTS,
    TOTAL,
    Body,
    failed,
    feed,
    message,
    responded,
    returned,
    sent,
    started,
    stream,
    success,
)

from otel_claude import pricing
from otel_claude import semconv as c
from otel_claude.api.errors import ApiError
from otel_claude.telemetry import span_attributes

ALWAYS = {
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
KNOWN = [name for name in PARTS if name != "output"]
LIMITS = [
    (b"anthropic-ratelimit-requests-limit", b"10"),
    (b"anthropic-ratelimit-requests-remaining", b"4"),
    (b"anthropic-ratelimit-requests-reset", b"1795348800"),
    (b"anthropic-ratelimit-unified-5h-utilization", b"0.5"),
]


def cost(status, parts=(), total=None, reason=None):
    amounts = {} if total is None else {c.COST_AMOUNT: total, c.COST_CURRENCY: "USD", c.COST_SOURCE: "local"}
    reasons = {} if reason is None else {c.UNPRICED_REASON: reason}
    return {c.COST_STATUS: status, **amounts, **reasons, **{f"claude.cost.{name}.usd": PARTS[name] for name in parts}}


class Native:
    """A call inside a span of the SDK's."""

    def __init__(self, bench, span, body=None):
        self.recorder = bench.recorder
        self.span = span
        self.call = started(self.recorder, native=True, stream=True)
        assert self.call.span is None, "ours was opened beside it"
        self.first = sent(self.recorder, self.call, body)

    def responded(self, status=200, headers=()):
        self.recorder.on_headers(self.first, status, headers)
        if status < 400:
            self.first.outcome = "success"
        return self.first

    def returned(self, *, pending=False):
        returned(self.recorder, self.call, pending=pending)

    def feed(self, *bodies):
        feed(self.recorder, self.first, *bodies)

    @property
    def attributes(self):
        return dict(self.span.attributes)


@pytest.fixture
def scope():
    return "com.anthropic.sdk.python/anthropic"


@pytest.fixture
def native(bench, scope):
    """A call inside a span of the SDK's, which the test ends."""
    with bench.tracing.get_tracer(scope).start_as_current_span("chat", end_on_exit=False) as span:
        native = Native(bench, span)
    assert native.call.span is span
    yield native
    if span.is_recording():
        span.end()
    assert len(bench.spans) == 1, "ours was opened beside it, or it ended twice"
    assert "end" not in vars(span)


def test_nothing_is_written_before_something_ends(native):
    native.responded(headers=LIMITS)
    native.returned(pending=True)
    native.feed(*stream()[:6])
    assert native.attributes == {}
    native.recorder.end_call(native.call)


def test_a_span_that_ends_before_anything_is_known_is_unpriced(native):
    native.span.end()
    assert native.attributes == {**ALWAYS, **cost("unpriced", reason="no_response")}
    failed(native.recorder, native.call, "connection_error")
    assert native.attributes == {**ALWAYS, **cost("unpriced", reason="no_response")}


def test_a_span_that_ends_because_no_connection_could_be_made_costs_nothing(native):
    try:
        raise httpx2.ConnectError("planted secret")  # noqa: TRY301 - the library ends its span while it handles this
    except httpx2.ConnectError:
        native.span.end()
    assert native.attributes == {**ALWAYS, **cost("exact", (), 0.0)}
    failed(native.recorder, native.call, "connection_error")


def test_a_message_is_described_when_the_span_ends(native):
    native.responded()
    native.feed(message())
    native.span.end()
    expected = {**ALWAYS, **SERVED, **cost("exact", PARTS, TOTAL)}
    assert native.attributes == expected
    native.returned()
    assert native.attributes == expected


def test_or_when_the_call_ends_if_the_span_is_still_open(native):
    native.responded()
    native.feed(message())
    native.returned()
    assert native.attributes == {**ALWAYS, **SERVED, **cost("exact", PARTS, TOTAL)}
    assert native.span.is_recording(), "it is not ours to end"


def test_it_is_described_once(native, monkeypatch):
    described = []
    of_call = span_attributes.of_call
    monkeypatch.setattr(span_attributes, "of_call", lambda *known: described.append(known) or of_call(*known))
    native.responded()
    native.feed(message())
    native.span.end()
    native.returned()
    assert len(described) == 1


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (4, {**SERVED, **cost("lower_bound", KNOWN, 0.0321, "incomplete_stream")}),
        (6, {**SERVED, **cost("exact", PARTS, TOTAL)}),
    ],
    ids=["in the middle", "after the counts"],
)
def test_a_stream_whose_span_ends_early_has_what_is_known_then(native, number, expected):
    native.responded()
    native.returned(pending=True)
    native.feed(*stream()[:number])
    native.span.end()
    assert native.attributes == {**ALWAYS, **expected}
    native.feed(*stream()[number:])


def test_parts_that_a_later_event_makes_0_are_not_on_the_span(native):
    native.responded()
    native.returned(pending=True)
    start, *_, delta, stop = stream()
    native.feed(start, {**delta, "usage": {**delta["usage"], "input_tokens": 0}}, stop)
    parts = [name for name in PARTS if name != "input"]
    assert native.attributes == {**ALWAYS, **SERVED, **cost("exact", parts, pytest.approx(TOTAL - 0.004))}


def test_a_stream_that_was_left_early_says_why(native):
    attempt = native.responded()
    native.returned(pending=True)
    native.feed(stream()[0])
    Body(native.recorder, attempt).stream.close()
    assert native.attributes == {**ALWAYS, **SERVED, **cost("lower_bound", KNOWN, 0.0321, "incomplete_stream")}


def test_a_rejected_call_costs_nothing(native):
    native.responded(400).reject(ApiError(400, "invalid_request_error", None))
    native.span.end()
    assert native.attributes == {**ALWAYS, **cost("exact", (), 0.0)}
    failed(native.recorder, native.call, "invalid_request_error")


def test_a_rejection_and_then_no_response_is_not_free(bench, native):
    """A middleware went on after the rejection, and what it sent then may have been billed."""
    native.responded(400).reject(ApiError(400, "invalid_request_error", None))
    sent(native.recorder, native.call)
    failed(native.recorder, native.call, "connection_error")
    assert bench.values(c.UNPRICED, c.UNPRICED_REASON) == {"no_response": 1}
    assert native.attributes == {**ALWAYS, **cost("unpriced", reason="no_response")}


def test_limits_and_retries(native):
    native.responded(529, LIMITS).reject(ApiError(529, "overloaded_error", "overloaded"))
    native.recorder.on_retry(native.first, 0.5)
    assert [event.name for event in native.span.events] == ["claude.attempt"]
    native.first = responded(native.recorder, native.call)
    native.feed(message())
    native.returned()
    limits = {"limit": 10, "remaining": 4, "reset": 1_795_348_800.0}
    assert native.attributes == {
        **ALWAYS,
        **SERVED,
        **cost("exact", PARTS, TOTAL),
        **{f"claude.rate_limit.requests.{name}": value for name, value in limits.items()},
    }


def test_the_size_of_the_request(bench, scope):
    mark = {"cache_control": {"type": "ephemeral"}}
    body = {"tools": [{}, mark], "messages": [{"content": [mark]}]}
    with bench.tracing.get_tracer(scope).start_as_current_span("chat") as span:
        native = Native(bench, span, body)
        native.responded()
        native.feed(message())
        native.returned()
    sizes = {name: value for name, value in bench.span.attributes.items() if name.startswith("claude.request.")}
    assert sizes == {
        "claude.request.tools": 2,
        "claude.request.messages": 1,
        "claude.request.cache_breakpoints": 2,
    }


def test_a_span_that_ends_with_a_time_ends_at_that_time(native):
    native.span.end(end_time=1_795_348_800_000_000_000)
    assert native.span.end_time == 1_795_348_800_000_000_000
    native.recorder.forget(native.call)


def test_a_failure_of_ours_does_not_keep_the_span_open(native, monkeypatch, warnings):
    def fail(*_):
        raise RuntimeError("planted secret")

    monkeypatch.setattr(span_attributes, "of_call", fail)
    native.span.end()
    assert not native.span.is_recording()
    (warning,) = warnings()
    assert "could not describe a call on a span (RuntimeError)" in warning
    native.recorder.forget(native.call)


def test_a_processor_of_the_applications_that_raises_is_the_librarys_to_handle(bench, native):
    class Broken(SpanProcessor):
        def on_end(self, span):
            raise LookupError("the application's")

    bench.tracing.add_span_processor(Broken())
    with pytest.raises(LookupError):
        native.span.end()
    native.recorder.forget(native.call)


def test_without_spans_it_is_left_alone(bench, scope):
    bench.recorder.tracer = None
    with bench.tracing.get_tracer(scope).start_as_current_span("chat") as span:
        success(bench.recorder, native=True)
        assert "end" not in vars(span)
    assert dict(bench.span.attributes) == {}
    assert bench.value(c.CALLS) == 1


def test_a_span_of_the_applications_is_left_alone(bench):
    with bench.tracing.get_tracer("application").start_as_current_span("request") as span:
        call = success(bench.recorder, native=True)
        assert call.span is None
        assert dict(span.attributes) == {}
        assert "end" not in vars(span)
        assert trace.get_current_span() is span
