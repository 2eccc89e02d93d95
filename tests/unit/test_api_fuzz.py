"""Nothing that a server can send raises, and nothing that is no number becomes one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit_calls import AT, USAGE, Body, KeepingRecorder, feed, responded, returned, started, stream

from otel_claude import pricing
from otel_claude.api import response as module
from otel_claude.api.errors import parse_error
from otel_claude.api.request import measure_request, parse_request
from otel_claude.api.response import (
    Response,
    Usage,
    merge_message_delta,
    parse_message,
    parse_message_start,
    parse_usage,
)

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
    for each in usages:
        usage = parse_usage(each, usage)
    check(usage)


wrongs = st.sampled_from([-1, 1 << 30, 1 << 64, True, False, 0.5, "7", "", [], [7], {}, {"x": 7}])
numbers = st.none() | st.integers(0, 3) | st.integers(0, (1 << 30) - 1)
texts = st.none() | st.sampled_from(["standard", "priority", "batch", "fast", "global", "us", "eu", "a\nb", ""])
usages = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(
            ["input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"],
            numbers | wrongs,
        ),
        "cache_creation": wrongs
        | st.fixed_dictionaries(
            {},
            optional=dict.fromkeys(["ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens"], numbers | wrongs),
        ),
        "output_tokens_details": wrongs | st.fixed_dictionaries({}, optional={"thinking_tokens": numbers | wrongs}),
        **dict.fromkeys(["service_tier", "speed", "inference_geo"], texts | wrongs),
        "server_tool_use": wrongs
        | st.fixed_dictionaries({}, optional={"web_search_requests": numbers | wrongs, "web_fetch_requests": numbers}),
        "fallback_credit": wrongs | st.just({"status": {"type": "redeemed"}}),
        "iterations": wrongs | st.just([{"type": "message", "input_tokens": 4}]),
    },
)
well_formed = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(
            ["input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"], numbers
        ),
        "cache_creation": st.none()
        | st.fixed_dictionaries(
            {}, optional=dict.fromkeys(["ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens"], numbers)
        ),
        "output_tokens_details": st.none() | st.fixed_dictionaries({}, optional={"thinking_tokens": numbers}),
        **dict.fromkeys(["service_tier", "speed", "inference_geo"], st.none() | st.sampled_from(["standard", "us"])),
        **dict.fromkeys(["server_tool_use", "fallback_credit", "iterations"], st.none()),
    },
)


def typed(value):
    """A value and the types in it: `True` is no 1, and 1.0 is none either."""
    return [typed(each) for each in value] if isinstance(value, tuple) else (type(value), value)


@given(st.lists(well_formed | usages | objects | anything, max_size=4))
def test_a_usage_read_in_one_pass_is_that_read_field_by_field(each):
    fast = careful = module.NO_USAGE
    for usage in each:
        fast = parse_usage(usage, fast)
        careful = careful if usage is None else module._parse_carefully(usage, careful)
        assert typed(fast) == typed(careful)


@given(st.lists(well_formed, min_size=1, max_size=3))
def test_what_is_well_formed_is_plain_and_is_read_in_one_pass(each):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_names", {None})  # Other tests may have filled it.
        for usage in each:  # so that its names were seen before
            parse_usage(usage)
        patch.setattr(module, "_parse_carefully", None)
        usage = module.NO_USAGE
        for one in each:
            usage = parse_usage(one, usage)
    assert (usage.plain, usage.malformed) == (True, False)


_PARSERS = {"message_start": parse_message_start, "message": parse_message}


@given(st.lists(objects | st.sampled_from(stream()), max_size=5))
def test_any_response_and_its_price(events):
    response = Response()
    for event in events:
        kind = event.get("type")
        parse = _PARSERS.get(kind) if isinstance(kind, str) else None
        response = merge_message_delta(response, event) if parse is None else parse(event)
        for name in (response.id, response.model, response.stop_reason):
            assert name is None or (0 < len(name) <= 1_000 and name.isprintable())
        if response.usage is not None:
            check(response.usage)
    price = pricing.price_response(pricing.shipped(), response, at=AT)
    assert price.total >= 0
    assert price.status != "exact" or not (response.usage is None or response.usage.malformed or not response.complete)


@given(st.integers(100, 599), anything, st.booleans())
def test_any_error(status, body, retry_after):
    error = parse_error(status, body, retry_after=retry_after)
    assert error.blocked in (None, "rate_limit", "spend_limit", "credit_balance", "overloaded")


@given(anything, anything)
def test_any_request(body, extra):
    features = parse_request(body, extra, spans=True)
    assert type(features.stream) is bool
    assert features.max_tokens is None or -(1 << 63) <= features.max_tokens < 1 << 63
    measure_request(body, breakpoints=True)


@given(st.lists(anything | objects | st.sampled_from(stream()), max_size=8), st.booleans())
def test_any_stream_of_events_makes_one_call_that_can_be_priced(events, pending):
    keeper = KeepingRecorder()
    call = started(keeper, stream=True)
    attempt = responded(keeper, call)
    attempt.streams = True
    feed(keeper, attempt, *events)
    returned(keeper, call, pending=pending)
    assert list(Body(keeper, attempt).stream) == [b""]
    assert keeper.one is call
    assert keeper._price(call).total >= 0
    assert call.cost is not None, "pricing raised, which was logged"


def test_deep_nesting():
    deep: object = 5
    for _ in range(100_000):
        deep = {"usage": deep, "message": deep, "messages": [deep]}
    assert parse_message(deep).usage is not None
    assert parse_message_start(deep).usage is not None
    assert merge_message_delta(Response(), deep).usage is not None
    parse_request(deep, None, spans=True)
    measure_request(deep, breakpoints=True)
    parse_error(400, deep, retry_after=False)
    # Taken apart by hand: the interpreter would recurse to free it.
    while isinstance(deep, dict):
        deep = deep.pop("usage")
