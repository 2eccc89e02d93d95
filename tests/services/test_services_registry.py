"""The demo's services emit what the registry of names says: every metric of calls, and of sessions, of one real run."""

from __future__ import annotations

import gc
from collections import deque

import pytest
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from conformance import findings, metrics_of
from otel_claude import ClaudeInstrumentor
from otel_claude import semconv as c
from otel_claude.semconv import agents
from otel_claude_demo.simulator import Simulator
from otel_claude_demo.workload import EVERY, acts, main


@pytest.mark.parametrize("native", [True, False], ids=["the SDK's spans", "spans of ours"])
def test_the_services_emit_what_the_registry_says(monkeypatch, capsys, native):
    kept, reader = InMemorySpanExporter(), InMemoryMetricReader()
    tracing = TracerProvider(shutdown_on_exit=False)
    tracing.add_span_processor(SimpleSpanProcessor(kept))
    metering = MeterProvider([reader], shutdown_on_exit=False)
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", tracing)
    monkeypatch.setattr(acts, "_waiting", deque())
    monkeypatch.setattr(acts, "_last_page", deque(maxlen=1))
    for service, often in [*acts.SERVICES.items()]:
        # Nothing is left to chance: a batch of the first round is read in the second.
        monkeypatch.setitem(acts.SERVICES, service, tuple((act, 1.0) for act, _ in often))
    monkeypatch.setenv("ANTHROPIC_OPEN_TELEMETRY", str(native).lower())
    instrumentor = ClaudeInstrumentor()
    instrumentor.instrument(meter_provider=metering, legacy_metrics=True, histogram_tags=True)
    try:
        with Simulator(limits=acts.LIMITS) as simulator:
            for service in EVERY:
                assert main(["--service", service, "--url", simulator.url, "--rounds", "2", "--pause", "0.5"]) == 0
            gc.collect()
            data = reader.get_metrics_data()
    finally:
        instrumentor.uninstrument()
        metering.shutdown()
    capsys.readouterr()
    spans = kept.get_finished_spans()
    assert findings(data, spans) == []
    scopes = {span.instrumentation_scope.name for span in spans if c.COST_STATUS in span.attributes}
    assert scopes == {c.NATIVE_SCOPE if native else c.SCOPE}
    assert {span.instrumentation_scope.schema_url for span in spans} == {"" if native else c.SCHEMA_URL}
    emitted = {metric.name for metric in metrics_of(data) if metric.data.data_points}
    # What the services do by chance, or not at all. Tests of their own have these.
    rare = {c.RETRY_DELAY, c.TAG_CHANGES}
    expected = {*c.METRICS, *c.LEGACY_METRICS, *agents.SESSION_METRICS} - rare
    assert emitted - {metric.name for metric in rare} == {metric.name for metric in expected}
