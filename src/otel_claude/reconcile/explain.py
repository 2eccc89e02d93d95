"""Reasons: why a cell may differ, from what both sides know. Pure. Each is likely, none is proven.

The rules are those of the official pages (facts of 2026-11-22): a time-out can be billed, an aborted stream is, a batch
is measured only where its results are read, code execution has no duration in a response.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final, Literal, NamedTuple

from .measured import Cell, Measured
from .reported import Reported

Name = Literal[
    "uninstrumented_key",
    "uninstrumented_calls",
    "no_api_key",
    "batch_results_not_read",
    "unpriced_calls",
    "unanswered_calls_billed",
    "incomplete_streams",
    "discount",
    "price_table",
    "not_measurable",
    "window_ends",
    "other_organization",
    "unknown",
]
_EXACT: Final = Decimal("0.000001")
"""Doubles of dollars differ by less."""
_PER_MILLION: Final = 10**6
_BEFORE_PRICE: Final = frozenset({"no_response", "incomplete_stream", "invalid_response", "error_event"})


class Reason(NamedTuple):
    """A name for programs, and words for people."""

    name: Name
    text: str


class CellContext(NamedTuple):
    """One cell of the comparison with all that is known around it."""

    measured: Measured
    reported: Reported
    cell: Cell
    ours: Decimal
    theirs: Decimal
    our_tokens: int
    their_tokens: int
    list_price: bool

    @property
    def unpriced(self) -> Mapping[str, int]:
        """Calls of this key and model without an exact price."""
        return self.measured.unpriced.get(self.cell.of, {})

    @property
    def is_less(self) -> bool:
        """Whether we measured less than was reported."""
        return self.our_tokens < self.their_tokens or self.ours < self.theirs


def reason(side: CellContext) -> Reason:
    """The likeliest reason of a difference."""
    for rule in (_not_measurable, _whole_key, _batches, _priced_otherwise, _lost, _ends):
        found = rule(side)
        if found is not None:
            return found
    return _other_tokens(side)


def _not_measurable(side: CellContext) -> Reason | None:
    if side.cell.kind in {"code_execution", "session_usage"}:
        return Reason("not_measurable", f"{side.cell.kind.replace('_', ' ')} is billed by time, which no response has")
    return None


def _whole_key(side: CellContext) -> Reason | None:
    hint = side.cell.of.hint
    if hint not in side.measured.hints and not side.ours:
        if hint is None:
            return Reason("no_api_key", "used without an API key: the Console, or OAuth")
        return Reason("uninstrumented_key", "no instrumented service used this key")
    known = {cell.of.hint for cell in (*side.reported.listed, *side.reported.tokens)}
    if hint not in known and not side.theirs and not side.their_tokens:
        if hint is None:
            text = "calls whose key was not recorded: their spend is beside another key on the other side"
            return Reason("unknown", text)
        return Reason("other_organization", "Anthropic reports nothing of this key: it is not this organization's")
    return None


def _batches(side: CellContext) -> Reason | None:
    missed = side.reported.batch.get(side.cell, Decimal(0)) - side.measured.batch.get(side.cell, Decimal(0))
    if missed <= _EXACT or not side.list_price:
        return None
    rest = side.theirs - side.ours - missed
    text = "batches whose results no instrumented program read"
    if abs(rest) > max(_EXACT, missed / 100):
        text += f"; {rest:+.4f} USD for another reason"
    return Reason("batch_results_not_read", text)


def _ends(side: CellContext) -> Reason | None:
    edge = side.measured.edges.get(side.cell.of, Decimal(0))
    if _EXACT < abs(side.ours - side.theirs) <= edge and side.our_tokens != side.their_tokens:
        return Reason("window_ends", "calls at the window's ends: they are exported up to two minutes later")
    return None


def _priced_otherwise(side: CellContext) -> Reason | None:
    """The same tokens for another price."""
    if side.our_tokens != side.their_tokens or abs(side.ours - side.theirs) <= _EXACT:
        return None
    unpriced = {name: count for name, count in side.unpriced.items() if name not in _BEFORE_PRICE}
    if unpriced and side.ours < side.theirs:
        listed = ", ".join(f"{count} {name}" for name, count in sorted(unpriced.items()))
        return Reason("unpriced_calls", f"unpriced calls: {listed}")
    other_amounts = side.reported.billed if side.list_price else side.reported.listed
    is_other = abs(side.ours - other_amounts.get(side.cell, Decimal(0))) <= _EXACT
    if is_other and side.list_price:
        return Reason("discount", "our prices have the discount in them: compare with --against billed")
    if is_other:
        return Reason("discount", "a discount that our prices do not have: compare with --against list")
    if not side.our_tokens:
        return None
    mine, other = (amount * _PER_MILLION / side.our_tokens for amount in (side.ours, side.theirs))
    return Reason(
        "price_table",
        f"price table out of date: Anthropic charges {_plain(other)} USD per million tokens of "
        f"{side.cell.of.model}, we counted {_plain(mine)}",
    )


def _lost(side: CellContext) -> Reason | None:
    """What is known to be billed and was never received."""
    if not side.is_less:
        return None
    count = side.unpriced.get("incomplete_stream")
    if count and side.cell.kind == "output":
        left = "1 stream was" if count == 1 else f"{count} streams were"
        return Reason("incomplete_streams", f"{left} incomplete: the rest of the output was billed")
    if count := side.unpriced.get("no_response"):
        calls = "1 call" if count == 1 else f"{count} calls"
        return Reason("unanswered_calls_billed", f"{calls} got no response, and may have been billed")
    return None


def _other_tokens(side: CellContext) -> Reason:
    if not side.is_less:
        return Reason("unknown", "measured and not reported: the report may not be complete yet")
    if side.cell.of.hint is None:
        return Reason("uninstrumented_calls", "calls that were not measured: a program without instrumentation")
    return Reason("uninstrumented_calls", "a program without instrumentation uses this key too")


def _plain(amount: Decimal) -> str:
    return f"{amount:.4f}".rstrip("0").rstrip(".")
