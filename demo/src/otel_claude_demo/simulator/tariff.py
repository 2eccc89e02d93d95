"""What the simulated organization is charged: a price list of its own, and the published billing rules on it.

Not the package's price table: what was measured is compared with these bills, so they must not have one source.
Written from the official pricing page as of 2026-11-22, for the models of `catalog` at today's prices. Money is
integer pico-dollars (1e-12 USD). Knows usage as the API writes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any, NamedTuple

from otel_claude_demo.simulator import catalog
from otel_claude_demo.simulator.jsons import Json, as_object, as_objects

PICO_PER_MTOK = 1_000_000
"""A dollar per million tokens is so many pico-dollars per token."""
PICO_PER_SEARCH = 10_000_000_000
LONG_CONTEXT = 200_000
_US_FROM = (4, 6)
_HAIKU_BOUND = 100_000


class Tariff(NamedTuple):
    """US dollars per million tokens at standard speed; writes cost 1.25 and 2 times the input."""

    input: str
    cache_read: str
    output: str
    fast: tuple[str, str] | None = None
    """Input and output at fast speed; cache prices follow the input."""


PRICES: dict[str, Tariff] = {
    "claude-fable-5-2": Tariff("8", "0.20", "40", ("16", "80")),
    "claude-mythos-5-2": Tariff("8", "0.20", "40", ("16", "80")),
    "claude-haiku-5-5": Tariff("0.10", "0.01", "0.50"),
    "claude-sonnet-5-5": Tariff("2", "0.10", "10"),
    "claude-opus-5-5": Tariff("4", "0.20", "20", ("8", "40")),
    "claude-fable-5-1": Tariff("10", "0.25", "50"),
    "claude-opus-5": Tariff("5", "0.50", "25", ("10", "50")),
    "claude-sonnet-5": Tariff("2", "0.20", "10"),
    "claude-fable-5": Tariff("10", "1", "50"),
    "claude-opus-4-8": Tariff("5", "0.50", "25", ("10", "50")),
    "claude-opus-4-7": Tariff("5", "0.50", "25"),
    "claude-sonnet-4-6": Tariff("3", "0.30", "15"),
    "claude-opus-4-6": Tariff("5", "0.50", "25"),
    "claude-opus-4-5-20251101": Tariff("5", "0.50", "25"),
    "claude-haiku-4-5-20251001": Tariff("1", "0.10", "5"),
    "claude-sonnet-4-5-20250929": Tariff("3", "0.30", "15"),
}
OTHER_MODEL = Tariff("3", "0.30", "15")
"""A model that is not listed is paid for too."""

TOKEN_TYPES = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output")


class Item(NamedTuple):
    """What one model of an answer used, and what it is charged by type."""

    model: str
    tokens: dict[str, int]
    pico: dict[str, int]
    long_context: bool


def items(usage: Json, model: str, stop_reason: str | None, prices: Mapping[str, Tariff]) -> Iterator[Item]:
    """The items of one answer, by the entries of its iterations if it has them. What is free has no `pico`."""
    entries = as_objects(usage.get("iterations")) or [usage]
    served = any(entry.get("type") == "fallback_message" for entry in entries)
    for entry in entries:
        tokens = _tokens(entry)
        declined = entry.get("type") == "message" and served and not tokens["output"]
        refused = stop_reason == "refusal" and not tokens["output"]
        name = str(entry.get("model") or model)
        # A refusal before any output is free, and so is a hop that declined before any.
        pico = {} if declined or refused else charged(tokens, name, usage, prices)
        yield Item(name, tokens, pico, sum(tokens.values()) - tokens["output"] > LONG_CONTEXT)


def charged(tokens: Mapping[str, int], model: str, usage: Json, prices: Mapping[str, Tariff]) -> dict[str, int]:
    """Pico-dollars by type, for what an answer's `usage` says beside the tokens: tier, speed, geography."""
    if usage.get("service_tier") == "priority":
        return {}
    tariff = prices.get(model, OTHER_MODEL)
    new, out = Fraction(tariff.input), Fraction(tariff.output)
    read = Fraction(tariff.cache_read) / new
    if usage.get("speed") == "fast" and tariff.fast:
        new, out = Fraction(tariff.fast[0]), Fraction(tariff.fast[1])
    factor = Fraction(1, 2) if usage.get("service_tier") == "batch" else Fraction(1)
    if usage.get("inference_geo") == "us" and catalog.version(model) >= _US_FROM:
        factor *= Fraction(11, 10)
    if model.startswith("claude-haiku-5-5") and sum(tokens.values()) - tokens["output"] > _HAIKU_BOUND:
        factor *= 5
    rates = (new, new * read, new * Fraction(5, 4), new * 2, out)
    amounts = {
        name: tokens[name] * rate * factor * PICO_PER_MTOK for name, rate in zip(TOKEN_TYPES, rates, strict=True)
    }
    return {name: int(amount) for name, amount in amounts.items() if amount}


def searches(usage: Json) -> int:
    """Web searches of an answer."""
    return int(as_object(usage.get("server_tool_use")).get("web_search_requests", 0))


def _tokens(entry: Mapping[str, Any]) -> dict[str, int]:
    split = as_object(entry.get("cache_creation"))
    return {
        "input": int(entry["input_tokens"]),
        "cache_read": int(entry["cache_read_input_tokens"]),
        "cache_write_5m": int(split.get("ephemeral_5m_input_tokens", 0)),
        "cache_write_1h": int(split.get("ephemeral_1h_input_tokens", 0)),
        "output": int(entry["output_tokens"]),
    }
