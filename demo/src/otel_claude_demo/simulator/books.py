"""The organization's books: what was served, summed by minute and by all that reports can be grouped by.

Kept as sums, so that they grow with time and kinds of traffic and not with traffic. Only what Anthropic itself bills
is in them: Bedrock and Google Cloud have bills of their own. Knows no HTTP; safe to read from any thread.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import NamedTuple, Protocol

from otel_claude_demo.simulator.jsons import Json
from otel_claude_demo.simulator.tariff import PICO_PER_SEARCH, PRICES, TOKEN_TYPES, Item, Tariff, items, searches

MINUTE = 60


class Key(NamedTuple):
    """What one line of the books is about."""

    minute: int
    """Its start, in seconds since the epoch."""
    key_hint: str
    model: str
    service_tier: str
    speed: str
    inference_geo: str | None
    context_window: str
    product: str


@dataclass
class Line:
    """What was used and charged. Searches are charged apart from tokens."""

    requests: int = 0
    tokens: dict[str, int] = field(default_factory=lambda: dict.fromkeys(TOKEN_TYPES, 0))
    pico: dict[str, int] = field(default_factory=dict[str, int])
    searches: int = 0

    def add(self, other: Line) -> None:
        """Add another line's sums."""
        self.requests += other.requests
        self.searches += other.searches
        for name, amount in other.tokens.items():
            self.tokens[name] += amount
        for name, amount in other.pico.items():
            self.pico[name] = self.pico.get(name, 0) + amount

    @property
    def total(self) -> int:
        """Pico-dollars at list price."""
        return sum(self.pico.values()) + self.searches * PICO_PER_SEARCH


class ServedResponse(Protocol):
    """What the books need to know of a record."""

    @property
    def time(self) -> float: ...  # noqa: D102
    @property
    def platform(self) -> str: ...  # noqa: D102
    @property
    def model(self) -> str | None: ...  # noqa: D102
    @property
    def key_hint(self) -> str: ...  # noqa: D102
    @property
    def used(self) -> Mapping[str, object] | None: ...  # noqa: D102
    @property
    def stop_reason(self) -> str | None: ...  # noqa: D102


class Books:
    """All lines. `prices` can be changed, as Anthropic changes its own; what is in the books stays."""

    def __init__(self) -> None:
        self.prices: dict[str, Tariff] = dict(PRICES)
        self._lock = Lock()
        self._lines: dict[Key, Line] = {}

    def add(self, record: ServedResponse) -> None:
        """Enter what was served."""
        if record.used is None or record.platform not in {"anthropic", "batch"}:
            return
        usage: Json = dict(record.used)
        model = str(record.model)
        with self._lock:
            for item in items(usage, model, record.stop_reason, self.prices):
                self._line(record, item, usage).add(Line(0, item.tokens, item.pico))
            whole = Item(model, {}, {}, long_context=False)
            self._line(record, whole, usage).add(Line(1, searches=searches(usage)))

    def lines(self) -> list[tuple[Key, Line]]:
        """A copy of all lines."""
        with self._lock:
            return [(key, _copied(line)) for key, line in self._lines.items()]

    def hints(self) -> list[str]:
        """The keys that were used, in the order of their first use."""
        with self._lock:
            return list(dict.fromkeys(key.key_hint for key in self._lines if key.key_hint))

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._lines.clear()

    def _line(self, record: ServedResponse, item: Item, usage: Json) -> Line:
        geo = str(usage["inference_geo"])
        key = Key(
            int(record.time) // MINUTE * MINUTE,
            record.key_hint,
            item.model,
            str(usage["service_tier"]),
            str(usage.get("speed") or "standard"),
            geo if geo in {"global", "us"} else None,
            "200k-1M" if item.long_context else "0-200k",
            "message_batches_api" if record.platform == "batch" else "messages_api",
        )
        return self._lines.setdefault(key, Line())


def _copied(line: Line) -> Line:
    return Line(line.requests, dict(line.tokens), dict(line.pico), line.searches)
