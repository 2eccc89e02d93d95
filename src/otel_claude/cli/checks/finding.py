"""Finding: one thing that `otel-claude doctor` found out, and what to type about it."""

from __future__ import annotations

from typing import Literal, NamedTuple

Level = Literal["ok", "note", "warning", "error"]


class Finding(NamedTuple):
    """`warning` and `error` are wrong, a `note` is worth knowing. `do` is what to type, or what to do."""

    level: Level
    subject: str
    text: str
    do: str | None = None

    @property
    def wrong(self) -> bool:
        """Whether something should be done."""
        return self.level in ("warning", "error")
