"""Cells: what both sides are counted by: key, model, class of cost. Model names are made alike here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from .. import semconv as c
from ..pricing import model_ids as ids

CLASSES: Final = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output")
NOT_MEASURABLE: Final = frozenset({"code_execution", "session_usage"})
BATCH: Final = "batch"


class KeyAndModel(NamedTuple):
    """Whose calls: the key as the Console shows it (None: not known) and the model."""

    hint: str | None
    model: str | None


class Cell(NamedTuple):
    """One number's place in the comparison."""

    of: KeyAndModel
    kind: str
    """A type of token, `web_search`, `code_execution` or `session_usage`."""


def canonical(model: str | None, known: Mapping[str, str]) -> str | None:
    """One name for one model: aliases and dated ids of a model become the id that the price table has."""
    return None if not model else ids.find(ids.parse(model).name, known) or model


def shown(hint: str | None) -> bool:
    """Whether a key is recorded as the Console shows it, and not hashed, left out or one too many."""
    return hint is not None and "..." in hint and hint != c.OTHER
