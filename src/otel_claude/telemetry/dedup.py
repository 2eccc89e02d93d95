"""Counted: which results of batches have been counted already. Bounded, compact, and safe in threads.

An application may read the results of a batch as often as it likes; what they cost was spent once. What is kept of a
result is 8 bytes of a hash that is keyed for the process, 16 to 32 with the room in its table. Of a batch that was
read as a whole only its id is kept, so a process can read thousands of batches of 100,000 results each. Imports nothing
of ours.
"""

from __future__ import annotations

import threading
from array import array
from typing import Final

_MOST_RESULTS: Final = 500_000
"""Results of batches that were read in part, or are being read. The API allows 100,000 requests in a batch."""
_MOST_BATCHES: Final = 10_000
"""Batches that were read as a whole."""
_FEWEST: Final = 64
_WORD: Final = (1 << 64) - 1


class _Hashes:
    """A set of 64-bit hashes in one array: open addressing, at most half full."""

    __slots__ = ("_slots", "used")

    def __init__(self) -> None:
        self._slots = array("Q", bytes(8 * _FEWEST))
        self.used = 0

    def add(self, value: int) -> bool:
        """Adds a hash; whether it is new. 0 stands for an empty slot, so it is taken for 1."""
        if not _put(self._slots, value or 1):
            return False
        self.used += 1
        if 2 * self.used >= len(self._slots):
            slots = array("Q", bytes(16 * len(self._slots)))
            for kept in self._slots:
                if kept:
                    _put(slots, kept)
            self._slots = slots
        return True


def _put(slots: array[int], value: int) -> bool:
    last = len(slots) - 1
    place = value & last
    while found := slots[place]:
        if found == value:
            return False
        place = (place + 1) & last
    slots[place] = value
    return True


class Deduplicator:
    """The results that have been counted. What is forgotten at the bounds, the oldest batch first, counts again."""

    def __init__(self, most_results: int = _MOST_RESULTS, most_batches: int = _MOST_BATCHES) -> None:
        self._most_results = most_results
        self._most_batches = most_batches
        self._part: dict[str, _Hashes] = {}
        self._whole: dict[str, None] = {}
        self._held = 0
        self.renew_lock()

    def renew_lock(self) -> None:
        """In a forked child: the lock may be held by no one alive. What its parent counted stays counted."""
        self._lock = threading.Lock()

    def is_closed(self, batch: str) -> bool:
        """Whether every result of a batch was counted. It is then the last to be forgotten."""
        with self._lock:
            if batch not in self._whole:
                return False
            del self._whole[batch]
            self._whole[batch] = None
            return True

    def add(self, batch: str, key: str | bytes) -> bool:
        """Whether this result of a batch was never counted. It is counted from now on."""
        value = hash(key) & _WORD
        with self._lock:
            if batch in self._whole:
                return False
            hashes = self._part.get(batch)
            if hashes is None:
                hashes = self._part[batch] = _Hashes()
            if not hashes.add(value):
                return False
            self._held += 1
            while self._held > self._most_results:
                self._forget(next(iter(self._part)))
            return True

    def close(self, batch: str, total: int) -> None:
        """A batch that has so many results was read to its end."""
        with self._lock:
            hashes = self._part.get(batch)
            # If there are others than the batch has, one of the two numbers is wrong: then each result is kept.
            if hashes is None or hashes.used != total:
                return
            self._forget(batch)
            self._whole[batch] = None
            if len(self._whole) > self._most_batches:
                del self._whole[next(iter(self._whole))]

    def _forget(self, batch: str) -> None:
        self._held -= self._part.pop(batch).used
