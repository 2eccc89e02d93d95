"""Finding: one thing that `otel-claude doctor` found out, and what to type about it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Literal, NamedTuple


class Finding(NamedTuple):
    """`warning` and `error` are wrong, a `note` is worth knowing. `do` is what to type, or a sentence."""

    level: Literal["ok", "note", "warning", "error"]
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


def value(environment: Mapping[str, str], *names: str) -> str:
    """The value of the first of these variables that has one, else `""`."""
    return next((found for name in names if (found := environment.get(name, "").strip())), "")


def installed(package: str) -> str | None:
    """The version of an installed distribution."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None
