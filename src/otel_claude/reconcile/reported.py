"""Reported: their side, from the Admin API: what Anthropic says was used and billed in a window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from decimal import Decimal
from typing import Protocol

from ..organization.models import Dimensions, Key
from ..organization.reports import Range, Report, Totals, between, total
from .cells import BATCH, Cell, KeyAndModel, canonical
from .prometheus import IncompleteDataError


class Source(Protocol):
    """What is asked: `organization.Reader`."""

    def report(self, requested: Range) -> Report: ...  # noqa: D102
    def totals(self, requested: Range) -> Totals: ...  # noqa: D102
    def api_keys(self) -> list[Key]: ...  # noqa: D102


@dataclass
class Reported:
    """What Anthropic reports for a window."""

    listed: dict[Cell, Decimal] = field(default_factory=dict[Cell, Decimal])
    billed: dict[Cell, Decimal] = field(default_factory=dict[Cell, Decimal])
    tokens: dict[Cell, int] = field(default_factory=dict[Cell, int])
    batch: dict[Cell, Decimal] = field(default_factory=dict[Cell, Decimal])
    """The part of `listed` that was served as a batch."""
    names: dict[str | None, str] = field(default_factory=dict[str | None, str])
    """Keys' names by their hints."""


def reported(source: Source, start: datetime, end: datetime, known: Mapping[str, str]) -> Reported:
    """Asks for a window, its end excluded. Raises CannotTellError if the report is not complete yet."""
    keys = {key.id: key for key in source.api_keys()}
    found = Reported(names={key.hint: key.name for key in keys.values() if key.hint})

    def cell(dimensions: Dimensions, kind: str) -> Cell:
        key = keys.get(dimensions.key_id or "")
        # A key without a hint, or one that is not listed any more, is known by its id.
        return Cell(
            KeyAndModel((key.hint if key else None) or dimensions.key_id, canonical(dimensions.model, known)), kind
        )

    for requested in between(start, end):
        report = source.report(requested)
        if report.as_of < requested.end:
            late = report.as_of.astimezone(timezone.utc)
            raise IncompleteDataError(
                f"Anthropic's report goes to {late:%Y-%m-%d %H:%M:%S} UTC so far, and the window ends later. Try again "
                "in some minutes"
            )
        if total(report.costs) != source.totals(requested):
            raise IncompleteDataError(
                "the rows of Anthropic's cost report do not add up to its own total, so some are missing"
            )
        for row in report.costs:
            place = cell(row.dimensions, row.kind)
            _add(found.listed, place, row.listed)
            _add(found.billed, place, row.billed)
            if row.dimensions.service_tier == BATCH:
                _add(found.batch, place, row.listed)
        for use in report.uses:
            for kind, count in use.tokens:
                if count:
                    place = cell(use.dimensions, kind)
                    found.tokens[place] = found.tokens.get(place, 0) + count
    return found


def _add(sums: dict[Cell, Decimal], cell: Cell, amount: Decimal) -> None:
    if amount:
        sums[cell] = sums.get(cell, Decimal(0)) + amount
