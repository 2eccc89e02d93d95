"""Sees to it that what one `instrument()` measures in a process is exported when that ends, however it does.

At a normal exit OpenTelemetry's providers export by themselves: open calls only have to end before. Where `atexit` does
not run, the hooks of `shutdown.py` do both.
"""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any, Final, cast
from weakref import WeakSet

from opentelemetry import metrics, trace

from ._diagnostics import log_internal_error, warn_once
from .settings import Settings
from .shutdown import Client, hooks
from .telemetry.metrics import UNSET_METER_PROVIDER, flush_all_deferred
from .telemetry.open_calls import end_open_calls

_FORK_HOOKS: Final = frozenset({"py-call-uwsgi-fork-hooks", "py-call-osafterfork"})
_THREADS: Final = frozenset({"enable-threads", "threads"})
"""Options of uWSGI (2.0.30 and 2.0.31), of which one is needed."""


class FlushOnExit:
    """The last exports of one `instrument()`. `on_measure` is called whenever something is measured.

    Args:
        settings: `flush_on_exit` says whether anything is exported at an end without `atexit`.
        providers: Those that `instrument()` was given; the global ones stand for the others.
        traces: Whether spans are measured too.
    """

    def __init__(self, settings: Settings, providers: dict[str, Any], *, traces: bool) -> None:
        self._given = providers
        self._traces = traces
        self.is_settled = False
        """Whether `on_measure` has no more to do in this process: the providers are set, for good."""
        self._seen: tuple[object, ...] = ()
        self._client = Client(_finish, self._providers) if settings.flush_on_exit else None
        if self._client is not None:
            hooks.add(self._client)
        _all.add(self)
        _warn_of_uwsgi()

    def stop(self) -> None:
        """Takes it out again."""
        _all.discard(self)
        if self._client is not None:
            hooks.remove(self._client)

    def on_measure(self) -> None:
        """Something is about to be measured. Does its work once in a process, and for each provider."""
        if self.is_settled:
            return
        try:
            providers = tuple(self._providers())
        except Exception:
            # One that the environment names and that cannot be loaded raises, and is logged, whenever it is asked for.
            providers = ()
        self.is_settled = not any(
            isinstance(provider, trace.ProxyTracerProvider) or type(provider).__name__ == UNSET_METER_PROVIDER
            for provider in providers
        )
        # Providers that are set later than the first call shut down earlier than what was registered at it.
        if self.is_settled or providers != self._seen:
            self._seen = providers
            # What was registered last runs first: before the providers shut down.
            atexit.unregister(_finish)
            if self._client is not None and not hooks.has_finalizer():
                for provider in providers:
                    _register_again(provider)
            atexit.register(_finish)
            if self._client is not None:
                hooks.start()

    def renew_after_fork(self) -> None:
        """In a forked child nothing was measured yet."""
        self._seen = ()
        self.is_settled = False

    def _providers(self) -> Iterator[Any]:
        yield self._given.get("meter_provider") or metrics.get_meter_provider()
        if self._traces:
            yield self._given.get("tracer_provider") or trace.get_tracer_provider()


def _warn_of_uwsgi() -> None:
    """It forks in C, and tells Python so only if it is asked to: else threads that export are in the parent alone."""
    uwsgi = sys.modules.get("uwsgi")  # uWSGI puts it there, before it loads the application.
    found: Any = getattr(uwsgi, "opt", None)
    if not isinstance(found, dict):  # it is somebody else's
        return
    options = cast("dict[str, Any]", found)
    missing: list[str] = []
    if (getattr(uwsgi, "numproc", 1) > 1 or "master" in options) and _FORK_HOOKS.isdisjoint(options):
        missing.append("--py-call-uwsgi-fork-hooks")
    if _THREADS.isdisjoint(options):
        missing.append("--enable-threads")
    if missing:
        warn_once(
            f"uWSGI was started without {' '.join(missing)}: OpenTelemetry's exporters do not run in its workers, and "
            f"what these measure is lost. Add {'it' if len(missing) == 1 else 'both'} to uWSGI's options."
        )


class _Registered:
    """Whether a function is registered for the exit: `atexit.unregister` compares this with all that are."""

    def __init__(self, function: object) -> None:
        self._function = function
        self.found = False
        atexit.unregister(cast("Callable[[], None]", self))

    __hash__ = None  # pyright: ignore[reportAssignmentType]

    def __eq__(self, other: object) -> bool:
        self.found = self.found or other == self._function
        return False


def _register_again(provider: Any) -> None:
    """Has it shut down at the exit. Airflow's task runner forks, and clears what was registered for that before.

    So do children of `multiprocessing` since Python 3.13. There a shutdown would take longer than our own last export.
    """
    handler = getattr(provider, "_atexit_handler", None)  # of opentelemetry-sdk 1.30 to 1.45
    if handler is not None and not _Registered(handler).found:
        atexit.register(handler)


def _finish() -> None:
    try:
        end_open_calls()
        flush_all_deferred()
    except Exception:
        log_internal_error("end open calls at the exit")


_all: WeakSet[FlushOnExit] = WeakSet()


def _renew_after_fork() -> None:
    for flush in list(_all):
        flush.renew_after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_after_fork)
