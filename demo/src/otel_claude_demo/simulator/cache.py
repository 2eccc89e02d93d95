"""The prompt cache: which part of a prompt was seen before. Knows segments and a clock's reading.

As in the API: a breakpoint's prefix is written with its TTL and read until that time has passed since its last use; a
breakpoint also finds what was written up to 20 segments before it; models do not share. A prefix shorter than `minimum`
(64 tokens; the API wants 512 or more) is not cached.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from otel_claude_demo.simulator.prompt import Segment
from otel_claude_demo.simulator.usage import Counts

MINIMUM_TOKENS = 64
LOOK_BACK = 20
SECONDS = {"5m": 300.0, "1h": 3600.0}
ENTRIES = 20_000


@dataclass(frozen=True, slots=True)
class CachePlan:
    """What one prompt would read and write. Nothing happens before it is committed."""

    model: str
    counts: Counts
    read: bytes | None
    written: tuple[tuple[bytes, str], ...]


class PromptCache:
    """Prefixes and when they expire."""

    def __init__(self, minimum: int = MINIMUM_TOKENS) -> None:
        self.minimum = minimum
        self._entries: dict[tuple[str, bytes], tuple[float, str]] = {}

    def plan(self, model: str, prompt: Sequence[Segment], now: float) -> CachePlan:
        """Split a prompt into what is read, written and neither."""
        total = sum(segment.tokens for segment in prompt)
        marks = [index for index, segment in enumerate(prompt) if segment.ttl]
        if not marks:
            return CachePlan(model, Counts(input=total), None, ())
        digests, lengths = _prefixes(prompt[: marks[-1] + 1])
        marks = [mark for mark in marks if lengths[mark] >= self.minimum]
        hit = self._longest_hit(model, digests, marks, now)
        done = cached = lengths[hit] if hit is not None else 0
        written: list[tuple[bytes, str]] = []
        fresh = {"5m": 0, "1h": 0}
        for mark in marks:
            ttl = prompt[mark].ttl or "5m"
            if lengths[mark] > done:
                fresh[ttl] += lengths[mark] - done
                done = lengths[mark]
                written.append((digests[mark], ttl))
        return CachePlan(
            model,
            Counts(total - done, cached, fresh["5m"], fresh["1h"]),
            digests[hit] if hit is not None else None,
            tuple(written),
        )

    def commit(self, plan: CachePlan, now: float) -> None:
        """Write what the plan writes and refresh what it reads."""
        if plan.read is not None:
            _, ttl = self._entries[plan.model, plan.read]
            self._entries[plan.model, plan.read] = (now + SECONDS[ttl], ttl)
        for digest, ttl in plan.written:
            self._entries[plan.model, digest] = (now + SECONDS[ttl], ttl)
        if len(self._entries) > ENTRIES:
            self._forget(now)

    def _longest_hit(self, model: str, digests: Sequence[bytes], marks: Sequence[int], now: float) -> int | None:
        for mark in reversed(marks):
            for index in range(mark, max(-1, mark - LOOK_BACK), -1):
                expires, _ = self._entries.get((model, digests[index]), (0.0, ""))
                if expires > now:
                    return index
        return None

    def _forget(self, now: float) -> None:
        alive = [(key, entry) for key, entry in self._entries.items() if entry[0] > now]
        alive.sort(key=lambda pair: pair[1][0])
        self._entries = dict(alive[-ENTRIES // 2 :])


def _prefixes(prompt: Sequence[Segment]) -> tuple[list[bytes], list[int]]:
    digest, length = hashlib.sha256(), 0
    digests: list[bytes] = []
    lengths: list[int] = []
    for segment in prompt:
        digest.update(segment.content)
        length += segment.tokens
        digests.append(digest.digest())
        lengths.append(length)
    return digests, lengths
