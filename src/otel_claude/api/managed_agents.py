"""Session: what the API says of a Managed Agents session: whose it is, what it used and cost so far.

Pure functions of a path and decoded JSON. Source of the fields: `types/beta/beta_managed_agents_session.py` and
`beta_managed_agents_session_usage_event.py` of anthropic 2.12.0; `input_tokens` are the uncached ones (Anthropic's page
on sessions). All counts are cumulative: of a session's whole life, and of all its threads.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from .json import Json, as_count, as_list, as_object, as_text
from .response import Usage, parse_usage

_PATH: Final = re.compile(r"/v1/sessions(?:/([^/]+)(?:/(?:archive|events|events/stream))?)?")
_CURRENCY: Final = "USD"


class Session(NamedTuple):
    """What was told of one session. Money is in US cents, as the API gives it; `budget` is the most it may cost."""

    id: str
    agent_id: str | None = None
    agent_name: str | None = None
    model: str | None = None
    usage: Usage | None = None
    list_cost: int | None = None
    budget: int | None = None

    def after(self, known: "Session") -> "Session":
        """This news of a session, with what is known of it. Counts only grow: lists of events tell old ones again."""
        return Session(
            self.id,
            self.agent_id or known.agent_id,
            self.agent_name or known.agent_name,
            self.model or known.model,
            max(known.usage, self.usage, key=_tokens),
            max(known.list_cost, self.list_cost, key=lambda cents: -1 if cents is None else cents),
            self.budget,
        )


def parse_sessions(path: str, body: object) -> Iterator[Session]:
    """The sessions that an answer to a request of this path tells of, or an event of its stream. Threads are left out.

    What a thread used is part of what its session did.
    """
    place = _PATH.fullmatch(path[path.rfind("/v1/sessions") :])
    if place is None:
        return
    parsed = as_object(body)
    for entry in (parsed, *map(as_object, as_list(parsed.get("data")) or ())):
        kind = entry.get("type")
        name = as_text(entry.get("id")) if kind == "session" else place[1] if kind == "session.usage" else None
        if name is not None:
            yield _session(name, entry)


def _session(name: str, parsed_session: Json) -> Session:
    agent, usage = as_object(parsed_session.get("agent")), parsed_session.get("usage")
    return Session(
        name,
        as_text(agent.get("id")),
        as_text(agent.get("name")),
        as_text(as_object(agent.get("model")).get("id")),
        parse_usage(usage) if as_object(usage) else None,
        _cents(as_object(usage).get("list_cost")),
        _cents(as_object(parsed_session.get("budget")).get("max_list_cost")),
    )


def _cents(amount: object) -> int | None:
    """An amount of money in minor units, as a string of digits. Only US dollars have a price so far."""
    parsed_session = as_object(amount)
    digits = as_text(parsed_session.get("amount"))
    if parsed_session.get("currency") != _CURRENCY or digits is None or not (digits.isascii() and digits.isdecimal()):
        return None
    return as_count(int(digits)) if len(digits) < 10 else None  # noqa: PLR2004 - no session costs ten million dollars


def _tokens(usage: Usage | None) -> int:
    return -1 if usage is None else (usage.total_input or 0) + (usage.output or 0)
