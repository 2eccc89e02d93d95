"""A program to be packed: three calls, instrumented in code, or by OpenTelemetry's automatic start with `auto`."""

import sys

if "auto" in sys.argv:
    from opentelemetry.instrumentation.auto_instrumentation import initialize

    initialize()
elif "code" in sys.argv:
    from opentelemetry import metrics
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    from otel_claude import ClaudeInstrumentor
    from otel_claude.summary import SummaryMetricExporter

    metrics.set_meter_provider(MeterProvider([PeriodicExportingMetricReader(SummaryMetricExporter())]))
    ClaudeInstrumentor().instrument()

import anthropic

client = anthropic.Anthropic()
asked = {"max_tokens": 64, "messages": [{"role": "user", "content": "hello"}]}
client.messages.create(model="claude-sonnet-5-5", **asked)
client.messages.create(model="claude-opus-5-5", **asked)
with client.messages.stream(model="claude-sonnet-5-5", **asked) as stream:
    stream.get_final_message()
