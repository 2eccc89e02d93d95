"""`otel-claude price --check`: compares the price table with other libraries' where they are installed.

Reads the data of genai-prices and litellm, never the network. Knows their formats, so that nothing else has to.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from datetime import datetime, timezone
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, NamedTuple

from rich.table import Table
from rich.text import Text

from ..api.response import Response, Usage
from ..pricing import PICO_PER_USD, PriceTable, price_response
from .output import console, write_json
from .price_page import PER_MILLION, grid

_FEW, _MANY = 10_000, 150_000
"""Tokens of a probe: below and above every bound of a prompt tier in force."""
_LITELLM_KEYS: Final = {
    "input": "input_cost_per_token",
    "output": "output_cost_per_token",
    "cache_read": "cache_read_input_token_cost",
    "cache_write_5m": "cache_creation_input_token_cost",
    "cache_write_1h": "cache_creation_input_token_cost_above_1hr",
}
TOKEN_TYPES: Final = tuple(_LITELLM_KEYS)
_MODIFIERS: Final = ("batch", "fast", "long", "us")
_WHATS: Final = (
    *(f"{kind} {modifier}".strip() for kind in TOKEN_TYPES for modifier in ("", *_MODIFIERS)),
    "web_search",
)

_Numbers = Mapping[str, "Decimal | None"]
"""Prices of a model by what they are for, in pico-dollars per token or search."""


class Difference(NamedTuple):
    """One number that two tables do not share, in pico-dollars per token or search; None where it is absent."""

    model: str
    what: str
    """The type and what applies to it, such as `input`, `output fast`, `cache_read batch`, `input long`, `web_search`.
    `model` if one side has no price of the model at all; the number is then the other's input price."""
    ours: Decimal | None
    theirs: Decimal | None


class Result(NamedTuple):
    """What comparing with one library gave."""

    library: str
    installed: bool
    compared: int = 0
    """Numbers that both have."""
    differences: tuple[Difference, ...] = ()
    lacks: tuple[str, ...] = ()
    """What it has for no model: a modifier as a whole, or one type with it. It is not among the differences."""


def check(table: PriceTable, *, at: float) -> list[Result]:
    """Compare with every library, at one time (epoch seconds)."""
    libraries = {"genai-prices": _genai_prices(table, at), "litellm": _litellm(table)}
    return [
        Result(library, installed=False) if found is None else _compare(table, at, library, found)
        for library, found in libraries.items()
    ]


def _compare(table: PriceTable, at: float, library: str, found: Mapping[str, _Numbers]) -> Result:
    lacks = [what for what in _WHATS if all(row.get(what) is None for row in found.values())]
    shared = 0
    differences: list[Difference] = []
    for model in sorted({*table.models, *found}):
        theirs = found.get(model, {})
        ours = {what: _our_price(table, at, model, what) for what in _WHATS}
        for what in [name for name in ours if name.endswith(" long")]:
            if ours[what] == ours[what.removesuffix(" long")]:
                ours[what] = None  # no tier, so no price of its own
        if theirs.get("input") is None or ours["input"] is None:
            if theirs.get("input") != ours["input"]:
                differences.append(Difference(model, "model", ours["input"], theirs.get("input")))
            continue
        for what in sorted({*_WHATS} - {*lacks}):
            pair = ours[what], theirs.get(what)
            shared += None not in pair
            if pair[0] != pair[1]:
                differences.append(Difference(model, what, *pair))
    return Result(library, True, shared, tuple(differences), tuple(_shortened(lacks)))


def _probe(what: str) -> tuple[Usage, int]:
    """A usage of one type of token, or of one search, and how many of them it has."""
    kind, *modifiers = what.split()
    tokens = _MANY if "long" in modifiers else _FEW
    used = {"web_searches": 1} if kind == "web_search" else {kind: tokens}
    if "long" in modifiers and kind == "output":
        used["input"] = tokens
    usage = Usage(0, 0, 0, 0, 0)._replace(
        **used,
        service_tier="batch" if "batch" in modifiers else "standard",
        speed="fast" if "fast" in modifiers else "standard",
        inference_geo="us" if "us" in modifiers else "global",
    )
    return usage, usage.web_searches or tokens


def _our_price(table: PriceTable, at: float, model: str, what: str) -> Decimal | None:
    """Our price of one token or search, in pico-dollars. None if there is no exact one."""
    usage, amount = _probe(what)
    price = price_response(table, Response(None, model, "end_turn", usage, complete=True), at=at)
    if price.status != "exact":
        return None
    return Decimal(getattr(price.charges[0], what.partition(" ")[0])) / amount


def _litellm(table: PriceTable) -> dict[str, _Numbers] | None:
    spec = find_spec("litellm")  # finds the package without importing it
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).with_name("model_prices_and_context_window_backup.json")
    if not path.exists():
        return None
    rows: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return {
        # By our id where ours knows its id, so that an alias is the same model.
        table.known.get(name, name): _litellm_row(row)
        for name, row in rows.items()
        if row.get("litellm_provider") == "anthropic"
    }


def _litellm_row(row: dict[str, Any]) -> _Numbers:
    found: dict[str, Decimal | None] = {}
    extra: dict[str, float] = row.get("provider_specific_entry", {})
    for kind, key in _LITELLM_KEYS.items():
        standard = found[kind] = _pico(row.get(key))
        found[f"{kind} batch"] = _pico(row.get(f"{key}_batches"))
        found[f"{kind} long"] = _pico(row.get(f"{key}_above_100k_tokens"))
        for name in ("fast", "us"):
            factor = extra.get(name)
            found[f"{kind} {name}"] = standard * Decimal(repr(factor)) if standard is not None and factor else None
    searches: dict[str, float] = row.get("search_context_cost_per_query", {})
    found["web_search"] = _pico(searches.get("search_context_size_medium"))
    return found


def _pico(usd: float | None) -> Decimal | None:
    """A float of dollars as it was written, in pico-dollars."""
    return None if usd is None else Decimal(repr(usd)) * PICO_PER_USD


def _genai_prices(table: PriceTable, at: float) -> dict[str, _Numbers] | None:
    if find_spec("genai_prices") is None:
        return None
    when = datetime.fromtimestamp(at, timezone.utc)
    found: dict[str, _Numbers] = {}
    for model in table.models:
        # It has no prices for the US alone.
        row = {what: _genai_number(model, what, when) for what in _WHATS if not what.endswith(" us")}
        found[model] = {
            # What it has no variant of, it prices as if nothing applied; a search without a price, as free.
            what: None if not number or (" " in what and number == row[what.partition(" ")[0]]) else number
            for what, number in row.items()
        }
    return found


def _genai_number(model: str, what: str, when: datetime) -> Decimal | None:
    # Imported here: it takes 30 ms and is installed for development only.
    import genai_prices  # noqa: PLC0415

    usage, amount = _probe(what)
    new, read = usage.input or 0, usage.cache_read or 0
    write_5m, write_1h = usage.cache_write_5m or 0, usage.cache_write_1h or 0
    context: dict[str, str] = {}
    if usage.service_tier == "batch":
        context["processing"] = "batch"
    if usage.speed == "fast":
        context["speed"] = "fast"
    try:
        price = genai_prices.calc_price(
            genai_prices.Usage(
                input_tokens=new + read + write_5m + write_1h,
                cache_read_tokens=read,
                cache_write_tokens=write_5m + write_1h,
                cache_write_1h_tokens=write_1h,
                output_tokens=usage.output,
                web_searches=usage.web_searches,
            ),
            model,
            provider_id="anthropic",
            genai_request_timestamp=when,
            price_context=context or None,
        )
    except LookupError:
        return None
    # A probe of long output needs a long prompt, whose own price is not asked for.
    total = price.output_price if what.startswith("output") else price.total_price
    return total * PICO_PER_USD / amount


# How it is shown


def show_check(table: PriceTable, *, at: float, as_json: bool) -> None:
    """How the table compares with other libraries'. Exits with 1 if a number differs, or a model is not known here."""
    results = check(table, at=at)
    if as_json:
        write_json({"table": table.name, "libraries": [_result_json(result) for result in results]})
    else:
        shown = console()
        for result in results:
            _show_result(shown, result, table)
        if not any(result.installed for result in results):
            shown.print("Nothing to compare with: pip install genai-prices litellm")
    sys.exit(1 if any(_differs(row, table) for result in results for row in result.differences) else 0)


def _differs(row: Difference, table: PriceTable) -> bool:
    """Whether one of the two must be wrong, or we lack a model; a number that one of them does not have is no error."""
    return None not in (row.ours, row.theirs) or table.id_of(row.model) is None


def _show_result(shown: Any, result: Result, table: PriceTable) -> None:
    if not result.installed:
        shown.print(f"{result.library}: not installed.\n")
        return
    differing = [row for row in result.differences if _differs(row, table)]
    verdict = f"{len(differing) or 'none'} {'differ' if len(differing) > 1 else 'differs'}"
    shown.print(Text.assemble((result.library, "bold"), f": {result.compared:,} prices compared, {verdict}."))
    if result.lacks:
        shown.print(f"It has no prices of: {', '.join(result.lacks)}.")
    if differing:
        made = grid("Model", "What", "Ours", "Theirs")
        for row in differing:
            made.add_row(row.model, row.what, *_texts(row))
        shown.print(made)
    for title, side in (("Only in our table", "theirs"), ("Only there", "ours")):
        _show_missing(shown, title, [row for row in result.differences if getattr(row, side) is None])
    shown.print()


def _show_missing(shown: Any, title: str, rows: list[Difference]) -> None:
    models: dict[str, list[str]] = {}
    for row in rows:
        models.setdefault(row.model, []).append("everything" if row.what == "model" else row.what)
    if models:
        made = Table(title, "", box=None, pad_edge=False, padding=(0, 1), header_style="dim")
        for model, whats in models.items():
            made.add_row(model, ", ".join(_shortened(whats)))
        shown.print(made)


def _shortened(whats: list[str]) -> list[str]:
    """All types with one modifier, such as every `... batch`, by the modifier alone."""
    for modifier in _MODIFIERS:
        every = [f"{kind} {modifier}" for kind in TOKEN_TYPES]
        if set(every) <= set(whats):
            whats = [*(what for what in whats if what not in every), modifier]
    return whats


def _texts(difference: Difference) -> tuple[str, str]:
    """Ours and theirs in dollars per million tokens, or per thousand searches."""
    many = 1000 if difference.what == "web_search" else PER_MILLION
    ours, theirs = (
        "none" if number is None else f"{(number * many / PICO_PER_USD).normalize():f}"
        for number in (difference.ours, difference.theirs)
    )
    return ours, theirs


def _result_json(result: Result) -> dict[str, Any]:
    keys = ("model", "what", "ours", "theirs")
    rows = [dict(zip(keys, (row.model, row.what, *_texts(row)), strict=True)) for row in result.differences]
    return {**result._asdict(), "differences": rows}
