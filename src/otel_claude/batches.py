"""Batches: what is known of the batches that the application watches, and the reading of their results.

A result of a batch becomes a `CallRecord` that is no call, so that its tokens and its cost go the one way that those of
calls go. Knows neither the SDK nor OpenTelemetry.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple, Protocol

from . import conventions as c
from .contain import contained
from .counted import Counted
from .ledger import Value
from .limits import Labelled
from .record import Caller, CallRecord
from .tags import Tags
from .wire import Batch, Request, Result, batches, result

_MOST_WATCHED: Final = 1_000
_UNSEEN: Final = 3_600.0
"""Seconds after which a batch that nobody asks for is not watched any more."""
_ENDED: Final = 300.0
"""Seconds that the end of a watched batch is shown: longer than the interval of most exports and scrapes."""
_MOST_TOLD: Final = 256
_KEPT: Final = 30 * 86_400.0
"""Seconds that results can be read for: 29 days after the batch was made (Anthropic's page on batch processing)."""
_LONGEST_LINE: Final = 32 * 1024 * 1024
"""Bytes of one result. A message has a few at most."""
_HEAD: Final = 1024
"""Bytes that a line too long for us is told from others by: its `custom_id` stands first."""
UNREADABLE: Final = "unreadable_result"
_NOTHING: Final = Result()
"""What a line tells that is no result."""
_REQUEST: Final = Request()
"""No result says what was asked for."""


class Window(NamedTuple):
    """Between when and when a result was made, in seconds since the epoch."""

    since: float
    until: float


class ResultSink(Protocol):
    """Who is told of each result, once."""

    def result(self, record: CallRecord, since: float) -> None:
        """The application read this result. It was made between `since` and the record's `started_at`."""
        ...


class _Watched(NamedTuple):
    batch: Batch
    labels: Labelled
    expiry: float


class Batches:
    """What answers said of batches, by id, and which results have been counted. `clock` gives seconds since 1970."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.counted = Counted()
        self._clock = clock
        self._watched: dict[str, _Watched] = {}
        self._told: dict[str, Batch] = {}

    def told(self, batch: Batch, labels: Labelled) -> None:
        """An answer told of a batch."""
        now = self._clock()
        known = self._watched.get(batch.id)
        if known is not None:
            # Who asked first made it, or came next to that: those who look after it may have other tags.
            labels = known.labels
        if batch.ended:
            self._told.pop(batch.id, None)
            self._told[batch.id] = batch
            if len(self._told) > _MOST_TOLD:
                self._told.pop(next(iter(self._told)), None)
            # Lists are full of batches that ended long ago: only the end of one that was watched is news.
            if known is not None and not known.batch.ended:
                self._watched[batch.id] = _Watched(batch, labels, now + _ENDED)
        elif known is not None or len(self._watched) < _MOST_WATCHED or self._forget_expired(now):
            self._watched[batch.id] = _Watched(batch, labels, now + _UNSEEN)

    def progress(self) -> Iterator[tuple[dict[str, Value], str, int]]:
        """The requests of all watched batches together, by attributes and status."""
        self._forget_expired(self._clock())
        sums: dict[tuple[tuple[tuple[str, Value], ...], str], int] = {}
        for watched in self._watched.copy().values():
            attributes = tuple(sorted(watched.labels.attributes.items()))
            for status, number in watched.batch.counts.items():
                if number is not None:
                    sums[attributes, status] = sums.get((attributes, status), 0) + number
        for (attributes, status), number in sums.items():
            yield dict(attributes), status, number

    def window(self, batch_id: str) -> Window:
        """When the results of a batch were made, as far as it was told."""
        now = self._clock()
        batch = self._told.get(batch_id)
        since = batch.created_at if batch is not None else None
        until = batch.ended_at if batch is not None else None
        until = now if until is None else min(until, now)
        return Window(until - _KEPT if since is None else min(since, until), until)

    def total(self, batch_id: str) -> int | None:
        """How many results an ended batch has, if it was told."""
        batch = self._told.get(batch_id)
        return None if batch is None else batch.total

    def forked(self) -> None:
        """In a forked child: its parent goes on watching, and what that counted is in its numbers."""
        self.counted.renew()
        self._watched = {}

    def _forget_expired(self, now: float) -> bool:
        """Whether there is room for one more."""
        for name, watched in self._watched.copy().items():
            if watched.expiry <= now:
                self._watched.pop(name, None)
        return len(self._watched) < _MOST_WATCHED


class Reader(NamedTuple):
    """Who asks for batches: for one request, with the tags of the moment it was made."""

    caller: Caller
    tags: Tags
    known: Batches
    labels_of: Callable[[Caller, str | None, Tags], Labelled]
    sink: ResultSink

    def told(self, body: object, workspace: str | None) -> None:
        """An answer about batches."""
        labels = None
        for batch in batches(body):
            labels = labels or self.labels_of(self.caller, workspace, self.tags)
            try:
                self.known.told(batch, labels)
            except Exception:
                contained("kept what is known of a batch")

    def results(self, batch_id: str, workspace: str | None) -> Reading | None:
        """The reading of a batch's results. None if all of them have been counted."""
        return None if self.known.counted.has_whole(batch_id) else Reading(self, batch_id, workspace)


class Reading:
    """Results, as their bytes come in: in pieces of any size, each result when its line is complete."""

    def __init__(self, reader: Reader, batch_id: str, workspace: str | None) -> None:
        self._reader = reader
        self._batch = batch_id
        self._workspace = workspace
        self._window = reader.known.window(batch_id)
        self._pieces: list[bytes] = []
        self._size = 0
        self._broken = False

    def read(self, piece: bytes) -> None:
        """The next bytes of the body."""
        if self._broken:
            return
        try:
            for line in piece.splitlines(keepends=True):
                self._take(line)
                if line.endswith((b"\n", b"\r")):
                    self._next()
        except Exception:
            self._broken = True
            contained("read the results of a batch")

    def ended(self) -> None:
        """The body was read to its end."""
        if self._broken:
            return
        try:
            self._next()
            total = self._reader.known.total(self._batch)
            if total is not None:
                self._reader.known.counted.read_whole(self._batch, total)
        except Exception:
            contained("read the results of a batch")

    def _take(self, piece: bytes) -> None:
        if self._size > _LONGEST_LINE:
            return
        self._size += len(piece)
        self._pieces.append(piece)
        if self._size > _LONGEST_LINE:
            self._pieces = [b"".join(self._pieces)[:_HEAD]]

    def _next(self) -> None:
        line, size = b"".join(self._pieces).strip(), self._size
        self._pieces, self._size = [], 0
        if not line:
            return
        told = _told(line) if size <= _LONGEST_LINE else _NOTHING
        if self._is_first(told.custom_id or line):
            self._reader.sink.result(self._record(told), self._window.since)

    def _is_first(self, key: str | bytes) -> bool:
        try:
            return self._reader.known.counted.first(self._batch, key)
        except Exception:
            contained("looked whether a result was counted")
            return True  # Most programs read results once: rather that than to lose them.

    def _record(self, told: Result) -> CallRecord:
        """A result costs what its answer does; without one, nothing, as the API says of all but the succeeded."""
        missing = None if told.answer is not None else UNREADABLE if told.type is None else "refused"
        return CallRecord(
            _REQUEST,
            self._reader.caller,
            self._window.until,
            0.0,
            tags=self._reader.tags,
            answers=() if told.answer is None else (told.answer,),
            missing=missing,
            error_type=told.error_type,
            workspace_id=self._workspace,
            result=told.type or c.OTHER,
        )


def _told(line: bytes) -> Result:
    """What one line says. A line that cannot be read is a result too, though nothing is known of it."""
    try:
        return result(json.loads(line))
    except (ValueError, RecursionError):
        return _NOTHING
    except Exception:
        contained("read a result of a batch")
        return _NOTHING
