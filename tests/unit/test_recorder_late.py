"""What the recorder warns of, and what it defers until nothing is locked."""

from __future__ import annotations

from threading import get_ident

from unit_calls import OPUS, TOTAL, USAGE, message, stream, streamed, success

from otel_claude import _diagnostics, pricing
from otel_claude import semconv as c


def test_of_an_unknown_model_there_is_one_warning(bench, warnings):
    for model in ("claude-next", "claude-next", "claude-after-next", OPUS):
        success(bench.recorder, message(model=model))
    first, second = warnings()
    assert first.startswith("No price is known for the model 'claude-next', so its calls are counted in ")
    assert "claude.client.unpriced and not in claude.client.cost.usd" in first
    assert f"its price table is of {pricing.shipped().name}" in first
    assert "OTEL_CLAUDE_PRICES" in first
    assert "'claude-after-next'" in second


def test_of_a_flood_of_unknown_models_there_are_a_hundred_warnings_at_most(bench, warnings):
    for number in range(150):
        success(bench.recorder, message(model=f"claude-next-{number}"))
    assert len(warnings()) == 100
    assert bench.values(c.UNPRICED, c.UNPRICED_REASON, c.RESPONSE_MODEL)["unknown_model", "claude-next-0"] == 1


def test_of_other_reasons_there_is_no_warning(bench, warnings):
    success(bench.recorder, message(None))
    success(bench.recorder, message({**USAGE, "output_tokens": "300"}))
    assert warnings() == []


def dropped(bench):
    call, _ = streamed(bench.recorder, *stream()[:6])
    bench.recorder.end_call(call, in_finalizer=True)


def test_what_a_finalizer_ends_waits_for_the_next_collection(bench):
    dropped(bench)
    assert bench.spans == []
    assert len(bench.instruments.deferred) == 1
    assert bench.value(c.CALLS) == 1
    assert bench.value(c.DURATION)[0] == 1
    assert len(bench.instruments.deferred) == 0
    assert bench.span.attributes[c.COST_AMOUNT] == TOTAL


def test_or_for_the_end_of_the_next_call(bench):
    dropped(bench)
    success(bench.recorder)
    assert len(bench.instruments.deferred) == 0
    assert len(bench.spans) == 2


def test_its_span_has_the_time_when_it_ended(bench):
    dropped(bench)
    _, ended_at = bench.instruments.deferred[0].args
    bench.instruments.flush_deferred()
    assert bench.span.end_time == ended_at


def test_without_spans_there_are_the_same_metrics(bench):
    bench.recorder.tracer = None
    success(bench.recorder)
    assert bench.spans == []
    assert bench.value(c.CALL_COST) == (1, TOTAL)


def test_what_ends_while_this_thread_collects_garbage_waits_too(bench, monkeypatch):
    call, _ = streamed(bench.recorder, *stream()[:6])
    with monkeypatch.context() as collecting:
        collecting.setattr(_diagnostics, "collector", get_ident())
        bench.recorder.end_call(call)
        assert (bench.spans, len(bench.instruments.deferred)) == ([], 1)
    assert bench.value(c.CALLS) == 1


def test_what_ends_while_another_thread_collects_garbage_does_not_wait(bench, monkeypatch):
    call, _ = streamed(bench.recorder, *stream()[:6])
    with monkeypatch.context() as collecting:
        collecting.setattr(_diagnostics, "collector", get_ident() + 1)
        bench.recorder.end_call(call)
    assert len(bench.spans) == 1
