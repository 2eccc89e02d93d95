"""The recorder's spans: exact attributes and status for every way that a call can go."""

from __future__ import annotations

import pytest
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode
from unit_calls import (
    AT,
    CALLER,
    HINT,
    OPUS,
    PARTS,
    TOTAL,
    TOTAL_INPUT,
    USAGE,
    answered,
    begun,
    message,
    stream,
    success,
)

from otel_claude import pricing
from otel_claude import semconv as c
from otel_claude.api import Limit, Refusal, Request, Shape

TABLE = pricing.shipped().name
ASKED = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "anthropic",
    "gen_ai.request.model": OPUS,
    "server.address": "api.anthropic.com",
    "server.port": 443,
    "http.request.method": "POST",
    "http.route": "/v1/messages",
    "claude.api_key.hint": HINT,
    "claude.tag.feature": "search",
    "claude.tag.tenant": "acme",
    "claude.price_table": TABLE,
}
SAID = {
    "gen_ai.response.id": "msg_1",
    "gen_ai.response.model": OPUS,
    "gen_ai.usage.input_tokens": TOTAL_INPUT,
    "gen_ai.usage.cache_read.input_tokens": 20_000,
    "gen_ai.usage.cache_write.input_tokens": 700,
    "anthropic.usage.cache_creation.ephemeral_5m_input_tokens": 500,
    "anthropic.usage.cache_creation.ephemeral_1h_input_tokens": 200,
    "anthropic.response.service_tier": "standard",
    "claude.speed": "standard",
    "claude.inference_geo": "global",
    "claude.server_tool.web_search.requests": 2,
    "claude.server_tool.web_fetch.requests": 1,
    "http.response.status_code": 200,
}
FINAL = {
    "anthropic.message.stop_reason": "end_turn",
    "gen_ai.usage.output_tokens": 300,
    "gen_ai.usage.reasoning.output_tokens": 120,
}


def cost(parts, total, status="exact"):
    return {
        "gen_ai.usage.cost.amount": total,
        "gen_ai.usage.cost.currency": "USD",
        "gen_ai.usage.cost.source": "local",
        "claude.cost.status": status,
        **{f"claude.cost.{name}.usd": amount for name, amount in parts.items()},
    }


def typed(values):
    return {name: (type(value).__name__, value) for name, value in dict(values).items()}


def check(span, expected, status=StatusCode.UNSET):
    assert typed(span.attributes) == typed(expected)
    assert (span.name, span.kind, span.status.status_code) == (f"chat {OPUS}", SpanKind.CLIENT, status)


def test_success(bench):
    success(bench.recorder)
    check(bench.span, {**ASKED, **SAID, **FINAL, **cost(PARTS, TOTAL)}, StatusCode.OK)


def test_a_stream_has_its_time_to_first_chunk(bench):
    call = begun(bench.recorder, stream=True)
    attempt = answered(call)
    bench.recorder.left(call)
    call.returned(pending=True)
    for event in stream():
        call.heard(event, attempt)
    first = {"gen_ai.request.stream": True, "gen_ai.response.time_to_first_chunk": call.first_chunk}
    check(bench.span, {**ASKED, **SAID, **FINAL, **first, **cost(PARTS, TOTAL)}, StatusCode.OK)


def test_refused_costs_nothing(bench):
    call = begun(bench.recorder)
    answered(call, 429).refused(Refusal(429, "rate_limit_error", "rate_limit"))
    bench.recorder.left(call)
    call.failed("rate_limit_error")
    told = {"http.response.status_code": 429, "error.type": "rate_limit_error"}
    check(bench.span, {**ASKED, **told, **cost({}, 0.0)}, StatusCode.ERROR)


MISSING = [
    # the last attempt's status, how the body ended, whether it streams, why it has no price
    (None, None, False, "no_response"),
    (200, {"read": True, "raw": True}, False, "unread_body"),
    (200, {"read": False}, True, "incomplete_stream"),
]


@pytest.mark.parametrize(("status", "body", "streams", "reason"), MISSING, ids=[row[3] for row in MISSING])
def test_without_an_answer_it_is_unpriced_and_says_why(bench, status, body, streams, reason):
    call = begun(bench.recorder, stream=streams)
    attempt = call.attempt()
    if status is not None:
        attempt.status, attempt.outcome = status, "success"
    bench.recorder.left(call)
    if body is None:
        call.failed("client_timeout_error")
    else:
        call.body_ended(attempt, **body)
    told = {"claude.cost.status": "unpriced", "claude.unpriced.reason": reason}
    told |= {"error.type": "client_timeout_error"} if status is None else {"http.response.status_code": 200}
    told |= {"gen_ai.request.stream": True} if streams else {}
    check(bench.span, {**ASKED, **told}, StatusCode.ERROR if status is None else StatusCode.UNSET)


def test_aborted_is_a_lower_bound_without_output(bench):
    call = begun(bench.recorder, stream=True)
    attempt = answered(call)
    bench.recorder.left(call)
    call.returned(pending=True)
    for event in stream()[:4]:
        call.heard(event, attempt)
    call.body_ended(attempt, read=False)
    told = {"gen_ai.request.stream": True, "gen_ai.response.time_to_first_chunk": call.first_chunk}
    known = {name: amount for name, amount in PARTS.items() if name != "output"}
    bound = {**cost(known, 0.0321, "lower_bound"), "claude.unpriced.reason": "incomplete_stream"}
    check(bench.span, {**ASKED, **SAID, **told, **bound})


def test_never_sent_costs_nothing(bench):
    call = begun(bench.recorder)
    bench.recorder.left(call)
    call.failed("client_error")
    check(bench.span, {**ASKED, "error.type": "client_error", **cost({}, 0.0)}, StatusCode.ERROR)


def test_of_an_unknown_model_there_is_no_amount(bench):
    success(bench.recorder, message(model="claude-next"))
    told = {"gen_ai.response.model": "claude-next", "claude.cost.status": "unpriced"}
    check(bench.span, {**ASKED, **SAID, **FINAL, **told, "claude.unpriced.reason": "unknown_model"}, StatusCode.OK)


def test_what_the_request_says(bench):
    thinking = {"thinking_type": "enabled", "thinking_budget": 2_000, "effort": "high"}
    call = begun(bench.recorder, max_tokens=64, service_tier="auto", json_output=True, **thinking)
    call.shape = Shape(2, 3, 1)
    call.request_id, call.organization_id, call.workspace_id = "req_1", "org_1", "wrkspc_1"
    call.heard(message(), answered(call))
    bench.recorder.left(call)
    call.returned(pending=False)
    told = {
        "gen_ai.request.max_tokens": 64,
        "gen_ai.request.reasoning.level": "high",
        "gen_ai.output.type": "json",
        "anthropic.request.service_tier": "auto",
        "anthropic.thinking.type": "enabled",
        "anthropic.thinking.budget_tokens": 2_000,
        "claude.request.tools": 2,
        "claude.request.messages": 3,
        "claude.request.cache_breakpoints": 1,
        "anthropic.request.id": "req_1",
        "anthropic.organization.id": "org_1",
        "anthropic.workspace.id": "wrkspc_1",
    }
    check(bench.span, {**ASKED, **SAID, **FINAL, **told, **cost(PARTS, TOTAL)}, StatusCode.OK)


def test_a_retry_is_an_event_and_limits_are_attributes(bench):
    call = begun(bench.recorder)
    first = answered(call, 429)
    first.refused(Refusal(429, "rate_limit_error", "rate_limit"))
    first.limits = (Limit("requests", 10, 0, 1.0, AT + 60),)
    first.outcome, first.delay = "retried", 1.5
    bench.recorder.retried(first)
    second = answered(call)
    second.limits = (Limit("requests", 10, 9, 0.1, AT + 6), Limit("unified_5h", utilization=0.5))
    call.heard(message(), second)
    bench.recorder.left(call)
    call.returned(pending=False)
    limits = {"limit": 10, "remaining": 9, "reset": AT + 6}
    told = {"http.request.resend_count": 1, **{f"claude.rate_limit.requests.{name}": v for name, v in limits.items()}}
    check(bench.span, {**ASKED, **SAID, **FINAL, **told, **cost(PARTS, TOTAL)}, StatusCode.OK)
    (event,) = bench.span.events
    assert event.name == "claude.attempt"
    assert typed(event.attributes) == typed(
        {
            "claude.attempt.number": 1,
            "http.response.status_code": 429,
            "error.type": "rate_limit_error",
            "claude.blocked.reason": "rate_limit",
            "claude.attempt.delay": 1.5,
        }
    )


def test_our_span_is_current_while_the_call_runs_and_a_child_of_what_was(bench):
    with bench.tracing.get_tracer("application").start_as_current_span("request") as outer:
        call = begun(bench.recorder)
        assert trace.get_current_span() is call.span
        bench.recorder.left(call)
        assert trace.get_current_span() is outer
        call.discard()
    span, _ = bench.spans
    assert span.parent.span_id == outer.get_span_context().span_id


def test_compaction_and_all_iterations_are_on_the_span(bench):
    parts = [
        {"type": "compaction", "input_tokens": 100, "output_tokens": 10},
        {"type": "message", "input_tokens": 1_000, "output_tokens": 300},
    ]
    usage = {"input_tokens": 1_000, "output_tokens": 300, "iterations": parts, "service_tier": "standard"}
    success(bench.recorder, message(usage))
    attributes = bench.span.attributes
    assert attributes["anthropic.usage.compaction.input_tokens"] == 100
    assert attributes["anthropic.usage.compaction.output_tokens"] == 10
    assert attributes["gen_ai.usage.input_tokens"] == 1_000
    assert attributes["gen_ai.usage.cost.amount"] == pytest.approx(0.0044 + 0.0062)


def test_content_is_on_no_span(bench):
    success(bench.recorder)
    assert "planted" not in bench.span.to_json()


def test_the_samplers_see_what_is_known_before_the_call(bench):
    call = begun(bench.recorder)
    assert call.span.attributes[c.REQUEST_MODEL] == OPUS
    assert c.API_KEY_HINT not in call.span.attributes
    bench.recorder.left(call)
    call.discard()
    assert CALLER.server_address == bench.span.attributes[c.SERVER_ADDRESS]
    assert Request(OPUS).model == bench.span.attributes[c.REQUEST_MODEL]
    assert USAGE["input_tokens"] not in bench.span.attributes.values()
