"""Finding: one thing that `otel-claude doctor` found out, and what to type about it."""

from __future__ import annotations

import logging
import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
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


@contextmanager
def quiet() -> Generator[None]:
    """What OpenTelemetry logs meanwhile is not shown: it is said in our own words."""
    logger, handler = logging.getLogger("opentelemetry"), logging.NullHandler()
    propagate, logger.propagate = logger.propagate, False
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagate


def as_version(number: str | None) -> tuple[int, int]:
    """Major and minor version, (0, 0) of what is not installed."""
    found = re.match(r"(\d+)\.(\d+)", number or "")
    return (int(found[1]), int(found[2])) if found else (0, 0)


def installed(package: str) -> str | None:
    """The version of an installed distribution."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None
