"""Reported: their side, from the Admin API: what Anthropic says was used and billed in a window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING

from ..organization.models import Dimensions
from ..organization.reports import between, total
from ..prometheus import IncompleteDataError
from .measured import BATCH, Cell, KeyAndModel, add, canonical

if TYPE_CHECKING:
    from ..organization.client import Reader


@dataclass
class Reported:
    """What Anthropic reports for a window.

    Attributes:
        listed: US dollars at list price.
        billed: US dollars after the discount, before credits.
        tokens: Tokens.
        batch: The part of `listed` that was served as a batch.
        names: Keys' names by their hints.
    """

    listed: dict[Cell, Decimal] = field(default_factory=dict[Cell, Decimal])
    billed: dict[Cell, Decimal] = field(default_factory=dict[Cell, Decimal])
    tokens: dict[Cell, int] = field(default_factory=dict[Cell, int])
    batch: dict[Cell, Decimal] = field(default_factory=dict[Cell, Decimal])
    names: dict[str | None, str] = field(default_factory=dict[str | None, str])


def reported(reader: Reader, start: datetime, end: datetime, known: Mapping[str, str]) -> Reported:
    """Asks for a window, its end excluded. Raises IncompleteDataError if the report is not complete yet."""
    keys = {key.id: key for key in reader.api_keys()}
    found = Reported(names={key.hint: key.name for key in keys.values() if key.hint})

    def cell(dimensions: Dimensions, kind: str) -> Cell:
        key = keys.get(dimensions.key_id or "")
        # A key without a hint, or one that is not listed any more, is known by its id.
        hint = (key.hint if key else None) or dimensions.key_id
        return Cell(KeyAndModel(hint, canonical(dimensions.model, known)), kind)

    for requested in between(start, end):
        report = reader.report(requested)
        if report.as_of < requested.end:
            late = report.as_of.astimezone(timezone.utc)
            raise IncompleteDataError(
                f"Anthropic's report goes to {late:%Y-%m-%d %H:%M:%S} UTC so far, and the window ends later. Try again "
                "in some minutes"
            )
        if total(report.costs) != reader.totals(requested):
            raise IncompleteDataError(
                "the rows of Anthropic's cost report do not add up to its own total, so some are missing"
            )
        for row in report.costs:
            place = cell(row.dimensions, row.kind)
            add(found.listed, place, row.listed)
            add(found.billed, place, row.billed)
            if row.dimensions.service_tier == BATCH:
                add(found.batch, place, row.listed)
        for use in report.usage:
            for kind, count in use.tokens.items():
                add(found.tokens, cell(use.dimensions, kind), count)
    return found
