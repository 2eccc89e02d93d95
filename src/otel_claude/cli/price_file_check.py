"""Compares the price table with other libraries' tables where they are installed: genai-prices and litellm.

Reads their data, never the network. Knows their formats, so that nothing else has to. Used by `otel-claude price
--check` and by the tests, not at run time.
"""

import json
from collections.abc import Callable
from datetime import datetime, timezone
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from otel_claude.api import Response, Usage
from otel_claude.pricing.table import PriceTable
from otel_claude.pricing.types import Charge

_FEW, _MANY = 10_000, 150_000
"""Tokens of a probe: below and above every bound of a prompt tier in force."""

_LITELLM_KEYS = {
    "input": "input_cost_per_token",
    "output": "output_cost_per_token",
    "cache_read": "cache_read_input_token_cost",
    "cache_write_5m": "cache_creation_input_token_cost",
    "cache_write_1h": "cache_creation_input_token_cost_above_1hr",
}
CLASSES = tuple(_LITELLM_KEYS)
_MODIFIERS = ("batch", "fast", "long", "us")
_WHATS = (
    *(f"{kind} {modifier}".strip() for kind in CLASSES for modifier in ("", *_MODIFIERS)),
    "web_search",
)
_KINDS = (*_MODIFIERS, *_WHATS)
"""What a library may have no numbers of: a modifier as a whole, or one class with it."""


class Difference(NamedTuple):
    """One number that two tables do not share, in pico-dollars per token or search; None where it is absent."""

    library: str
    model: str
    what: str
    """The class and what applies to it, such as `input`, `output fast`, `cache_read batch`, `input long`, `web_search`.
    `model` if one side has no price of the model at all; the number is then the other's input price."""
    ours: Decimal | None
    theirs: Decimal | None


class Result(NamedTuple):
    """What comparing with one library gave."""

    library: str
    installed: bool
    compared: int
    """Numbers that both have."""
    differences: tuple[Difference, ...]
    lacks: tuple[str, ...]
    """Kinds of numbers that it has for no model. They are not among the differences."""


def check(table: PriceTable, *, at: float) -> list[Result]:
    """Compare with every library, at one time (epoch seconds)."""
    return [_compare(table, at, name, read) for name, read in _LIBRARIES.items()]


class _Probe(NamedTuple):
    """A response that used one type of token, or made one search."""

    response: Response
    counts: dict[str, int]
    """Tokens by type."""
    searches: int
    amount: int
    """How many tokens or searches are asked about."""


def _probe(model: str, what: str) -> _Probe:
    kind, *modifiers = what.split()
    tokens = _MANY if "long" in modifiers else _FEW
    counts = dict.fromkeys(CLASSES, 0)
    if kind in counts:
        counts[kind] = tokens
    if "long" in modifiers and kind == "output":
        counts["input"] = tokens
    searches = 1 if kind == "web_search" else 0
    usage = Usage(
        input=counts["input"],
        output=counts["output"],
        cache_read=counts["cache_read"],
        cache_write_5m=counts["cache_write_5m"],
        cache_write_1h=counts["cache_write_1h"],
        web_searches=searches,
        service_tier="batch" if "batch" in modifiers else "standard",
        speed="fast" if "fast" in modifiers else "standard",
        inference_geo="us" if "us" in modifiers else "global",
    )
    response = Response(model=model, stop_reason="end_turn", usage=usage, complete=True)
    return _Probe(response, counts, searches, searches or tokens)


def ours(table: PriceTable, at: float, model: str, what: str) -> Decimal | None:
    """Our price of one token or search, in pico-dollars. None if there is no exact one."""
    probe = _probe(model, what)
    price = table.price(probe.response, at=at)
    if price.status != "exact" or not price.charges:
        return None
    charge: Charge = price.charges[0]
    kind = what.split(maxsplit=1)[0]
    return Decimal(getattr(charge, kind)) / probe.amount


_Numbers = dict[str, dict[str, Decimal | None]]
"""Of a library: by model, its prices by what they are for."""


def _compare(
    table: PriceTable, at: float, library: str, read: Callable[[PriceTable, float], _Numbers | None]
) -> Result:
    found = read(table, at)
    if found is None:
        return Result(library, installed=False, compared=0, differences=(), lacks=())
    lacks = [what for what in _KINDS if not any(_has(row, what) for row in found.values())]
    lacks = tuple(what for what in lacks if not any(what.endswith(f" {kind}") for kind in lacks))
    shared = 0
    differences: list[Difference] = []
    for model in sorted({*table.models, *found}):
        theirs = found.get(model, {})
        own = {what: ours(table, at, model, what) for what in {*_WHATS, *theirs}}
        for what in [name for name in own if name.endswith(" long")]:
            if own[what] == own[what.removesuffix(" long")]:
                own[what] = None  # no tier, so no price of its own
        if theirs.get("input") is None or own["input"] is None:
            if theirs.get("input") != own["input"]:
                differences.append(Difference(library, model, "model", own["input"], theirs.get("input")))
            continue
        for what in sorted(own):
            if any(_is_kind(what, kind) for kind in lacks):
                continue
            pair = own[what], theirs.get(what)
            shared += None not in pair
            if pair[0] != pair[1]:
                differences.append(Difference(library, model, what, *pair))
    return Result(library, installed=True, compared=shared, differences=tuple(differences), lacks=lacks)


def _is_kind(what: str, kind: str) -> bool:
    return what == kind or what.endswith(f" {kind}")


def _has(row: dict[str, Decimal | None], kind: str) -> bool:
    return any(_is_kind(what, kind) and number is not None for what, number in row.items())


def _litellm(table: PriceTable, at: float) -> _Numbers | None:
    del at  # its table has no dates
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


def _litellm_row(row: dict[str, Any]) -> dict[str, Decimal | None]:
    found: dict[str, Decimal | None] = {}
    extra: dict[str, float] = row.get("provider_specific_entry", {})
    for kind, key in _LITELLM_KEYS.items():
        standard = _pico(row.get(key))
        found[kind] = standard
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
    return None if usd is None else Decimal(repr(usd)) * 10**12


def _genai_prices(table: PriceTable, at: float) -> _Numbers | None:
    if find_spec("genai_prices") is None:
        return None
    when = datetime.fromtimestamp(at, timezone.utc)
    return {model: _genai_row(model, when) for model in table.models}


def _genai_row(model: str, when: datetime) -> dict[str, Decimal | None]:
    found: dict[str, Decimal | None] = {}
    for what in _WHATS:
        if not what.endswith(" us"):  # it has no such price
            found[what] = _genai_number(model, what, when)
    return {
        # What it has no variant of, it prices as if nothing applied; a search without a price, as free.
        what: None if not number or (" " in what and number == found[what.split(maxsplit=1)[0]]) else number
        for what, number in found.items()
    }


def _genai_number(model: str, what: str, when: datetime) -> Decimal | None:
    # Imported here: it takes 30 ms and is installed for development only.
    import genai_prices  # noqa: PLC0415

    probe = _probe(model, what)
    counts, modifiers = probe.counts, what.split()[1:]
    writes = counts["cache_write_5m"] + counts["cache_write_1h"]
    context: dict[str, str] = {}
    if "batch" in modifiers:
        context["processing"] = "batch"
    if "fast" in modifiers:
        context["speed"] = "fast"
    try:
        price = genai_prices.calc_price(
            genai_prices.Usage(
                input_tokens=counts["input"] + counts["cache_read"] + writes,
                cache_read_tokens=counts["cache_read"],
                cache_write_tokens=writes,
                cache_write_1h_tokens=counts["cache_write_1h"],
                output_tokens=counts["output"],
                web_searches=probe.searches,
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
    return total * 10**12 / probe.amount


_LIBRARIES: dict[str, Callable[[PriceTable, float], _Numbers | None]] = {
    "genai-prices": _genai_prices,
    "litellm": _litellm,
}
