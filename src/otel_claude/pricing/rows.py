"""The price table's rows as values, read from its JSON. Knows the file's format; does no arithmetic on usage.

Prices are integers of 1e-18 USD per token (1e-12 USD per million): exact for any price with twelve decimals.
The JSON is trusted here: the shipped file is checked by the tests, a user's by `userfile` before it comes here.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from otel_claude.pricing.model_ids import Endpoint

ATTO = 10**18
"""Parts of a dollar in the table's unit of money."""
PLACES = 12

Ratio = tuple[int, int]
Json = Mapping[str, Any]

_EPOCH = date(1970, 1, 1).toordinal()


class Prices(NamedTuple):
    """Prices of one token by type, in 1e-18 USD."""

    input: int
    cache_read: int
    cache_write_5m: int
    cache_write_1h: int
    output: int


class Tier(NamedTuple):
    """Prices of a whole request whose prompt is strictly longer than `over` tokens."""

    over: int
    prices: Prices


class Period(NamedTuple):
    """Prices between two days: from `start`, until before `end`. Days count from 1970-01-01, UTC."""

    start: int
    end: int | None
    prices: Prices
    tiers: tuple[Tier, ...]
    certainty: str | None
    sources: tuple[str, ...]
    note: str | None
    custom: bool
    """From the user's own file."""

    def covers(self, day: int) -> bool:
        """Whether the period is in force on that day."""
        return self.start <= day and (self.end is None or day < self.end)


class Model(NamedTuple):
    """Everything that the table says of one model."""

    id: str
    name: str
    status: str | None
    unpriced: bool
    """Its id is published, its price is not."""
    batch: Ratio | None
    us: Ratio | None
    """What inference in the United States alone multiplies its prices by."""
    web_search: int | None
    """1e-18 USD per search."""
    regional_premium: bool
    fast_ids: Mapping[str, str]
    """By platform, the id that means the model in fast mode."""
    standard: tuple[Period, ...]
    fast: tuple[Period, ...]
    """In force if the first that covers the day; its cache prices are 0 here and follow from `standard`."""


class Terms(NamedTuple):
    """A platform's rules."""

    fast: bool
    web_search: bool
    inference_geo: bool
    endpoint: Endpoint | None
    """The kind of endpoint where neither the model's id nor the client's region tells."""
    regional: Ratio | None
    us_gov: Ratio | None
    refusals_free_from: int | None


class Discount(NamedTuple):
    """What a user's contract multiplies prices by."""

    factor: Ratio
    model: str | None
    platform: str | None
    start: int | None
    end: int | None
    web_search: bool
    """Whether it applies to web searches too."""


def day_of(text: str) -> int:
    """Days from 1970-01-01 to a date written as 2026-11-22."""
    return date.fromisoformat(text).toordinal() - _EPOCH


def date_of(day: int) -> str:
    """The date of a day, as text."""
    return date.fromordinal(day + _EPOCH).isoformat()


def decimal(text: str) -> int:
    """A decimal number as an integer of 1e-12. No float on the way."""
    whole, _, fraction = text.partition(".")
    return int(whole + fraction.ljust(PLACES, "0"))


def decimal_text(value: int) -> str:
    """An integer of 1e-12 as a decimal number, with two decimals or as many as it needs."""
    whole, fraction = divmod(value, 10**PLACES)
    digits = f"{fraction:0{PLACES}d}".rstrip("0")
    return f"{whole}.{digits.ljust(2, '0')}"


def ratio(text: str | None) -> Ratio | None:
    """A factor as a numerator and a denominator."""
    return None if text is None else (decimal(text), 10**PLACES)


def _prices(row: Json) -> Prices:
    return Prices(
        decimal(row["input"]),
        decimal(row.get("cache_read", "0")),
        decimal(row.get("cache_write_5m", "0")),
        decimal(row.get("cache_write_1h", "0")),
        decimal(row["output"]),
    )


def periods(rows: Sequence[Json], *, custom: bool) -> tuple[Period, ...]:
    """The periods of a JSON list."""
    return tuple(
        Period(
            day_of(row["effective_from"]),
            day_of(end) if (end := row.get("effective_to")) else None,
            _prices(row),
            tuple(Tier(tier["prompt_tokens_over"], _prices(tier)) for tier in row.get("prompt_tiers", ())),
            row.get("certainty"),
            tuple(row.get("sources", ())),
            row.get("note"),
            custom,
        )
        for row in rows
    )


def model(name: str, row: Json, *, over: Model | None = None, custom: bool = False) -> Model:
    """A model from its JSON; with `over`, merged over what the shipped table says of it.

    A field that is absent keeps what stood there, and for a model that is new, the rule that holds for every
    Claude since 4.6 (pricing page of 2026-10-10): batch 0.5, US 1.1, regional premium, 10 USD per 1,000 searches.
    """
    base = over or Model(name, name, None, False, ratio("0.5"), ratio("1.1"), decimal("10") * 1000, True, {}, (), ())
    searches: str | None = row.get("web_search_per_1000")
    own = periods(row.get("standard", ()), custom=custom)
    fast = periods(row.get("fast", ()), custom=custom)
    if base.unpriced and own:
        base = base._replace(unpriced=False, standard=(), batch=base.batch or ratio("0.5"), us=base.us or ratio("1.1"))
    return Model(
        name,
        row.get("name", base.name),
        row.get("status", base.status),
        row.get("unpriced", base.unpriced),
        ratio(row["batch_multiplier"]) if "batch_multiplier" in row else base.batch,
        ratio(row["inference_geo_us_multiplier"]) if "inference_geo_us_multiplier" in row else base.us,
        (decimal(searches) * 1000 if searches is not None else None)
        if "web_search_per_1000" in row
        else base.web_search,
        row.get("regional_premium", base.regional_premium),
        {**base.fast_ids, **row.get("fast_ids", {})},
        # A user's period stands before the shipped ones: the first that covers a day is in force.
        own + base.standard,
        fast + base.fast,
    )


def terms(row: Json, over: Terms | None = None) -> Terms:
    """A platform's rules from their JSON, merged over others."""
    base = over or Terms(False, False, False, None, None, None, None)
    free: str | None = row.get("refusals_free_from")
    return Terms(
        row.get("fast", base.fast),
        row.get("web_search", base.web_search),
        row.get("inference_geo", base.inference_geo),
        row.get("endpoint", base.endpoint),
        ratio(row.get("regional_multiplier")) or base.regional,
        ratio(row.get("us_gov_multiplier")) or base.us_gov,
        day_of(free) if free else base.refusals_free_from,
    )


def discount(row: Json) -> Discount:
    """A user's discount from its JSON."""
    start: str | None = row.get("effective_from")
    end: str | None = row.get("effective_to")
    return Discount(
        (decimal(row["factor"]), 10**PLACES),
        row.get("model"),
        row.get("platform"),
        day_of(start) if start else None,
        day_of(end) if end else None,
        row.get("applies_to", "everything") == "everything",
    )
