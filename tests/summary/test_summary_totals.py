import json

import pytest
from summary_made import MODEL, NOW, OTHER, usual

from otel_claude.summary.totals import Limit, Totals


def test_uncached_input_is_what_is_left():
    totals = usual()
    assert totals.tokens("input", MODEL) == 50
    assert totals.tokens("input") == 450
    assert totals.tokens("cache_read") == 50_000


def test_uncached_input_is_never_negative():
    totals = Totals()
    totals.sums["tokens", "cache_read", MODEL] = 5
    assert totals.tokens("input") == 0


def test_models_come_by_cost_then_by_calls():
    totals = usual(add=[("call", 3, "b"), ("call", 4, "c"), ("call", 3, "a")])
    assert totals.models() == [MODEL, OTHER, "c", "a", "b"]


def test_sums_by_something_are_sorted_and_without_zeros():
    totals = usual(add=[("error", 3, "timeout"), ("error", 0, "never"), ("error", 2, "a")])
    assert list(totals.by("error").items()) == [("timeout", 3), ("a", 2), ("overloaded_error", 2)]


@pytest.mark.parametrize(
    ("added", "whole", "of_model"),
    [
        ([], "exact", "exact"),
        ([("unpriced", 1, "incomplete_stream", MODEL)], "lower_bound", "lower_bound"),
        ([("unpriced", 1, "unknown_model", "claude-new")], "lower_bound", "exact"),
        ([("unpriced", 1, "billed_elsewhere", MODEL)], "exact", "exact"),
    ],
)
def test_status(added, whole, of_model):
    totals = usual(add=added)
    assert totals.status() == whole
    assert totals.status(MODEL) == of_model
    assert totals.status("claude-new") == ("unpriced" if "claude-new" in str(added) else "exact")


def test_fold_adds_up_and_keeps_the_tightest_limit():
    tight = Limit("requests", None, 0.99, NOW)
    others = [usual(limit=tight), usual(limit=None)]
    folded = usual().fold(others)
    assert folded.calls == 36
    assert folded.sum("cost") == 3 * usual().sum("cost")
    assert folded.limit == tight
    assert folded.processes == 3


def test_fold_leaves_its_parts_alone():
    first, second = usual(), usual()
    first.fold([second])
    assert first.sums == second.sums == usual().sums
    assert first.processes == 1


def test_json_there_and_back():
    sent = usual()
    back = Totals.from_json(json.loads(json.dumps(sent.to_json())))
    assert back.sums == sent.sums
    assert back.limit == sent.limit
    assert back.processes == 1


def test_a_process_without_calls_is_none():
    assert Totals().fold([Totals(), usual()]).processes == 1
