"""The comparison as a pure function: cells, tolerance, and the likely reason of each difference."""

from __future__ import annotations

from decimal import Decimal

import pytest

from otel_claude.pricing import shipped
from otel_claude.reconcile.compare import Tolerance, by_key_and_model, compare
from otel_claude.reconcile.measured import Cell, KeyAndModel, Measured, canonical
from otel_claude.reconcile.reported import Reported

KEY, OTHER, OPUS, SONNET = "sk-ant-api03-ABC...shop", "sk-ant-api03-DEF...othr", "claude-opus-5-5", "claude-sonnet-5-5"


def cell(kind="output", hint=KEY, model=OPUS):
    return Cell(KeyAndModel(hint, model), kind)


def usd(**amounts):
    return {cell(kind): Decimal(amount) for kind, amount in amounts.items()}


def ours(amount="1", tokens=50_000, *, at=None, **more):
    at = at or cell()
    made = {"usd": {at: Decimal(amount)}, "tokens": {at: tokens}, "hints": {at.of.hint}, **more}
    return Measured(**made)


def theirs(amount="1", tokens=50_000, *, at=None, **more):
    at = at or cell()
    made = {"listed": {at: Decimal(amount)}, "billed": {at: Decimal(amount)}, "tokens": {at: tokens}, **more}
    return Reported(**{"names": {KEY: "shop"}, **made})


def nothing(**more):
    return Measured(**{"hints": {KEY}, **more})


REASONS = [
    ("nothing differs", ours(), theirs(), None, None),
    ("a key that nobody measured", Measured(hints={OTHER}), theirs(), "uninstrumented_key",
     "no instrumented service used this key"),
    ("no key at all", nothing(), theirs(at=cell(hint=None)), "no_api_key", "used without an API key"),
    ("a key of another organization", ours(), Reported(listed={cell(hint=OTHER): Decimal(0)}), "other_organization",
     "not this organization's"),
    ("another price", ours("0.9"), theirs(), "price_table",
     "Anthropic charges 20 USD per million tokens of claude-opus-5-5, we counted 18"),
    ("the discount is in our prices", ours("0.8"), theirs(billed={cell(): Decimal("0.8")}), "discount",
     "--against billed"),
    ("a model without a price", nothing(tokens={cell(): 50_000}, unpriced={cell().of: {"unknown_model": 3}}),
     theirs(), "unpriced_calls", "3 unknown_model"),
    ("an incomplete stream", ours("0.9", 45_000, unpriced={cell().of: {"incomplete_stream": 2}}), theirs(),
     "incomplete_streams",
     "2 streams were incomplete"),
    ("a time-out", ours("0.9", 45_000, unpriced={cell().of: {"no_response": 4}}), theirs(), "unanswered_calls_billed",
     "4 calls got no response"),
    ("the same key elsewhere", ours("0.9", 45_000), theirs(), "uninstrumented_calls", "uses this key too"),
    ("batches", ours("0.5", 25_000), theirs(batch={cell(): Decimal("0.5")}), "batch_results_not_read",
     "batches whose results no instrumented program read"),
    ("batches and more", ours("0.4", 20_000), theirs(batch={cell(): Decimal("0.5")}), "batch_results_not_read",
     "+0.1000 USD for another reason"),
    ("batches that were measured", ours("0.9", 45_000, batch={cell(): Decimal("0.5")}),
     theirs(batch={cell(): Decimal("0.5")}), "uninstrumented_calls", "uses this key too"),
    ("code execution", nothing(), theirs(at=cell("code_execution")), "not_measurable",
     "code execution is billed by time"),
    ("the window's ends", ours("0.95", 47_500, edges={cell().of: Decimal("0.06")}), theirs(), "window_ends",
     "up to two minutes later"),
    ("a time-out, near the window's ends", ours("0.95", 47_500, edges={cell().of: Decimal("0.06")},
                                                unpriced={cell().of: {"no_response": 1}}), theirs(),
     "unanswered_calls_billed", "1 call got no response"),
    ("more than at the window's ends", ours("0.9", 45_000, edges={cell().of: Decimal("0.06")}), theirs(),
     "uninstrumented_calls", "uses this key too"),
    ("more than is reported", ours("1.2", 60_000), theirs(), "unknown", "measured and not reported"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("mine", "other", "name", "words"), [row[1:] for row in REASONS], ids=[row[0] for row in REASONS]
)
def test_the_likely_reason(mine, other, name, words):
    found = compare(mine, other, Tolerance())
    reasons = [row.reason for row in found.rows if row.reason is not None]
    assert [reason.name for reason in reasons] == ([name] if name else [])
    assert found.equal == (name is None)
    if words:
        assert words in reasons[0].text


@pytest.mark.parametrize(
    ("mine", "usd", "percent", "equal"),
    [
        ("1.01", "0.01", "0", True),
        ("1.0101", "0.01", "0", False),
        ("0.989", "0.01", "0", False),
        ("1.05", "0", "5", True),
        ("1.06", "0", "5", False),
        ("1.0", "0", "0", True),
    ],
)
def test_tolerance(mine, usd, percent, equal):
    found = compare(ours(mine), theirs(), Tolerance(Decimal(usd), Decimal(percent)))
    assert found.equal is equal


def test_differences_that_cancel_are_not_equal():
    mine = Measured(usd={cell(): Decimal(1)}, tokens={cell(): 1}, hints={KEY})
    other = Reported(listed={cell(model=SONNET): Decimal(1)}, tokens={cell(model=SONNET): 1})
    found = compare(mine, other, Tolerance())
    assert (found.difference, found.equal) == (0, False)


def test_small_rows_can_add_up_to_a_difference():
    kinds = ("input", "cache_read", "output")
    mine = Measured(usd={cell(kind): Decimal("1.009") for kind in kinds}, hints={KEY})
    other = Reported(listed={cell(kind): Decimal(1) for kind in kinds})
    found = compare(mine, other, Tolerance())
    assert all(row.within for row in found.rows)
    assert (found.difference, found.equal) == (Decimal("0.027"), False)


@pytest.mark.parametrize("hint", [None, "0123456789abcdef", "_other"], ids=["off", "hash", "one too many"])
def test_without_keys_only_models_are_compared(hint):
    found = compare(ours(at=cell(hint=hint)), theirs(), Tolerance())
    assert found.equal
    (row,) = found.rows
    assert (row.hint, row.model) == (None, OPUS)
    (note,) = found.notes
    assert "OTEL_CLAUDE_API_KEY_FORMAT" in note


def test_against_the_bill():
    other = theirs(billed={cell(): Decimal("0.8")})
    assert compare(ours("0.8"), other, Tolerance(), "billed").equal
    (row,) = compare(ours(), other, Tolerance(), "billed").rows
    assert row.reason.name == "discount"
    assert "--against list" in row.reason.text


def test_sums_by_key_and_model():
    mine = Measured(usd=usd(input="0.25", output="1"), tokens={cell(): 5, cell("input"): 7}, hints={KEY})
    found = compare(mine, theirs("1", 5), Tolerance())
    (row,) = by_key_and_model(found.rows)
    assert (row.ours, row.theirs, row.difference, row.our_tokens) == (Decimal("1.25"), 1, Decimal("0.25"), 12)
    assert (row.name, row.within) == ("shop", False)


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("claude-haiku-4-5", "claude-haiku-4-5-20251001"),
        ("claude-haiku-4-5-20251001", "claude-haiku-4-5-20251001"),
        ("claude-opus-5-5", "claude-opus-5-5"),
        ("claude-example-1", "claude-example-1"),
        (None, None),
        ("", None),
    ],
)
def test_one_name_for_one_model(said, name):
    assert canonical(said, shipped().known) == name
