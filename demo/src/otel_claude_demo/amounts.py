"""Amounts as text. Pure, ASCII alone: a terminal's encoding is not ours to choose."""

from __future__ import annotations

from otel_claude.pricing import PICO_PER_USD


def places_for(total: int) -> int:
    """How many decimals show a total of pico-dollars and its parts well: six below a dollar, two from 100 on."""
    if total < PICO_PER_USD:
        return 6
    return 4 if total < 100 * PICO_PER_USD else 2


def usd(pico: int, places: int = 2) -> str:
    """Pico-dollars, rounded half up to so many decimals."""
    whole, fraction = divmod((pico + 10 ** (12 - places) // 2) // 10 ** (12 - places), 10**places)
    return f"{whole:,}.{fraction:0{places}d}"


def times(count: int, noun: str) -> str:
    """`1 stream`, `2 streams`."""
    return f"{count:,} {noun if count == 1 else f'{noun}s'}"
