"""Finding: one thing that `otel-claude doctor` found out, and what to type about it."""

from __future__ import annotations

from typing import Literal, NamedTuple

Level = Literal["ok", "note", "warning", "error"]


class Finding(NamedTuple):
    """`warning` and `error` are wrong, a `note` is worth knowing. `do` is what to type, or a sentence."""

    level: Level
    subject: str
    text: str
    do: str | None = None

    @property
    def wrong(self) -> bool:
        """Whether something should be done."""
        return self.level in ("warning", "error")

    @property
    def is_command(self) -> bool:
        """Whether `do` is to be typed as it is."""
        return self.do is not None and self.do[0].islower()
