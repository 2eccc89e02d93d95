"""Comparison: what was measured against what the simulator says it served. Knows the summary's JSON.

Of what was served, one thing cannot be in the measurement, and is counted apart: output that was written for a client
that had left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from otel_claude.pricing import PICO_PER_USD, PriceTable
from otel_claude.semconv import COST_TYPES

from .rates import TOKEN_TYPES, WEB_SEARCH, Way, cost

if TYPE_CHECKING:
    from .simulator import Served, ServedLog

_BATCH: Final = "batch"
_BEDROCK: Final = "bedrock"
_MESSAGES: Final = "/v1/messages"
Key = tuple[str, str]
"""A model, and a type of tokens or of cost."""


class Sums(NamedTuple):
    """Tokens and pico-dollars by model and token type, web searches, HTTP requests, and results of batches."""

    tokens: Counter[Key]
    pico: Counter[Key]
    searches: int
    requests: int
    batched: int

    def of(self, name: str) -> int:
        """The tokens of a type."""
        return sum(amount for (_, kind), amount in self.tokens.items() if kind == name)

    @property
    def cost(self) -> int:
        """All of it."""
        return sum(self.pico.values())


class Apart(NamedTuple):
    """What was served and cannot be measured."""

    left: int
    """Streams whose client had left."""
    unheard: int
    """Their output."""


class Comparison(NamedTuple):
    """Both sides."""

    served: Sums
    measured: Sums
    apart: Apart

    def differences(self) -> Iterator[str]:
        """Each number that is not the same on both sides."""
        for what, served, measured in (
            ("tokens", self.served.tokens, self.measured.tokens),
            ("pico-dollars", self.served.pico, self.measured.pico),
        ):
            for model, name in sorted(served.keys() | measured.keys()):
                both = served[model, name], measured[model, name]
                if both[0] != both[1]:
                    yield f"{model}, {name}: {both[0]:,} {what} served, {both[1]:,} measured"
        for what, *both in (
            ("web searches", self.served.searches, self.measured.searches),
            ("HTTP requests", self.served.requests, self.measured.requests),
            ("results of batches", self.served.batched, self.measured.batched),
        ):
            if both[0] != both[1]:
                yield f"{both[0]:,} {what} served, {both[1]:,} measured"


def compare(log: ServedLog, summary: Mapping[str, Any], table: PriceTable, *, at: float) -> Comparison:
    """Compares what a simulator served with the summary's JSON of the programs that called it.

    Raises:
        ValueError: The table cannot price what was served.
    """
    served, apart = _served(log, table, at)
    return Comparison(served, _measured(summary), apart)


def _served(log: ServedLog, table: PriceTable, at: float) -> tuple[Sums, Apart]:
    amounts: dict[Way, Counter[str]] = {}
    for total in log.totals():
        way = Way(total.model, total.service_tier, total.speed, total.inference_geo)
        amounts[way] = Counter({name: getattr(total, name) for name in TOKEN_TYPES} | {WEB_SEARCH: total.web_searches})
    records = log.records()
    unheard = [(record, _unheard(record)) for record in records if record.outcome == "aborted" and record.used]
    for record, counts in unheard:
        amounts[_way(record)].subtract(counts)
    tokens: Counter[Key] = Counter()
    pico: Counter[Key] = Counter()
    for way, counts in amounts.items():
        parts = cost(table, way, counts, at=at)
        tokens.update({(way.model, name): counts[name] for name in TOKEN_TYPES})
        pico.update({(way.model, name): part for name, part in parts.items()})
    searches = sum(counts[WEB_SEARCH] for counts in amounts.values())
    batched = sum(total.answers for total in log.totals() if total.service_tier == _BATCH)
    requests = sum(record.path == _MESSAGES or record.platform == _BEDROCK for record in records)
    apart = Apart(len(unheard), sum(counts["output"] for _, counts in unheard))
    return Sums(tokens, pico, searches, requests, batched), apart


def _unheard(record: Served) -> Counter[str]:
    """What the client of an unfinished answer was not told: the output, or everything if nothing reached it."""
    used: Mapping[str, Any] = record.used or {}
    counts = Counter({"output": int(used["output_tokens"])})
    if record.usage is None:
        split: Mapping[str, Any] = used["cache_creation"]
        counts["input"] = int(used["input_tokens"])
        counts["cache_read"] = int(used["cache_read_input_tokens"])
        counts["cache_write_5m"] = int(split["ephemeral_5m_input_tokens"])
        counts["cache_write_1h"] = int(split["ephemeral_1h_input_tokens"])
    return counts


def _way(record: Served) -> Way:
    used: Mapping[str, Any] = record.used or {}
    return Way(
        str(record.model), str(used["service_tier"]), str(used.get("speed") or "standard"), str(used["inference_geo"])
    )


def _measured(summary: Mapping[str, Any]) -> Sums:
    tokens: Counter[Key] = Counter()
    pico: Counter[Key] = Counter()
    for row in summary["models"]:
        tokens.update({(row["model"], name): row["tokens"][name] for name in TOKEN_TYPES})
        pico.update(
            {(row["model"], name): int(Decimal(row["parts"].get(name, 0)) * PICO_PER_USD) for name in COST_TYPES}
        )
    searches = summary["server_tools"].get(WEB_SEARCH, 0)
    batched = summary["batches"]["results"].get("succeeded", 0)
    return Sums(tokens, pico, searches, summary["attempts"]["total"], batched)
