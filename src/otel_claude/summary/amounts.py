"""Amounts as text: dollars, tokens, time. Pure, ASCII alone: a terminal's encoding is not ours to choose."""

from __future__ import annotations

from typing import Final

from ..pricing import PICO_PER_USD

_MINUTE: Final = 60
_HOUR: Final = 3600
_EXACT_TOKENS: Final = 100_000


def places_for(total: int) -> int:
    """How many decimals show a total of pico-dollars and its parts well: six below a dollar, two from 100 on."""
    if total < PICO_PER_USD:
        return 6
    return 4 if total < 100 * PICO_PER_USD else 2


def usd(pico: int, places: int = 2) -> str:
    """Pico-dollars, rounded half up to so many decimals. What is there but rounds to nothing is `<0.01`."""
    unit = 10 ** (12 - places)
    units = (abs(pico) + unit // 2) // unit
    sign = "-" if pico < 0 else ""
    if pico and not units:
        return f"{sign}<{_decimal(1, places)}"
    return sign + _decimal(units, places)


def _decimal(units: int, places: int) -> str:
    whole, fraction = divmod(units, 10**places)
    return f"{whole:,}.{fraction:0{places}d}"


def tokens(count: int) -> str:
    """A number of tokens in at most seven characters: exact below 100,000."""
    if count < _EXACT_TOKENS:
        return f"{count:,}"
    for size, letter in ((10**9, "B"), (10**6, "M")):
        if count >= 0.99995 * size:
            places = 2 if count < 99.995 * size else 0
            return f"{count / size:.{places}f}{letter}"
    return f"{count / 1000:.1f}k"


def share(part: int, whole: int) -> str:
    """A share in whole percent; `<1 %` for what is there but rounds to nothing."""
    if not whole:
        return "-"
    percent = (200 * part + whole) // (2 * whole)
    if part and not percent:
        return "<1 %"
    return f"{percent if percent < 100 or part >= whole else 99} %"  # noqa: PLR2004 - percent


def seconds(value: float) -> str:
    """A time as `850 ms`, `12.3 s`, `4 min 10 s`, `2 h 5 min`."""
    if value < 1:
        return f"{value * 1000:.0f} ms"
    if value < _MINUTE:
        return f"{value:.1f} s"
    whole = round(value)
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE} s"
    return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"


def times(count: int, noun: str) -> str:
    """`1 call`, `2 calls`, `3 processes`."""
    plural = f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{count:,} {noun if count == 1 else plural}"
