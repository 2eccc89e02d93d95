"""Each part of recording made to raise: it is logged once, the span still ends, and the rest is recorded."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.trace import SpanProcessor
from unit_batches import LINES, reader_of
from unit_calls import OPUS, TOTAL, message, success

from otel_claude import semconv as c
from otel_claude.telemetry import recorder as module
from otel_claude.telemetry import span_attributes


class PlantedError(Exception):
    """A bug of ours."""


def fail(*args, **kwargs):
    raise PlantedError("planted secret")


def prices(bench, monkeypatch):
    monkeypatch.setattr(bench.recorder, "prices", fail)


def increments(_bench, monkeypatch):
    monkeypatch.setattr(module, "call_increments", fail)


def counters(bench, monkeypatch):
    monkeypatch.setattr(bench.instruments.counters, "add", fail)


def histograms(bench, monkeypatch):
    monkeypatch.setattr(bench.recorder, "_record_histograms", fail)


def one_histogram(bench, monkeypatch):
    monkeypatch.setattr(bench.recorder, "_duration", fail)


def tokens(_bench, monkeypatch):
    monkeypatch.setattr(module, "tokens_of", fail)


def request_on_span(_bench, monkeypatch):
    monkeypatch.setattr(span_attributes, "of_start", fail)


def call_on_span(_bench, monkeypatch):
    monkeypatch.setattr(span_attributes, "of_call", fail)


def response_on_span(_bench, monkeypatch):
    monkeypatch.setattr(span_attributes, "of_response", fail)


def warning_of_model(_bench, monkeypatch):
    monkeypatch.setattr(module, "warn_of_unknown_model", fail)


def size(_bench, monkeypatch):
    monkeypatch.setattr(module, "measure_request", fail)


def headers(_bench, monkeypatch):
    monkeypatch.setattr(module, "parse_headers", fail)


PARTS = {
    "price a call": prices,
    "count a call": increments,
    "record the histograms of a call": histograms,
    f"record {c.DURATION.name}": one_histogram,
    "sum up the tokens of a call": tokens,
    "describe a request on a span": request_on_span,
    "describe a call on a span": call_on_span,
    "describe a response on a span": response_on_span,
    "warn of a model without a price": warning_of_model,
    "measure a request": size,
    "read the headers of a response": headers,
}


@pytest.mark.parametrize("doing", PARTS)
def test_a_failure_is_logged_once_and_the_span_still_ends(bench, monkeypatch, warnings, doing):
    with monkeypatch.context() as broken:
        PARTS[doing](bench, broken)
        body = message(model="nobody-1") if "model" in doing else None
        success(bench.recorder, body)
        success(bench.recorder, body)
    assert len(bench.spans) == 2
    logged = [text for text in warnings() if text.startswith(f"otel-claude could not {doing} (PlantedError). ")]
    assert len(logged) == 1
    # Without the prices their name is missing on the span, and for the warning.
    assert len(warnings()) == (3 if doing == "price a call" else 1)
    assert "planted" not in str(warnings())
    success(bench.recorder)
    assert bench.spans[-1].attributes[c.COST_AMOUNT] == TOTAL


@pytest.mark.parametrize("part", [prices, histograms, one_histogram, tokens, call_on_span, response_on_span, size])
def test_a_failure_of_another_part_does_not_cost_the_counters(bench, monkeypatch, part):
    part(bench, monkeypatch)
    success(bench.recorder)
    assert bench.value(c.CALLS) == 1
    assert bench.value(c.OUTPUT_TOKENS) == 300
    if part is prices:
        assert bench.values(c.UNPRICED, c.UNPRICED_REASON) == {"pricing_error": 1}
    else:
        assert sum(bench.values(c.COST, c.COST_TYPE).values()) == pytest.approx(TOTAL)


@pytest.mark.parametrize("part", [increments, counters])
def test_failing_counters_do_not_cost_the_histograms_and_the_span(bench, monkeypatch, warnings, part):
    part(bench, monkeypatch)
    success(bench.recorder)
    assert bench.value(c.CALLS) is None
    assert bench.value(c.CALL_COST) == (1, TOTAL)
    assert bench.span.attributes[c.COST_AMOUNT] == TOTAL
    assert len(warnings()) == 1


def test_one_failing_histogram_does_not_cost_the_others(bench, monkeypatch):
    one_histogram(bench, monkeypatch)
    success(bench.recorder)
    assert bench.value(c.DURATION) is None
    assert bench.value(c.CALL_COST) == (1, TOTAL)


def test_an_ordinary_call_without_prices_is_counted(bench, monkeypatch):
    prices(bench, monkeypatch)
    success(bench.recorder, message({"input_tokens": 10, "output_tokens": 5}))
    assert bench.values(c.INPUT_TOKENS, c.RESPONSE_MODEL) == {OPUS: 10}
    assert bench.values(c.UNPRICED, c.UNPRICED_REASON) == {"pricing_error": 1}
    assert bench.value(c.DURATION)[0] == 1


def test_results_without_a_price_are_counted_with_their_tokens(bench, monkeypatch, warnings):
    prices(bench, monkeypatch)
    reader_of(bench.recorder).read(LINES["succeeded"] + LINES["errored"])
    assert bench.values(c.BATCH_RESULTS, c.BATCH_RESULT) == {"succeeded": 1, "errored": 1}
    assert bench.values(c.UNPRICED, c.UNPRICED_REASON) == {"pricing_error": 1}
    assert bench.value(c.OUTPUT_TOKENS) == 300
    assert warnings()[0].startswith("otel-claude could not price a result of a batch (PlantedError)")


def test_a_tracer_that_raises_costs_only_the_span(bench, monkeypatch, warnings):
    monkeypatch.setattr(bench.recorder.tracer, "start_span", fail)
    success(bench.recorder)
    assert bench.spans == []
    assert bench.value(c.CALL_COST) == (1, TOTAL)
    (warning,) = warnings()
    assert "could not open a span (PlantedError)" in warning


def test_a_span_processor_of_the_applications_that_raises_costs_only_its_span(bench, warnings):
    class Broken(SpanProcessor):
        def on_end(self, span):
            raise PlantedError("planted secret")

    bench.tracing.add_span_processor(Broken())
    success(bench.recorder)
    assert bench.value(c.CALL_COST) == (1, TOTAL)
    (warning,) = warnings()
    assert "could not end a span (PlantedError)" in warning
