"""What the Claude Agent SDK reports is recorded with the attributes of the table, apart from calls."""

from __future__ import annotations

import pytest
from unit_calls import success

from otel_claude import semconv as c
from otel_claude.agent_sdk.recorder import AgentRecorder
from otel_claude.agent_sdk.totals import Connection
from otel_claude.semconv import agents as a

USED = {"claude-opus-5-5": {"inputTokens": 5, "outputTokens": 2, "cacheCreationInputTokens": 1, "costUSD": 0.5,
                            "cacheReadInputTokens": 3, "cacheCreationEphemeral1hInputTokens": 1}}  # fmt: skip
RESULT = {"type": "result", "subtype": "error_max_turns", "modelUsage": USED, "model_usage_since_last_result": USED}
LIMIT = {"type": "rate_limit_event", "rate_limit_info": {"status": "rejected", "rateLimitType": "five_hour"}}
COMMON = {c.OPERATION_NAME, c.PROVIDER_NAME, "claude.tag.tenant"}


@pytest.fixture
def recorder(bench):
    bench.instruments.add_agents()
    return AgentRecorder(bench.instruments, Connection({}, ""), (("tenant", "acme"),))


def test_every_metric_has_the_attributes_of_the_table(bench, recorder):
    for message in (RESULT, LIMIT, {"type": "result", "subtype": "success"}):
        recorder.on_message(message)
    points = bench.points()
    for metric in a.AGENT_METRICS:
        shown = set().union(*(point.attributes for point in points[metric.name]))
        assert shown - {c.RESPONSE_MODEL} == COMMON | set(metric.attributes), metric.name


def test_every_type_of_tokens_is_one_of_the_table(bench, recorder):
    recorder.on_message(RESULT)
    assert bench.values(a.AGENT_TOKENS, c.TOKEN_TYPE) == {
        "input": 5, "cache_read": 3, "cache_write_1h": 1, "output": 2,
    }  # fmt: skip
    assert set(bench.values(a.AGENT_TOKENS, c.TOKEN_TYPE)) <= set(a.TOKEN_TYPES)


def test_reports_and_calls_do_not_mix(bench, recorder):
    success(bench.recorder)
    before = bench.values(c.COST, c.COST_TYPE)
    recorder.on_message(RESULT)
    assert bench.values(c.COST, c.COST_TYPE) == before
    assert bench.value(a.AGENT_COST) == 0.5


def test_a_forked_child_starts_from_zero(bench, recorder):
    recorder.on_message(RESULT)
    bench.instruments.clear_after_fork()
    assert bench.values(a.AGENT_COST) == {}


@pytest.mark.parametrize("message", [None, 1, "result", [], {}, {"type": "assistant"}, {"type": ["result"]}])
def test_other_messages(bench, recorder, message):
    recorder.on_message(message)
    assert bench.points() == {}
