"""What a response about Managed Agents sessions says, by the path of its request."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_api_fuzz import anything

from otel_claude.api.managed_agents import Session, parse_sessions
from otel_claude.api.response import parse_usage

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
KNOWN = Session("sesn_1", "agent_1", "Researcher", "claude-opus-4-8", parse_usage(USAGE), 187)
OF_EVENT = Session("sesn_1", usage=parse_usage(USAGE), list_cost=187, budget=1000)

PATHS = {
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


@pytest.mark.parametrize("path", PATHS)
def test_the_path_says_what_is_in_it(path):
    body, parsed = PATHS[path]
    assert list(parse_sessions(path, body)) == parsed


def test_a_list():
    other = {**SESSION, "id": "sesn_2", "usage": None}
    assert [parsed.id for parsed in parse_sessions("/v1/sessions", {"data": [SESSION, other, {"type": "other"}]})] == [
        "sesn_1",
        "sesn_2",
    ]


def test_types_of_tokens():
    (parsed,) = parse_sessions("/v1/sessions", SESSION)
    usage = parsed.usage
    assert (usage.input, usage.cache_read, usage.cache_write_5m, usage.cache_write_1h, usage.output) == (5, 20, 2, 1, 3)


def more(**changes):
    (parsed,) = parse_sessions("/v1/sessions/sesn_1/events/stream", {**EVENT, "usage": {**USAGE, **changes}})
    return parsed


def test_a_later_report_keeps_whose_it_is_and_counts_only_grow():
    newer = more(output_tokens=9, list_cost={"amount": "200", "currency": "USD"})
    after = newer.after(KNOWN)
    assert (after.agent_name, after.model) == ("Researcher", "claude-opus-4-8")
    assert (after.usage.output, after.list_cost, after.budget) == (9, 200, 1000)
    assert KNOWN.after(after) == after._replace(budget=None)
    unknown = more(list_cost=None)
    assert unknown.after(after).list_cost == 200


@given(st.sampled_from([*PATHS, ""]), anything, anything)
def test_any_response(path, body, usage):
    for parsed in (
        *parse_sessions(path, body),
        *parse_sessions(path, {**SESSION, "usage": usage}),
        *parse_sessions(path, {"data": usage}),
    ):
        for cents in (parsed.list_cost, parsed.budget):
            assert cents is None or 0 <= cents < 1 << 30
        assert 0 < len(parsed.id) <= 1_000
