"""What the services of the workload do, as real ones would: chats, an agent's steps, reports, batches, failures."""

from __future__ import annotations

import random
import warnings
from collections import deque
from collections.abc import Callable
from typing import Any, Final

import anthropic

from otel_claude import tags

from ..simulator import HEADER, Limits
from .tally import Tally

SONNET: Final = "claude-sonnet-5-5"
HAIKU: Final = "claude-haiku-5-5"
OPUS: Final = "claude-opus-5-5"
RETIRING: Final = "claude-opus-4-5"
"""A model whose end is known."""
UNLISTED: Final = "claude-example-1"
"""A model that no price table has."""
_KEY: Final = "sk-ant-api03-{letters}-simulated-key-that-opens-nothing-{letters}AA"
_GUIDE: Final = "You answer customers of a shop that sells tea. Be short, be kind, never invent a price. "


Act = Callable[[anthropic.Anthropic, Tally, random.Random], None]


def _plays(*scenarios: str) -> dict[str, str]:
    return {HEADER: ",".join(scenarios)} if scenarios else {}


def _requested(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


def _cached(words: int, ttl: str, text: str = _GUIDE) -> list[Any]:
    return [{"type": "text", "text": text * (words // 17), "cache_control": {"type": "ephemeral", "ttl": ttl}}]


def _chat(client: anthropic.Anthropic, tally: Tally, dice: random.Random) -> None:
    """A streamed answer to a customer, with a cached guide."""
    tenant = dice.choice(("acme", "acme", "globex", "initech"))
    with (
        tags(feature="chat", tenant=tenant),
        client.messages.stream(
            model=SONNET,
            max_tokens=600,
            system=_cached(4000, "5m"),
            messages=_requested(f"Where is order {dice.randrange(10_000)}?"),
            extra_headers=_plays("output=180", *(["overloaded=1"] if dice.random() < 0.05 else [])),  # noqa: PLR2004
        ) as stream,
    ):
        tally.responded(stream.get_final_message())


def _search(client: anthropic.Anthropic, tally: Tally, dice: random.Random) -> None:
    """A question that needs the web."""
    with tags(feature="search", tenant="acme"):
        response = client.messages.with_raw_response.create(
            model=SONNET,
            max_tokens=500,
            messages=_requested(f"What is tea number {dice.randrange(10_000)} praised for?"),
            tools=[{"type": "web_search_20250305", "name": "web_search"}],
            extra_headers=_plays("searches=2", "output=220"),
        )
    tally.responded(response.parse())
    tally.limited(SONNET, response.headers)


def _code(client: anthropic.Anthropic, tally: Tally, dice: random.Random) -> None:
    """One step of an agent: a long cached context, thinking, a tool."""
    with (
        tags(feature="refactor", tenant="internal"),
        client.messages.stream(
            model=OPUS,
            max_tokens=4000,
            system=_cached(
                24_000, "1h", "def brew(leaves, water): return infuse(leaves, water, minutes=3) # the recipe "
            ),
            thinking={"type": "adaptive"},
            tools=[{"name": "edit", "description": "Edits a file", "input_schema": {"type": "object"}}],
            messages=_requested(f"Rename the variable in file {dice.randrange(10_000)}."),
            extra_headers=_plays("output=700", *(["rate_limit=1", "retry_after=0.2"] if dice.random() < 0.1 else [])),  # noqa: PLR2004
        ) as stream,
    ):
        tally.responded(stream.get_final_message())
        tally.limited(OPUS, stream.response.headers)


_last_page: deque[str] = deque(maxlen=1)
"""The last page's message, which the next one names, so that the API says why the cache missed."""


def _report(client: anthropic.Anthropic, tally: Tally, dice: random.Random) -> None:
    """One page of a report. Its prompt begins with a number, so the cache is written and never read.

    Nobody's tenant is an empty text, which is no tag and is counted as such.
    """
    number = dice.randrange(1_000_000)
    with tags(feature="report", tenant=""):
        message = client.messages.create(
            model=HAIKU,
            max_tokens=60 if dice.random() < 0.2 else 2000,  # noqa: PLR2004
            system=_cached(
                6000, "5m", f"Page {number} of the sales report, line by line, with sums and a short remark. "
            ),
            messages=_requested("Summarize this page."),
            extra_headers=_plays("output=400"),
            # `diagnostics=` is a parameter of anthropic 2.12 and newer.
            extra_body={"diagnostics": {"previous_message_id": _last_page[0] if _last_page else None}},
        )
    _last_page.append(message.id)
    tally.responded(message)


_waiting: deque[str] = deque()
"""Batches whose results were not read yet."""


def _next_waiting() -> str | None:
    try:
        return _waiting.popleft()
    except IndexError:
        return None


def _batch(client: anthropic.Anthropic, tally: Tally, dice: random.Random) -> None:
    """Pages that nobody waits for, at half the price: reads what is done, and asks for more.

    One page asks for what the API refuses.
    """
    with tags(feature="archive"):
        unfinished: list[str] = []
        for name in iter(_next_waiting, None):
            if client.messages.batches.retrieve(name).processing_status != "ended":
                unfinished.append(name)
                continue
            for line in client.messages.batches.results(name):
                tally.read(line.result)
        _waiting.extend(unfinished)
        pages: list[Any] = [
            {
                "model": f"{SONNET}+output=900",
                "max_tokens": 2000 if page else -1,
                "messages": _requested(f"Summarize {dice.random()}."),
            }
            for page in range(5)
        ]
        made = client.messages.batches.create(
            requests=[{"custom_id": f"page-{number}", "params": params} for number, params in enumerate(pages)],
            extra_headers=_plays("batch_delay=0.3"),
        )
        _waiting.append(made.id)


def _failing(model: str, *scenarios: str) -> Act:
    def act(client: anthropic.Anthropic, tally: Tally, _dice: random.Random) -> None:
        try:
            with tags(feature="report"):
                tally.responded(
                    client.with_options(max_retries=0).messages.create(
                        model=model, max_tokens=50, messages=_requested("Hello"), extra_headers=_plays(*scenarios)
                    )
                )
        except anthropic.AnthropicError:
            tally.calls += 1
            tally.failed += 1

    return act


def _retiring(client: anthropic.Anthropic, tally: Tally, dice: random.Random) -> None:
    """A part that nobody has moved to a newer model yet. The SDK warns of that, in Python alone."""
    with tags(feature="report"), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        message = client.messages.create(
            model=RETIRING, max_tokens=100, messages=_requested(f"Name report {dice.randrange(10_000)}.")
        )
    tally.responded(message)


def _unlisted(client: anthropic.Anthropic, tally: Tally, _dice: random.Random) -> None:
    """A model without a price: the tally counts the call, not what it used."""
    client.messages.create(model=UNLISTED, max_tokens=50, messages=_requested("Hello"))
    tally.calls += 1


SERVICES: Final[dict[str, tuple[tuple[Act, float], ...]]] = {
    "support-chat": ((_chat, 1.0), (_search, 0.2), (_failing(SONNET, "overloaded"), 0.01)),
    "code-agent": ((_code, 1.0), (_failing(OPUS, "rate_limit"), 0.04), (_failing(OPUS, "invalid_request"), 0.02)),
    "nightly-report": (
        (_report, 1.0),
        (_batch, 0.4),
        (_failing(HAIKU, "disconnect"), 0.04),
        (_failing(HAIKU, "spend_limit"), 0.02),
        (_failing(HAIKU, "credit_balance"), 0.02),
        (_unlisted, 0.04),
        (_retiring, 0.1),
    ),
}
"""What each service does, and how often in one round: an act of 1.0 in every one."""
LIMITS: Final = Limits(requests=400, input_tokens=250_000, output_tokens=60_000)


def client(service: str, url: str) -> anthropic.Anthropic:
    """A service's client, with a key of its own."""
    letters = {"support-chat": "ChaT", "code-agent": "CodE", "nightly-report": "NiGh"}.get(service, "AgNt")
    return anthropic.Anthropic(base_url=url, api_key=_KEY.format(letters=letters), max_retries=3)


def round_of(
    service: str, calling: anthropic.Anthropic, tally: Tally, dice: random.Random, *, every: bool = False
) -> None:
    """One round. `every`: each act at least once, however rare."""
    for act, often in SERVICES[service]:
        if every or dice.random() < often:
            act(calling, tally, dice)
