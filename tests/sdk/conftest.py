"""Every test here has providers of its own, the instrumentation on, and fails on anything that it leaves behind."""

import gc
import logging
import os

import pytest
from opentelemetry import trace

from otel_claude import ClaudeInstrumentor, call, contain, neighbours

pytest.register_assert_rewrite("support")

from support.face import Face  # noqa: E402 - its assertions are rewritten only from here on
from support.library import TRACINGS  # noqa: E402
from support.server import Server  # noqa: E402
from support.telemetry import Telemetry  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def young_heap():
    """Most tests collect garbage: what the SDK and its models are made of is no garbage."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def telemetry(monkeypatch):
    """Telemetry that is global for traces, as an application's is, and ours by argument for metrics."""
    yield from watched(Telemetry(), monkeypatch)


def watched(telemetry, monkeypatch):
    for name in list(os.environ):
        if name.startswith(("ANTHROPIC_", "OTEL_", "AWS_", "GOOGLE_")):
            monkeypatch.delenv(name)
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", telemetry.tracer_provider)
    monkeypatch.setattr(contain, "_told", set())
    monkeypatch.setattr(neighbours, "_told", set())
    for name in ("INITIAL_RETRY_DELAY", "MAX_RETRY_DELAY"):
        monkeypatch.setattr(f"anthropic._base_client.{name}", 0.0)
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(telemetry.logs)
    root.setLevel(logging.DEBUG)
    instrumentor = ClaudeInstrumentor()
    instrumentor.instrument(meter_provider=telemetry.meter_provider)
    yield telemetry
    if instrumentor.is_instrumented_by_opentelemetry:
        instrumentor.uninstrument()
    root.removeHandler(telemetry.logs)
    root.setLevel(level)
    gc.collect()
    gc.freeze()
    left, forgotten = list(call._open), telemetry.logs.records
    call._open.clear()
    telemetry.meter_provider.shutdown()
    assert left == [], "a call was never ended"
    assert not [r for r in forgotten if r.name.startswith("opentelemetry") and r.levelno >= logging.WARNING]


@pytest.fixture
def quiet(telemetry):
    """Our logger says nothing aloud during the test."""
    yield telemetry
    assert telemetry.warnings == []


@pytest.fixture(params=("sync", "async"))
def kind(request):
    return request.param


@pytest.fixture(params=TRACINGS)
def tracing(request):
    return request.param


@pytest.fixture
def face(kind, tracing, telemetry):
    """Makes a client of each kind, with the SDK's own tracing on or off, for a server with these replies."""

    def make(*replies, **options):
        return Face(kind, Server(*replies), tracing, **options)

    return make
