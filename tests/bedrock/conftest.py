"""Every test here has a local server, a real boto3 client of it, and telemetry of its own."""

import gc

import pytest
from bedrock_client import make_client

from bedrock_measured import Measured
from bedrock_server import BedrockServer
from otel_claude import _diagnostics
from otel_claude.botocore import ClaudeBotocoreInstrumentor
from otel_claude.telemetry import unknown_models
from otel_claude.telemetry.open_calls import open_calls


@pytest.fixture(scope="session", autouse=True)
def young_heap():
    """Tests collect garbage: what libraries are made of is no garbage."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def bedrock_server():
    server = BedrockServer()
    yield server
    server.close()


@pytest.fixture
def server(bedrock_server):
    bedrock_server.answers, bedrock_server.paths, bedrock_server.answer_to = [], [], None
    return bedrock_server


@pytest.fixture
def measured(monkeypatch, caplog):
    """What is measured of the calls of this test. Fails on a call that never ended, and on an error of ours."""
    monkeypatch.setattr(_diagnostics, "_logged", set())
    # Else it waits up to seconds before a retry.
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0.01)
    monkeypatch.setattr(unknown_models, "_warned", set())
    made = Measured(caplog)
    instrumentor = ClaudeBotocoreInstrumentor()
    instrumentor.instrument(tracer_provider=made.tracer_provider, meter_provider=made.meter_provider)
    yield made
    instrumentor.uninstrument()
    gc.collect()
    gc.freeze()
    left = list(open_calls)
    open_calls.clear()
    made.shutdown()
    assert left == [], "a call was never ended"
    assert made.warnings() == []


@pytest.fixture
def client(server, measured):
    """A boto3 client, as an application makes it after `instrument()`."""
    return make_client(server)
