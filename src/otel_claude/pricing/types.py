"""What a price is made from and what it is. Knows no JSON and nothing else of ours.

Money is integer pico-dollars, 1e-12 USD, everywhere but in the table: every list price with every published modifier is
a whole number of them per token, so nothing is rounded.
"""

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Literal, NamedTuple

PlatformName = Literal["anthropic", "aws", "google_cloud", "vertex", "bedrock", "foundry"]
Status = Literal["exact", "lower_bound", "unpriced"]
Endpoint = Literal["global", "regional", "us_gov"]

PICO_PER_USD = 10**12
to_usd: Callable[[int], float] = PICO_PER_USD.__rtruediv__
"""Pico-dollars as dollars. Written in C: `map(to_usd, amounts)`."""
DAY = 86_400
"""Seconds for which prices hold: those of a day, in UTC."""


def decimal_text(value: int) -> str:
    """An integer of 1e-12 as a decimal number, with two decimals or as many as it needs."""
    whole, fraction = divmod(abs(value), PICO_PER_USD)
    return f"{'-' if value < 0 else ''}{whole}.{f'{fraction:012d}'.rstrip('0').ljust(2, '0')}"


class Platform(NamedTuple):
    """Who serves the call: the kind of client, and its region or location where it has one."""

    name: PlatformName
    region: str | None = None


ANTHROPIC = Platform("anthropic")


class Prices(NamedTuple):
    """Prices of one token by type, in 1e-18 USD (1e-12 USD per million): exact for any price with twelve decimals."""

    input: int
    cache_read: int
    cache_write_5m: int
    cache_write_1h: int
    output: int


class Period(NamedTuple):
    """Prices between two days: from `start`, until before `end`. Days count from 1970-01-01, UTC."""

    start: int
    end: int | None
    prices: Prices
    tiers: tuple[tuple[int, Prices], ...]
    """Prices of a whole request whose prompt is strictly longer than so many tokens."""
    certainty: str | None
    sources: tuple[str, ...]
    note: str | None
    custom: bool
    """From the user's own file."""

    def covers(self, day: float) -> bool:
        """Whether the period is in force on that day."""
        return self.start <= day and (self.end is None or day < self.end)


class Model(NamedTuple):
    """Everything that the table says of one model."""

    id: str
    name: str
    status: str | None
    retires: int | None
    """The day on which Anthropic's own platform stops serving it (from 1970-01-01, UTC), where that is known."""
    unpriced: bool
    """Its id is published, its price is not."""
    limited_availability: bool
    """Anthropic offers it to some customers alone."""
    batch: Fraction | None
    us: Fraction | None
    """What inference in the United States alone multiplies its prices by."""
    web_search: int | None
    """1e-18 USD per search."""
    regional_premium: bool
    fast_ids: Mapping[str, str]
    """By platform, the id that means the model in fast mode."""
    standard: tuple[Period, ...]
    fast: tuple[Period, ...]
    """In force if the first that covers the day; its cache prices are 0 here and follow from `standard`."""


class PlatformRules(NamedTuple):
    """What the table says of a platform."""

    fast: bool
    web_search: bool
    inference_geo: bool
    endpoint: Endpoint | None
    """The kind of endpoint where neither the model's id nor the client's region tells."""
    regional: Fraction | None
    us_gov: Fraction | None
    refusals_free_from: int | None


class Discount(NamedTuple):
    """What a user's contract multiplies prices by."""

    factor: Fraction
    model: str | None
    platform: str | None
    start: int | None
    end: int | None
    web_search: bool
    """Whether it applies to web searches too."""


# Charge and Price are named tuples and not frozen dataclasses: making one of ten fields takes a third of the time.


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
    missed: int
    """What the tokens of a cache diagnosis cost more than reading them from the cache would have."""

    @property
    def parts(self) -> tuple[int, ...]:
        """Input, cache_read, cache_write_5m, cache_write_1h, output, web_search: the order of `semconv.COST_TYPES`."""
        return self[1:7]

    @property
    def total(self) -> int:
        """The sum of the parts. Savings, overhead and misses are comparisons and not part of it."""
        return sum(self.parts)


class Price(NamedTuple):
    """What a response cost, or why that is not known."""

    charges: tuple[Charge, ...]
    """Per model, in the order of the response. Empty if it is free or nothing can be said."""
    reason: str | None
    """Why it is not exact: a key of UNPRICED_REASONS. None if it is exact."""
    status: Status
    table: str
    """The name of the table that priced it."""

    @property
    def total(self) -> int:
        """Pico-dollars. Of a lower bound, what is sure; 0 for an unpriced response, so look at status."""
        return sum(charge.total for charge in self.charges)


def joint_status(statuses: Iterable[Status]) -> Status:
    """The status of prices together: that of all of them, or a lower bound. Nothing at all is exact."""
    distinct = set(statuses)
    if len(distinct) > 1:
        return "lower_bound"
    return distinct.pop() if distinct else "exact"
