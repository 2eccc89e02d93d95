"""The headers of a response of httpx or httpx2, as raw pairs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

LISTING: Final[set[type[Any]]] = set()
"""Classes of which `_list` is known to have name, lowered name and value of each header: httpx 0.23 to 0.28, httpx2."""
_not_listing: Final[set[type[Any]]] = set()
_MAX_CLASSES: Final = 20


def raw_headers(headers: Any) -> Iterable[tuple[bytes, ...]]:
    """Of each header a tuple of which the first is its name, and the last its value.

    As `headers.raw`, which makes a list of pairs in Python each time. Hot paths look into `LISTING` by themselves.
    """
    kind = headers.__class__
    if kind in LISTING:
        return headers._list  # noqa: SLF001 - it was compared with what is public
    raw = headers.raw
    if raw and kind not in _not_listing and len(_not_listing) < _MAX_CLASSES:
        (LISTING if _lists(headers, raw) else _not_listing).add(kind)
    return raw


def _lists(headers: Any, raw: list[tuple[bytes, bytes]]) -> bool:
    try:
        return [(name, value) for name, _, value in headers._list] == raw  # noqa: SLF001 - this compares it
    except (AttributeError, TypeError, ValueError):
        return False
