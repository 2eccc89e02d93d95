"""Figures: medians over rounds of times, and of differences and ratios within each round. Pure functions."""

from __future__ import annotations

from statistics import median, quantiles
from typing import NamedTuple

Rounds = list[float | None]
"""One value for each round; None where there is none."""


class Figure(NamedTuple):
    """A median over rounds, and the quartiles beside it."""

    value: float
    low: float
    high: float


def figure(values: Rounds) -> Figure | None:
    """The figure of the rounds that have a value; None if none has."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return Figure(known[0], known[0], known[0]) if known else None
    low, _, high = quantiles(known, n=4, method="inclusive")
    return Figure(median(known), low, high)


def added(values: Rounds, base: Rounds) -> Rounds:
    """What each round has above the base of the same round."""
    return [None if a is None or b is None else a - b for a, b in zip(values, base, strict=False)]


def ratio(values: Rounds, base: Rounds) -> Rounds:
    """Each round's value over the base of the same round."""
    return [None if a is None or not b else a / b for a, b in zip(values, base, strict=False)]
