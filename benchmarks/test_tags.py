"""What tags cost. Run: `.venv/bin/python -m pytest benchmarks/test_tags.py -s`. No limits are asserted.

A block alone, and what three tags add to a call of the real SDK with real providers and no network: in our own code,
and in OpenTelemetry's, whose spans and histograms take each further attribute at a price of its own. CPU time.
"""

from __future__ import annotations

import gc
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import anthropic
import httpx2
import pytest
from opentelemetry.metrics import MeterProvider as AnyMeterProvider
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import NoOpTracerProvider
from opentelemetry.trace import TracerProvider as AnyTracerProvider

from otel_claude import ClaudeInstrumentor, tags
from otel_claude._tag_context import Tags
from otel_claude.tags import current

Providers = tuple[AnyMeterProvider, AnyTracerProvider]

THREE = {"feature": "search", "tenant": "acme", "team": "growth"}
ANSWER = {
    "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-opus-5-5", "stop_reason": "end_turn",
    "stop_sequence": None, "content": [{"type": "text", "text": "Hello."}],
    "usage": {"input_tokens": 10, "output_tokens": 5, "cache_read_input_tokens": 100, "service_tier": "standard"},
}  # fmt: skip


def with_three() -> Tags:
    with tags(**THREE):
        return current(())


def with_nested() -> Tags:
    with tags(feature="search", tenant="acme"), tags(team="growth"):
        return current(())


@tags(**THREE)
def decorated() -> Tags:
    return current(())


def without() -> Tags:
    return current(())


@pytest.mark.parametrize("what", [without, with_three, with_nested, decorated])
def test_block(benchmark: Any, what: Callable[[], Tags]) -> None:
    found = benchmark(what)
    assert dict(found) == ({} if what is without else THREE)


def nobody() -> Providers:
    """Providers that do nothing: what is left is ours."""
    return NoOpMeterProvider(), NoOpTracerProvider()


def metrics_alone() -> Providers:
    return MeterProvider([InMemoryMetricReader()], shutdown_on_exit=False), NoOpTracerProvider()


def metrics_and_spans() -> Providers:
    return MeterProvider([InMemoryMetricReader()], shutdown_on_exit=False), TracerProvider(shutdown_on_exit=False)


@pytest.mark.parametrize("providers", [nobody, metrics_alone, metrics_and_spans])
def test_what_three_tags_add_to_a_call(providers: Callable[[], Providers]) -> None:
    """Calls with and without tags in turn; the median of the differences of neighbours. Printed with `-s`."""
    content = json.dumps(ANSWER).encode()
    headers = {"content-type": "application/json", "request-id": "req_1"}

    def answer(_request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers=headers, content=content)

    transport = httpx2.MockTransport(answer)
    client = anthropic.Anthropic(
        api_key="x", base_url="http://localhost", http_client=httpx2.Client(transport=transport), open_telemetry=False
    )
    asked: dict[str, Any] = {
        "model": "claude-opus-5-5",
        "max_tokens": 5,
        "messages": [{"role": "user", "content": "Hello"}],
    }
    metering, tracing = providers()
    instrumentor = ClaudeInstrumentor()
    instrumentor.instrument(meter_provider=metering, tracer_provider=tracing)
    try:
        differences, plain = list[int](), list[int]()
        gc.collect()
        gc.freeze()
        for number in range(4_000):
            took: dict[bool, int] = {}
            for tagged in (number % 2 == 0, number % 2 == 1):
                begun = time.thread_time_ns()
                if tagged:
                    with tags(**THREE):
                        client.messages.create(**asked)
                else:
                    client.messages.create(**asked)
                took[tagged] = time.thread_time_ns() - begun
            if number >= 1_000:
                differences.append(took[True] - took[False])
                plain.append(took[False])
    finally:
        instrumentor.uninstrument()
    print(
        f"\n{providers.__name__}: a call takes {statistics.median(plain) / 1e3:.1f} us, and three tags add "
        f"{statistics.median(differences) / 1e3:.2f} us"
    )
    assert len(differences) == 3_000
