"""What a service of the workload counts itself, from its own answers: what is measured is compared with it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Tally:
    """What a service's own answers said: tokens by model and type, calls by result, the limits last reported.

    `batched` are the tokens of batches, which cost half; `missed` those that the API says the cache would have given,
    by how they were billed instead; `unknown` are more of them than this prompt had.
    """

    tokens: Counter[str] = field(default_factory=Counter[str])
    batched: Counter[str] = field(default_factory=Counter[str])
    results: Counter[str] = field(default_factory=Counter[str])
    searches: int = 0
    missed: Counter[str] = field(default_factory=Counter[str])
    calls: int = 0
    failed: int = 0
    limits: dict[str, dict[str, float]] = field(default_factory=dict[str, dict[str, float]])

    def responded(self, message: Any) -> None:
        """Adds an answer's usage."""
        self.calls += 1
        usage = message.usage
        if usage is None or getattr(usage, "input_tokens", None) is None:
            return
        used = self._add(self.tokens, message.model, usage)
        diagnosis: dict[str, Any] = message.to_dict().get("diagnostics") or {}
        reason: dict[str, Any] = diagnosis.get("cache_miss_reason") or {}
        left: int = reason.get("cache_missed_input_tokens", 0)
        for name in ("cache_write_1h", "cache_write_5m", "input"):
            tokens = min(left, used[name])
            self.missed[name] += tokens
            left -= tokens
        self.missed["unknown"] += left
        if usage.server_tool_use is not None:
            self.searches += usage.server_tool_use.web_search_requests

    def read(self, result: Any) -> None:
        """Adds a result of a batch."""
        self.results[result.type] += 1
        if result.type == "succeeded":
            self._add(self.batched, result.message.model, result.message.usage)

    def _add(self, tokens: Counter[str], model: str, usage: Any) -> dict[str, int]:
        writes = usage.cache_creation
        used = {
            "input": usage.input_tokens or 0,
            "cache_read": usage.cache_read_input_tokens or 0,
            "cache_write_5m": writes.ephemeral_5m_input_tokens or 0,
            "cache_write_1h": writes.ephemeral_1h_input_tokens or 0,
            "output": usage.output_tokens or 0,
        }
        for name, amount in used.items():
            tokens[f"{model} {name}"] += amount
        return used

    def limited(self, model: str, headers: Any) -> None:
        """Keeps the limits of a response's headers."""
        start = "anthropic-ratelimit-"
        for header, value in headers.items():
            name, _, what = header.lower().removeprefix(start).rpartition("-")
            if header.lower().startswith(start) and what in {"limit", "remaining"}:
                self.limits.setdefault(f"{model} {name.replace('-', '_')}", {})[what] = float(value)
