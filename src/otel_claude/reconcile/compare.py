"""Compare: both sides, cell by cell, and the likely reason of each difference. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal, TypeVar

from .cells import Cell, KeyAndModel, shown
from .explain import CellContext, Reason, reason
from .measured import Measured
from .reported import Reported

Against = Literal["list", "billed"]
Number = TypeVar("Number", Decimal, int)


@dataclass(frozen=True, slots=True)
class Tolerance:
    """What is equal enough, for each row and for the total: the larger of both."""

    usd: Decimal = Decimal("0.01")
    percent: Decimal = Decimal(0)

    def allows(self, difference: Decimal, theirs: Decimal) -> bool:
        """Whether a difference is within it."""
        return abs(difference) <= max(self.usd, abs(theirs) * self.percent / 100)


@dataclass(frozen=True, slots=True)
class Row:
    """One key, model and class."""

    hint: str | None
    name: str | None
    model: str | None
    kind: str
    ours: Decimal
    theirs: Decimal
    our_tokens: int
    their_tokens: int
    within: bool
    reason: Reason | None = None

    @property
    def difference(self) -> Decimal:
        """Ours less theirs, in US dollars."""
        return self.ours - self.theirs


@dataclass(frozen=True, slots=True)
class Comparison:
    """All rows, and whether they agree."""

    rows: tuple[Row, ...]
    ours: Decimal
    theirs: Decimal
    equal: bool
    notes: tuple[str, ...]

    @property
    def difference(self) -> Decimal:
        """Ours less theirs, in US dollars."""
        return self.ours - self.theirs


def compare(ours: Measured, theirs: Reported, tolerance: Tolerance, against: Against = "list") -> Comparison:
    """Every cell of either side."""
    notes: list[str] = []
    if not any(shown(hint) for hint in ours.hints):
        notes.append(
            "Keys are not recorded as the Console shows them (OTEL_CLAUDE_API_KEY_FORMAT), so they are added up: only "
            "models are compared."
        )
        ours, theirs = _without_keys(ours), _keyless(theirs)
    amounts = theirs.listed if against == "list" else theirs.billed
    cells = sorted({*ours.usd, *amounts, *ours.tokens, *theirs.tokens}, key=_order)
    rows: list[Row] = []
    for cell in cells:
        mine, other = ours.usd.get(cell, Decimal(0)), amounts.get(cell, Decimal(0))
        within = tolerance.allows(mine - other, other)
        side = CellContext(
            ours, theirs, cell, mine, other, ours.tokens.get(cell, 0), theirs.tokens.get(cell, 0), against == "list"
        )
        noticed = not within or _token_difference(side)
        rows.append(
            Row(
                cell.of.hint, theirs.names.get(cell.of.hint), cell.of.model, cell.kind, mine, other, side.our_tokens,
                side.their_tokens, within, reason(side) if noticed else None,
            )
        )  # fmt: skip
    mine, other = sum(ours.usd.values(), Decimal(0)), sum(amounts.values(), Decimal(0))
    equal = tolerance.allows(mine - other, other) and all(row.within for row in rows)
    return Comparison(tuple(rows), mine, other, equal, tuple(notes))


def by_key_and_model(rows: Iterable[Row]) -> list[Row]:
    """The rows of one key and model as one, the most expensive first."""
    sums: dict[tuple[str | None, str | None], Row] = {}
    for row in rows:
        of = (row.hint, row.model)
        known = sums.get(of)
        if known is None:
            sums[of] = replace(row, kind="", reason=None)
        else:
            sums[of] = replace(
                known,
                ours=known.ours + row.ours,
                theirs=known.theirs + row.theirs,
                our_tokens=known.our_tokens + row.our_tokens,
                their_tokens=known.their_tokens + row.their_tokens,
                within=known.within and row.within,
            )
    return sorted(sums.values(), key=lambda row: (-max(row.theirs, row.ours), row.name or "", row.model or ""))


def _token_difference(side: CellContext) -> bool:
    return side.our_tokens != side.their_tokens


def _order(cell: Cell) -> tuple[str, str, str]:
    return cell.of.hint or "", cell.of.model or "", cell.kind


def _without_keys(ours: Measured) -> Measured:
    unpriced: dict[KeyAndModel, dict[str, int]] = {}
    for of, why in ours.unpriced.items():
        known = unpriced.setdefault(KeyAndModel(None, of.model), {})
        for name, count in why.items():
            known[name] = known.get(name, 0) + count
    edges: dict[KeyAndModel, Decimal] = {}
    for of, amount in ours.edges.items():
        place = KeyAndModel(None, of.model)
        edges[place] = edges.get(place, Decimal(0)) + amount
    return Measured(_merged(ours.usd), _merged(ours.tokens), _merged(ours.batch), unpriced, {None}, edges)


def _keyless(theirs: Reported) -> Reported:
    return Reported(_merged(theirs.listed), _merged(theirs.billed), _merged(theirs.tokens), _merged(theirs.batch))


def _merged(sums: Mapping[Cell, Number]) -> dict[Cell, Number]:
    found: dict[Cell, Number] = {}
    for cell, amount in sums.items():
        place = Cell(KeyAndModel(None, cell.of.model), cell.kind)
        found[place] = found[place] + amount if place in found else amount
    return found
