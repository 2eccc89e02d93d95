"""Collecting: whether this thread is within a garbage collection, where nothing may wait for a lock.

A collection can begin at any line, also at one that holds a lock of the metrics SDK, and closes the streams that it
finds on the spot. Imports nothing of ours.
"""

from __future__ import annotations

import gc
from threading import get_ident

_by: int | None = None
"""The thread that collects. Python runs one collection at a time, and tells when it begins and ends."""


def collecting() -> bool:
    """Whether this very thread collects garbage now."""
    return _by is not None and _by == get_ident()


def _told(phase: str, _info: dict[str, int]) -> None:
    global _by  # noqa: PLW0603 - one interpreter has one collector
    _by = get_ident() if phase == "start" else None


gc.callbacks.append(_told)
