"""Every test here has a local server, and telemetry of its own."""

import gc

import pytest

from bedrock_measured import Measured
from bedrock_server import BedrockServer
from otel_claude import _diagnostics
from otel_claude.litellm import ClaudeLiteLLMInstrumentor
from otel_claude.telemetry import unknown_models
from otel_claude.telemetry.open_calls import open_calls


@pytest.fixture(scope="session")
def local_server():
    server = BedrockServer()
    yield server
    server.close()


@pytest.fixture
def server(local_server):
    local_server.answers, local_server.paths = [], []
    return local_server


@pytest.fixture
def settings():
    """Arguments of `instrument()`."""
    return {}


@pytest.fixture
def measured(monkeypatch, caplog, settings):
    """What is measured of the calls of this test. Fails on a call that never ended, and on an error of ours."""
    monkeypatch.setattr(_diagnostics, "_logged", set())
    monkeypatch.setattr(unknown_models, "_warned", set())
    made = Measured(caplog)
    instrumentor = ClaudeLiteLLMInstrumentor()
    instrumentor.instrument(tracer_provider=made.tracer_provider, meter_provider=made.meter_provider, **settings)
    yield made
    instrumentor.uninstrument()
    gc.collect()
    left = list(open_calls)
    open_calls.clear()
    made.shutdown()
    assert left == [], "a call was never ended"
    assert made.warnings() == []
