"""Tracers: whether one can make spans at all. Knows OpenTelemetry's API alone."""

from __future__ import annotations

from typing import Any

from opentelemetry.trace import NoOpTracer


def makes_spans(tracer: Any) -> bool:
    """Whether a tracer's spans could be recorded. Asked at each call: a proxy's provider may be set later."""
    # A `ProxyTracer` of the API keeps the real one, or a no-op, under this name (opentelemetry-api 1.27 to 1.45).
    return tracer is not None and not isinstance(getattr(tracer, "_tracer", tracer), NoOpTracer)
