"""research: an agent. Asynchronous. Plain SDK code; the tags are all that it knows of telemetry."""

from __future__ import annotations

import asyncio
from typing import Final

from anthropic import beta_async_tool

from otel_claude import tags

from .steps import LIVE_TOKENS, Desk, Most, Step
from .texts import ARCHIVE, cached, question, user

MODEL: Final = "claude-opus-5-5"
SEARCHER: Final = "claude-haiku-5-5"
_AT_ONCE: Final = 4


async def at_once(desk: Desk) -> None:
    """`create`, several at the same time."""
    await asyncio.gather(
        *(
            desk.async_client.messages.create(model=MODEL, max_tokens=desk.most(300), messages=user(question()))
            for _ in range(_AT_ONCE)
        )
    )


@beta_async_tool
async def stock(item: str) -> str:
    """How many pieces of an item are in stock.

    Args:
        item: The item's name.
    """
    return f"{len(item)} pieces of {item}"


@tags(feature="agent")
async def tools(desk: Desk) -> None:
    """`tool_runner`: calls the tool, and Claude again with its result."""
    runner = desk.async_client.beta.messages.tool_runner(
        model=MODEL,
        max_tokens=desk.most(400),
        tools=[stock],
        messages=user("How many lamps are in stock? Use the tool, then answer in one sentence."),
        max_iterations=3,
    )
    async for _ in runner:
        pass


@tags(feature="search")
async def search(desk: Desk) -> None:
    """A tool that the API runs itself, and bills by the request."""
    await desk.async_client.messages.create(
        model=SEARCHER,
        max_tokens=desk.most(400),
        tools=[{"type": "web_search_20250305", "name": "web_search", "max_uses": 1}],
        messages=user("Search the web once: what is a lantern? In one sentence."),
    )


async def thinking(desk: Desk) -> None:
    """`stream`, with thinking before the answer."""
    async with desk.async_client.messages.stream(
        model=MODEL, max_tokens=desk.most(3_000), thinking={"type": "adaptive"}, messages=user(question())
    ) as opened:
        await opened.get_final_message()


async def archive(desk: Desk) -> None:
    """`create(stream=True)` on a prompt that is cached for an hour."""
    async for _ in await desk.async_client.messages.create(
        model=MODEL,
        max_tokens=desk.most(300),
        system=cached(ARCHIVE, "1h"),
        messages=user(question()),
        stream=True,
    ):
        pass


async def fast(desk: Desk) -> None:
    """The beta's fast mode, which has a price of its own."""
    await desk.async_client.beta.messages.create(
        model=MODEL,
        max_tokens=desk.most(200),
        speed="fast",
        betas=["fast-mode-2026-02-01"],
        messages=user(question()),
    )


async def overloaded(desk: Desk) -> None:
    """The first two attempts get a 529, the SDK backs off and tries again."""
    await desk.async_client.messages.create(
        model=MODEL,
        max_tokens=desk.most(200),
        messages=user(question()),
        extra_headers=desk.plays("overloaded=2,retry_after=0.2"),
    )


STEPS: Final = (
    Step(f"{_AT_ONCE} answers at once", at_once, Most(MODEL, calls=_AT_ONCE, input=_AT_ONCE * 1_000)),
    # The API adds a system prompt of some hundred tokens to requests with tools.
    Step("an agent with a tool", tools, Most(MODEL, calls=3, input=3 * (2_000 + 3 * LIVE_TOKENS))),
    # A page found can be long; no search was seen to bring more than half of this.
    Step("a web search", search, Most(SEARCHER, input=60_000, searches=1)),
    Step("thinking, streamed", thinking, Most(MODEL)),
    Step("an archive cached for an hour", archive, Most(MODEL, input=len(ARCHIVE) + 1_000)),
    Step("fast mode", fast),
    Step("529 twice: backs off, then succeeds", overloaded),
)
