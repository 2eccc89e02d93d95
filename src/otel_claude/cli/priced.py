"""The price of stored answers together, as one value, and as JSON. Knows no terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from ..api.response import Response
from ..pricing import UNPRICED_REASONS, Platform, PriceTable, Status, price_response
from ..pricing.types import decimal_text, joint_status
from ..semconv import COST_TYPES
from .answers import Stored

TOKEN_TYPES: Final = COST_TYPES[:5]


class Priced(NamedTuple):
    """What stored answers cost together, by type and model, and why that is not exact."""

    total: int
    """Pico-dollars, as far as known."""
    status: Status
    reasons: dict[str, int]
    """Answers by why they are not exact, the most severe first."""
    parts: dict[str, int]
    tokens: dict[str, int]
    models: dict[str, dict[str, int]]
    """The parts by model."""
    saved: int
    overhead: int
    by_iterations: bool
    """Whether more was sampled than the usage's own counts say, so that there is no one price per token."""


def priced(stored: Stored, table: PriceTable, *, at: float, platform: Platform, requested_model: str | None) -> Priced:
    """Prices all answers at one time."""
    prices = [
        price_response(table, answer, at=at, platform=platform, requested_model=requested_model)
        for answer in stored.answers
    ]
    charges = [charge for price in prices for charge in price.charges]
    models: dict[str, Counter[str]] = {}
    for charge in charges:
        models.setdefault(charge.model, Counter()).update(dict(zip(COST_TYPES, charge.parts, strict=True)))
    status = joint_status(prices)
    reasons = Counter(price.reason for price in prices)
    return Priced(
        sum(charge.total for charge in charges),
        status,
        {reason: reasons[reason] for reason in UNPRICED_REASONS if reason in reasons},
        _known({kind: sum(parts[kind] for parts in models.values()) for kind in COST_TYPES}, status),
        _tokens(stored.answers),
        {model: _known(parts, status) for model, parts in models.items()},
        sum(charge.savings for charge in charges),
        sum(charge.overhead_5m + charge.overhead_1h for charge in charges),
        any(answer.usage is not None and bool(answer.usage.iterations) for answer in stored.answers),
    )


def json_of(found: Priced, stored: Stored, *, table: str, at: str, platform: Platform) -> dict[str, Any]:
    """One JSON object. Dollars are decimal strings; `usd` is None if nothing is known of the cost."""
    reason = next(iter(found.reasons), None)
    known = UNPRICED_REASONS.get(reason) if reason is not None else None
    return {
        "usd": None if found.status == "unpriced" else decimal_text(found.total),
        "status": found.status,
        "reason": reason,
        "meaning": known and known.meaning,
        "remedy": known and known.remedy,
        "parts": _texts(found.parts),
        "tokens": found.tokens,
        "cache": {
            "saved_usd": decimal_text(found.saved),
            "overhead_usd": decimal_text(found.overhead),
            "net_usd": decimal_text(found.saved - found.overhead),
        },
        "models": [
            {"model": model, "usd": decimal_text(sum(parts.values())), "parts": _texts(parts)}
            for model, parts in found.models.items()
        ],
        "answers": len(stored.answers),
        "free": stored.free,
        "reasons": found.reasons,
        "form": stored.form,
        "table": table,
        "at": at,
        "platform": platform.name,
    }


def _known(parts: Mapping[str, int], status: Status) -> dict[str, int]:
    """A part that is 0 is known to be 0 only if the whole is exact."""
    return {kind: amount for kind, amount in parts.items() if amount or status == "exact"}


def _texts(parts: dict[str, int]) -> dict[str, str]:
    return {kind: decimal_text(amount) for kind, amount in parts.items()}


def _tokens(answers: Sequence[Response]) -> dict[str, int]:
    """What the answers say; a type that none of them speaks of is absent."""
    tokens: Counter[str] = Counter()
    for usage in [answer.usage for answer in answers if answer.usage is not None]:
        # Top-level counts leave out compaction, advisor and declined hops.
        for part in usage.iterations or (usage,):
            said = {kind: getattr(part, kind) for kind in TOKEN_TYPES}
            tokens.update({kind: count for kind, count in said.items() if count is not None})
    return dict(tokens)
