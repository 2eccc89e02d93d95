"""The instrumentation on, with providers of the test's own, and a look at what stays open."""

import os

from otel_claude import ClaudeInstrumentor, _diagnostics
from otel_claude.telemetry.open_calls import open_calls


def instrumented(kept, monkeypatch, **settings):
    """Yields `kept` once, as a fixture does."""
    for name in list(os.environ):
        if name.startswith(("OTEL_", "ANTHROPIC_")):
            monkeypatch.delenv(name)
    monkeypatch.setattr("opentelemetry.trace._TRACER_PROVIDER", kept.tracer_provider)
    monkeypatch.setattr(_diagnostics, "_logged", set())
    for name in ("INITIAL_RETRY_DELAY", "MAX_RETRY_DELAY"):
        monkeypatch.setattr(f"anthropic._base_client.{name}", 0.0)
    ClaudeInstrumentor().instrument(meter_provider=kept.meter_provider, **settings)
    yield kept
    if ClaudeInstrumentor().is_instrumented_by_opentelemetry:
        ClaudeInstrumentor().uninstrument()
    left = list(open_calls)
    open_calls.clear()
    kept.meter_provider.shutdown()
    assert left == [], "a call was never ended"
