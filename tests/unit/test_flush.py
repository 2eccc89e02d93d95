"""At the first call OpenTelemetry's shutdown is registered for the exit again, if somebody took it out of there."""

import atexit

import pytest
from opentelemetry import metrics, trace

from otel_claude.flush import FlushOnExit
from otel_claude.settings import read
from otel_claude.telemetry.metrics import UNSET_METER_PROVIDER


class Provider:
    """As OpenTelemetry's: `_atexit_handler` is what it registered."""

    def __init__(self, *, shutdown_on_exit=True):
        self._atexit_handler = self.shutdown if shutdown_on_exit else None

    def shutdown(self):
        """Is never called here."""


@pytest.fixture
def registered(monkeypatch):
    """What is registered for the exit, instead of the real list."""
    functions = []

    def unregister(function):
        # As CPython: whoever is registered is compared with it.
        functions[:] = [each for each in functions if not each == function]  # noqa: SIM201

    monkeypatch.setattr(atexit, "register", functions.append)
    monkeypatch.setattr(atexit, "unregister", unregister)
    return functions


def measured(provider, **settings):
    flush = FlushOnExit(read(settings, {}), {"meter_provider": provider}, traces=False)
    try:
        flush.on_measure()
    finally:
        flush.stop()


def test_what_was_cleared_is_registered_again(registered):
    provider = Provider()
    measured(provider)
    assert registered[0] == provider.shutdown
    assert len(registered) == 2  # and what ends open calls, which runs before it


def test_what_is_registered_stays_where_it_is(registered):
    provider = Provider()
    others = [provider.shutdown, print]
    registered[:] = others
    measured(provider)
    assert registered[:2] == others
    assert len(registered) == 3


@pytest.mark.parametrize(
    ("provider", "settings"),
    [(Provider(shutdown_on_exit=False), {}), (object(), {}), (Provider(), {"flush_on_exit": False})],
    ids=["its owner shuts it down", "not OpenTelemetry's own", "flush_on_exit is off"],
)
def test_nothing_is_registered_for(registered, provider, settings):
    measured(provider, **settings)
    assert len(registered) == 1


def test_it_looks_again_until_the_providers_are_set(registered, monkeypatch):
    """They can be set after the first call, and shut down before what was registered at that then."""
    now = [trace.ProxyTracerProvider(), metrics.get_meter_provider()]
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: now[0])
    monkeypatch.setattr(metrics, "get_meter_provider", lambda: now[1])
    assert type(now[1]).__name__ == UNSET_METER_PROVIDER
    flush = FlushOnExit(read({}, {}), {}, traces=True)
    try:
        flush.on_measure()
        flush.on_measure()
        assert (flush.is_settled, len(registered)) == (False, 1)
        now[0], shutdown = Provider(), registered[0]
        registered.append(print)
        flush.on_measure()
        assert (flush.is_settled, registered) == (False, [print, now[0].shutdown, shutdown])
        now[1] = Provider()
        flush.on_measure()
        assert (flush.is_settled, registered) == (True, [print, now[0].shutdown, now[1].shutdown, shutdown])
        registered.clear()
        flush.on_measure()
        assert registered == []
        flush.renew_after_fork()
        flush.on_measure()
        assert (flush.is_settled, len(registered)) == (True, 3)
    finally:
        flush.stop()


def test_a_provider_that_cannot_be_loaded_is_asked_for_once(registered, monkeypatch):
    asked = []

    def broken():
        asked.append(1)
        raise ImportError("no such provider")

    monkeypatch.setattr(metrics, "get_meter_provider", broken)
    flush = FlushOnExit(read({}, {}), {}, traces=False)
    try:
        flush.on_measure()
        flush.on_measure()
    finally:
        flush.stop()
    assert (len(asked), len(registered)) == (1, 1)
