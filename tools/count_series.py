#!/usr/bin/env python3
"""Counts the series of one process in Prometheus, by metric: the tables of docs/recording.md and docs/backends.md.

It runs calls of the SDK against the simulator: with all rate-limit headers, a prompt cache that is read and written, a
stream, and one call that fails. Run: .venv/bin/python tools/count_series.py
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from typing import Any

import anthropic
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader
from opentelemetry.sdk.metrics.view import DropAggregation, View

from otel_claude.instrumentor import ClaudeInstrumentor
from otel_claude.tags import tags
from otel_claude_demo.simulator import Simulator
from otel_claude_demo.workload.acts import LIMITS

MODELS = ("claude-sonnet-5-5", "claude-opus-5-5", "claude-haiku-5-5")
SHAPES = ((1, 1, 0), (3, 1, 0), (3, 1, 1), (3, 2, 2))
"""Models, keys, values of a tag (0: no tag)."""
PER_CALL = View(instrument_name="gen_ai.client.inference.operation.*", aggregation=DropAggregation())
WITHOUT_KEY = {"api_key_format": "off"}
FEWER: tuple[tuple[str, tuple[View, ...], dict[str, Any]], ...] = (
    ("nothing", (), {}),
    ("a View drops the two histograms of tokens per call", (PER_CALL,), {}),
    ("`OTEL_CLAUDE_API_KEY_FORMAT=off`", (), WITHOUT_KEY),
    ("both", (PER_CALL,), WITHOUT_KEY),
)
"""What is done to have fewer series: Views of the SDK, and settings."""


def series(
    models: int, keys: int, values: int, views: Sequence[View] = (), settings: dict[str, Any] | None = None
) -> tuple[Counter[str], int]:
    """How many series each kind of metric has with classic buckets, and histograms alone with native ones."""
    reader = InMemoryMetricReader()
    instrumentor = ClaudeInstrumentor()
    instrumentor.instrument(meter_provider=MeterProvider([reader], views=views), **(settings or {}))
    found: dict[tuple[str, frozenset[tuple[str, Any]]], tuple[str, int]] = {}
    with Simulator(limits=LIMITS) as simulator:
        for key in range(keys):
            client = anthropic.Anthropic(
                api_key=f"sk-ant-api03-{key}{'x' * 40}-{key}igAA", base_url=simulator.url, max_retries=0
            )
            for value in range(values or 1):
                with tags(tenant=f"tenant-{value}") if values else nullcontext():
                    for model in MODELS[:models]:
                        calls(client, model)
                        # At once: the series of a limit goes when it has reset.
                        collect(reader, found)
    instrumentor.uninstrument()
    series_of: Counter[str] = Counter()
    for kind, size in found.values():
        series_of[kind] += size
    return series_of, sum(kind == "histograms" for kind, _ in found.values())


def collect(reader: InMemoryMetricReader, found: dict[tuple[str, frozenset[tuple[str, Any]]], tuple[str, int]]) -> None:
    """Adds the series that there are now: of what kind, and how many in Prometheus."""
    data = reader.get_metrics_data()
    assert data is not None
    for metric in (each for of in data.resource_metrics for scope in of.scope_metrics for each in scope.metrics):
        for point in metric.data.data_points:
            kind, size = "counters" if hasattr(metric.data, "is_monotonic") else "gauges", 1
            if isinstance(point, HistogramDataPoint):
                kind, size = "histograms", len(point.bucket_counts) + 2
            found[metric.name, frozenset((point.attributes or {}).items())] = kind, size


def calls(client: anthropic.Anthropic, model: str) -> None:
    """A call that writes the cache, one that reads it, a stream, and one that fails."""
    prompt: list[anthropic.types.TextBlockParam] = [
        {"type": "text", "text": "word " * 5000, "cache_control": {"type": "ephemeral"}}
    ]
    for _ in range(2):
        client.messages.create(model=model, max_tokens=64, system=prompt, messages=[{"role": "user", "content": "Hi"}])
    with client.messages.stream(model=model, max_tokens=64, messages=[{"role": "user", "content": "Hi"}]) as stream:
        stream.until_done()
    with suppress(anthropic.APIError):
        client.messages.create(model=model, max_tokens=0, messages=[{"role": "user", "content": "Hi"}])


def main() -> None:
    """Prints the tables."""
    print(
        "| models | keys | tag values | counters | gauges | histograms, classic | native | all, classic | all, native |"
    )
    print("|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    for shape in SHAPES:
        found, native = series(*shape)
        counters, gauges, classic = (found[kind] for kind in ("counters", "gauges", "histograms"))
        both = (counters + gauges + classic, counters + gauges + native)
        print("| " + " | ".join(map(str, (*shape, counters, gauges, classic, native, *both))) + " |")
    print("\n| what is done | all, classic | all, native | Datadog |\n|---|---:|---:|---:|")
    for what, views, settings in FEWER:
        found, native = series(*SHAPES[-1], views, settings)
        others = found["counters"] + found["gauges"]
        # A distribution is five custom metrics by Datadog's count.
        print(f"| {what} | {others + found['histograms']} | {others + native} | {others + 5 * native} |")


if __name__ == "__main__":
    main()
