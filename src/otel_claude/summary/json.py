"""The summary as JSON. The same numbers as on the page, unrounded; dollars are decimal strings."""

from __future__ import annotations

from typing import Any

from ..pricing import UNPRICED_REASONS
from ..pricing.price_file import date_of
from ..pricing.types import DAY, decimal_text
from ..semconv import COST_TYPES
from ..version import __version__
from .totals import THINKING, TOKEN_TYPES, TOTAL_INPUT, Totals


def json_of(totals: Totals, *, table: str, now: float) -> dict[str, Any]:
    """All that the page says. `usd` is None where the cost is not known."""
    state = totals.status()
    saved, overhead, total_input = totals.sum("saved"), totals.sum("overhead"), totals.tokens(TOTAL_INPUT)
    return {
        "usd": None if state == "unpriced" else decimal_text(totals.sum("cost")),
        "status": state,
        "unpriced": [_unpriced(reason, count) for reason, count in totals.by("unpriced").items()],
        "parts": _parts(totals, None),
        "tokens": _tokens(totals, None),
        "models": [_model(totals, name) for name in totals.models()],
        "cache": {
            "saved_usd": decimal_text(saved),
            "overhead_usd": decimal_text(overhead),
            "net_usd": _signed(saved - overhead),
            "hit_ratio": totals.tokens("cache_read") / total_input if total_input else None,
        },
        "calls": totals.calls,
        "batches": {"results": totals.by("result"), "usd": decimal_text(totals.sum("batched"))},
        "errors": totals.by("error"),
        "stop_reasons": totals.by("stop"),
        "attempts": {"total": totals.sum("attempt"), **totals.by("attempt")},
        "blocked": totals.by("blocked"),
        "retry_wait_seconds": totals.sum("waited") / 1000,
        "server_tools": totals.by("tool"),
        "tightest_limit": _limit(totals, now),
        "retirements": {model: date_of(at // DAY) for model, at in sorted(totals.retirements.items())},
        "processes": totals.processes,
        "price_table": table or None,
        "otel_claude": __version__,
    }


def _parts(totals: Totals, model: str | None) -> dict[str, str]:
    names = [*COST_TYPES, *sorted(set(totals.by("cost")) - set(COST_TYPES))]
    return {name: decimal_text(totals.sum("cost", name, model)) for name in names}


def _tokens(totals: Totals, model: str | None) -> dict[str, int]:
    return {name: totals.tokens(name, model) for name in (*TOKEN_TYPES, THINKING)}


def _model(totals: Totals, name: str) -> dict[str, Any]:
    return {
        "model": name,
        "calls": totals.sum("call", name),
        "results": totals.sum("result", second=name),
        "usd": None if totals.status(name) == "unpriced" else decimal_text(totals.sum("cost", second=name)),
        "status": totals.status(name),
        "parts": _parts(totals, name),
        "tokens": _tokens(totals, name),
    }


def _unpriced(reason: str, count: int) -> dict[str, Any]:
    known = UNPRICED_REASONS.get(reason)
    parsed = {} if known is None else {"meaning": known.meaning, "remedy": known.remedy}
    return {"reason": reason, "calls": count, **parsed}


def _limit(totals: Totals, now: float) -> dict[str, Any] | None:
    limit = totals.limit
    return limit and {
        "name": limit.name,
        "model": limit.model,
        "utilization": limit.utilization,
        "seconds_ago": round(now - limit.seen_at, 1),
        "seconds_to_reset": None if limit.full_at is None else round(max(0.0, limit.full_at - now), 1),
    }


def _signed(pico: int) -> str:
    return f"-{decimal_text(-pico)}" if pico < 0 else decimal_text(pico)
