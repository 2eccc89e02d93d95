"""What the simulator served, for comparison with what was measured. Knows no HTTP; safe to read from any thread.

Never a request's body, never a key.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any, Literal

from otel_claude_demo.simulator.books import Books
from otel_claude_demo.simulator.jsons import Json, as_object, as_objects

KEPT = 100_000
_CLASSES = {
    "input": "input_tokens",
    "cache_read": "cache_read_input_tokens",
    "cache_creation": "cache_creation_input_tokens",
    "output": "output_tokens",
}
_SPLIT = {"cache_write_5m": "ephemeral_5m_input_tokens", "cache_write_1h": "ephemeral_1h_input_tokens"}


@dataclass(frozen=True, slots=True)
class Served:
    """One request that was answered, refused or left; those that made a message have `used`."""

    time: float
    path: str
    platform: Literal["anthropic", "bedrock", "vertex", "batch"]
    status: int | None
    """None if the client got no status."""
    model: str | None
    """As the answer names it; as asked, if there is none."""
    scenario: str
    key_hint: str
    attempt: int
    stream: bool
    outcome: Literal["finished", "aborted"]
    request_id: str
    message_id: str | None = None
    error_type: str | None = None
    usage: Mapping[str, Any] | None = None
    """Exactly what was sent, in its last form: an aborted stream's lacks what came after."""
    used: Mapping[str, Any] | None = None
    """What the message used in the end, sent or not: an aborted stream is billed too. None for an error answer."""
    stop_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Total:
    """What was used of one model, tier, speed and region. Iterations count at their own model."""

    model: str
    service_tier: str
    speed: str
    inference_geo: str
    answers: int = 0
    input: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    output: int = 0
    web_searches: int = 0


class ServedLog:
    """The records, the newest last, and exact totals of all. Keeps the last 100,000 records.

    `books` has what the Admin API reports of them.
    """

    def __init__(self) -> None:
        self.books = Books()
        self._lock = Lock()
        self._records: deque[Served] = deque(maxlen=KEPT)
        self._totals: dict[tuple[str, str, str, str], dict[str, int]] = {}
        self._count = 0

    def add(self, record: Served) -> None:
        """Note what was served."""
        with self._lock:
            self._records.append(record)
            self._count += 1
            if record.used is not None:
                self._count_used(record)
        self.books.add(record)

    def __len__(self) -> int:
        with self._lock:
            return self._count

    def __iter__(self) -> Iterator[Served]:
        return iter(self.records())

    def __getitem__(self, index: int) -> Served:
        return self.records()[index]

    def records(self) -> tuple[Served, ...]:
        """All records kept."""
        with self._lock:
            return tuple(self._records)

    def totals(self) -> tuple[Total, ...]:
        """The sums of all that was used since the start."""
        with self._lock:
            return tuple(Total(*key, **sums) for key, sums in sorted(self._totals.items()))

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._records.clear()
            self._totals.clear()
            self._count = 0
        self.books.clear()

    def _count_used(self, record: Served) -> None:
        usage = dict(record.used or {})
        model = str(record.model)
        rest = (str(usage["service_tier"]), str(usage.get("speed") or "standard"), str(usage["inference_geo"]))
        for entry in as_objects(usage.get("iterations")) or [usage]:
            self._add((str(entry.get("model") or model), *rest), _disjoint(entry))
        searches = int(as_object(usage.get("server_tool_use")).get("web_search_requests", 0))
        self._add((model, *rest), {"answers": 1, "web_searches": searches})

    def _add(self, key: tuple[str, str, str, str], amounts: dict[str, int]) -> None:
        sums = self._totals.setdefault(key, {})
        for name, amount in amounts.items():
            sums[name] = sums.get(name, 0) + amount


def key_hint(secret: str | None) -> str:
    """A key as the Console shows it, or a short digest of what does not look like one."""
    if not secret:
        return ""
    if secret.startswith("sk-ant-") and len(secret) > 40:  # noqa: PLR2004 - a real key is longer than 100
        return f"{secret[:16]}...{secret[-4:]}"
    return "sha256:" + hashlib.sha256(secret.encode()).hexdigest()[:8]


def _disjoint(entry: Json) -> dict[str, int]:
    split = as_object(entry.get("cache_creation"))
    counts = {name: int(split.get(field, 0)) for name, field in _SPLIT.items()}
    return counts | {name: int(entry[field]) for name, field in _CLASSES.items() if name != "cache_creation"}
