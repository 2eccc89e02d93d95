"""What Anthropic's Admin API reports for a period, in the form of what was measured. At list price."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from ..organization.models import Bucket, Dimensions
from ..organization.reports import Range, between
from ..pricing import model_ids as ids
from ..prometheus import IncompleteDataError
from .periods import HOUR, Period, floor, rfc3339
from .usage import TYPE, WIDTHS, Key, Usage

if TYPE_CHECKING:
    from ..organization.client import Reader

DIMENSIONS: Final = ("model", "key", "workspace", TYPE, *WIDTHS)
"""What the reports tell apart."""
_MAX_HOURS: Final = timedelta(days=31)


def read_organization(reader: Reader, period: Period, by: Sequence[str], known: Mapping[str, str]) -> dict[Key, Usage]:
    """What was used in a period, by dimensions. Raises IncompleteDataError where that is not known yet."""
    other = [dimension for dimension in by if dimension not in DIMENSIONS]
    if other:
        raise IncompleteDataError(f"the organization's reports have no {other[0]!r}: choose of {', '.join(DIMENSIONS)}")
    hints = {key.id: key.hint for key in reader.api_keys()} if "key" in by else {}
    found: dict[Key, Usage] = {}

    def place(bucket: Bucket, of: Dimensions, kind: str | None) -> Usage:
        model = of.model and (ids.lookup(ids.parse(of.model), known) or of.model)
        values = {
            "model": model,
            "key": (hints.get(of.key_id) if of.key_id else None) or of.key_id,
            "workspace": of.workspace_id,
            TYPE: kind,
            **{name: rfc3339(floor(bucket.start, width)) for name, width in WIDTHS.items()},
        }
        return found.setdefault(tuple(values[dimension] for dimension in by), Usage())

    for requested in _ranges(period, hourly="hour" in by):
        report = reader.report(requested)
        if report.as_of < requested.end:
            raise IncompleteDataError(
                f"Anthropic's report goes to {rfc3339(report.as_of)} so far, and the period ends later: give --to"
            )
        for row in report.costs:
            usage = place(row.bucket, row.dimensions, row.kind)
            usage.usd[row.kind] = usage.usd.get(row.kind, Decimal(0)) + row.listed
        for use in report.usage if TYPE not in by else ():
            usage = place(use.bucket, use.dimensions, None)
            usage.tokens.update(use.tokens)
            usage.calls += use.requests or 0
    return found


def _ranges(period: Period, *, hourly: bool) -> list[Range]:
    if not hourly:
        return between(*period)
    found: list[Range] = []
    start = period.start
    while start < period.end:
        found.append(Range(start, min(period.end, start + _MAX_HOURS), "1h"))
        start = found[-1].end
    if any(floor(moment, HOUR) != moment for moment in period):
        raise IncompleteDataError("by hours, the organization's reports begin and end at whole hours (UTC)")
    return found
