"""What is known of the batches that the application asks for, and the reading of their results.

A result is no call: it has no span and no histogram. Its tokens and its cost are counted as those of calls are.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Final, NamedTuple

from opentelemetry.metrics import CallbackOptions, Observation

from .. import semconv
from .._diagnostics import log_internal_error
from ..api.batches import Batch, BatchResult, parse_batch_result, parse_batches
from .attributes import AttributeSet, AttributeSets
from .dedup import Deduplicator
from .increments import BatchOwner
from .instance_id import InstanceId

_MAX_TRACKED: Final = 1_000
_FORGOTTEN_AFTER: Final = 3_600.0
"""Seconds after which a batch that nobody asks for is not tracked any more."""
_END_SHOWN: Final = 300.0
"""Seconds that the end of a tracked batch is shown: longer than the interval of most exports and scrapes."""
_MAX_ENDED: Final = 256
_RESULTS_KEPT: Final = 30 * 86_400.0
"""Seconds that results can be read for: 29 days after the batch was made (Anthropic's page on batch processing)."""
_MAX_LINE: Final = 32 * 1024 * 1024
"""Bytes of one result. A message has a few at most."""
_LINE_START: Final = 1024
"""Bytes that a line too long for us is told from others by: its `custom_id` stands first."""
INVALID_RESULT: Final = "invalid_result"


class TimeRange(NamedTuple):
    """Between when and when a result was made, in seconds since the epoch."""

    since: float
    until: float


class _Tracked(NamedTuple):
    batch: Batch
    attributes: AttributeSet
    expiry: float


class Batches:
    """What the API said of batches, by id, and which results have been counted. `clock` gives seconds since 1970."""

    def __init__(self, instance_id: InstanceId, clock: Callable[[], float] = time.time) -> None:
        self._instance_id = instance_id
        self.deduplicator = Deduplicator()
        self._clock = clock
        self._tracked: dict[str, _Tracked] = {}
        self._ended: dict[str, Batch] = {}

    def update(self, batch: Batch, attributes: AttributeSet) -> None:
        """The API reported a batch."""
        now = self._clock()
        known = self._tracked.get(batch.id)
        if known is not None:
            # Who asked first made it, or came next to that: those who look after it may have other tags.
            attributes = known.attributes
        if batch.ended:
            self._ended.pop(batch.id, None)
            self._ended[batch.id] = batch
            if len(self._ended) > _MAX_ENDED:
                self._ended.pop(next(iter(self._ended)), None)
            # Lists are full of batches that ended long ago: only the end of one that was tracked is news.
            if known is not None and not known.batch.ended:
                self._tracked[batch.id] = _Tracked(batch, attributes, now + _END_SHOWN)
        elif known is not None or len(self._tracked) < _MAX_TRACKED or self._forget_expired(now):
            self._tracked[batch.id] = _Tracked(batch, attributes, now + _FORGOTTEN_AFTER)

    def observe(self, _options: CallbackOptions) -> list[Observation]:
        """The requests of all tracked batches together, by attributes and status. Never raises."""
        if not self._tracked:
            return []
        try:
            return self._observe()
        except Exception:
            log_internal_error(f"observe {semconv.BATCH_REQUESTS.name}")  # OpenTelemetry would log that at each one.
            return []

    def _observe(self) -> list[Observation]:
        self._forget_expired(self._clock())
        sums: dict[AttributeSet, int] = {}
        for tracked in self._tracked.copy().values():
            for status, number in tracked.batch.counts.items():
                if number is not None:
                    attributes = tracked.attributes.plus((semconv.BATCH_STATUS, status))
                    sums[attributes] = sums.get(attributes, 0) + number
        attributes_of = self._instance_id.resolve()
        return [Observation(number, attributes_of(attributes)) for attributes, number in sums.items()]

    def time_range(self, batch_id: str) -> TimeRange:
        """When the results of a batch were made, as far as it was reported."""
        now = self._clock()
        batch = self._ended.get(batch_id)
        since = batch.created_at if batch is not None else None
        until = batch.ended_at if batch is not None else None
        until = now if until is None else min(until, now)
        return TimeRange(until - _RESULTS_KEPT if since is None else min(since, until), until)

    def total(self, batch_id: str) -> int | None:
        """How many results an ended batch has, if it was reported."""
        batch = self._ended.get(batch_id)
        return None if batch is None else batch.total

    def clear_after_fork(self) -> None:
        """In a forked child: its parent goes on tracking, and what that counted is in its numbers."""
        self.deduplicator.renew_lock()
        self._tracked = {}

    def _forget_expired(self, now: float) -> bool:
        """Whether there is room for one more."""
        for name, tracked in self._tracked.copy().items():
            if tracked.expiry <= now:
                self._tracked.pop(name, None)
        return len(self._tracked) < _MAX_TRACKED


OnResult = Callable[[BatchOwner, BatchResult, TimeRange, "str | None"], None]
"""Records a result, once. The last argument says why it has no response, where it has none."""


class ResultsReader:
    """The results of one batch, as their bytes come in: in pieces of any size, each result when its line is whole."""

    def __init__(self, batches: Batches, batch_id: str, owner: BatchOwner, on_result: OnResult) -> None:
        self._batches = batches
        self._batch_id = batch_id
        self._owner = owner
        self._on_result = on_result
        self._time_range = batches.time_range(batch_id)
        self._pieces: list[bytes] = []
        self._size = 0
        self._broken = False

    def read(self, piece: bytes) -> None:
        """The next bytes of the body."""
        if self._broken:
            return
        try:
            for line in piece.splitlines(keepends=True):
                self._append(line)
                if line.endswith((b"\n", b"\r")):
                    self._end_line()
        except Exception:
            self._broken = True
            log_internal_error("read the results of a batch")

    def end(self) -> None:
        """The body was read to its end."""
        if self._broken:
            return
        try:
            self._end_line()
            total = self._batches.total(self._batch_id)
            if total is not None:
                self._batches.deduplicator.close(self._batch_id, total)
        except Exception:
            log_internal_error("read the results of a batch")

    def _append(self, piece: bytes) -> None:
        if self._size > _MAX_LINE:
            return
        self._size += len(piece)
        self._pieces.append(piece)
        if self._size > _MAX_LINE:
            self._pieces = [b"".join(self._pieces)[:_LINE_START]]

    def _end_line(self) -> None:
        line, size = b"".join(self._pieces).strip(), self._size
        self._pieces, self._size = [], 0
        if not line:
            return
        result = _parse_line(line) if size <= _MAX_LINE else BatchResult()
        if self._is_first(result.custom_id or line):
            # A result costs what its response does; without one, nothing, as the API says of all but the succeeded.
            reason = None if result.response is not None else INVALID_RESULT if result.type is None else "rejected"
            try:
                self._on_result(self._owner, result, self._time_range, reason)
            except Exception:
                log_internal_error("record a result of a batch")

    def _is_first(self, key: str | bytes) -> bool:
        try:
            return self._batches.deduplicator.add(self._batch_id, key)
        except Exception:
            log_internal_error("find out whether a result was counted")
            return True  # Most programs read results once: rather that than to lose them.


def _parse_line(line: bytes) -> BatchResult:
    """What one line says. A line that cannot be read is a result too, though nothing is known of it."""
    try:
        return parse_batch_result(json.loads(line))
    except (ValueError, RecursionError):
        return BatchResult()
    except Exception:
        log_internal_error("read a result of a batch")
        return BatchResult()


def update_batches(batches: Batches, body: object, owner: BatchOwner, sets: AttributeSets) -> None:
    """A response about batches."""
    for batch in parse_batches(body):
        try:
            attributes = sets.of(owner.client, None, None, owner.workspace_id, owner.tags, semconv.BATCH)
            batches.update(batch, attributes)
        except Exception:
            log_internal_error("keep what is known of a batch")
