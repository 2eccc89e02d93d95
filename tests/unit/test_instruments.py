"""Instruments: one set for each provider, whoever instruments how often; exact for every reader; empty after a fork."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.metrics import MeterProvider, ObservableCounter
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader
from unit_calls import KeepingSink, begun, success
from unit_telemetry import recorder_of

from otel_claude import semconv as c
from otel_claude.telemetry import metrics as module
from otel_claude.telemetry.attributes import Labeller
from otel_claude.telemetry.metrics import instruments_of

DELTA = {ObservableCounter: AggregationTemporality.DELTA}


def calls(reader):
    data = reader.get_metrics_data()
    metrics = [m for r in data.resource_metrics for s in r.scope_metrics for m in s.metrics] if data else []
    return sum(point.value for m in metrics if m.name == c.CALLS.name for point in m.data.data_points)


@pytest.fixture
def readers():
    return InMemoryMetricReader(), InMemoryMetricReader(preferred_temporality=DELTA)


@pytest.fixture
def metering(readers):
    metering = MeterProvider(readers, shutdown_on_exit=False)
    yield metering
    metering.shutdown()


def test_every_reader_has_the_exact_sum_in_its_temporality(readers, metering):
    cumulative, delta = readers
    recorder, _ = recorder_of(None, metering)
    seen = []
    for times in (3, 0, 2):
        for _ in range(times):
            success(recorder)
        seen.append((calls(cumulative), calls(delta)))
    assert seen == [(3, 3), (3, 0), (5, 2)]


def test_a_provider_keeps_its_sums_when_it_is_instrumented_again(readers, metering):
    success(recorder_of(None, metering)[0])
    recorder, instruments = recorder_of(None, metering)
    success(recorder)
    assert calls(readers[0]) == 2
    assert instruments_of(metering, "", Labeller(200)) is instruments


def test_what_a_finalizer_left_is_recorded_though_it_was_instrumented_again_since(readers, metering):
    first, _ = recorder_of(None, metering)
    begun(first).end(finalizing=True)
    recorder_of(None, metering)
    assert calls(readers[0]) == 1


def test_two_providers_have_their_own(readers, metering):
    other = MeterProvider([reader := InMemoryMetricReader()], shutdown_on_exit=False)
    success(recorder_of(None, metering)[0])
    assert (calls(readers[0]), calls(reader)) == (1, 0)
    other.shutdown()


def test_a_forked_child_starts_from_zero(readers, metering):
    recorder, instruments = recorder_of(None, metering)
    success(recorder)
    begun(recorder).end(finalizing=True)
    module._forked()
    assert calls(readers[0]) == 0
    assert len(instruments.late) == 0
    success(recorder)
    assert calls(readers[0]) == 1


def test_legacy_histograms_are_added_once(metering):
    _, instruments = recorder_of(None, metering, legacy=True)
    before = dict(instruments.histograms)
    instruments.add_legacy()
    assert instruments.histograms == before
    assert {metric.name for metric in c.LEGACY_METRICS} <= set(before)


def test_a_sink_that_keeps_is_a_sink():
    sink = KeepingSink()
    success(sink)
    assert sink.told == ["began", "known", "left"]
