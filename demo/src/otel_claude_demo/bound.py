"""Bound: the most that the demo can cost against the real API, before anything is sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import NamedTuple

from otel_claude.pricing import PriceTable

from .rates import WEB_SEARCH, Way, cost
from .services.processes import SERVICES
from .services.steps import LIVE_TOKENS, Most, Step


class Bound(NamedTuple):
    """Sums over all steps that are done live."""

    calls: int
    input: int
    output: int
    searches: int
    pico: int


def bound(table: PriceTable, *, at: float) -> Bound:
    """Every input token at the price of the dearest cache write, every output token that `max_tokens` allows."""
    total = Bound(0, 0, 0, 0, 0)
    for most in _mosts():
        output = most.calls * LIVE_TOKENS
        amounts = {"cache_write_1h": most.input if most.calls else 0, "output": output, WEB_SEARCH: most.searches}
        pico = sum(cost(table, Way(most.model), amounts, at=at).values())
        added = Bound(most.calls, amounts["cache_write_1h"], output, most.searches, pico)
        total = Bound(*map(sum, zip(total, added, strict=True)))
    return total


def _mosts() -> Iterator[Most]:
    for name in SERVICES:
        steps: Sequence[Step] = import_module(f"{__package__}.services.{name}").STEPS
        yield from (step.most for step in steps if step.most is not None)
