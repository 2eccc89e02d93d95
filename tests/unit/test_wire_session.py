"""What an answer about Managed Agents sessions says, by the path that it answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_wire_fuzz import anything

from otel_claude.api import Session, Usage, sessions

USAGE = {
    "input_tokens": 5,
    "output_tokens": 3,
    "cache_read_input_tokens": 20,
    "cache_creation": {"ephemeral_5m_input_tokens": 2, "ephemeral_1h_input_tokens": 1},
    "list_cost": {"amount": "187", "currency": "USD"},
}
AGENT = {"id": "agent_1", "name": "Researcher", "model": {"id": "claude-opus-4-8"}}
SESSION = {"id": "sesn_1", "type": "session", "agent": AGENT, "usage": USAGE, "budget": None}
BUDGET = {"type": "limit", "max_list_cost": {"amount": "1000", "currency": "USD"}}
EVENT = {"id": "sevt_1", "type": "session.usage", "usage": USAGE, "budget": BUDGET}
KNOWN = Session("sesn_1", "agent_1", "Researcher", "claude-opus-4-8", Usage().updated(USAGE), 187)
OF_EVENT = Session("sesn_1", usage=Usage().updated(USAGE), list_cost=187, budget=1000)

TELLING = {
    "/v1/sessions": (SESSION, [KNOWN]),
    "/v1/sessions/sesn_1": (SESSION, [KNOWN]),
    "/proxy/anthropic/v1/sessions/sesn_1": (SESSION, [KNOWN]),
    "/v1/sessions/sesn_1/archive": (SESSION, [KNOWN]),
    "/v1/sessions?page": ({"data": [SESSION]}, []),
    "/v1/sessions/sesn_1/events": ({"data": [EVENT, {"type": "user.message"}]}, [OF_EVENT]),
    "/v1/sessions/sesn_1/events/stream": (EVENT, [OF_EVENT]),
    "/v1/sessions/sesn_1/threads": (SESSION, []),
    "/v1/sessions/sesn_1/threads/sthr_1/events": ({"data": [EVENT]}, []),
    "/v1/sessions/sesn_1/resources/res_1": (SESSION, []),
    "/v1/sessions_of_others": (SESSION, []),
    "/v1/agents": (SESSION, []),
}


@pytest.mark.parametrize("path", TELLING)
def test_the_path_says_what_is_told(path):
    body, told = TELLING[path]
    assert list(sessions(path, body)) == told


def test_a_list():
    other = {**SESSION, "id": "sesn_2", "usage": None}
    assert [told.id for told in sessions("/v1/sessions", {"data": [SESSION, other, {"type": "other"}]})] == [
        "sesn_1",
        "sesn_2",
    ]


def test_classes_of_tokens():
    (told,) = sessions("/v1/sessions", SESSION)
    usage = told.usage
    assert (usage.input, usage.cache_read, usage.cache_write_5m, usage.cache_write_1h, usage.output) == (5, 20, 2, 1, 3)


def more(**changes):
    (told,) = sessions("/v1/sessions/sesn_1/events/stream", {**EVENT, "usage": {**USAGE, **changes}})
    return told


def test_news_keeps_whose_it_is_and_counts_only_grow():
    newer = more(output_tokens=9, list_cost={"amount": "200", "currency": "USD"})
    after = newer.after(KNOWN)
    assert (after.agent_name, after.model) == ("Researcher", "claude-opus-4-8")
    assert (after.usage.output, after.list_cost, after.budget) == (9, 200, 1000)
    assert KNOWN.after(after) == after._replace(budget=None)
    untold = more(list_cost=None)
    assert untold.after(after).list_cost == 200


@given(st.sampled_from([*TELLING, ""]), anything, anything)
def test_any_answer(path, body, usage):
    for told in (*sessions(path, body), *sessions(path, {**SESSION, "usage": usage}), *sessions(path, {"data": usage})):
        for cents in (told.list_cost, told.budget):
            assert cents is None or 0 <= cents < 1 << 30
        assert 0 < len(told.id) <= 1_000
