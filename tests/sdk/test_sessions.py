"""Managed Agents sessions: what they used and cost is shown by agent, whoever asks however often; no counter has it."""

import json

import pytest
from opentelemetry.instrumentation.utils import suppress_instrumentation
from support import api
from support.face import Face
from support.library import VERSION, anthropic, http
from support.server import Chunks, Server, plain

from otel_claude import ClaudeInstrumentor
from otel_claude.telemetry.metrics import _by_provider

pytestmark = pytest.mark.skipif(not hasattr(anthropic.resources.beta, "Sessions"), reason=f"{VERSION} has no sessions")

USAGE = {
    "input_tokens": 5000,
    "output_tokens": 3200,
    "cache_read_input_tokens": 20000,
    "cache_creation": {"ephemeral_5m_input_tokens": 2000, "ephemeral_1h_input_tokens": 7},
    "list_cost": {"amount": "187", "currency": "USD"},
    "active_seconds": 342.5,
    "server_tool_use": {"web_search_requests": 3, "web_fetch_requests": 0},
}
TOKENS = {"input": 5000, "cache_read": 20000, "cache_write_5m": 2000, "cache_write_1h": 7, "output": 3200}
OWNER = {
    "gen_ai.operation.name": "invoke_agent",
    "gen_ai.provider.name": "anthropic",
    "claude.client.library": "anthropic",
    "gen_ai.request.model": "claude-opus-4-8",
    "gen_ai.agent.id": "agent_1",
    "gen_ai.agent.name": "Researcher",
    "server.address": "api.anthropic.com",
    "server.port": 443,
    "anthropic.workspace.id": "wrkspc_1",
    "claude.api_key.hint": api.HINT,
}


def session(name="sesn_1", agent="1", **changes):
    """As `beta.sessions.retrieve` gives it."""
    names = {"1": "Researcher", "2": "Reviewer"}
    return {
        "id": name,
        "type": "session",
        "agent": {
            "id": f"agent_{agent}",
            "type": "agent",
            "name": names[agent],
            "version": 3,
            "model": {"id": "claude-opus-4-8", "speed": "standard"},
            "system": api.PROMPT,
            "tools": [],
            "skills": [],
            "mcp_servers": [],
        },
        "environment_id": "env_1",
        "status": "idle",
        "title": api.PROMPT,
        "metadata": {"secret": api.COMPLETION},
        "usage": USAGE,
        "stats": {"active_seconds": 342.5, "duration_seconds": 9000},
        "budget": None,
        "created_at": "2026-11-22T10:00:00Z",
        "updated_at": "2026-11-22T11:00:00Z",
        "archived_at": None,
        "resources": [],
        "vault_ids": [],
        "outcome_evaluations": [],
        **changes,
    }


def usage(cents=None, **changes):
    cost = {} if cents is None else {"list_cost": {"amount": str(cents), "currency": "USD"}}
    return {**USAGE, **cost, **changes}


def page(*sessions):
    return {"data": list(sessions), "next_page": None, "prev_page": None}


def usage_event(**changes):
    event = {"id": "sevt_1", "type": "session.usage", "processed_at": "2026-11-22T11:00:00Z", "usage": USAGE}
    return {**event, "budget": None, **changes}


def event_stream(*events):
    def reply(_request):
        body = [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events]
        headers = {"content-type": "text/event-stream", **api.HEADERS}
        return http.Response(200, headers=headers, stream=Chunks(body))

    return reply


class Asked:
    """A client of sessions, and what is told of them."""

    def __init__(self, telemetry, kind, *replies, **options):
        self.telemetry = telemetry
        self.face = Face(kind, Server(*replies), **options)
        self.sessions = self.face.client.beta.sessions

    async def retrieve(self, name="sesn_1", **more):
        await self.face.wait(self.sessions.retrieve(name, **more))

    def gauges(self):
        """Name → attributes other than the owner's → value. Nothing else is measured."""
        found = self.telemetry.metrics()
        assert not [name for name in found if not name.startswith("claude.session")]
        return {
            name.removeprefix("claude."): {
                tuple(value for label, value in key if label not in OWNER or value != OWNER[label]): value
                for key, value in points.items()
            }
            for name, points in found.items()
        }


@pytest.fixture
def asked(telemetry, kind, quiet):
    return lambda *replies, **options: Asked(telemetry, kind, *replies, **options)


ALONE = {
    "session.usage.tokens": {(name,): tokens for name, tokens in TOKENS.items()},
    "session.list_cost.usd": {(): 1.87},
    "session.list_cost.max.usd": {(): 1.87},
    "sessions": {(): 1},
}


async def retrieve(to):
    await to.retrieve()


async def create(to):
    await to.face.wait(to.sessions.create(agent="agent_1", environment_id="env_1"))


async def update(to):
    await to.face.wait(to.sessions.update("sesn_1", title="another"))


async def archive(to):
    await to.face.wait(to.sessions.archive("sesn_1"))


async def raw(to):
    response = await to.face.wait(to.sessions.with_raw_response.retrieve("sesn_1"))
    await to.face.wait(response.parse())


async def lists(to):
    await to.face.take(to.sessions.list())


@pytest.mark.parametrize("method", [retrieve, create, update, archive, raw], ids=lambda method: method.__name__)
async def test_every_answer_that_is_a_session_tells_it(asked, telemetry, method):
    to = asked(plain(session()))
    await method(to)
    assert to.gauges() == ALONE
    (key,) = telemetry.metrics()["claude.sessions"]
    assert dict(key) == OWNER
    assert telemetry.spans == []


async def test_a_list_tells_each_of_its_sessions(asked):
    to = asked(plain(page(session(), session("sesn_2", usage=usage(500)), session("sesn_3", "2", usage=usage(30)))))
    await lists(to)
    gauges = to.gauges()
    assert gauges["sessions"] == {(): 2, ("agent_2", "Reviewer"): 1}
    assert gauges["session.list_cost.usd"] == {(): 6.87, ("agent_2", "Reviewer"): 0.3}
    assert gauges["session.list_cost.max.usd"] == {(): 5.0, ("agent_2", "Reviewer"): 0.3}
    tokens = {key: value for key, value in gauges["session.usage.tokens"].items() if "output" in key}
    assert tokens == {("output",): 2 * 3200, ("output", "agent_2", "Reviewer"): 3200}


async def test_the_same_session_is_not_added_to_itself(asked):
    more = usage(200, output_tokens=4000)
    to = asked(plain(session()), plain(session(usage=more)), plain(page(session(usage=more))))
    await to.retrieve()
    await to.retrieve()
    await lists(to)
    gauges = to.gauges()
    assert gauges["sessions"] == {(): 1}
    assert gauges["session.list_cost.usd"] == {(): 2.0}
    assert gauges["session.usage.tokens"][("output",)] == 4000


@pytest.mark.skipif(VERSION < (1, 16), reason="unknown events are passed over before 1.16")
async def test_a_stream_of_events_brings_it_up_to_date(asked):
    more = usage_event(usage=usage(250, output_tokens=9000))
    to = asked(plain(session()), event_stream({"id": "sevt_0", "type": "session.status_running"}, more))
    await to.retrieve()
    await to.face.take(await to.face.wait(to.sessions.events.stream("sesn_1")))
    gauges = to.gauges()
    assert gauges["session.list_cost.usd"] == {(): 2.5}
    assert gauges["session.usage.tokens"][("output",)] == 9000
    assert gauges["sessions"] == {(): 1}


async def test_a_list_of_events_tells_old_ones_too_and_none_of_them_counts_back(asked):
    old, new = usage_event(usage=usage(100, output_tokens=10)), usage_event(usage=usage(300, output_tokens=6000))
    to = asked(plain(session()), plain(page(new, old)))
    await to.retrieve()
    await to.face.take(to.sessions.events.list("sesn_1"))
    assert to.gauges()["session.list_cost.usd"] == {(): 3.0}
    assert to.gauges()["session.usage.tokens"][("output",)] == 6000


async def test_events_of_a_session_whose_agent_was_never_told(asked, telemetry):
    to = asked(plain(page(usage_event())))
    await to.face.take(to.sessions.events.list("sesn_1"))
    (key,) = telemetry.metrics()["claude.session.list_cost.usd"]
    unknown = {"gen_ai.request.model", "gen_ai.agent.id", "gen_ai.agent.name"}
    assert dict(key) == {name: value for name, value in OWNER.items() if name not in unknown}


async def test_a_budget(asked):
    budget = {"type": "limit", "max_list_cost": {"amount": "1000", "currency": "USD"}}
    to = asked(plain(page(session(budget=budget), session("sesn_2", budget=budget, usage=usage(750)))))
    await lists(to)
    assert to.gauges()["session.budget.utilization"] == {(): 0.75}


async def test_a_thread_is_part_of_its_session(asked):
    thread = {"id": "sthr_1", "type": "session_thread", "session_id": "sesn_1", "usage": USAGE, "agent": {}}
    to = asked(plain(page(thread)))
    if not hasattr(to.sessions, "threads"):
        pytest.skip(f"anthropic {VERSION} has no threads of sessions")
    await to.face.take(to.sessions.threads.list("sesn_1"))
    assert to.gauges() == {}


async def test_expires(asked, telemetry):
    told, clock = _by_provider[telemetry.meter_provider].sessions, [1000.0]
    # Nothing but the clock is replaced.
    told._clock = lambda: clock[0]
    to = asked(plain(session()))
    await to.retrieve()
    clock[0] += 899.0
    assert to.gauges() == ALONE
    clock[0] += 1.0
    assert to.gauges() == {}
    await to.retrieve()
    assert to.gauges() == ALONE


ODD = {
    "no list cost": ({name: value for name, value in USAGE.items() if name != "list_cost"}, TOKENS, None),
    "another currency": (usage(list_cost={"amount": "187", "currency": "EUR"}), TOKENS, None),
    "an amount that is a number": (usage(list_cost={"amount": 187, "currency": "USD"}), TOKENS, None),
    "an amount with a point": (usage(list_cost={"amount": "1.87", "currency": "USD"}), TOKENS, None),
    "an amount below zero": (usage(list_cost={"amount": "-187", "currency": "USD"}), TOKENS, None),
    "an endless amount": (usage(list_cost={"amount": "9" * 400, "currency": "USD"}), TOKENS, None),
    "counts of other types": (
        usage(input_tokens="5000", output_tokens=None, cache_read_input_tokens=-1),
        {"cache_write_5m": 2000, "cache_write_1h": 7},
        1.87,
    ),
    "no usage": (None, {}, None),
    "usage of another type": ([USAGE], {}, None),
    "an empty usage": ({}, {}, None),
}


@pytest.mark.parametrize("name", ODD)
async def test_what_is_not_known_is_absent(asked, name):
    said, tokens, cost = ODD[name]
    to = asked(plain(session(usage=said)))
    response = await to.face.wait(to.sessions.with_raw_response.retrieve("sesn_1"))
    await to.face.wait(response.parse())
    gauges = to.gauges()
    assert gauges.get("session.usage.tokens", {}) == {(kind,): number for kind, number in tokens.items()}
    assert gauges.get("session.list_cost.usd", {}) == ({} if cost is None else {(): cost})
    assert gauges["sessions"] == {(): 1}


async def test_suppressed(asked):
    to = asked(plain(session()))
    with suppress_instrumentation():
        await to.retrieve()
    assert to.gauges() == {}


async def test_the_key_of_one_request(asked, telemetry):
    other = api.KEY.replace("R2D", "Q9Z")
    to = asked(plain(session()))
    header = {"Authorization": f"Bearer {other}"} if VERSION >= (2,) else {"X-Api-Key": other}
    await to.retrieve(extra_headers=header)
    (key,) = telemetry.metrics()["claude.sessions"]
    assert dict(key)["claude.api_key.hint"] == api.HINT.replace("R2D", "Q9Z")


async def test_nothing_that_the_application_wrote_leaves(asked, telemetry):
    to = asked(plain(session()), plain(page(usage_event())))
    await to.retrieve()
    await to.face.take(to.sessions.events.list("sesn_1"))
    told = str(telemetry.metrics()) + str([span.to_json() for span in telemetry.spans])
    assert api.PROMPT not in told
    assert api.COMPLETION not in told
    assert "sesn_1" not in str(telemetry.metrics())


async def test_after_uninstrument_nothing_is_heard(asked, telemetry):
    to = asked(plain(session()))
    ClaudeInstrumentor().uninstrument()
    await to.retrieve()
    assert to.gauges() == {}
