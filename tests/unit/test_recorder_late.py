"""What the recorder says aloud, and what it puts off until nothing is locked."""

from __future__ import annotations

from unit_calls import OPUS, TOTAL, USAGE, answered, begun, message, stream, success

from otel_claude import pricing
from otel_claude import semconv as c


def test_an_unknown_model_is_told_once_for_each_model(bench, warnings):
    for model in ("claude-next", "claude-next", "claude-after-next", OPUS):
        success(bench.recorder, message(model=model))
    first, second = warnings()
    assert first.startswith("No price is known for the model 'claude-next', so its calls are counted in ")
    assert "claude.client.unpriced and not in claude.client.cost.usd" in first
    assert f"its price table is of {pricing.shipped().name}" in first
    assert "OTEL_CLAUDE_PRICES" in first
    assert "'claude-after-next'" in second


def test_a_flood_of_unknown_models_is_told_a_hundred_times_at_most(bench, warnings):
    for number in range(150):
        success(bench.recorder, message(model=f"claude-next-{number}"))
    assert len(warnings()) == 100
    assert bench.values(c.UNPRICED, c.UNPRICED_REASON, c.RESPONSE_MODEL)["unknown_model", "claude-next-0"] == 1


def test_other_reasons_are_not_told(bench, warnings):
    success(bench.recorder, message(None))
    success(bench.recorder, message({**USAGE, "output_tokens": "300"}))
    assert warnings() == []


def dropped(bench):
    call = begun(bench.recorder, stream=True)
    attempt = answered(call)
    bench.recorder.left(call)
    call.returned(pending=True)
    for event in stream()[:6]:
        call.heard(event, attempt)
    call.end(finalizing=True)


def test_what_a_finalizer_ends_waits_for_the_next_collection(bench):
    dropped(bench)
    assert bench.spans == []
    assert len(bench.instruments.late) == 1
    assert bench.value(c.CALLS) == 1
    assert bench.value(c.DURATION)[0] == 1
    assert len(bench.instruments.late) == 0
    assert bench.span.attributes[c.COST_AMOUNT] == TOTAL


def test_or_for_the_end_of_the_next_call(bench):
    dropped(bench)
    success(bench.recorder)
    assert len(bench.instruments.late) == 0
    assert len(bench.spans) == 2


def test_its_span_has_the_time_when_it_ended(bench):
    dropped(bench)
    _, ended_at = bench.instruments.late[0]
    bench.recorder.settle()
    assert bench.span.end_time == ended_at


def test_without_spans_there_are_the_same_metrics(bench):
    bench.recorder._tracer = None
    success(bench.recorder)
    assert bench.spans == []
    assert bench.value(c.CALL_COST) == (1, TOTAL)
