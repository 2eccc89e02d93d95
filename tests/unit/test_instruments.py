"""Instruments: one set for each provider, whoever instruments how often; exact for every reader; empty after a fork."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.metrics import MeterProvider, ObservableCounter
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader
from unit_calls import started, stream, streamed, success
from unit_telemetry import recorder_of

from otel_claude import semconv as c
from otel_claude.telemetry import metrics as module
from otel_claude.telemetry.metrics import Instruments, instruments_of

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
    assert instruments_of(metering, "", 200) is instruments


def test_what_a_finalizer_left_is_recorded_though_it_was_instrumented_again_since(readers, metering):
    first, _ = recorder_of(None, metering)
    first.end_call(started(first), in_finalizer=True)
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
    recorder.end_call(started(recorder), in_finalizer=True)
    module._clear_after_fork()
    assert calls(readers[0]) == 0
    assert len(instruments.deferred) == 0
    success(recorder)
    assert calls(readers[0]) == 1


def test_legacy_histograms_are_added_once(metering):
    _, instruments = recorder_of(None, metering, legacy=True)
    before = dict(instruments.histograms)
    instruments.add_legacy()
    assert instruments.histograms == before
    assert {metric.name for metric in c.LEGACY_METRICS} <= set(before)


def test_a_collection_records_what_finalizers_left_before_it_reads(readers, metering):
    recorder, instruments = recorder_of(None, metering)
    for _ in range(3):
        call, _attempt = streamed(recorder, *stream()[:6])
        recorder.end_call(call, in_finalizer=True)
    assert len(instruments.deferred) == 3
    data = readers[0].get_metrics_data()
    assert len(instruments.deferred) == 0
    found = {m.name: m for r in data.resource_metrics for s in r.scope_metrics for m in s.metrics}
    assert sum(point.value for point in found[c.CALLS.name].data.data_points) == 3
    assert sum(point.count for point in found[c.DURATION.name].data.data_points) == 3


def test_an_instrument_that_a_meter_refuses_leaves_the_others(readers, metering, monkeypatch, warnings):
    create = Instruments._create

    def some(self, metric):
        if metric is c.DURATION:
            raise ValueError("planted secret")
        create(self, metric)

    monkeypatch.setattr(Instruments, "_create", some)
    recorder, instruments = recorder_of(None, metering)
    success(recorder)
    assert c.DURATION.name not in instruments.histograms
    assert c.CALL_COST.name in instruments.histograms
    assert calls(readers[0]) == 1
    (warning,) = warnings()
    assert f"could not create {c.DURATION.name} (ValueError)" in warning
