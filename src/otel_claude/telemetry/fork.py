"""What a forked child inherits from its parent in the metrics SDK, and must not export as its own.

The SDK's storage of an instrument survives a fork (1.30 to 1.45): histograms go on from the parent's values, and under
delta temporality counters take the parent's sums off. So the child drops the storage of our instruments, which the SDK
makes anew when they measure next. Its locks may have been held by threads that do not live here; one that is held would
hold up every later collection. Where the storage has another shape than is known here, what is inherited is withheld.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from .. import semconv
from .._diagnostics import log_internal_error

_LOCK: Final = "_lock"
_RLOCK: Final = type(threading.RLock())
_DELTA: Final = 1
"""The SDK's `AggregationTemporality.DELTA`."""
_HISTOGRAMS: Final = frozenset(
    metric.name for metric in (*semconv.METRICS, *semconv.LEGACY_METRICS) if metric.kind == "histogram"
)


def drop(consumer: Any) -> bool:
    """In a forked child: our instruments measure from nothing. Whether that could be done, else nothing was."""
    try:
        storages: dict[Any, Any] = dict(consumer._reader_storages)  # noqa: SLF001 - there is no public way
        kept = {storage: _of_others(storage) for storage in storages.values()}
    except (AttributeError, TypeError, ValueError):
        return False
    for storage, matches in kept.items():
        storage._instrument_view_instrument_matches = matches  # noqa: SLF001 - as above
    try:
        _free_locks(consumer, storages, kept)
    except Exception:
        log_internal_error("free the locks of a forked process")
    return True


def withhold(consumer: Any, instance_id: Callable[[], str | None]) -> bool:
    """In a forked child: only points with the child's `instance_id` reach its exporters. Whether that could be done."""
    try:
        readers: list[Any] = list(consumer._reader_storages)  # noqa: SLF001 - there is no public way
        collects = [(reader, reader._collect, reader._set_collect_callback) for reader in readers]  # noqa: SLF001
    except (AttributeError, TypeError):
        return False
    for _, collect, set_callback in collects:
        set_callback(_filtered(collect, instance_id))
    return bool(collects)


def _of_others(storage: Any) -> dict[Any, list[Any]]:
    """The storage of instruments that are not ours. Raises if it is not of the shape that is known."""
    found = storage._instrument_view_instrument_matches  # noqa: SLF001 - there is no public way
    if not isinstance(found, dict):
        raise TypeError
    matches: dict[Any, list[Any]] = found  # pyright: ignore[reportUnknownVariableType]
    return {
        instrument: list(views)
        for instrument, views in matches.items()
        if instrument.instrumentation_scope.name != semconv.SCOPE
    }


def _free_locks(consumer: Any, storages: Mapping[Any, Any], kept: Mapping[Any, dict[Any, list[Any]]]) -> None:
    _free(consumer, _LOCK)
    for reader, storage in storages.items():
        # A periodic reader holds the first one for as long as its exporter waits for an answer; the one in memory has
        # the other.
        _free(reader, "_export_lock")
        _free(reader, _LOCK)
        _free(storage, _LOCK)
        # One collection reads the instruments of everybody, one after the other.
        for views in kept[storage].values():
            for view in views:
                _free(view, _LOCK)
                for aggregation in list(view._attributes_aggregation.values()):  # noqa: SLF001 - as above
                    _free(aggregation, _LOCK)


def _free(owner: Any, name: str) -> None:
    """A new lock for one that is held."""
    lock = getattr(owner, name, None)
    if lock is None:
        return
    if lock.acquire(blocking=False):
        lock.release()
    else:
        setattr(owner, name, threading.RLock() if isinstance(lock, _RLOCK) else threading.Lock())


def _filtered(collect: Callable[..., Any], instance_id: Callable[[], str | None]) -> Callable[..., Any]:
    def collected(*arguments: Any, **named: Any) -> Any:
        data = collect(*arguments, **named)
        return None if data is None else _own(data, instance_id())

    return collected


def _own(data: Any, value: str | None) -> Any:
    """What was collected, without what our instruments have of the parent."""
    return replace(
        data,
        resource_metrics=[
            replace(
                resource,
                scope_metrics=[
                    scope
                    if scope.scope.name != semconv.SCOPE
                    else replace(scope, metrics=list(_own_points(scope.metrics, value)))
                    for scope in resource.scope_metrics
                ],
            )
            for resource in data.resource_metrics
        ],
    )


def _own_points(metrics: Iterable[Any], value: str | None) -> Iterable[Any]:
    for metric in metrics:
        points = list(metric.data.data_points)
        if value is not None:
            points = [point for point in points if point.attributes.get(semconv.INSTANCE_ID) == value]
        elif metric.name in _HISTOGRAMS or getattr(metric.data, "aggregation_temporality", None) == _DELTA:
            # What the child measured of the parent's sets cannot be told from what the parent did.
            continue
        if points:
            yield replace(metric, data=replace(metric.data, data_points=points))
