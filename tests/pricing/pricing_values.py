"""Short ways to say what the API said."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path

import otel_claude.pricing
from otel_claude.api.response import Iteration, Response, Usage

PLACE = Path(otel_claude.pricing.__file__).parent
DATA = json.loads((PLACE / "prices.json").read_text(encoding="utf-8"))
SCHEMA = json.loads((PLACE / "prices.schema.json").read_text(encoding="utf-8"))
MODELS = DATA["models"]
TOKEN_TYPES = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output")
NONE = dict.fromkeys(TOKEN_TYPES, 0)
NOW = "2026-11-22"


def entry(type_: str = "message", model: str | None = None, **counts: int | None) -> Iteration:
    """One entry of usage.iterations."""
    return Iteration(**{**NONE, **counts}, total_input=None, type=type_, model=model)


def used(**usage) -> Usage:
    return Usage(**{**NONE, "service_tier": "standard", **usage})


def response(model: str | None, usage: Usage | None, stop_reason: str | None = "end_turn", complete=True) -> Response:
    return Response(None, model, stop_reason, usage, complete)


def said(model: str | None = "claude-opus-5-5", *, stop_reason="end_turn", complete=True, **usage) -> Response:
    return response(model, used(**usage), stop_reason, complete)


def at(day: str, clock: str = "12:00:00") -> float:
    return datetime.fromisoformat(f"{day}T{clock}+00:00").astimezone(timezone.utc).timestamp()


def usd(text: str) -> int:
    """Dollars as pico-dollars."""
    whole, _, fraction = text.partition(".")
    return int(whole + fraction.ljust(12, "0"))
