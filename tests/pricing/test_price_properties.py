"""Properties of every price, and its equality with a second, plain implementation over random answers."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pricing_oracle import oracle
from pricing_values import MODELS, TOKEN_TYPES, at, entry, response, used

from otel_claude.api.response import Response
from otel_claude.pricing import ANTHROPIC, PICO_PER_USD, Platform, price_response, shipped

NAMES = sorted({name for model, row in MODELS.items() for name in (model, *row["aliases"])})
DAYS = sorted(
    {
        day
        for model in MODELS.values()
        for row in [*model["standard"], *model["fast"]]
        for day in (row["effective_from"], row["effective_to"])
        if day
    }
    | {"2024-01-01", "2026-06-01", "2026-06-02", "2026-11-22"}
)

models = st.sampled_from([*NAMES, "claude-unknown-9"])
days = st.sampled_from(DAYS)
counts = st.one_of(
    st.just(0),
    st.integers(0, 5_000),
    st.sampled_from([49_999, 50_000, 99_999, 100_000, 100_001, 199_999, 200_000, 200_001]),
    st.integers(0, 2_000_000),
)
tokens = st.fixed_dictionaries(dict.fromkeys(TOKEN_TYPES, counts))
entries = st.builds(
    lambda kind, model, counts: entry(kind, model, **counts),
    st.sampled_from(["message", "message", "fallback_message", "compaction", "advisor_message"]),
    st.none() | models,
    tokens,
)


@st.composite
def answers(draw) -> Response:
    parts = draw(st.none() | st.lists(entries, min_size=1, max_size=5).map(tuple))
    top = draw(tokens)
    model = draw(models)
    if parts and draw(st.booleans()):  # the top level as the API sums it
        sampled = [part for part in parts if part.type in {"message", "fallback_message"}]
        top = {kind: sum(getattr(part, kind) for part in sampled) for kind in TOKEN_TYPES}
    usage = used(
        **top,
        web_searches=draw(st.sampled_from([0, 0, 0, 1, 7])),
        web_fetches=draw(st.sampled_from([0, 0, 2])),
        code_executions=draw(st.sampled_from([0, 0, 0, 1])),
        service_tier=draw(st.sampled_from(["standard", "standard", None, "batch", "priority", "flex"])),
        speed=draw(st.sampled_from(["standard", None, None, "fast", "fast", "turbo"])),
        inference_geo=draw(st.sampled_from(["global", None, "us", "not_available"])),
        iterations=parts,
    )
    return response(
        model,
        usage,
        draw(st.sampled_from(["end_turn", "tool_use", "max_tokens", "refusal"])),
        draw(st.sampled_from([True, True, True, False])) if not parts else True,
    )


@pytest.mark.parametrize("examples", [100, pytest.param(1_500, marks=pytest.mark.heavy)])
def test_a_price_is_what_the_oracle_says(examples):
    @settings(max_examples=examples, deadline=None)
    @given(answers(), days)
    def agrees(answer, day):
        price = price_response(shipped(), answer, at=at(day))
        total, sure = oracle(answer, day)
        assert Fraction(price.total, PICO_PER_USD) == total
        assert (price.status == "exact") == sure
        assert (price.status == "unpriced") == (not sure and total == 0)
        assert (price.reason is None) == sure

    agrees()


ENDPOINTS = [
    (Platform("bedrock", "us-east-1"), "global.anthropic.claude-opus-5", Fraction(1)),
    (Platform("bedrock", "us-east-1"), "us.anthropic.claude-opus-5", Fraction("1.1")),
    (Platform("bedrock", "eu-west-1"), "anthropic.claude-opus-5", None),
    (Platform("vertex", "global"), "claude-opus-5", Fraction(1)),
    (Platform("vertex", "europe-west1"), "claude-opus-5", Fraction("1.1")),
    (Platform("vertex", None), "claude-opus-5", None),
    (Platform("google_cloud", "global"), "claude-opus-5", Fraction(1)),
    (Platform("aws", "us-west-2"), "claude-opus-5", Fraction(1)),
    (Platform("foundry"), "anything", Fraction(1)),
]


def as_asked(answer):
    """Bedrock can name an internal model: what is of the answer's own model is of the one that was asked for."""
    if answer.model in NAMES:
        return answer
    usage, own = answer.usage, answer.model
    parts = tuple(
        part._replace(model="claude-opus-5") if part.model == own else part for part in usage.iterations or ()
    )  # fmt: skip
    return answer._replace(model="claude-opus-5", usage=usage._replace(iterations=parts or None))


@pytest.mark.parametrize("examples", [60, pytest.param(600, marks=pytest.mark.heavy)])
def test_a_price_on_a_cloud_is_what_the_oracle_says(examples):
    @settings(max_examples=examples, deadline=None)
    @given(answers(), days, st.sampled_from(ENDPOINTS))
    def agrees(answer, day, endpoint):
        platform, requested, premium = endpoint
        usage = answer.usage._replace(inference_geo=None, web_searches=0)
        # Fast mode is another test's: not every cloud has it. Refusals have unpublished terms there.
        usage = usage._replace(speed=None)
        answer = response(answer.model, usage, "end_turn", answer.complete)
        price = price_response(shipped(), answer, at=at(day), platform=platform, requested_model=requested)
        total, sure = oracle(as_asked(answer) if platform.name == "bedrock" else answer, day, premium=premium)
        assert Fraction(price.total, PICO_PER_USD) == total
        assert (price.status == "exact") == sure

    agrees()


plain = st.builds(
    lambda counts, tier, speed, geo: used(**counts, service_tier=tier, speed=speed, inference_geo=geo),
    tokens,
    st.sampled_from(["standard", "batch"]),
    st.sampled_from([None, "fast"]),
    st.sampled_from([None, "us"]),
)


@given(
    st.sampled_from([(name, day) for name in NAMES for day in DAYS if oracle(response(name, used(input=1)), day)[1]]),
    plain,
    st.fixed_dictionaries(dict.fromkeys(TOKEN_TYPES, st.integers(0, 25_000))),  # so the prompt is below every bound
)
def test_the_whole_is_the_sum_of_its_types(priced, usage, counts):
    model, day = priced
    usage = usage._replace(**counts)
    whole = price_response(shipped(), response(model, usage), at=at(day))
    alone = [
        price_response(
            shipped(),
            response(model, usage._replace(**{other: 0 for other in TOKEN_TYPES if other != kind})),
            at=at(day),
        )
        for kind in TOKEN_TYPES
    ]
    assert whole.total == sum(price.total for price in alone)
    for charge in whole.charges:
        assert charge.total == sum(charge[1:7]) == whole.total


@given(st.sampled_from(NAMES), plain, days, st.sampled_from(TOKEN_TYPES), st.integers(1, 300_000))
def test_more_tokens_never_cost_less(model, usage, day, kind, more):
    less = price_response(shipped(), response(model, usage), at=at(day))
    bigger = usage._replace(**{kind: getattr(usage, kind) + more})
    price = price_response(shipped(), response(model, bigger), at=at(day))
    assert (price.status == "exact") == (less.status == "exact")
    assert price.total > less.total or price.status == "unpriced"


@given(answers(), days, st.randoms())
def test_the_order_of_iterations_does_not_matter(answer, day, random):
    order = list(answer.usage.iterations or ())
    random.shuffle(order)
    mixed = answer._replace(usage=answer.usage._replace(iterations=tuple(order) or None))
    one, other = (price_response(shipped(), said, at=at(day)) for said in (answer, mixed))
    assert (one.total, one.status, one.reason) == (other.total, other.status, other.reason)
    assert sorted(one.charges) == sorted(other.charges)


@given(answers(), days)
def test_money_is_whole_and_economics_add_up(answer, day):
    price = price_response(shipped(), answer, at=at(day))
    for charge in price.charges:
        assert all(type(number) is int for number in charge[1:])
        assert min(charge[1:7]) >= 0
        # A read never costs more than input, a write never less: true of every published row.
        assert charge.savings >= 0
        assert charge.overhead_5m >= 0
        assert charge.overhead_1h >= 0


@given(
    st.builds(
        used,
        **dict.fromkeys(TOKEN_TYPES, st.none() | counts),
        web_searches=st.integers(0, 2**30 - 1),
        service_tier=st.none() | st.text(max_size=8),
        speed=st.none() | st.text(max_size=8),
        inference_geo=st.none() | st.text(max_size=8),
        malformed=st.booleans(),
    ),
    st.none() | st.text(max_size=30) | models,
    st.floats(-1e12, 1e12),
)
def test_nothing_that_an_answer_can_say_breaks_it(usage, model, when):
    price = price_response(shipped(), response(model, usage), at=when, platform=ANTHROPIC)
    if usage.malformed or usage.input is None or usage.output is None:
        assert price.status != "exact"
    assert price.total >= 0
