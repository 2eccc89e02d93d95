"""Totals: what a program's calls add up to, as sums by key. Knows neither OpenTelemetry nor how they are shown.

All sums are whole numbers: calls, tokens, pico-dollars, milliseconds. So totals of several processes add up exactly.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, NamedTuple

Kind = Literal[
    "call",  # by model
    "result",  # results of batches, by how the request ended and by model
    "batched",  # pico-dollars of them
    "error",  # calls, by error type
    "stop",  # calls and results, by stop reason
    "unpriced",  # calls and results, by reason and model
    "attempt",  # by outcome
    "blocked",  # attempts, by what blocked them
    "waited",  # milliseconds of back-off
    "tokens",  # by type and model
    "cost",  # pico-dollars, by type and model
    "tool",  # requests of server tools, by tool
    "saved",  # pico-dollars that cache reads saved
    "overhead",  # pico-dollars that cache writes cost above the uncached price
]
Key = tuple[str, ...]
"""A `Kind`, and what it is counted by."""

UNCACHED: Final = "input"
TOKEN_TYPES: Final = (UNCACHED, "cache_read", "cache_write_5m", "cache_write_1h", "output")
"""Disjoint, and named as the types of cost are."""
TOTAL_INPUT: Final = "total_input"
NOT_OURS: Final = "billed_elsewhere"
"""The one reason that leaves a cost exact: somebody else pays."""
THINKING: Final = "thinking"
"""Part of `output`."""


class Limit(NamedTuple):
    """A rate limit at its tightest: the used share, when that was seen and when it is full, in seconds since 1970."""

    name: str
    model: str | None
    utilization: float
    seen_at: float
    full_at: float | None = None


class Totals:
    """Sums by key, the tightest limit, and of how many processes they are."""

    def __init__(self, sums: Mapping[Key, int] | None = None, limit: Limit | None = None) -> None:
        self.sums: Counter[Key] = Counter(sums or {})
        self.limit = limit
        self.retirements: dict[str, int] = {}
        """When models retire, in seconds since the epoch."""
        self.processes = int(not self.is_empty)
        """Those that made calls, or read results of batches."""

    @property
    def calls(self) -> int:
        """How many calls there were."""
        return self.sum("call")

    @property
    def results(self) -> int:
        """How many results of batches were read."""
        return self.sum("result")

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to tell."""
        return not self.calls and not self.results

    def sum(self, kind: Kind, first: str | None = None, second: str | None = None) -> int:
        """The sum of a kind, over everything that it is counted by and that is not given here."""
        return sum(
            amount
            for key, amount in self.sums.items()
            if key[0] == kind and (first is None or key[1] == first) and (second is None or key[2] == second)
        )

    def by(self, kind: Kind) -> dict[str, int]:
        """The sums of a kind by the first thing that it is counted by, largest first."""
        found: Counter[str] = Counter()
        for key, amount in self.sums.items():
            if key[0] == kind and amount:
                found[key[1]] += amount
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))

    def tokens(self, name: str, model: str | None = None) -> int:
        """Tokens of one of the `TOKEN_TYPES`, or thinking, or the total input."""
        if name != UNCACHED:
            return self.sum("tokens", name, model)
        cached = sum(self.sum("tokens", other, model) for other in TOKEN_TYPES[1:4])
        return max(0, self.sum("tokens", TOTAL_INPUT, model) - cached)

    def status(self, model: str | None = None) -> Literal["exact", "lower_bound", "unpriced"]:
        """What is known of the cost, of all models or of one."""
        if not any(self.sum("unpriced", reason, model) for reason in self.by("unpriced") if reason != NOT_OURS):
            return "exact"
        return "lower_bound" if self.sum("cost", second=model) else "unpriced"

    def models(self) -> list[str]:
        """Every model, the most expensive first."""
        names = {key[-1] for key in self.sums if key[0] in ("call", "result", "tokens", "cost") and key[-1]}
        return sorted(names, key=lambda name: (-self.sum("cost", second=name), -self.requests(name), name))

    def requests(self, model: str | None = None) -> int:
        """Calls, and results that a model answered."""
        # Results without a response have no model.
        without = self.sum("result", second="") if model is None else 0
        return self.sum("call", model) + self.sum("result", second=model) - without

    def tighter(self, limit: Limit | None) -> None:
        """Keeps the limit, if it is tighter than the one that is kept."""
        if limit is not None and (self.limit is None or limit.utilization >= self.limit.utilization):
            self.limit = limit

    def fold(self, others: Iterable[Totals]) -> Totals:
        """These totals and those of other processes together."""
        folded = Totals(self.sums, self.limit)
        folded.processes = self.processes
        folded.retirements.update(self.retirements)
        for other in others:
            folded.sums.update(other.sums)
            folded.tighter(other.limit)
            folded.retirements.update(other.retirements)
            folded.processes += other.processes
        return folded

    def to_json(self) -> dict[str, Any]:
        """As JSON, for another process of the same program."""
        return {
            "sums": [[*key, amount] for key, amount in self.sums.items()],
            "limit": self.limit,
            "retirements": self.retirements,
        }

    @classmethod
    def from_json(cls, data: Any) -> Totals:
        """The totals of `to_json`. Raises LookupError, TypeError or ValueError where they are not."""
        limit = data["limit"]
        sums: dict[Key, int] = {tuple(key): operator.index(amount) for *key, amount in data["sums"]}
        totals = cls(sums, None if limit is None else Limit(*limit))
        totals.retirements = {str(model): operator.index(at) for model, at in dict(data["retirements"]).items()}
        return totals
