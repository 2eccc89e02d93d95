"""Sessions: all that were reported lately, together by agent; never too many, none in a forked child."""

from __future__ import annotations

import pytest
from opentelemetry.metrics import CallbackOptions
from unit_calls import CLIENT

from otel_claude import semconv as c
from otel_claude.api.managed_agents import Session
from otel_claude.api.response import parse_usage
from otel_claude.semconv import agents as a
from otel_claude.telemetry import managed_agents as module
from otel_claude.telemetry.attributes import AttributeSets
from otel_claude.telemetry.instance_id import NOT_KNOWN, InstanceId
from otel_claude.telemetry.managed_agents import Owner, Sessions

OWNER = Owner(CLIENT, "wrkspc_1")


@pytest.fixture
def clock():
    return [1_795_348_800.0]


@pytest.fixture
def sessions(clock):
    return Sessions(InstanceId("off", lambda: NOT_KNOWN), lambda: clock[0])


@pytest.fixture
def update(sessions):
    sets = AttributeSets(200)
    return lambda *reported: [sessions.update(session, OWNER, sets) for session in reported]


def session(number, agent="1", **changes):
    usage = parse_usage({"input_tokens": 10, "output_tokens": number})
    return Session(f"sesn_{number}", f"agent_{agent}", f"Agent {agent}", "claude-opus-5-5", usage, **changes)


def observed(sessions, metric):
    return [(found.attributes, found.value) for found in sessions.observe(metric.name, CallbackOptions())]


def values(sessions, metric, *names):
    return {tuple(attributes[name] for name in names): value for attributes, value in observed(sessions, metric)}


def test_each_metric_is_read(sessions, update):
    update(session(1, list_cost=10, budget=100), session(2, list_cost=33, budget=66), session(3, "2", list_cost=7))
    by_agent = lambda metric: values(sessions, metric, a.AGENT_ID)  # noqa: E731
    assert by_agent(a.SESSION_COST) == {("agent_1",): 0.43, ("agent_2",): 0.07}
    assert by_agent(a.SESSION_MAX_COST) == {("agent_1",): 0.33, ("agent_2",): 0.07}
    assert by_agent(a.SESSION_BUDGET) == {("agent_1",): 0.5}
    assert by_agent(a.SESSIONS) == {("agent_1",): 2, ("agent_2",): 1}
    assert values(sessions, a.SESSION_TOKENS, a.AGENT_ID, c.TOKEN_TYPE) == {
        ("agent_1", "input"): 20, ("agent_1", "output"): 3, ("agent_2", "input"): 10, ("agent_2", "output"): 3,
    }  # fmt: skip


def test_what_is_shown_has_the_attributes_of_the_table(sessions, update):
    update(session(1, list_cost=1, budget=2))
    common = {
        "gen_ai.operation.name", "gen_ai.provider.name", "claude.client.library", "gen_ai.request.model",
        "server.address", "server.port",
        "anthropic.workspace.id", "claude.api_key.hint",
    }  # fmt: skip
    for metric in a.SESSION_METRICS:
        for attributes, _ in observed(sessions, metric):
            assert set(attributes) == common | set(metric.attributes), metric.name


def test_a_budget_of_nothing_has_no_share(sessions, update):
    update(session(1, list_cost=0, budget=0))
    assert values(sessions, a.SESSION_BUDGET) == {}


def test_what_was_reported_longest_ago_gives_way(sessions, update, monkeypatch):
    monkeypatch.setattr(module, "_MAX_SESSIONS", 3)
    update(*[session(number) for number in (1, 2, 3)])
    update(session(1), session(4))
    assert {session.id for session, _ in sessions._lately()} == {"sesn_1", "sesn_3", "sesn_4"}


def test_many_agents_are_folded(sessions, update):
    update(*[session(number, str(number)) for number in range(300)])
    counts = values(sessions, a.SESSIONS, a.AGENT_ID)
    assert len(counts) == 201
    assert counts[("_other",)] == 100
    assert sum(counts.values()) == 300


def test_one_that_is_not_shown_any_more_keeps_its_agent(sessions, update, clock):
    update(session(1))
    clock[0] += module.SHOWN
    assert values(sessions, a.SESSIONS) == {}
    update(Session("sesn_1", list_cost=5))
    assert values(sessions, a.SESSION_COST, a.AGENT_NAME) == {("Agent 1",): 0.05}


def test_a_forked_child_has_none(sessions, update):
    update(session(1))
    sessions.clear()
    assert values(sessions, a.SESSIONS) == {}
