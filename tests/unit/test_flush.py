"""At the first call OpenTelemetry's shutdown is registered for the exit again, if somebody took it out of there."""

import atexit

import pytest

from otel_claude.flush import FlushOnExit
from otel_claude.settings import read


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
