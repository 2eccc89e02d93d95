"""Why spend of one period differs from another: the difference, divided exactly.

The method is the logarithmic mean Divisia index (B. W. Ang, "The LMDI approach to decomposition analysis: a practical
guide", Energy Policy 33, 2005), additive, form I. What something cost is a product: calls x tokens per call x the share
of a class x the price of a token. A change of the product is divided among its factors in proportion to the logarithms
of their changes; the parts add up to the change, whatever the order of the factors. What has a value in one period
alone belongs to the factor that is zero in the other; services that are new or gone stand apart. docs/answers.md has an
example.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Context, Decimal, localcontext
from typing import Final, Literal, NamedTuple

from .usage import Key, Usage

Cause = Literal["calls", "input", "output", "thinking", "cache", "price", "web_search", "new", "gone", "other"]
MEASURES: Final[Mapping[Cause, str]] = {
    "calls": "calls",
    "input": "input tokens per call",
    "output": "output tokens per call without thinking",
    "thinking": "thinking tokens per call",
    "cache": "share of input read from the cache",
    "price": "US dollars per million tokens",
    "web_search": "web searches per call",
    "new": "US dollars",
    "gone": "US dollars",
    "other": "US dollars per call",
}
"""What changed, and is given of both periods."""
_INPUT: Final = ("input", "cache_read", "cache_write_5m", "cache_write_1h")
_OUTPUT: Final = "output"
_SEARCH: Final = "web_search"
_CONTEXT: Final = Context(prec=40)
_NANO: Final = Decimal("1e-9")
_ZERO: Final = Decimal(0)
_Pair = tuple[Decimal, Decimal]
"""A quantity before and after."""


class Part(NamedTuple):
    """A part of the difference. `before_model`: what a service called before, where it changed its model."""

    cause: Cause
    service: Key
    model: str | None
    before_model: str | None
    usd: Decimal
    before: Decimal
    after: Decimal


class _Factor(NamedTuple):
    """A factor of a cost in both periods, and what its change is called."""

    cause: Cause
    before: Decimal
    after: Decimal


@dataclass(frozen=True)
class _Cell:
    """A service's use of a model in both periods, and how many requests all such cells of the service have."""

    service: Key
    model: str | None
    before_model: str | None
    before: Usage
    after: Usage
    requests: _Pair = (_ZERO, _ZERO)


def explain(before: Mapping[Key, Usage], after: Mapping[Key, Usage]) -> list[Part]:
    """The parts of a difference, the largest first. They add up to it exactly.

    Args:
        before: What was used, by model and then by whatever tells services apart: a job, and tags.
        after: The same of the period that is explained.
    """
    with localcontext(_CONTEXT):
        parts = [part for cell in _cells(before, after) for part in _parts(cell)]
        change = sum((use.total for use in after.values()), _ZERO) - sum((use.total for use in before.values()), _ZERO)
        parts = [part._replace(usd=part.usd.quantize(_NANO)) for part in parts if abs(part.usd) >= _NANO]
        parts.sort(key=lambda part: -abs(part.usd))
        if parts:
            # What rounding left.
            rest = change - sum((part.usd for part in parts), _ZERO)
            parts[0] = parts[0]._replace(usd=parts[0].usd + rest)
    return parts


def _cells(before: Mapping[Key, Usage], after: Mapping[Key, Usage]) -> list[_Cell]:
    """Each service's models that are in both periods, and those that replaced each other as one."""
    found: list[_Cell] = []
    for service in dict.fromkeys(key[1:] for key in (*after, *before)):
        old = {key[0]: usage for key, usage in before.items() if key[1:] == service and usage.total}
        new = {key[0]: usage for key, usage in after.items() if key[1:] == service and usage.total}
        cells = [_Cell(service, model, None, old[model], new[model]) for model in new if model in old]
        gone, come = _apart(old, new), _apart(new, old)
        if gone and come:
            cells.append(_Cell(service, _main(come), _main(gone), _together(gone.values()), _together(come.values())))
        requests = _both(_requests, (_together(cell.before for cell in cells), _together(cell.after for cell in cells)))
        found += [replace(cell, requests=requests) for cell in cells]
        if not (gone and come):
            found += [_Cell(service, model, None, usage, Usage()) for model, usage in gone.items()]
            found += [_Cell(service, model, None, Usage(), usage) for model, usage in come.items()]
    return found


def _apart(these: Mapping[str | None, Usage], others: Mapping[str | None, Usage]) -> dict[str | None, Usage]:
    return {model: usage for model, usage in these.items() if model not in others}


def _main(usages: Mapping[str | None, Usage]) -> str | None:
    return max(usages, key=lambda model: usages[model].total)


def _together(usages: Iterable[Usage]) -> Usage:
    found = Usage()
    for usage in usages:
        found.add(usage)
    return found


def _parts(cell: _Cell) -> list[Part]:
    if not cell.before.total or not cell.after.total:
        cause: Cause = "new" if cell.after.total else "gone"
        return [_part(cell, cause, cell.after.total - cell.before.total)]
    sums: dict[Cause, Decimal] = {}
    for product in _products(cell):
        for cause, usd in _divided(product):
            sums[cause] = sums.get(cause, _ZERO) + usd
    return [_part(cell, cause, usd) for cause, usd in sums.items()]


def _part(cell: _Cell, cause: Cause, usd: Decimal) -> Part:
    before, after = (_measure(cause, usage) for usage in (cell.before, cell.after))
    return Part(cause, cell.service, cell.model, cell.before_model, usd, before, after)


class _Product(NamedTuple):
    """What something cost in both periods, and the factors that it is the product of."""

    before: Decimal
    after: Decimal
    factors: tuple[_Factor, ...]


def _products(cell: _Cell) -> list[_Product]:
    """What each class of tokens cost, what searches cost, and the rest."""
    uses = cell.before, cell.after
    requests = _both(_requests, uses)
    # A share of the service's requests: those that move to another model change the price of what they use.
    shared = (
        _Factor("calls", *cell.requests),
        _Factor("price", *map(_ratio, requests, cell.requests)),
    )

    def product(costs: _Pair, *factors: tuple[Cause, _Pair, _Pair], priced: _Pair | None = None) -> _Product:
        chain = [_Factor(cause, *map(_ratio, above, below)) for cause, above, below in factors]
        price = [] if priced is None else [_Factor("price", *map(_ratio, costs, priced))]
        return _Product(*costs, (*shared, *chain, *price))

    inputs = _both(_total_input, uses)
    found: list[_Product] = []
    for kind in _INPUT:
        tokens = _both(lambda use, kind=kind: Decimal(use.tokens[kind]), uses)
        costs = _both(lambda use, kind=kind: use.usd.get(kind, _ZERO), uses)
        found.append(product(costs, ("input", inputs, requests), ("cache", tokens, inputs), priced=tokens))
    output = _both(lambda use: Decimal(use.tokens[_OUTPUT]), uses)
    causes: tuple[tuple[Cause, _Pair], ...] = (("output", _both(_visible, uses)), ("thinking", _both(_thinking, uses)))
    for cause, tokens in causes:
        costs = _both(lambda use: use.usd.get(_OUTPUT, _ZERO), uses)
        costs = costs[0] * _ratio(tokens[0], output[0]), costs[1] * _ratio(tokens[1], output[1])
        found.append(product(costs, (cause, tokens, requests), priced=tokens))
    searches = _both(lambda use: Decimal(use.searches), uses)
    costs = _both(lambda use: use.usd.get(_SEARCH, _ZERO), uses)
    found.append(product(costs, ("web_search", searches, requests), priced=searches))
    before, after = (use.total for use in uses)
    rest = before - sum((each.before for each in found), _ZERO), after - sum((each.after for each in found), _ZERO)
    return [*found, product(rest, ("other", rest, requests))]


def _divided(product: _Product) -> list[tuple[Cause, Decimal]]:
    """The change of a product, divided among its factors."""
    before, after, factors = product
    change = after - before
    if not change:
        return []
    if before <= 0 or after <= 0:
        appeared = [each for each in factors if (each.before > 0) != (each.after > 0)]
        return [((appeared or factors[-1:])[0].cause, change)]
    if not all(each.before > 0 and each.after > 0 for each in factors):
        # Costs without the counts that they are made of: what is known of requests, and the rest by itself.
        known = tuple(each for each in factors[:2] if each.before > 0 and each.after > 0)
        rest = before, after
        for each in known:
            rest = rest[0] / each.before, rest[1] / each.after
        factors = (*known, _Factor(factors[2].cause, *rest))
    mean = before if before == after else change / (after / before).ln()
    return [(each.cause, mean * (each.after / each.before).ln()) for each in factors]


def _both(of: Callable[[Usage], Decimal], uses: tuple[Usage, Usage]) -> _Pair:
    return of(uses[0]), of(uses[1])


def _ratio(above: Decimal, below: Decimal) -> Decimal:
    return above / below if below else _ZERO


def _requests(use: Usage) -> Decimal:
    return Decimal(use.calls + use.results)


def _total_input(use: Usage) -> Decimal:
    return sum((Decimal(use.tokens[name]) for name in _INPUT), _ZERO)


def _thinking(use: Usage) -> Decimal:
    return Decimal(min(use.tokens["thinking"], use.tokens[_OUTPUT]))


def _visible(use: Usage) -> Decimal:
    return Decimal(use.tokens[_OUTPUT]) - _thinking(use)


def _measure(cause: Cause, use: Usage) -> Decimal:
    """The quantity of `MEASURES`."""
    requests = _requests(use)
    values: dict[Cause, Callable[[], Decimal]] = {
        "calls": lambda: requests,
        "input": lambda: _ratio(_total_input(use), requests),
        "output": lambda: _ratio(_visible(use), requests),
        "thinking": lambda: _ratio(_thinking(use), requests),
        "cache": lambda: _ratio(Decimal(use.tokens["cache_read"]), _total_input(use)),
        "price": lambda: _ratio(use.total * 1_000_000, _total_input(use) + use.tokens[_OUTPUT]),
        "web_search": lambda: _ratio(Decimal(use.searches), requests),
        "other": lambda: _ratio(use.total, requests),
    }
    return values.get(cause, lambda: use.total)()
