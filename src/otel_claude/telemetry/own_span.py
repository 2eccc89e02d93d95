"""The span of a call whose client library opens none: ours. Names and types are those of the SDK's own spans."""

from __future__ import annotations

from typing import Any

from opentelemetry import context, trace
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer

from .. import semconv
from .._diagnostics import log_internal_error
from . import conflicts, span_attributes
from .call import Call


def open_span(tracer: Tracer, call: Call) -> None:
    """Opens and enters a span for the call, unless another instrumentation has one."""
    if not call.opens_own_span and (other := conflicts.other_instrumentation()):
        conflicts.warn_once(other)
        return
    model = call.request.model
    try:
        attributes = span_attributes.of_start(call)
    except Exception:
        log_internal_error("describe a request on a span")
        attributes = {}
    name = f"{semconv.CHAT} {model}" if model else semconv.CHAT
    span = tracer.start_span(name, kind=SpanKind.CLIENT, attributes=attributes)
    call.span, call.span_is_ours = span, True
    call.context = trace.set_span_in_context(span, call.context)
    call.context_token = context.attach(call.context)


def close_span(call: Call, span: Any, ended_at: int | None) -> None:
    """Writes what a response said, and ends the span. `ended_at`: nanoseconds since the epoch; None is now.

    The status is left unset unless the call failed (OpenTelemetry's "Recording errors", 2026-11).
    """
    try:
        if span.is_recording():
            span.set_attributes(span_attributes.of_response(call))
    except Exception:
        log_internal_error("describe a response on a span")
    try:
        if call.error_type is not None:
            span.set_status(Status(StatusCode.ERROR))
    except Exception:
        log_internal_error("set the status of a span")
    end_span(span, ended_at)


def end_span(span: Any, ended_at: int | None) -> None:
    """Ends a span of ours. Never raises."""
    try:
        span.end(ended_at)
    except Exception:
        log_internal_error("end a span")
