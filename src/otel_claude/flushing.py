"""Flushing: sees to it that what one `instrument()` measures in a process is exported when that ends, however it does.

At a normal exit OpenTelemetry's providers export by themselves: open calls only have to end before. Where `atexit` does
not run, the hooks of `shutdown.py` do both.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterator
from typing import Any
from weakref import WeakSet

from opentelemetry import metrics, trace

from .call import end_open_calls
from .contain import contained
from .instruments import settle_all
from .settings import Settings
from .shutdown import Client, hooks


class Flushing:
    """The last exports of one `instrument()`. Called whenever something is measured.

    Args:
        chosen: `flush_on_exit` says whether anything is exported at an end without `atexit`.
        providers: Those that `instrument()` was given; the global ones stand for the others.
        traces: Whether spans are measured too.
    """

    def __init__(self, chosen: Settings, providers: dict[str, Any], *, traces: bool) -> None:
        self._given = providers
        self._traces = traces
        self._tracing: object = None
        self._metering: object = None
        self._broken = False
        self._client = Client(_finish, self._providers, _nothing) if chosen.flush_on_exit else None
        if self._client is not None:
            hooks.add(self._client)
        _all.add(self)

    def stop(self) -> None:
        """Takes it out again."""
        _all.discard(self)
        if self._client is not None:
            hooks.remove(self._client)

    def __call__(self) -> None:
        """Something is about to be measured. Does its work once in a process, and for each provider. Never raises."""
        if self._broken:
            return
        try:
            tracing, metering = trace.get_tracer_provider(), metrics.get_meter_provider()
        except Exception:
            # One that the environment names and that cannot be loaded raises, and is logged, whenever it is asked for.
            tracing, metering, self._broken = None, None, True
        # Providers that are set later than the first call shut down earlier than what was registered at it.
        if tracing is not self._tracing or metering is not self._metering or self._broken:
            self._tracing, self._metering = tracing, metering
            try:
                # What was registered last runs first: before the providers shut down.
                atexit.unregister(_finish)
                atexit.register(_finish)
                if self._client is not None:
                    hooks.start()
            except Exception:
                contained("prepared the exit")

    def forked(self) -> None:
        """In a forked child nothing was measured yet."""
        self._tracing = self._metering = None
        self._broken = False

    def _providers(self) -> Iterator[Any]:
        yield self._given.get("meter_provider") or metrics.get_meter_provider()
        if self._traces:
            yield self._given.get("tracer_provider") or trace.get_tracer_provider()


def _finish() -> None:
    try:
        end_open_calls()
        settle_all()
    except Exception:
        contained("ended open calls at the exit")


def _nothing() -> None:
    pass


_all: WeakSet[Flushing] = WeakSet()


def _forked() -> None:
    for flushing in list(_all):
        flushing.forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
