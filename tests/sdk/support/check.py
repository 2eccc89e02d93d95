"""Compares what a call left behind with what it must leave behind, to the last attribute and its type."""

from typing import Any

from opentelemetry.trace import SpanKind

from support.expected import Expected
from support.telemetry import Telemetry, typed

FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"
_NATIVE_TOKENS = (
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.cache_write.input_tokens",
)


def check(telemetry: Telemetry, expected: Expected, tracing: str) -> None:
    """One span, ended, with these attributes; and these metrics, whoever opened the span."""
    # Collection comes first: it ends what a garbage collector said was dropped.
    metrics = telemetry.metrics()
    span = telemetry.span
    if tracing == "native":
        check_native(span, expected)
    else:
        check_ours(span, expected)
    assert metrics == expected.metrics()


def check_native(span: Any, expected: Expected) -> None:
    assert span.name == "anthropic.messages.create"
    added = {n: v for n, v in span.attributes.items() if n.startswith(("claude.", "gen_ai.usage.cost."))}
    assert typed(added) == typed(expected.enrichment(native=True))
    if expected.native_tokens:
        ours = expected.attributes()
        found = {name: span.attributes[name] for name in _NATIVE_TOKENS if name in span.attributes}
        assert typed(found) == typed({name: ours[name] for name in _NATIVE_TOKENS if name in ours})
    assert span.status.status_code.name == (expected.native_status or expected.status)
    assert span.attributes.get("error.type") == (expected.native_error_type or expected.error_type)


def check_ours(span: Any, expected: Expected) -> None:
    assert span.name == f"chat {expected.request_model}"
    assert span.kind == SpanKind.CLIENT
    attributes = dict(span.attributes)
    assert (FIRST_CHUNK in attributes) == expected.first_chunk
    assert attributes.pop(FIRST_CHUNK, 1.0) > 0
    assert typed(attributes) == typed(expected.attributes())
    assert span.status.status_code.name == ("ERROR" if expected.status == "ERROR" else "UNSET")
    assert span.status.description is None
