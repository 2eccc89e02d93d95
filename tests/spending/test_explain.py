"""The parts of a difference: exact sums, the planted cause alone, and the same whatever the order."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_claude.spending.explain import explain
from otel_claude.spending.usage import Usage

RATES = {"input": 3, "cache_read": Decimal("0.3"), "cache_write_5m": Decimal("3.75"), "output": 15}
"""Dollars per million tokens."""


def use(calls=100, *, rates=RATES, searches=0, results=0, **per_call):
    """What calls with so many tokens each used."""
    tokens = Counter({"input": 1000, "output": 200} | per_call)
    usd = {kind: Decimal(tokens[kind]) * (calls + results) * rates[kind] / 1_000_000 for kind in rates if tokens[kind]}
    if searches:
        usd["web_search"] = Decimal(searches * calls) / 100
    total = Counter({kind: count * (calls + results) for kind, count in tokens.items()})
    return Usage(usd, total, calls, results, searches * calls)


USUAL = use()
CACHED = use(input=100, cache_read=4000, cache_write_5m=100)
ONE_CAUSE = [
    ("twice as many calls", USUAL, use(200), "calls"),
    ("fewer calls", USUAL, use(30), "calls"),
    ("longer inputs", USUAL, use(input=5000), "input"),
    ("longer outputs", USUAL, use(output=900), "output"),
    ("thinking begins", use(output=200), use(output=900, thinking=700), "thinking"),
    ("more thinking", use(output=300, thinking=100), use(output=900, thinking=700), "thinking"),
    ("the cache is not read any more", CACHED, use(input=4200), "cache"),
    ("a cache begins", use(input=4200), CACHED, "cache"),
    ("a higher price", USUAL, use(rates={kind: 2 * rate for kind, rate in RATES.items()}), "price"),
    ("searches begin", USUAL, use(searches=2), "web_search"),
    ("more searches", use(searches=1), use(searches=3), "web_search"),
    ("results of batches count as calls", use(100), use(50, results=100), "calls"),
]


@pytest.mark.parametrize(
    ("before", "after", "cause"), [row[1:] for row in ONE_CAUSE], ids=[row[0] for row in ONE_CAUSE]
)
def test_one_cause_has_all_of_the_difference(before, after, cause):
    (part,) = explain({("sonnet", "a"): before}, {("sonnet", "a"): after})
    assert (part.cause, part.usd) == (cause, after.total - before.total)
    assert (part.service, part.model, part.before_model) == (("a",), "sonnet", None)


def test_two_causes_share_the_difference_by_the_logarithms_of_their_changes():
    """The example of docs/answers.md: twice the calls, and inputs four times as long. An output costs nothing here."""
    before, after = use(100, output=0), use(200, input=4000, output=0)
    parts = {part.cause: part.usd for part in explain({("m", "a"): before}, {("m", "a"): after})}
    assert before.total == Decimal("0.3")
    assert after.total == Decimal("2.4")
    # ln 2 and ln 4 are one to two.
    assert parts == {"calls": Decimal("0.7"), "input": Decimal("1.4")}


def test_a_service_that_changes_its_model_pays_another_price():
    dear = use(rates={kind: 5 * rate for kind, rate in RATES.items()})
    (part,) = explain({("sonnet", "a"): USUAL}, {("opus", "a"): dear})
    assert (part.cause, part.before_model, part.model) == ("price", "sonnet", "opus")
    assert part.usd == dear.total - USUAL.total


def test_calls_that_move_to_another_model_of_the_service_change_the_price_and_not_the_calls():
    cheap, dear = RATES, {kind: 5 * rate for kind, rate in RATES.items()}
    before = {("sonnet", "a"): use(90, rates=cheap), ("opus", "a"): use(10, rates=dear)}
    after = {("sonnet", "a"): use(10, rates=cheap), ("opus", "a"): use(90, rates=dear)}
    assert {part.cause for part in explain(before, after)} == {"price"}


def test_what_is_new_or_gone_stands_apart():
    before = {("sonnet", "a"): USUAL, ("sonnet", "gone"): use(7)}
    after = {("sonnet", "a"): USUAL, ("haiku", "a"): use(3), ("sonnet", "new"): use(5)}
    found = {(part.cause, part.model, part.service): part.usd for part in explain(before, after)}
    assert found == {
        ("new", "haiku", ("a",)): use(3).total,
        ("new", "sonnet", ("new",)): use(5).total,
        ("gone", "sonnet", ("gone",)): -use(7).total,
    }


def test_dollars_without_the_counts_that_they_are_made_of_are_explained_too():
    before, after = (
        Usage({"input": Decimal(1), "session_usage": Decimal(1)}),
        Usage({"input": Decimal(3), "session_usage": Decimal(2)}),
    )
    parts = {part.cause: part.usd for part in explain({("m", "a"): before}, {("m", "a"): after})}
    assert parts == {"input": Decimal(2), "other": Decimal(1)}


amounts = st.integers(0, 10**12).map(lambda nano: Decimal(nano).scaleb(-9))
counts = st.integers(0, 10**9)
usages = st.builds(
    Usage,
    usd=st.dictionaries(st.sampled_from([*RATES, "cache_write_1h", "web_search", "code_execution"]), amounts),
    tokens=st.dictionaries(st.sampled_from([*RATES, "cache_write_1h", "thinking"]), counts).map(Counter),
    calls=counts,
    results=counts,
    searches=counts,
)
periods = st.dictionaries(st.tuples(st.sampled_from("xyz"), st.sampled_from("ab")), usages, max_size=6)


def total(period):
    return sum((usage.total for usage in period.values()), Decimal(0))


@given(periods, periods)
def test_the_parts_add_up_to_the_difference(before, after):
    parts = explain(before, after)
    assert sum((part.usd for part in parts), Decimal(0)) == total(after) - total(before)


@given(periods, periods)
def test_the_other_way_round_each_part_is_taken_off(before, after):
    there, back = (
        {(p.cause, p.service, p.model, p.before_model): p.usd for p in explain(*each)}
        for each in ((before, after), (after, before))
    )
    turned = {"new": "gone", "gone": "new"}
    for (cause, service, model, old), usd in there.items():
        place = turned.get(cause, cause), service, old or model, model if old else None
        assert back[place] == pytest.approx(-usd, abs=Decimal("1e-6"))


@given(periods, periods)
def test_the_order_in_which_services_are_found_changes_nothing(before, after):
    turned = [dict(reversed(period.items())) for period in (before, after)]
    one, other = (
        {(p.cause, p.service, p.model): float(p.usd) for p in explain(*each)} for each in ((before, after), turned)
    )
    assert one == pytest.approx(other, abs=1e-7)
