"""Measuring: settings to recorder to seams. The only place where they meet, and imported only where the SDK is."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from opentelemetry import trace
from opentelemetry.instrumentation.utils import is_instrumentation_enabled
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.trace import Tracer

from . import conventions, pricing
from .batches import Reader
from .call import Call, forget_open_calls, release_open_calls
from .contain import contained, logger
from .flushing import Flushing
from .instruments import Instruments, instruments_of
from .labels import Labeller
from .record import UNKNOWN_CALLER, Caller
from .recorder import Recorder
from .seams import Listeners, Overhear, Seams
from .seams.client import caller_of, has_native_span, key_of, request_of, spends
from .seams.sessions import asker, session_path
from .sessions import Owner
from .settings import InstanceMode, Settings
from .tags import Tags
from .tags import current as current_tags
from .version import __version__
from .wire import Request, sessions


class Measuring:
    """All that one `instrument()` set up in the SDK, which is imported. `providers`: those that it was given."""

    def __init__(self, chosen: Settings, providers: dict[str, Any]) -> None:
        self._flushing = Flushing(chosen, providers, traces=chosen.spans != "off")
        self._seams = Seams(_listeners(chosen, providers, self._flushing))
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
        self._flushing.stop()


def _listeners(chosen: Settings, providers: dict[str, Any], measured: Callable[[], None]) -> Listeners:
    """Who is told what the seams see: of calls, of batches, and of all else that a client hears."""
    tracer = _tracer(providers.get("tracer_provider")) if chosen.spans == "auto" else None
    instruments = _instruments(providers.get("meter_provider"), Labeller(chosen.tag_limit), chosen.instance_id)
    if chosen.legacy_metrics:
        instruments.add_legacy()
    recorder = Recorder(tracer, instruments, _prices(chosen.prices), legacy=chosen.legacy_metrics)

    def begin(client: Any, options: Any) -> Call | None:
        if not spends(options) or not is_instrumentation_enabled():
            return None
        measured()
        native = _has_native_span(client, options)
        call = Call(_asked(options), _caller(client, options, chosen), _tags(chosen), recorder, has_native_span=native)
        recorder.began(call)
        return call

    def watch(client: Any, options: Any) -> Reader | None:
        if not is_instrumentation_enabled():
            return None
        measured()
        caller = _caller(client, options, chosen)
        return Reader(caller, _tags(chosen), instruments.batches, recorder.batch_labels, recorder)

    return Listeners(begin, watch, _session_listener(chosen, instruments, measured))


# What is known of a call when it begins, each part by itself: one that fails is missing, and all else is measured.


def _asked(options: Any) -> Request:
    try:
        return request_of(options)
    except Exception:
        contained("read a request")
        return Request()


def _caller(client: Any, options: Any, chosen: Settings) -> Caller:
    try:
        key = key_of(client, options)
    except Exception:
        contained("read an API key")
        key = None
    try:
        return caller_of(client, key, chosen.api_key_format)
    except Exception:
        contained("found out who calls")
        return UNKNOWN_CALLER


def _tags(chosen: Settings) -> Tags:
    try:
        return current_tags(chosen.baggage_tags)
    except Exception:
        contained("read the tags")
        return ()


def _has_native_span(client: Any, options: Any) -> bool:
    try:
        return has_native_span(client, options)
    except Exception:
        contained("looked for the SDK's own tracing")
        return True  # Rather no span of ours than a second one.


def _tracer(provider: Any) -> Tracer | None:
    """None if there is none: calls are measured without a span then."""
    try:
        return trace.get_tracer(conventions.SCOPE, __version__, provider)
    except Exception:
        contained("asked for a tracer")  # The environment can name a provider that cannot be loaded.
        return None


def _instruments(provider: Any, labels: Labeller, instance_id: InstanceMode) -> Instruments:
    """Those of the provider. If there is none, spans are still told what is known: these keep nothing."""
    try:
        return instruments_of(provider, __version__, labels, instance_id=instance_id)
    except Exception:
        contained("asked for a meter")  # As above.
        return Instruments(NoOpMeterProvider().get_meter(conventions.SCOPE, __version__), labels, instance_id)


def _session_listener(chosen: Settings, instruments: Instruments, measured: Callable[[], None]) -> Overhear:
    """Who is told what a client hears that is no call's: of that, Managed Agents sessions."""

    def overhear(client: Any, data: Any, response: Any) -> None:
        path = session_path(response)
        if path is None or not is_instrumentation_enabled():
            return
        measured()
        for session in sessions(path, data):
            try:
                key, workspace = asker(response)
                owner = Owner(caller_of(client, key, chosen.api_key_format), workspace)
            except Exception:
                contained("found out who asks for a session")
                owner = Owner(UNKNOWN_CALLER, None)
            try:
                instruments.sessions.heard(session, owner, instruments.labels)
            except Exception:
                contained("heard of a session")

    return overhear


def _prices(path: str | None) -> Any:
    """Gives the price table, read on first use. A file of the user's with mistakes is ignored as a whole, loudly.

    Never raises: without a table, all but the cost is measured.
    """

    @lru_cache(maxsize=1)
    def table() -> pricing.PriceTable:
        if path is not None:
            try:
                return pricing.load(path)
            except pricing.PriceFileError as error:
                logger.error("OTEL_CLAUDE_PRICES is ignored, and the shipped prices are used: %s", error)
            except pricing.PriceTableError:
                pass  # It is merged over the shipped prices, of which the next step says that they are not there.
            except Exception:
                contained("read the file that OTEL_CLAUDE_PRICES names, so the shipped prices are used")
        try:
            return pricing.shipped()
        except Exception as error:
            logger.warning(
                "No call has a cost, and %s counts them as no_price_table: %s.", conventions.UNPRICED.name, error
            )
            return pricing.NoPriceTable()

    if path is not None:
        table()  # A mistake should show when the SDK is imported, and not at the first call.
    return table


def _release() -> None:
    try:
        release_open_calls()
    except Exception:
        contained("released open calls")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=forget_open_calls)
