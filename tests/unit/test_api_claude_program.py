"""Nothing that the `claude` program can say raises, and nothing that is no number becomes one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_api_fuzz import anything

from otel_claude.agent_sdk.messages import ModelUsage, parse_rate_limit, parse_result
from otel_claude.agent_sdk.totals import Connection

NAMES = ("inputTokens", "outputTokens", "cacheReadInputTokens", "cacheCreationInputTokens", "costUSD", "provider")
usages = st.dictionaries(st.sampled_from(NAMES), st.integers(0, 1 << 31) | st.floats() | st.text(max_size=3))
by_model = st.dictionaries(st.text(max_size=4), usages | anything, max_size=3) | anything
results = st.fixed_dictionaries(
    {},
    optional={
        "subtype": anything,
        "is_error": anything,
        "session_id": anything,
        "usage": anything,
        "modelUsage": by_model,
        "model_usage_since_last_result": by_model,
    },
)


@given(st.lists(results, max_size=4), st.sampled_from(["", None, "session"]))
def test_any_results(messages, resumes):
    connection = Connection({}, resumes)
    for message in messages:
        for usage in (connection.since_last_result(parse_result(message)) or {}).values():
            assert all(type(number) is int and 0 <= number < 1 << 63 for number in usage[:-1])
            assert usage.provider in (None, "anthropic", "aws.bedrock", "gcp.vertex_ai", "_other")


@given(st.dictionaries(st.sampled_from(["rate_limit_info", "status"]), anything), anything, anything)
def test_any_limit(message, kind, window):
    info = {"rateLimitType": kind, "utilization": window, "unifiedWindows": {"five_hour": window, "other": window}}
    for said in (message, {"rate_limit_info": info}, {"rate_limit_info": {**info, "unifiedWindows": window}}):
        for limit in parse_rate_limit(said).limits:
            assert limit.name.startswith("unified_")
            assert limit.utilization is None or 0 <= limit.utilization <= 1


MONEY = [
    # As JSON has it, and in pico-dollars.
    (0, 0),
    (0.0, 0),
    (1, 10**12),
    (0.0030366, 3_036_600_000),
    (0.011412750000000001, 11_412_750_000),
    (None, None),
    ("0.1", None),
    (True, None),
    (-0.1, None),
    (float("nan"), None),
    (float("inf"), None),
]


@pytest.mark.parametrize(("dollars", "pico"), MONEY)
def test_money(dollars, pico):
    totals = parse_result({"modelUsage": {"claude-opus-5-5": {"inputTokens": 1, "costUSD": dollars}}}).totals
    assert totals == (None if pico is None else {"claude-opus-5-5": ModelUsage(input=1, cost=pico)})
