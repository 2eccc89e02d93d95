"""Measuring: settings to recorder to seams. The only place where they meet, and imported only where the SDK is."""

from __future__ import annotations

import atexit
import os
from functools import lru_cache
from typing import Any

from opentelemetry import metrics, trace
from opentelemetry.instrumentation.utils import is_instrumentation_enabled

from . import conventions, pricing
from .batches import Reader
from .call import Call, end_open_calls, forget_open_calls, release_open_calls
from .contain import contained, logger
from .instruments import Instruments, instruments_of, settle_all
from .labels import Labeller
from .recorder import Recorder
from .seams import Listeners, Overhear, Seams
from .seams.client import caller_of, has_native_span, key_of, request_of, spends
from .seams.sessions import asker, session_path
from .sessions import Owner
from .settings import Settings
from .tags import current as current_tags
from .version import __version__
from .wire import sessions


class Measuring:
    """All that one `instrument()` set up in the SDK, which is imported. `providers`: those that it was given."""

    def __init__(self, chosen: Settings, providers: dict[str, Any]) -> None:
        self._seams = Seams(_listeners(chosen, providers))
        self._seams.install()

    def renew(self) -> None:
        """Patches what was imported anew."""
        self._seams.install()

    def stop(self) -> None:
        """Takes all of it out again. Calls end with what is known, and streams are seen to their end."""
        self._seams.close()
        _release()
        self._seams.remove()
        _release()  # those that began meanwhile


def _listeners(chosen: Settings, providers: dict[str, Any]) -> Listeners:
    """Who is told what the seams see: of calls, of batches, and of all else that a client hears."""
    tracer = None
    if chosen.spans == "auto":
        tracer = trace.get_tracer(conventions.SCOPE, __version__, providers.get("tracer_provider"))
    instruments = instruments_of(providers.get("meter_provider"), __version__, Labeller(chosen.tag_limit))
    if chosen.legacy_metrics:
        instruments.add_legacy()
    recorder = Recorder(tracer, instruments, _prices(chosen.prices), legacy=chosen.legacy_metrics)
    finish_at_exit = _FinishAtExit()

    def begin(client: Any, options: Any) -> Call | None:
        if not spends(options) or not is_instrumentation_enabled():
            return None
        finish_at_exit()
        call = Call(
            request_of(options),
            caller_of(client, key_of(client, options), chosen.api_key),
            current_tags(chosen.baggage_tags),
            recorder,
            has_native_span=has_native_span(client, options),
        )
        try:
            recorder.began(call)
        except Exception:
            # A sampler or a span processor of the application's raised. The call is measured without a span.
            contained("opened a span")
        return call

    def watch(client: Any, options: Any) -> Reader | None:
        if not is_instrumentation_enabled():
            return None
        tags = current_tags(chosen.baggage_tags)
        caller = caller_of(client, key_of(client, options), chosen.api_key)
        return Reader(caller, tags, instruments.batches, recorder.batch_labels, recorder)

    return Listeners(begin, watch, _session_listener(chosen, instruments))


def _session_listener(chosen: Settings, instruments: Instruments) -> Overhear:
    """Who is told what a client hears that is no call's: of that, Managed Agents sessions."""

    def overhear(client: Any, data: Any, response: Any) -> None:
        path = session_path(response)
        if path is None or not is_instrumentation_enabled():
            return
        for session in sessions(path, data):
            key, workspace = asker(response)
            owner = Owner(caller_of(client, key, chosen.api_key), workspace)
            instruments.sessions.heard(session, owner, instruments.labels)

    return overhear


def _prices(path: str | None) -> Any:
    """Gives the price table, read on first use. A file of the user's with mistakes is ignored as a whole, loudly."""

    @lru_cache(maxsize=1)
    def table() -> pricing.PriceTable:
        if path is not None:
            try:
                return pricing.load(path)
            except pricing.PriceFileError as error:
                logger.error("OTEL_CLAUDE_PRICES is ignored, and the shipped prices are used: %s", error)
        return pricing.shipped()

    if path is not None:
        table()  # A mistake should show when the SDK is imported, and not at the first call.
    return table


class _FinishAtExit:
    """Called at each call: ends open calls before the providers shut down. What was registered last runs first."""

    def __init__(self) -> None:
        self._tracing: object = None
        self._metering: object = None
        self._broken = False

    def __call__(self) -> None:
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
            atexit.unregister(_finish)
            atexit.register(_finish)


def _release() -> None:
    try:
        release_open_calls()
    except Exception:
        contained("released open calls")


def _finish() -> None:
    try:
        end_open_calls()
        settle_all()
    except Exception:
        contained("ended open calls at the exit")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=forget_open_calls)
