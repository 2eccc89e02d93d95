"""Imported first by programs that spawn processes: `opentelemetry-instrument` 0.51b0 reaches none but the first one."""

from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider

if not isinstance(metrics.get_meter_provider(), MeterProvider):
    import opentelemetry.instrumentation.auto_instrumentation.sitecustomize  # noqa: F401 - it instruments
