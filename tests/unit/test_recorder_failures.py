"""Each part of recording made to raise: it is told once, the span still ends, and the rest is recorded."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.trace import SpanProcessor
from unit_calls import TOTAL, message, success

from otel_claude import semconv as c
from otel_claude.telemetry import recorder as module


class PlantedError(Exception):
    """A bug of ours."""


def fail(*args, **kwargs):
    raise PlantedError("planted secret")


def prices(bench, monkeypatch):
    monkeypatch.setattr(bench.recorder, "_prices", fail)


def ledger(bench, monkeypatch):
    monkeypatch.setattr(bench.instruments.ledger, "post", fail)


def histograms(bench, monkeypatch):
    monkeypatch.setattr(module, "_measurements", fail)


def one_histogram(bench, monkeypatch):
    monkeypatch.setitem(bench.instruments.histograms, c.DURATION.name, object())


def log(bench, monkeypatch):
    monkeypatch.setattr(bench.recorder, "_warn", fail)


def attributes(bench, monkeypatch):
    monkeypatch.setattr(module.spans, "of_answer", fail)


PARTS = {
    "priced a call": prices,
    "posted a call": ledger,
    "measured a call": histograms,
    f"recorded {c.DURATION.name}": one_histogram,
    "described the answer on a span": attributes,
    "told of a model without a price": log,
}


@pytest.mark.parametrize("hop", PARTS)
def test_a_failure_is_told_once_and_the_span_still_ends(bench, monkeypatch, warnings, hop):
    with monkeypatch.context() as broken:
        PARTS[hop](bench, broken)
        body = message(model="nobody-1") if "model" in hop else None
        success(bench.recorder, body)
        success(bench.recorder, body)
    assert len(bench.spans) == 2
    (warning,) = warnings()
    assert warning.startswith(f"otel-claude failed while it {hop} (")
    assert "planted" not in warning
    success(bench.recorder)
    assert bench.spans[-1].attributes[c.COST_AMOUNT] == TOTAL


def test_a_failing_histogram_does_not_cost_the_counters(bench, monkeypatch):
    histograms(bench, monkeypatch)
    success(bench.recorder)
    assert bench.value(c.CALLS) == 1
    assert sum(bench.values(c.COST, c.COST_TYPE).values()) == pytest.approx(TOTAL)


def test_failing_rows_do_not_cost_the_histograms_and_the_span(bench, monkeypatch, warnings):
    monkeypatch.setattr(bench.instruments.ledger, "_rows", fail)
    success(bench.recorder)
    assert bench.value(c.CALLS) is None
    assert bench.value(c.CALL_COST) == (1, TOTAL)
    assert bench.span.attributes[c.COST_AMOUNT] == TOTAL
    assert len(warnings()) == 1


def test_a_span_processor_of_the_applications_that_raises_costs_only_its_span(bench, warnings):
    class Broken(SpanProcessor):
        def on_end(self, span):
            raise PlantedError("planted secret")

    bench.tracing.add_span_processor(Broken())
    success(bench.recorder)
    assert bench.value(c.CALL_COST) == (1, TOTAL)
    (warning,) = warnings()
    assert "while it ended a span (PlantedError)" in warning
