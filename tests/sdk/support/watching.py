"""Watching: a test with the instrumentation on, that fails on anything which it leaves behind."""

import gc
import logging
import os

from opentelemetry import trace

from conformance import findings
from otel_claude import ClaudeInstrumentor, _diagnostics
from otel_claude.telemetry import conflicts, instance_id, unknown_models
from otel_claude.telemetry.open_calls import open_calls
from support.telemetry import RESOURCE


def watched(telemetry, monkeypatch):
    for name in list(os.environ):
        if name.startswith(("ANTHROPIC_", "OTEL_", "AWS_", "GOOGLE_")):
            monkeypatch.delenv(name)
    if "service.instance.id" not in RESOURCE.attributes:
        # OpenTelemetry's SDK before 1.43 draws none: without this every expectation would carry `claude.instance.id`.
        monkeypatch.setenv("OTEL_CLAUDE_INSTANCE_ID", "off")
        monkeypatch.setattr(instance_id, "_warned", {True, False})
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", telemetry.tracer_provider)
    monkeypatch.setattr(_diagnostics, "_logged", set())
    monkeypatch.setattr(conflicts, "_warned", set())
    monkeypatch.setattr(unknown_models, "_warned", set())
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
    left, forgotten = list(open_calls), telemetry.logs.records
    open_calls.clear()
    wrong = findings(telemetry.reader.get_metrics_data(), telemetry.recorded.ended)
    telemetry.meter_provider.shutdown()
    assert left == [], "a call was never ended"
    assert wrong == [], "the registry of names says otherwise"
    assert not [r for r in forgotten if r.name.startswith("opentelemetry") and r.levelno >= logging.WARNING]
