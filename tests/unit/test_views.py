"""Views of the OpenTelemetry SDK, as docs/backends.md recommends them: fewer series, the same sums."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.metrics import MeterProvider, ObservableCounter
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader
from opentelemetry.sdk.metrics.view import DropAggregation, View
from unit_calls import OPUS, TOTAL, message, success
from unit_telemetry import Bench

from otel_claude import semconv as c

HAIKU = 0.0205525
"""1,000 at $0.10, 20,000 at $0.01, 500 at $0.125, 200 at $0.20 and 300 at $0.50 per million, and two searches."""
OF_CALLS = {f"gen_ai.client.inference.operation.{kind}_tokens" for kind in ("input", "output")}


def measured(views, temporality):
    reader = InMemoryMetricReader(preferred_temporality={ObservableCounter: temporality})
    bench = Bench(None, MeterProvider([reader], views=views), None, reader)
    for model in (OPUS, "claude-haiku-5-5"):
        for _ in range(2):
            success(bench.recorder, message(model=model), model=model)
    return bench.points()


@pytest.mark.parametrize("temporality", [AggregationTemporality.DELTA, AggregationTemporality.CUMULATIVE])
def test_what_becomes_alike_is_added_up(temporality):
    whole = measured([], temporality)
    views = [
        View(instrument_name=c.COST.name, attribute_keys={c.COST_TYPE}),
        View(instrument_name="gen_ai.client.inference.operation.*", aggregation=DropAggregation()),
    ]
    fewer = measured(views, temporality)
    assert len(fewer[c.COST.name]) < len(whole[c.COST.name])
    assert {frozenset(point.attributes) for point in fewer[c.COST.name]} == {frozenset({c.COST_TYPE})}
    for each in (whole, fewer):
        spent = sum(point.value for point in each[c.COST.name])
        assert spent == pytest.approx(2 * (TOTAL + HAIKU), abs=1e-12)
    assert whole.keys() - fewer.keys() == OF_CALLS
