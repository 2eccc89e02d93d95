"""Where price tables come from: the data in the package, and a user's file merged over it."""

import json
from functools import cache
from importlib import resources
from typing import Any

from otel_claude.pricing import model_ids as ids
from otel_claude.pricing import rows
from otel_claude.pricing import user_prices as userfile
from otel_claude.pricing.table import PriceTable

_PRICES = "prices.json"


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
        return _table(_data())
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
    own = userfile.read(path, base.known, waits=waits)
    return _table(_data(), own)


def _data() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(_place().read_text(encoding="utf-8"))
    return data


def _place() -> Any:
    """Where the table is. The package may be in a zip, or frozen into a program: then no path leads to it."""
    return resources.files("otel_claude.pricing").joinpath(_PRICES)


def _table(data: dict[str, Any], own: dict[str, Any] | None = None) -> PriceTable:
    models: dict[str, rows.Model] = {}
    known: dict[str, str] = {}
    terms: dict[str, rows.Terms] = {}
    for part in (data, own or {}):
        custom = part is own
        for name, row in part.get("models", {}).items():
            models[name] = rows.model(name, row, over=models.get(name), custom=custom)
            known[name] = name
            known.update(dict.fromkeys(row.get("aliases", ()), name))
        for platform, row in part.get("platforms", {}).items():
            terms[platform] = rows.terms(row, terms.get(platform))
    discounts: list[rows.Discount] = []
    if own is not None:
        # The file was checked: every target is a known id, an alias of one or a snapshot of one.
        for alias, target in own.get("aliases", {}).items():
            known[alias] = ids.find(target, known) or target
        for row in own.get("discounts", ()):
            made = rows.discount(row)
            discounts.append(made._replace(model=made.model and ids.find(made.model, known)))
    name = own.get("name", "custom") if own is not None else None
    return PriceTable(data["table"], models, known, terms, discounts, name)
