"""Rates: what tokens cost, by the price table. For sums of many calls: the table itself prices one answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from otel_claude.api.response import Response, Usage
from otel_claude.pricing import PriceTable, price_response
from otel_claude.semconv import COST_TYPES

CLASSES: Final = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output")
"""Of tokens, named as the types of cost."""
WEB_SEARCH: Final = "web_search"


class Way(NamedTuple):
    """What the price of a token depends on."""

    model: str
    service_tier: str = "standard"
    speed: str = "standard"
    inference_geo: str = "global"


def cost(table: PriceTable, way: Way, amounts: Mapping[str, int], *, at: float) -> dict[str, int]:
    """Pico-dollars by type: each amount times the price of one, so it holds for any number of short prompts.

    Raises:
        ValueError: The table cannot price it.
    """
    wanted = {name: int(amounts.get(name, 0) > 0) for name in COST_TYPES}
    usage = Usage(
        input=wanted["input"],
        cache_read=wanted["cache_read"],
        cache_write_5m=wanted["cache_write_5m"],
        cache_write_1h=wanted["cache_write_1h"],
        output=wanted["output"],
        web_searches=wanted[WEB_SEARCH],
        service_tier=way.service_tier,
        speed=way.speed,
        inference_geo=way.inference_geo,
    )
    price = price_response(table, Response(None, way.model, "end_turn", usage, complete=True), at=at)
    if price.status != "exact":
        raise ValueError(f"{way.model} has no exact price: {price.reason}")
    return {name: sum(getattr(charge, name) for charge in price.charges) * amounts.get(name, 0) for name in COST_TYPES}
