"""What one token of each class costs under given circumstances: model, day, platform, tier, speed, region.

Knows the rules that multiply prices; knows no usage. A rate is made once per circumstance and kept by the table.
token price = price(model, day, speed, prompt tier) x 0.5 if batch x 1.1 if US x platform's premium x the user's factor
(pricing page of 2026-10-10; they all multiply). Web searches are added and only multiplied by the user's factor.
"""

from collections.abc import Iterable
from math import gcd
from typing import NamedTuple

from otel_claude.pricing.model_ids import Endpoint
from otel_claude.pricing.rows import Discount, Model, Period, Prices, Ratio, Terms

PER_PICO = 10**6
"""The table's unit of money, 1e-18 USD, per pico-dollar."""

_ONE: Ratio = (1, 1)


class Rate(NamedTuple):
    """Pico-dollars per token by type, times the rates' denominator."""

    input: int
    cache_read: int
    cache_write_5m: int
    cache_write_1h: int
    output: int
    saving: int
    """Of a cache read, against uncached input."""
    overhead_5m: int
    """Of a cache write, above uncached input."""
    overhead_1h: int


class Rates(NamedTuple):
    """All rates of one circumstance, in pico-dollars per token or search, times `per`."""

    base: Rate
    tiers: tuple[tuple[int, Rate], ...]
    """Rates of longer prompts, by their strict bound, ascending."""
    web_search: int | None
    per: int
    """The common denominator: 1 for every list price with every published modifier."""
    batch: bool
    caveats: tuple[str, ...]
    """Why a price made of these is only a lower bound."""
    simple: bool
    """Whole pico-dollars and no caveat."""

    def of(self, prompt: int) -> Rate:
        """The rate of a request with so many tokens of total input."""
        rate = self.base
        for over, higher in self.tiers:
            if prompt > over:  # strictly: 100,000 tokens are still the lower price (pricing page)
                rate = higher
        return rate


class Circumstance(NamedTuple):
    """What the answer and the client say about how it was served."""

    day: int
    platform: str
    endpoint: Endpoint | None
    tier: str | None
    speed: str | None
    geo: str | None


def prepare(
    model: Model, at: Circumstance, terms: Terms, discounts: Iterable[Discount], *, fast_id: bool
) -> Rates | str:
    """The rates of a model, or the reason why it has none.

    `fast_id` means that the id itself named the fast mode (Foundry).
    """
    reason = _unknown(model, at)
    if reason is not None:
        return reason
    period = _in_force(model.standard, at.day)
    if period is None:
        return "not_yet_priced"
    scale = 1
    if at.speed == "fast" or fast_id:
        # Fast mode does not go with batch (fast-mode page); where it does not exist, the answer contradicts the rules.
        fast = _in_force(model.fast, at.day) if terms.fast and at.tier != "batch" else None
        if fast is None:
            return "unknown_speed"
        period, scale = _fast(period, fast)

    caveats: list[str] = []
    factor = model.batch if at.tier == "batch" and model.batch else _ONE
    for ratio in (_us(model, at, terms, caveats), _premium(model, at, terms, caveats)):
        factor = (factor[0] * ratio[0], factor[1] * ratio[1])
    own, own_search = _own_factor(discounts, model.id, at)
    tokens = (factor[0] * own[0], factor[1] * own[1] * PER_PICO * scale)

    search: Ratio | None = None
    if model.web_search is not None and terms.web_search:
        search = (model.web_search * own_search[0], own_search[1] * PER_PICO)
        if at.tier == "batch":  # Not published whether halved, so half of it is what is sure.
            search = (search[0], search[1] * 2)
    return _whole(period, tokens, search, batch=at.tier == "batch", caveats=tuple(caveats))


def _unknown(model: Model, at: Circumstance) -> str | None:
    """Why nothing is known of the price, before any date is looked at."""
    if model.unpriced:
        return "no_published_price"
    if at.tier == "priority":
        return "priority_tier"
    if at.tier not in (None, "standard", "batch") or (at.tier == "batch" and model.batch is None):
        return "unknown_service_tier"
    if at.speed not in (None, "standard", "fast"):
        return "unknown_speed"
    return None


def _in_force(periods: tuple[Period, ...], day: int) -> Period | None:
    return next((period for period in periods if period.covers(day)), None)


def _fast(standard: Period, fast: Period) -> tuple[Period, int]:
    """A fast period with the cache prices that follow from the model's own ratios (fast-mode page).

    Prices come multiplied by the second value, so that a user's odd ratio stays exact too.
    """
    by = standard.prices.input or 1

    def scaled(own: Prices) -> Prices:
        new, *cache, _ = standard.prices
        read, short, long = (price * own.input if new else 0 for price in cache)
        return Prices(own.input * by, read, short, long, own.output * by)

    return fast._replace(
        prices=scaled(fast.prices),
        tiers=tuple(tier._replace(prices=scaled(tier.prices)) for tier in fast.tiers),
    ), by


def _us(model: Model, at: Circumstance, terms: Terms, caveats: list[str]) -> Ratio:
    if at.geo in (None, "global", "not_available"):
        return _ONE
    if at.geo == "us" and terms.inference_geo and model.us is not None:
        return model.us
    caveats.append("unknown_inference_geo")
    return _ONE


def _premium(model: Model, at: Circumstance, terms: Terms, caveats: list[str]) -> Ratio:
    """What the endpoint multiplies prices by (pricing page: regional +10 % for 4.5 and later)."""
    if terms.regional is None or at.endpoint == "global":
        return _ONE
    if at.endpoint == "us_gov":
        if terms.us_gov is not None and model.regional_premium:
            return terms.us_gov
        caveats.append("unknown_endpoint")
        return _ONE
    if not model.regional_premium:
        return _ONE
    if at.endpoint is None:
        caveats.append("unknown_endpoint")
        return _ONE
    if at.platform == "foundry" and at.geo == "us":
        return _ONE  # A Data Zone's premium is the US premium; it is already applied.
    return terms.regional


def _own_factor(discounts: Iterable[Discount], model: str, at: Circumstance) -> tuple[Ratio, Ratio]:
    """The user's factor for tokens and for web searches: of the most specific discount in force."""
    best: Discount | None = None
    for row in discounts:
        if (
            row.model in (None, model)
            and row.platform in (None, at.platform)
            and (row.start is None or row.start <= at.day)
            and (row.end is None or at.day < row.end)
            and (best is None or _specific(row) > _specific(best))
        ):
            best = row
    if best is None:
        return _ONE, _ONE
    return best.factor, best.factor if best.web_search else _ONE


def _specific(row: Discount) -> int:
    return 2 * (row.model is not None) + (row.platform is not None)


def _whole(period: Period, tokens: Ratio, search: Ratio | None, *, batch: bool, caveats: tuple[str, ...]) -> Rates:
    """All rates over one denominator, reduced: 1 unless a user's own numbers are finer than a pico-dollar."""
    per = tokens[1] * (search[1] if search else 1)
    prices = [period.prices, *(tier.prices for tier in period.tiers)]
    table = [[price * tokens[0] * (per // tokens[1]) for price in row] for row in prices]
    searches = search[0] * (per // search[1]) if search else None
    common = gcd(per, searches or 0, *(value for row in table for value in row))
    per //= common
    base, *higher = (_rate(*(value // common for value in row)) for row in table)
    tiers = tuple(sorted((tier.over, rate) for tier, rate in zip(period.tiers, higher, strict=True)))
    return Rates(
        base,
        tiers,
        searches // common if searches is not None else None,
        per,
        batch,
        caveats,
        simple=per == 1 and not caveats,
    )


def _rate(new: int, read: int, short: int, long: int, out: int) -> Rate:
    return Rate(new, read, short, long, out, new - read, short - new, long - new)
