"""Where price tables come from: the data in the package, and a user's file merged over it.

The JSON is trusted here: the shipped file is checked by the tests, a user's by `user_prices`.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import date
from fractions import Fraction
from functools import cache
from importlib import resources
from typing import Any, Final

from otel_claude.pricing import model_ids as ids
from otel_claude.pricing import user_prices
from otel_claude.pricing.table import Own, PriceTable
from otel_claude.pricing.types import Discount, Model, Period, PlatformRules, Prices

Json = Mapping[str, Any]

_PRICES: Final = "prices.json"
_EPOCH: Final = date(1970, 1, 1).toordinal()
_NEW_MODEL: Final[Json] = {
    "batch_multiplier": "0.5",
    "inference_geo_us_multiplier": "1.1",
    "web_search_per_1000": "10",
    "regional_premium": True,
}
"""The rule that holds for every Claude since 4.6 (pricing page of 2026-10-10)."""


class PriceTableError(Exception):
    """The table in the package is missing, unreadable or broken. Its text names the file and says what to do."""


@cache
def shipped() -> PriceTable:
    """The table in the package. Read on first use (about 1 ms), then kept.

    Raises:
        PriceTableError: if it cannot be read.
    """
    file = _PRICES
    try:
        file = str(_place())
        return _table(_data(), {})
    except Exception as error:
        kind, said = type(error).__name__, getattr(error, "strerror", None) or getattr(error, "msg", None)
        why = f"{kind}: {said}" if said else kind
        raise PriceTableError(
            f"the price table {file} cannot be read ({why}). Install otel-claude again. In an archive or a frozen "
            "program, put the package's data files beside its modules: see docs/deploy.md"
        ) from error


def load(path: str | None, *, waits: bool = False) -> PriceTable:
    """The shipped table with a user's file merged over it; without a file, the shipped one.

    Args:
        path: The file. Only a regular file of at most 10 MB is read.
        waits: Whether a pipe is read too: for what a person named on the command line, never for a setting.

    Raises:
        PriceFileError: if the file cannot be read or has mistakes; its text lists all of them.
        PriceTableError: if the shipped table cannot be read.
    """
    base = shipped()
    if path is None:
        return base
    own = user_prices.read(path, base.known, waits=waits)
    return _table(_data(), own, own.get("name", "custom"))


def _data() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(_place().read_text(encoding="utf-8"))
    return data


def _place() -> Any:
    """Where the table is. The package may be in a zip, or frozen into a program: then no path leads to it."""
    return resources.files("otel_claude.pricing").joinpath(_PRICES)


def _table(data: Json, own: Json, name: str | None = None) -> PriceTable:
    models: dict[str, Json] = dict(data["models"])
    for model, row in own.get("models", {}).items():
        models[model] = _merged(models.get(model, _NEW_MODEL), row)
    known: dict[str, str] = {}
    for part in (data, own):
        for model, row in part.get("models", {}).items():
            known.update(dict.fromkeys((model, *row.get("aliases", ())), model))
    # A name of the user's own is not taken apart: what it stands for is written beside it.
    forms = {
        name: ids.Form(name)
        for model, row in own.get("models", {}).items()
        for name in (model, *row.get("aliases", ()))
    }
    # The user's file was checked: every target is a known id, an alias of one or a snapshot of one.
    for alias, target in own.get("aliases", {}).items():
        forms[alias] = form = ids.merged(ids.parse(alias), ids.parse(target))
        known[alias] = ids.lookup(form, known) or target
    own_rules: Json = own.get("platforms", {})
    return PriceTable(
        data["table"],
        {model: _model(model, row) for model, row in models.items()},
        known,
        {platform: _rules({**row, **own_rules.get(platform, {})}) for platform, row in data["platforms"].items()},
        Own(
            name,
            tuple(_discount(row, known) for row in own.get("discounts", ())),
            forms,
            {prefix: Fraction(1 if rule == "list" else rule) for prefix, rule in own.get("prefixes", {}).items()},
        ),
    )


def _merged(base: Json, own: Json) -> Json:
    """A model's row with the user's over it: a field that is absent there keeps what stood here."""
    standard = [{**period, "custom": True} for period in own.get("standard", ())]
    fast = [{**period, "custom": True} for period in own.get("fast", ())]
    if base.get("unpriced") and standard:
        known = {name: value for name, value in base.items() if value is not None}
        base = {**_NEW_MODEL, **known, "unpriced": False, "standard": []}
    return {
        **base,
        **own,
        "fast_ids": {**base.get("fast_ids", {}), **own.get("fast_ids", {})},
        # A user's period stands before the shipped ones: the first that covers a day is in force.
        "standard": standard + base.get("standard", []),
        "fast": fast + base.get("fast", []),
    }


def _model(model: str, row: Json) -> Model:
    searches: str | None = row["web_search_per_1000"]
    return Model(
        model,
        row.get("name", model),
        row.get("status"),
        _day(row.get("retires")),
        row.get("unpriced", False),
        row.get("limited_availability", False),
        _factor(row["batch_multiplier"]),
        _factor(row["inference_geo_us_multiplier"]),
        None if searches is None else _atto(searches) * 1000,
        row["regional_premium"],
        row.get("fast_ids", {}),
        tuple(_periods(row["standard"])),
        tuple(_periods(row["fast"])),
    )


def _periods(rows: list[Json]) -> Iterator[Period]:
    for row in rows:
        yield Period(
            day_of(row["effective_from"]),
            _day(row.get("effective_to")),
            _prices(row),
            tuple((tier["prompt_tokens_over"], _prices(tier)) for tier in row.get("prompt_tiers", ())),
            row.get("certainty"),
            tuple(row.get("sources", ())),
            row.get("note"),
            row.get("custom", False),
        )


def _prices(row: Json) -> Prices:
    return Prices(*(_atto(row.get(name, "0")) for name in Prices._fields))


def _rules(row: Json) -> PlatformRules:
    return PlatformRules(
        row.get("fast", False),
        row.get("web_search", False),
        row.get("inference_geo", False),
        row.get("endpoint"),
        _factor(row.get("regional_multiplier")),
        _factor(row.get("us_gov_multiplier")),
        _day(row.get("refusals_free_from")),
    )


def _discount(row: Json, known: Mapping[str, str]) -> Discount:
    model: str | None = row.get("model")
    return Discount(
        Fraction(row["factor"]),
        model and ids.find(model, known),
        row.get("platform"),
        _day(row.get("effective_from")),
        _day(row.get("effective_to")),
        row.get("applies_to", "everything") == "everything",
    )


def day_of(text: str) -> int:
    """Days from 1970-01-01 to a date written as 2026-11-22."""
    return date.fromisoformat(text).toordinal() - _EPOCH


def date_of(day: int) -> str:
    """The date of so many days from 1970-01-01, as 2026-11-22."""
    return date.fromordinal(_EPOCH + day).isoformat()


def _day(text: str | None) -> int | None:
    return day_of(text) if text else None


def _factor(text: str | None) -> Fraction | None:
    return None if text is None else Fraction(text)


def _atto(text: str) -> int:
    """A decimal number of USD per million tokens as an integer of 1e-18 USD per token. No float on the way."""
    whole, _, fraction = text.partition(".")
    return int(whole + fraction.ljust(12, "0"))
