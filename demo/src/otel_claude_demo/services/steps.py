"""Steps: what a service of the demo does, one after the other, and what each may use of the real API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from anthropic import Anthropic, AsyncAnthropic

LIVE_TOKENS: Final = 256
"""The `max_tokens` of every call to the real API."""
SCENARIO: Final = "x-simulator-scenario"
"""`otel_claude_demo.simulator.HEADER`. Not imported from there: a service needs no web server."""


@dataclass(frozen=True)
class Desk:
    """What a service works with."""

    live: bool = False
    client: Anthropic = field(default_factory=Anthropic)
    async_client: AsyncAnthropic = field(default_factory=AsyncAnthropic)

    def most(self, tokens: int) -> int:
        """That many `max_tokens`, or few against the real API."""
        return min(tokens, LIVE_TOKENS) if self.live else tokens

    def plays(self, scenario: str) -> dict[str, str] | None:
        """The header that makes the simulator play this. None for the real API."""
        return None if self.live else {SCENARIO: scenario}


class Most(NamedTuple):
    """The most that a step can use against the real API. Each call writes `LIVE_TOKENS` at most."""

    model: str
    calls: int = 1
    input: int = 1_000
    """Tokens of all its calls together. No text has more tokens than bytes."""
    searches: int = 0


class Step(NamedTuple):
    """`most` is None for what only the simulator can be asked for."""

    says: str
    act: Callable[[Desk], Awaitable[object] | object]
    most: Most | None = None
    once: bool = False
    """Not again, however long the demo runs."""
