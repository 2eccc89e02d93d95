"""Managed Agents: agents and sessions as the SDK reads them, and what a session used and cost."""

from __future__ import annotations

from fractions import Fraction

import anthropic
import pytest
from anthropic import Anthropic

BUDGET = {"type": "limit", "max_list_cost": {"amount": "4", "currency": "USD"}}
HELLO = {"type": "user.message", "content": [{"type": "text", "text": "hello"}]}
# US dollars per million tokens of claude-opus-5-5, and per hour of running time.
PRICES = {"input": "4", "cache_read": "0.20", "cache_write_5m": "5", "output": "20"}
HOUR = Fraction("0.08")


@pytest.fixture
def researcher(fresh_client: Anthropic):
    return fresh_client.beta.agents.create(name="Researcher", model="claude-opus-5-5")


def begin(client: Anthropic, agent, **more):
    return client.beta.sessions.create(agent=agent.id, environment_id="env_1", **more)


def work(client: Anthropic, session, turns: int = 1):
    for _ in range(turns):
        client.beta.sessions.events.send(session.id, events=[HELLO])
    return client.beta.sessions.retrieve(session.id)


def cost(session) -> Fraction:
    """Cents, worked out here."""
    usage = session.usage
    tokens = {
        "input": usage.input_tokens,
        "cache_read": usage.cache_read_input_tokens,
        "cache_write_5m": usage.cache_creation.ephemeral_5m_input_tokens,
        "output": usage.output_tokens,
    }
    used = sum(Fraction(PRICES[kind]) * amount / 10**6 for kind, amount in tokens.items())
    return 100 * (used + HOUR * int(usage.active_seconds) / 3600)


def test_an_agent_and_its_session(fresh_client: Anthropic, researcher):
    assert (researcher.name, researcher.model.id, researcher.version) == ("Researcher", "claude-opus-5-5", 1)
    session = begin(fresh_client, researcher, budget=BUDGET)
    assert (session.agent.id, session.agent.name, session.agent.model.id) == (
        researcher.id, "Researcher", "claude-opus-5-5",
    )  # fmt: skip
    assert (session.status, session.budget.max_list_cost.amount) == ("idle", "4")
    assert (session.usage.input_tokens, session.usage.output_tokens, session.usage.list_cost.amount) == (0, 0, "0")


def test_each_message_is_a_turn_and_the_counts_only_grow(fresh_client: Anthropic, researcher):
    session = begin(fresh_client, researcher)
    first, second = work(fresh_client, session), work(fresh_client, session)
    assert 0 < first.usage.output_tokens < second.usage.output_tokens
    # The second turn reads what the first one wrote.
    assert first.usage.cache_read_input_tokens == 0
    assert second.usage.cache_read_input_tokens == first.usage.cache_creation.ephemeral_5m_input_tokens > 0
    assert int(second.usage.list_cost.amount) == round(cost(second)) > 0
    assert second.usage.list_cost.currency == "USD"


def test_a_budget_ends_the_work(fresh_client: Anthropic, researcher):
    session = begin(fresh_client, researcher, budget=BUDGET)
    done, later = work(fresh_client, session, 5), work(fresh_client, session)
    assert int(done.usage.list_cost.amount) >= 4
    assert later.usage == done.usage


def test_the_list_has_all_sessions_newest_first(fresh_client: Anthropic, researcher):
    made = [begin(fresh_client, researcher).id for _ in range(3)]
    assert [session.id for session in fresh_client.beta.sessions.list()] == made[::-1]


def test_what_a_session_did_was_not_served_as_a_message(fresh_client: Anthropic, researcher, simulator):
    work(fresh_client, begin(fresh_client, researcher))
    assert simulator.served.totals() == ()


def test_what_is_not_there_is_refused(fresh_client: Anthropic):
    with pytest.raises(anthropic.NotFoundError):
        fresh_client.beta.sessions.retrieve("sesn_none")
    with pytest.raises(anthropic.BadRequestError, match="no such agent"):
        fresh_client.beta.sessions.create(agent="agent_none", environment_id="env_1")
    with pytest.raises(anthropic.BadRequestError, match="Field required"):
        fresh_client.beta.agents.create(name="", model=None)
