"""Managed Agents: agents, their sessions, and what a session used and cost so far. Knows a session's life, no HTTP.

What the API says of them was read from the types of anthropic 2.12.0; which work a session does is made up. It is no
part of what was served: the API reports it apart, as running totals.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from otel_claude_demo.simulator.catalog import resolved
from otel_claude_demo.simulator.engine import Engine
from otel_claude_demo.simulator.failures import NOT_FOUND, Refused, invalid
from otel_claude_demo.simulator.fake import seeded
from otel_claude_demo.simulator.jsons import Json, as_object, as_objects, moment
from otel_claude_demo.simulator.tariff import PRICES, TOKEN_TYPES, charged

PICO_PER_CENT: Final = 10**10
PICO_PER_SECOND: Final = 8 * PICO_PER_CENT // 3600
"""Running time costs 0.08 US dollars an hour (pricing page of 2026-11)."""
_NOTHING: Final[dict[str, int]] = dict.fromkeys(TOKEN_TYPES, 0)


@dataclass(frozen=True)
class Agent:
    """Who works in a session."""

    id: str
    name: str
    model: str
    created: float

    def json(self) -> Json:
        """The agent as a session's answer has it."""
        return {
            "id": self.id,
            "type": "agent",
            "name": self.name,
            "version": 1,
            "description": None,
            "model": {"id": self.model, "speed": "standard"},
            "system": None,
            "execution_identity": {"type": "service_account"},
            "tools": [],
            "skills": [],
            "mcp_servers": [],
            "multiagent": None,
        }


@dataclass
class Session:
    """One session: the sums of its turns."""

    id: str
    agent: Agent
    environment: str
    created: float
    budget: int | None
    """The most it may cost, in cents."""
    updated: float = 0.0
    turns: int = 0
    seconds: float = 0.0
    tokens: dict[str, int] = field(default_factory=lambda: dict(_NOTHING))

    @property
    def cents(self) -> int:
        """The list cost in whole cents, the time that it ran included."""
        used = sum(charged(self.tokens, self.agent.model, {}, PRICES).values())
        return round((used + self.seconds * PICO_PER_SECOND) / PICO_PER_CENT)

    def work(self, seed: int, now: float) -> None:
        """One turn: the talk so far is read from the cache, and what is new is written to it. None over the budget."""
        self.updated = now
        if self.budget is not None and self.cents >= self.budget:
            return
        random = seeded(seed, self.id, self.turns)
        written = random.randint(4_000, 9_000)
        new = {
            "input": random.randint(40, 400),
            "cache_read": self.tokens["cache_write_5m"],
            "cache_write_5m": written,
            "cache_write_1h": 0,
            "output": random.randint(600, 2_400),
        }
        self.tokens = {name: self.tokens[name] + amount for name, amount in new.items()}
        self.turns += 1
        self.seconds += random.randint(20, 180)

    def json(self) -> Json:
        """The session as the API writes it."""
        return {
            "id": self.id,
            "type": "session",
            "agent": self.agent.json(),
            "environment_id": self.environment,
            "status": "idle",
            "title": None,
            "metadata": {},
            "usage": {
                "input_tokens": self.tokens["input"],
                "cache_read_input_tokens": self.tokens["cache_read"],
                "cache_creation": {
                    "ephemeral_5m_input_tokens": self.tokens["cache_write_5m"],
                    "ephemeral_1h_input_tokens": self.tokens["cache_write_1h"],
                },
                "output_tokens": self.tokens["output"],
                "list_cost": _money(self.cents),
                "active_seconds": self.seconds,
            },
            "stats": {"active_seconds": self.seconds, "duration_seconds": self.updated - self.created + self.seconds},
            "budget": None if self.budget is None else {"type": "limit", "max_list_cost": _money(self.budget)},
            "created_at": moment(self.created),
            "updated_at": moment(self.updated),
            "archived_at": None,
            "resources": [],
            "vault_ids": [],
            "outcome_evaluations": [],
        }


class Sessions:
    """All agents and sessions of one simulated API."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._agents: dict[str, Agent] = {}
        self._sessions: dict[str, Session] = {}

    def employ(self, body: Json) -> Agent:
        """Make an agent."""
        given = body.get("model")
        model = as_object(given).get("id", given)
        if not isinstance(model, str) or not isinstance(body.get("name"), str):
            raise invalid("name, model: Field required")
        agent = Agent(self.engine.new_id("agent_01"), str(body["name"]), resolved(model), self.engine.clock())
        self._agents[agent.id] = agent
        return agent

    def create(self, body: Json) -> Session:
        """Begin a session with an agent."""
        wanted = body.get("agent")
        agent = self._agents.get(str(as_object(wanted).get("id", wanted)))
        if agent is None:
            raise invalid("agent: no such agent")
        limit = as_object(as_object(body.get("budget")).get("max_list_cost")).get("amount")
        now = self.engine.clock()
        environment, budget = str(body.get("environment_id")), None if limit is None else int(limit)
        session = Session(self.engine.new_id("sesn_01"), agent, environment, now, budget, now)
        self._sessions[session.id] = session
        return session

    def get(self, session_id: str) -> Session:
        """A session as it stands now."""
        session = self._sessions.get(session_id)
        if session is None:
            raise Refused(NOT_FOUND)
        return session

    def send(self, session: Session, body: Json) -> list[Json]:
        """Events from the user: each message is answered at once, by one turn."""
        sent: list[Json] = []
        for event in as_objects(body.get("events")):
            now = self.engine.clock()
            if event.get("type") == "user.message":
                session.work(self.engine.seed, now)
            sent.append({**event, "id": self.engine.new_id("sevt_01"), "processed_at": moment(now)})
        return sent

    def all(self) -> Iterator[Session]:
        """The sessions, the newest first."""
        return reversed(self._sessions.values())


def _money(cents: int) -> Json:
    return {"amount": str(cents), "currency": "USD"}
