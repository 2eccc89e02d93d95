"""Nothing that a server can send raises, and nothing that is no number becomes one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from unit_calls import AT, USAGE, answered, begun, stream
from unit_calls import KeepingSink as Sink

from otel_claude import pricing
from otel_claude.api import Answer, Usage, refusal, request, shape
from otel_claude.pricing.call_cost import bill

KEYS = [
    *USAGE, "type", "id", "model", "stop_reason", "usage", "message", "delta", "error", "details", "error_code",
    "iterations", "ephemeral_5m_input_tokens", "thinking_tokens", "web_search_requests", "fallback_credit", "status",
    "messages", "tools", "system", "content", "cache_control", "thinking", "output_config", "format", "billing_policy",
]  # fmt: skip
WORDS = ["message", "message_start", "message_delta", "message_stop", "content_block_delta", "claude-opus-5-5"]

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(1 << 29, 1 << 70)
    | st.floats()
    | st.sampled_from(WORDS)
    | st.text(st.characters(codec=None, categories=None, exclude_categories=()), max_size=8)
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=4), inner),
    max_leaves=12,
)
objects = st.dictionaries(st.sampled_from(KEYS), anything, max_size=8)


def is_count(value):
    return value is None or (type(value) is int and 0 <= value < 1 << 30)


def check(usage):
    for part in (usage, *(usage.iterations or ())):
        assert all(map(is_count, (part.input, part.output, part.cache_read, part.cache_write_5m, part.cache_write_1h)))
        assert part.total_input is None or part.total_input < 1 << 32
    assert all(map(is_count, usage.counts))
    assert all(map(is_count, (usage.thinking, usage.web_searches, usage.web_fetches, usage.code_executions)))


@given(st.lists(anything, max_size=4))
def test_any_usage(usages):
    usage = Usage()
    for told in usages:
        usage = usage.updated(told)
    check(usage)


@given(st.lists(objects | st.sampled_from(stream()), max_size=5))
def test_any_answer_and_its_price(events):
    answer = Answer()
    for event in events:
        answer = answer.updated(event)
        for name in (answer.id, answer.model, answer.stop_reason):
            assert name is None or (0 < len(name) <= 1_000 and name.isprintable())
        if answer.usage is not None:
            check(answer.usage)
    price = pricing.shipped().price(answer, at=AT)
    assert price.total >= 0
    assert price.status != "exact" or not (answer.usage is None or answer.usage.malformed or not answer.complete)


@given(st.integers(100, 599), anything, st.booleans())
def test_any_refusal(status, body, retry_after):
    told = refusal(status, body, retry_after=retry_after)
    assert told.blocked in (None, "rate_limit", "spend_limit", "credit_balance", "overloaded")


@given(anything, anything)
def test_any_request(body, extra):
    told = request(body, extra)
    assert type(told.stream) is bool
    assert told.max_tokens is None or -(1 << 63) <= told.max_tokens < 1 << 63
    shape(body, breakpoints=True)


@given(st.lists(anything | objects | st.sampled_from(stream()), max_size=8), st.booleans())
def test_any_stream_of_events_makes_one_record_that_can_be_priced(events, pending):
    sink = Sink()
    call = begun(sink, stream=True)
    attempt = answered(call)
    for event in events:
        call.heard(event, attempt)
    call.returned(pending=pending)
    call.body_ended(attempt, read=True)
    assert bill(pricing.shipped(), sink.record, sink.record.answers, sink.record.missing).total >= 0


def test_deep_nesting():
    deep: object = 5
    for _ in range(100_000):
        deep = {"usage": deep, "message": deep, "messages": [deep]}
    assert Answer().updated(deep).usage is not None
    request(deep)
    shape(deep, breakpoints=True)
    refusal(400, deep, retry_after=False)
    # Taken apart by hand: the interpreter would recurse to free it.
    while isinstance(deep, dict):
        deep = deep.pop("usage")
