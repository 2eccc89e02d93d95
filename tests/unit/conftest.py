"""Fixtures without the SDK: what is remembered once per process starts empty, and no call is left open."""

from __future__ import annotations

import logging
import os

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from unit_calls import KeepingRecorder
from unit_telemetry import Bench

from otel_claude import _diagnostics
from otel_claude.api import headers
from otel_claude.telemetry import conflicts, instance_id, metrics, unknown_models
from otel_claude.telemetry.open_calls import open_calls


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """Nothing was logged yet, nothing is configured, and what starts must end."""
    for name in list(os.environ):
        if name.startswith("OTEL_"):
            monkeypatch.delenv(name)
    monkeypatch.setattr(_diagnostics, "_logged", set())
    monkeypatch.setattr(conflicts, "_warned", set())
    monkeypatch.setattr(instance_id, "_warned", set())
    monkeypatch.setattr(metrics, "_warned_of_fork", [])
    monkeypatch.setattr(unknown_models, "_warned", set())
    monkeypatch.setattr(headers, "_layouts", {})
    monkeypatch.setattr(headers, "_limit_names", set())
    yield
    left = list(open_calls)
    open_calls.clear()
    assert left == [], "a call was never ended"


@pytest.fixture
def logged(caplog):
    """What our logger logged, as (level, text)."""
    caplog.set_level(logging.DEBUG, "otel_claude")
    return lambda: [(r.levelname, r.getMessage()) for r in caplog.records if r.name == "otel_claude"]


@pytest.fixture
def warnings(logged):
    """What our logger logged above DEBUG."""
    return lambda: [text for level, text in logged() if level != "DEBUG"]


@pytest.fixture
def keeper():
    """A recorder that writes nothing and keeps the calls that ended."""
    return KeepingRecorder()


@pytest.fixture
def bench():
    """A recorder with real providers that keep what they are given."""
    kept, reader = InMemorySpanExporter(), InMemoryMetricReader()
    tracing = TracerProvider(shutdown_on_exit=False)
    tracing.add_span_processor(SimpleSpanProcessor(kept))
    metering = MeterProvider([reader], shutdown_on_exit=False)
    yield Bench(tracing, metering, kept, reader)
    metering.shutdown()
