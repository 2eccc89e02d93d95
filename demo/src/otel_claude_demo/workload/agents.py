"""The service of the workload that runs agents: sessions of Managed Agents, and turns of the Claude Agent SDK.

The turns are those of the real `claude` program, which is given no way but to the simulator. Without the extra
`agent-sdk` there are none.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import anthropic

from otel_claude import redact, tags

from ..simulator import HEADER
from .acts import SONNET, client

logger: Final = logging.getLogger(__name__)

AGENTS: Final = "research-agents"
"""The service's name."""
_STAFF: Final = (("Researcher", "claude-opus-5-5"), ("Reviewer", SONNET))
_AT_ONCE: Final = 4
"""Sessions that are worked in at once."""
_TURNS: Final = 8
"""After so many a session is left alone."""
_CENTS: Final = "80"
"""The budget of two sessions in three."""
_MODELS: Final = ("claude-sonnet-4-6", "claude-sonnet-4-6", "claude-haiku-4-5")
"""Of the turns: those that the program has prices for."""
_NOWHERE: Final = "http://127.0.0.1:9"


@dataclass
class AgentTally:
    """What the API and the program said: the latest of each session, and the turns."""

    sessions: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    turns: Counter[str] = field(default_factory=Counter[str])
    """By how they ended; `""`: well."""
    dollars: float = 0.0
    """What the program said that they cost."""

    def reported(self, session: Any) -> None:
        """The API told of a session."""
        usage, writes = session.usage, session.usage.cache_creation
        self.sessions[session.id] = {
            "agent": session.agent.name,
            "input": usage.input_tokens,
            "cache_read": usage.cache_read_input_tokens,
            "cache_write_5m": writes.ephemeral_5m_input_tokens,
            "cache_write_1h": writes.ephemeral_1h_input_tokens,
            "output": usage.output_tokens,
            "cents": int(usage.list_cost.amount),
            "budget": int(session.budget.max_list_cost.amount) if session.budget else None,
        }

    def ended(self, result: Any) -> None:
        """The program told that a turn has ended."""
        failed = result.subtype if result.subtype != "success" else str(result.api_error_status or "error")
        self.turns[failed if result.is_error or result.subtype != "success" else ""] += 1
        self.dollars += result.total_cost_usd or 0.0


class Sessions:
    """Sessions that are begun, worked in and looked after."""

    def __init__(self, calling: anthropic.Anthropic, tally: AgentTally) -> None:
        self._beta, self._tally = calling.beta, tally
        self._staff = [self._beta.agents.create(name=name, model=model) for name, model in _STAFF]
        self._open: list[str] = []
        self._begun = 0

    def round(self) -> None:
        """Begins one if there is room for it, sends a message to each, and asks what they have used."""
        if len(self._open) < _AT_ONCE:
            self._open.append(self._begin().id)
        for name in list(self._open):
            self._beta.sessions.events.send(
                name, events=[{"type": "user.message", "content": [{"type": "text", "text": "Go on."}]}]
            )
            session = self._beta.sessions.retrieve(name)
            self._tally.reported(session)
            if self._tally.sessions[name]["output"] > _TURNS * 1500:
                self._open.remove(name)

    def _begin(self) -> Any:
        self._begun += 1
        agent = self._staff[self._begun % len(self._staff)]
        limit: Any = {"type": "limit", "max_list_cost": {"amount": _CENTS, "currency": "USD"}}
        return self._beta.sessions.create(
            agent=agent.id, environment_id="env_simulated", budget=limit if self._begun % 3 else anthropic.omit
        )


class Turns:
    """Turns of the Claude Agent SDK, each of a program of its own."""

    def __init__(self, url: str, key: str, home: Path, tally: AgentTally) -> None:
        self._sdk: Any = import_module("claude_agent_sdk")
        self._tally, self._home = tally, home
        self._environment = {
            "ANTHROPIC_BASE_URL": url,
            "ANTHROPIC_API_KEY": key,
            "HOME": str(home),
            "CLAUDE_CONFIG_DIR": str(home / "claude"),
            "HTTPS_PROXY": _NOWHERE,
            "HTTP_PROXY": _NOWHERE,
            "NO_PROXY": "127.0.0.1",
            "DISABLE_AUTOUPDATER": "1",
            "DISABLE_TELEMETRY": "1",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        }

    def turn(self, dice: random.Random, *scenarios: str) -> None:
        """One turn. A newer SDK raises what an older one only tells."""
        played = {"ANTHROPIC_CUSTOM_HEADERS": f"{HEADER}: {','.join(scenarios)}"} if scenarios else {}
        known = {each.name for each in dataclasses.fields(self._sdk.ClaudeAgentOptions)}
        wanted: dict[str, Any] = {
            "env": {**self._environment, **played},
            "cwd": str(self._home),
            "model": dice.choice(_MODELS),
            "system_prompt": "Be short.",
            "tools": [],
            "setting_sources": [],
        }
        options = self._sdk.ClaudeAgentOptions(**{name: wanted[name] for name in wanted.keys() & known})
        with tags(feature=dice.choice(("triage", "triage", "release-notes"))):
            try:
                asyncio.run(self._ended(f"Sum up report {dice.randrange(10_000)}.", options))
            except Exception as error:
                if not scenarios:
                    logger.warning("a turn failed: %s", redact.text(str(error)))

    async def _ended(self, prompt: str, options: Any) -> None:
        async for message in self._sdk.query(prompt=prompt, options=options):
            if isinstance(message, self._sdk.ResultMessage):
                self._tally.ended(message)


def run_agents(url: str, rounds: int, pause: float, seed: int) -> AgentTally:
    """Runs the service for some rounds; 0: for ever."""
    tally, dice = AgentTally(), random.Random(seed)  # noqa: S311 - a play of chance
    with client(AGENTS, url) as calling, tempfile.TemporaryDirectory() as home:
        sessions = Sessions(calling, tally)
        turns = Turns(url, str(calling.api_key), Path(home), tally) if find_spec("claude_agent_sdk") else None
        for number in _tally(rounds):
            sessions.round()
            if turns is not None:
                turns.turn(dice)
                if number == 0 or dice.random() < 0.05:  # noqa: PLR2004
                    turns.turn(dice, "credit_balance")
            time.sleep(pause)
    return tally


def _tally(rounds: int) -> Iterator[int]:
    done = 0
    while not rounds or done < rounds:
        yield done
        done += 1
