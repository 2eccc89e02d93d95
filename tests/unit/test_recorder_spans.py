"""The recorder's spans: exact attributes and status for every way that a call can go."""

from __future__ import annotations

import pytest
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode
from unit_calls import (
    AT,
    CLIENT,
    HINT,
    OPUS,
    PARTS,
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

from otel_claude import pricing
from otel_claude import semconv as c
from otel_claude.api.errors import ApiError
from otel_claude.api.request import RequestFeatures, RequestSize

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
    "gen_ai.response.finish_reasons": ("end_turn",),
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
    check(bench.span, {**ASKED, **SAID, **FINAL, **cost(PARTS, TOTAL)})


def test_a_stream_has_its_time_to_first_chunk(bench):
    call, _ = streamed(bench.recorder, *stream())
    first = {"gen_ai.request.stream": True, "gen_ai.response.time_to_first_chunk": call.time_to_first_chunk}
    check(bench.span, {**ASKED, **SAID, **FINAL, **first, **cost(PARTS, TOTAL)})


def test_a_rejected_call_costs_nothing(bench):
    call = started(bench.recorder)
    responded(bench.recorder, call, 429).reject(ApiError(429, "rate_limit_error", "rate_limit"))
    failed(bench.recorder, call, "rate_limit_error")
    error = {"http.response.status_code": 429, "error.type": "rate_limit_error"}
    check(bench.span, {**ASKED, **error, **cost({}, 0.0)}, StatusCode.ERROR)


UNPRICED = {"claude.cost.status": "unpriced"}


def test_without_a_response_it_is_unpriced_and_says_why(bench):
    call = started(bench.recorder)
    sent(bench.recorder, call)
    failed(bench.recorder, call, "client_timeout_error")
    said = {"claude.unpriced.reason": "no_response", "error.type": "client_timeout_error"}
    check(bench.span, {**ASKED, **UNPRICED, **said}, StatusCode.ERROR)


@pytest.mark.parametrize(("streams", "reason"), [(True, "incomplete_stream"), (False, "unread_body")])
def test_a_body_that_was_not_read_is_unpriced_and_says_why(bench, streams, reason):
    _, attempt = streamed(bench.recorder, stream=streams)
    Body(bench.recorder, attempt).stream.close()
    said = {"claude.unpriced.reason": reason, "http.response.status_code": 200}
    said |= {"gen_ai.request.stream": True} if streams else {}
    check(bench.span, {**ASKED, **UNPRICED, **said})


def test_left_early_it_is_a_lower_bound_without_output(bench):
    call, attempt = streamed(bench.recorder, *stream()[:4])
    Body(bench.recorder, attempt).stream.close()
    first = {"gen_ai.request.stream": True, "gen_ai.response.time_to_first_chunk": call.time_to_first_chunk}
    known = {name: amount for name, amount in PARTS.items() if name != "output"}
    bound = {**cost(known, 0.0321, "lower_bound"), "claude.unpriced.reason": "incomplete_stream"}
    check(bench.span, {**ASKED, **SAID, **first, **bound, "gen_ai.response.finish_reasons": ("error",)})


def test_never_sent_costs_nothing(bench):
    failed(bench.recorder, started(bench.recorder), "client_error")
    check(bench.span, {**ASKED, "error.type": "client_error", **cost({}, 0.0)}, StatusCode.ERROR)


def test_a_call_that_the_application_stopped_is_no_error(bench):
    call = started(bench.recorder)
    sent(bench.recorder, call)
    failed(bench.recorder, call, None)
    check(bench.span, {**ASKED, **UNPRICED, "claude.unpriced.reason": "no_response"})


def test_of_an_unknown_model_there_is_no_amount(bench):
    success(bench.recorder, message(model="claude-next"))
    said = {"gen_ai.response.model": "claude-next", "claude.unpriced.reason": "unknown_model"}
    check(bench.span, {**ASKED, **SAID, **FINAL, **UNPRICED, **said})


def test_what_the_request_says(bench):
    thinking = {"thinking_type": "enabled", "thinking_budget": 2_000, "effort": "high"}
    chosen = {"temperature": 0.5, "top_p": 1.0, "top_k": 40, "conversation_id": "conv_1"}
    call = started(bench.recorder, max_tokens=64, service_tier="auto", json_output=True, **thinking, **chosen)
    ids = [
        (b"request-id", b"req_1"),
        (b"anthropic-organization-id", b"org_1"),
        (b"anthropic-workspace-id", b"wrkspc_1"),
    ]
    attempt = responded(bench.recorder, call, headers=ids)
    call.size = RequestSize(2, 3, 1)
    feed(bench.recorder, attempt, message())
    returned(bench.recorder, call)
    said = {
        "gen_ai.request.max_tokens": 64,
        "gen_ai.request.reasoning.level": "high",
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.top_p": 1.0,
        "gen_ai.request.top_k": 40,
        "gen_ai.conversation.id": "conv_1",
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
    check(bench.span, {**ASKED, **SAID, **FINAL, **said, **cost(PARTS, TOTAL)})


def limits(remaining, reset):
    name = b"anthropic-ratelimit-requests-"
    known = {b"limit": b"10", b"remaining": b"%d" % remaining, b"reset": b"%d" % reset}
    return [(name + field, value) for field, value in known.items()]


def test_a_retry_is_an_event_and_limits_are_attributes(bench):
    call = started(bench.recorder)
    first = responded(bench.recorder, call, 429, limits(0, AT + 60))
    first.reject(ApiError(429, "rate_limit_error", "rate_limit"))
    bench.recorder.on_retry(first, 1.5)
    share = (b"anthropic-ratelimit-unified-5h-utilization", b"0.5")
    second = responded(bench.recorder, call, headers=[*limits(9, AT + 6), share])
    feed(bench.recorder, second, message())
    returned(bench.recorder, call)
    shown = {"limit": 10, "remaining": 9, "reset": AT + 6}
    said = {"http.request.resend_count": 1, **{f"claude.rate_limit.requests.{name}": v for name, v in shown.items()}}
    check(bench.span, {**ASKED, **SAID, **FINAL, **said, **cost(PARTS, TOTAL)})
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
        call = started(bench.recorder)
        assert trace.get_current_span() is call.span
        bench.recorder.detach(call)
        assert trace.get_current_span() is outer
        bench.recorder.forget(call)
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
    call = started(bench.recorder)
    assert call.span.attributes[c.REQUEST_MODEL] == OPUS
    assert c.API_KEY_HINT not in call.span.attributes
    bench.recorder.detach(call)
    bench.recorder.forget(call)
    assert CLIENT.server_address == bench.span.attributes[c.SERVER_ADDRESS]
    assert RequestFeatures(OPUS).model == bench.span.attributes[c.REQUEST_MODEL]
    assert USAGE["input_tokens"] not in bench.span.attributes.values()
