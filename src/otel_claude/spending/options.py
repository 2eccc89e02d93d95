"""Options: what the same tokens would cost otherwise. True of every history, so none of them is advice by itself.

A model that retires is: there it is not a question whether to change, and this says what that costs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from decimal import Decimal
from typing import Final, Literal, NamedTuple

from .. import semconv as c
from ..pricing import ANTHROPIC, PriceTable
from ..pricing.types import DAY, Model, Prices
from ..promql.names import JOB
from .history import History

_TOKENS: Final = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output")
_WORD: Final = re.compile("[a-z]+")
_NEAR: Final = 90
"""Days before a model's end from which on it is advised to replace it."""


class Place(NamedTuple):
    """A service and the id that the price table has for its model."""

    job: str
    model: str


@dataclass
class Costs:
    """US dollars at standard speed: by type; of calls without batches; and by type on Anthropic's own platform."""

    all: dict[str, Decimal] = field(default_factory=dict[str, Decimal])
    calls: Decimal = Decimal(0)
    own_platform: dict[str, Decimal] = field(default_factory=dict[str, Decimal])


class Choice(NamedTuple):
    """What a place's tokens cost, and what they would cost otherwise, in US dollars of the period."""

    id: Literal["cheaper_model", "batch", "model_retires"]
    place: Place
    usd: Decimal
    usd_then: Decimal
    model: str | None = None
    """The other model."""
    retires: int | None = None
    """Days from 1970-01-01, UTC."""
    longer: int | None = None
    """Tokens of a prompt above which the other model costs more than was reckoned."""

    @property
    def saved(self) -> Decimal:
        """US dollars. Less than 0 where it costs more."""
        return self.usd - self.usd_then


def read_costs(history: History, table: PriceTable) -> dict[Place, Costs]:
    """What tokens cost in a period at standard speed, by service and model that the price table knows."""
    found: dict[Place, Costs] = {}
    labels = (JOB, c.RESPONSE_MODEL, c.COST_TYPE, c.OPERATION_NAME, c.PROVIDER_NAME)
    slow = history.queries.translator.match(c.SPEED, "!=", "fast")
    for _, row, usd in history.growth(c.COST, labels, slow):
        model, kind = table.id_of(row.get(c.RESPONSE_MODEL, "")), row.get(c.COST_TYPE, "")
        if model is None or kind not in _TOKENS:
            continue
        costs = found.setdefault(Place(row.get(JOB, ""), model), Costs())
        costs.all[kind] = costs.all.get(kind, Decimal(0)) + usd
        if row.get(c.OPERATION_NAME) != c.BATCH:
            costs.calls += usd
        if row.get(c.PROVIDER_NAME) == ANTHROPIC.name:
            costs.own_platform[kind] = costs.own_platform.get(kind, Decimal(0)) + usd
    return found


def options(costs: Mapping[Place, Costs], table: PriceTable, at: datetime) -> Iterator[Choice]:
    """The next cheaper model, and batches, for each place."""
    day = _day(at)
    newest = [model for model in _newest(table, day).values() if model.retires is None]
    for place, spent in costs.items():
        usd = sum(spent.all.values(), Decimal(0))
        cheaper = [(then, model) for model in newest if (then := _at(spent.all, place, model, table, day)) is not None]
        if below := [each for each in cheaper if each[0] < usd]:
            then, model = max(below, key=lambda each: (each[0], each[1].id))
            yield Choice("cheaper_model", place, usd, then, model.id, longer=_longer(model, day))
        discount = table.models[place.model].batch
        if spent.calls and discount is not None:
            part = Decimal(discount.numerator) / Decimal(discount.denominator)
            yield Choice("batch", place, spent.calls, spent.calls * part)


def retirements(costs: Mapping[Place, Costs], table: PriceTable, at: datetime) -> Iterator[Choice]:
    """The models in use on Anthropic's own platform whose end is near or over, at the price of their successor."""
    day = _day(at)
    newest = _newest(table, day)
    for place, spent in costs.items():
        model = table.models[place.model]
        if model.retires is None or model.retires - day > _NEAR or not spent.own_platform:
            continue
        usd, successor = sum(spent.own_platform.values(), Decimal(0)), newest.get(_family(model))
        if successor is not None and (then := _at(spent.own_platform, place, successor, table, day)) is not None:
            yield Choice("model_retires", place, usd, then, successor.id, model.retires, longer=_longer(successor, day))


def _day(at: datetime) -> int:
    return int(at.astimezone(timezone.utc).timestamp()) // DAY


def _family(model: Model) -> str:
    """`opus`, of `claude-opus-5-5`; `sonnet`, of `claude-3-7-sonnet-20250219`."""
    return "".join(_WORD.findall(model.id)[1:2])


def _newest(table: PriceTable, day: int) -> dict[str, Model]:
    """The newest model of each family that is priced on a day."""
    found: dict[str, Model] = {}
    for model in sorted(table.models.values(), key=lambda each: each.standard[0].start):
        if model.status == "active" and not model.limited_availability and _prices(model, day) is not None:
            found[_family(model)] = model
    return found


def _prices(model: Model, day: int) -> Prices | None:
    return next((period.prices for period in model.standard if period.covers(day)), None)


def _longer(model: Model, day: int) -> int | None:
    return next((over for period in model.standard if period.covers(day) for over, _ in period.tiers[:1]), None)


def _at(usd: Mapping[str, Decimal], place: Place, other: Model, table: PriceTable, day: int) -> Decimal | None:
    """What the same tokens cost at another model's price. None where that, or what they cost now, is not known."""
    now, then = _prices(table.models[place.model], day), _prices(other, day)
    if now is None or then is None or other.id == place.model:
        return None
    return sum(
        (spent * getattr(then, kind) / getattr(now, kind) for kind, spent in usd.items() if getattr(now, kind)),
        Decimal(0),
    )
