"""Compare: both sides, cell by cell, and the likely reason of each difference. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Literal, NamedTuple

from .. import semconv as c
from .explain import CellContext, Reason, reason
from .measured import Cell, KeyAndModel, Measured, N, add
from .reported import Reported

Against = Literal["list", "billed"]


class Tolerance(NamedTuple):
    """What is equal enough, for each row and for the total: the larger of both."""

    usd: Decimal = Decimal("0.01")
    percent: Decimal = Decimal(0)

    def allows(self, difference: Decimal, theirs: Decimal) -> bool:
        """Whether a difference is within it."""
        return abs(difference) <= max(self.usd, abs(theirs) * self.percent / 100)


class Row(NamedTuple):
    """One key, model and type."""

    hint: str | None
    name: str | None
    model: str | None
    kind: str
    ours: Decimal
    theirs: Decimal
    our_tokens: int
    their_tokens: int
    within: bool
    reason: Reason | None

    @property
    def difference(self) -> Decimal:
        """Ours less theirs, in US dollars."""
        return self.ours - self.theirs


class Comparison(NamedTuple):
    """All rows, and whether they agree."""

    rows: list[Row]
    ours: Decimal
    theirs: Decimal
    equal: bool
    notes: list[str]

    @property
    def difference(self) -> Decimal:
        """Ours less theirs, in US dollars."""
        return self.ours - self.theirs


def compare(ours: Measured, theirs: Reported, tolerance: Tolerance, against: Against = "list") -> Comparison:
    """Every cell of either side."""
    notes: list[str] = []
    # A hint that the Console does not show is hashed, left out, or one too many.
    if not any(hint is not None and "..." in hint and hint != c.OTHER for hint in ours.hints):
        notes.append(
            "Keys are not recorded as the Console shows them (OTEL_CLAUDE_API_KEY_FORMAT), so they are added up: only "
            "models are compared."
        )
        ours, theirs = _without_keys(ours, theirs)
    amounts = theirs.listed if against == "list" else theirs.billed
    rows: list[Row] = []
    cells = {*ours.usd, *amounts, *ours.tokens, *theirs.tokens}
    for cell in sorted(cells, key=lambda cell: (cell.of.hint or "", cell.of.model or "", cell.kind)):
        (hint, model), kind = cell
        mine, other = ours.usd.get(cell, Decimal(0)), amounts.get(cell, Decimal(0))
        tokens = ours.tokens.get(cell, 0), theirs.tokens.get(cell, 0)
        within = tolerance.allows(mine - other, other)
        why = None
        if not within or tokens[0] != tokens[1]:
            why = reason(CellContext(ours, theirs, cell, mine, other, *tokens, list_price=against == "list"))
        rows.append(Row(hint, theirs.names.get(hint), model, kind, mine, other, *tokens, within, why))
    mine, other = sum(ours.usd.values(), Decimal(0)), sum(amounts.values(), Decimal(0))
    equal = tolerance.allows(mine - other, other) and all(row.within for row in rows)
    return Comparison(rows, mine, other, equal, notes)


def by_key_and_model(rows: Iterable[Row]) -> list[Row]:
    """The rows of one key and model as one, the most expensive first."""
    sums: dict[tuple[str | None, str | None], Row] = {}
    for row in rows:
        of = (row.hint, row.model)
        known = sums.get(of)
        sums[of] = (
            row._replace(kind="", reason=None)
            if known is None
            else known._replace(
                ours=known.ours + row.ours,
                theirs=known.theirs + row.theirs,
                our_tokens=known.our_tokens + row.our_tokens,
                their_tokens=known.their_tokens + row.their_tokens,
                within=known.within and row.within,
            )
        )
    return sorted(sums.values(), key=lambda row: (-max(row.theirs, row.ours), row.name or "", row.model or ""))


def _without_keys(ours: Measured, theirs: Reported) -> tuple[Measured, Reported]:
    def cells(sums: Mapping[Cell, N]) -> dict[Cell, N]:
        found: dict[Cell, N] = {}
        for (of, kind), amount in sums.items():
            add(found, Cell(KeyAndModel(None, of.model), kind), amount)
        return found

    def models(sums: Mapping[KeyAndModel, N]) -> dict[KeyAndModel, N]:
        found: dict[KeyAndModel, N] = {}
        for of, amount in sums.items():
            add(found, KeyAndModel(None, of.model), amount)
        return found

    unpriced, edges = models(ours.unpriced), models(ours.edges)
    measured = Measured(cells(ours.usd), cells(ours.tokens), cells(ours.batch), unpriced, {None}, edges)
    return measured, Reported(cells(theirs.listed), cells(theirs.billed), cells(theirs.tokens), cells(theirs.batch))
