"""What a price is made from and what it is. Knows no prices, no JSON and nothing else of ours.

Counts are disjoint types of tokens, and `None` means that the API did not say. Money is integer pico-dollars, 1e-12
USD, everywhere: every list price with every published modifier is a whole number of them per token, so nothing is
rounded.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Literal, NamedTuple

PlatformName = Literal["anthropic", "aws", "google_cloud", "vertex", "bedrock", "foundry"]
Status = Literal["exact", "lower_bound", "unpriced"]

PICO_PER_USD = 10**12
to_usd: Callable[[int], float] = PICO_PER_USD.__rtruediv__
"""Pico-dollars as dollars. Written in C: `map(to_usd, amounts)`."""


class Platform(NamedTuple):
    """Who serves the call: the kind of client, and its region or location where it has one."""

    name: PlatformName
    region: str | None = None


ANTHROPIC = Platform("anthropic")


# Charge and Price are named tuples and not frozen dataclasses: they are made once per call, and making
# a frozen dataclass of ten fields takes 1.06 µs where a tuple takes 0.29 µs (Python 3.11).


class Charge(NamedTuple):
    """What one model of a call cost, by type, in pico-dollars."""

    model: str
    """The model as the API said it."""
    input: int
    cache_read: int
    cache_write_5m: int
    cache_write_1h: int
    output: int
    web_search: int
    savings: int
    """What cache reads cost less than the same tokens as uncached input would have."""
    overhead_5m: int
    """What five-minute cache writes cost more than uncached input would have."""
    overhead_1h: int
    """The same of one-hour cache writes."""

    @property
    def parts(self) -> tuple[int, ...]:
        """What each class cost: input, cache_read, cache_write_5m, cache_write_1h, output, web_search."""
        return self[1:7]

    @property
    def total(self) -> int:
        """The sum over the classes. Savings and overhead are comparisons and not part of it."""
        return sum(self.parts)


class Price(NamedTuple):
    """What an answer cost, or why that is not known."""

    charges: tuple[Charge, ...]
    """Per model, in the order of the answer. Empty if it is free or nothing can be said."""
    reason: str | None
    """Why it is not exact: a key of UNPRICED_REASONS. None if it is exact."""
    status: Status
    table: str
    """The date of the table that priced it; with `+name` if a file of the user's own was merged over it."""

    @property
    def total(self) -> int:
        """Pico-dollars. Of a lower bound, what is sure; 0 for an unpriced answer, so look at status."""
        return sum(charge.total for charge in self.charges)


# Making a named tuple by keyword-less tuple.__new__ takes 0.17 µs where Charge(…) takes 0.27 µs: twice per call.
made_charge: Callable[[tuple[str, int, int, int, int, int, int, int, int, int]], Charge] = partial(
    tuple[Any, ...].__new__, Charge
)
made_price: Callable[[tuple[tuple[Charge, ...], str | None, Status, str]], Price] = partial(
    tuple[Any, ...].__new__, Price
)
