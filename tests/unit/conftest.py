"""Fixtures without the SDK: what is remembered once per process starts empty, and no call is left open."""

from __future__ import annotations

import logging
import os
import sys

import pytest
from hypothesis import settings
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from unit_calls import KeepingSink
from unit_telemetry import Bench

from otel_claude import _diagnostics as contain
from otel_claude import api as wire
from otel_claude.telemetry import call
from otel_claude.telemetry import conflicts as neighbours

HEAD = sys.modules[wire.head.__module__]

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """Nothing was told yet, nothing is configured, and what begins must end."""
    for name in list(os.environ):
        if name.startswith("OTEL_"):
            monkeypatch.delenv(name)
    monkeypatch.setattr(contain, "_told", set())
    monkeypatch.setattr(neighbours, "_told", set())
    monkeypatch.setattr(HEAD, "_plans", {})
    monkeypatch.setattr(HEAD, "_limit_names", set())
    yield
    left = list(call._open)
    call._open.clear()
    assert left == [], "a call was never ended"


@pytest.fixture
def said(caplog):
    """What our logger said, as (level, text)."""
    caplog.set_level(logging.DEBUG, "otel_claude")
    return lambda: [(r.levelname, r.getMessage()) for r in caplog.records if r.name == "otel_claude"]


@pytest.fixture
def warnings(said):
    """What our logger said aloud."""
    return lambda: [text for level, text in said() if level != "DEBUG"]


@pytest.fixture
def sink():
    return KeepingSink()


@pytest.fixture
def bench():
    """A recorder with real providers that keep what they are given."""
    kept, reader = InMemorySpanExporter(), InMemoryMetricReader()
    tracing = TracerProvider(shutdown_on_exit=False)
    tracing.add_span_processor(SimpleSpanProcessor(kept))
    metering = MeterProvider([reader], shutdown_on_exit=False)
    yield Bench(tracing, metering, kept, reader)
    metering.shutdown()
