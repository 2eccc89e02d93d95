"""Values that satisfy the protocols of `otel_claude.pricing`, and short ways to say them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import otel_claude.pricing

DATA = json.loads(Path(otel_claude.pricing.__file__).with_name("prices.json").read_text(encoding="utf-8"))
MODELS = DATA["models"]
CLASSES = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output")
NOW = "2026-11-22"


@dataclass(frozen=True)
class Entry:
    """One entry of usage.iterations."""

    type: str = "message"
    model: str | None = None
    input: int | None = 0
    cache_read: int | None = 0
    cache_write_5m: int | None = 0
    cache_write_1h: int | None = 0
    output: int | None = 0


@dataclass(frozen=True)
class Used:
    """A usage."""

    input: int | None = 0
    cache_read: int | None = 0
    cache_write_5m: int | None = 0
    cache_write_1h: int | None = 0
    output: int | None = 0
    web_searches: int = 0
    web_fetches: int = 0
    code_executions: int = 0
    service_tier: str | None = "standard"
    speed: str | None = None
    inference_geo: str | None = None
    fallback_credit: str | None = None
    iterations: tuple[Entry, ...] | None = None
    malformed: bool = False


@dataclass(frozen=True)
class Said:
    """An answer."""

    model: str | None = "claude-opus-5-5"
    usage: Used | None = None
    stop_reason: str | None = "end_turn"
    complete: bool = True


def said(model: str | None = "claude-opus-5-5", *, stop_reason="end_turn", complete=True, **usage) -> Said:
    return Said(model, Used(**usage), stop_reason, complete)


def at(day: str, clock: str = "12:00:00") -> float:
    return datetime.fromisoformat(f"{day}T{clock}+00:00").astimezone(timezone.utc).timestamp()


def usd(text: str) -> int:
    """Dollars as pico-dollars."""
    whole, _, fraction = text.partition(".")
    return int(whole + fraction.ljust(12, "0"))
