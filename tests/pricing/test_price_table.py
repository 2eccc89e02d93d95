"""The shipped table: every row as the JSON says it, every form of an id, every boundary of a date."""

from __future__ import annotations

import itertools
import typing
from fractions import Fraction

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from pricing_values import DATA, MODELS, NOW, SCHEMA, TOKEN_TYPES, at, said, usd

from otel_claude.cli.price_page import listing
from otel_claude.pricing import ANTHROPIC, Platform, load, price_response, shipped

PUBLISHED_WITHOUT_A_PRICE = {"claude-mythos-preview"}

PERIODS = [
    pytest.param(name, speed, row, id=f"{name}-{speed}-{row['effective_from']}")
    for name, model in MODELS.items()
    if not model.get("unpriced")
    for speed in ("standard", "fast")
    for row in model[speed]
]


def pico(model: str, kind: str, *, day: str, prompt: int = 0, **usage) -> Fraction | None:
    """The price of one token, asked with a thousand of them in a prompt of at least `prompt`."""
    counts = {kind: 1000}
    rest = {"input" if kind != "input" else "cache_read": prompt} if prompt else {}
    price = price_response(shipped(), said(model, **counts, **rest, **usage), at=at(day))
    if price.status != "exact":
        return None
    return Fraction(getattr(price.charges[0], kind), 1000)


@pytest.mark.parametrize(("model", "speed", "row"), PERIODS)
def test_every_row_prices_every_type(model, speed, row):
    day = row["effective_from"]
    standard = next(r for r in MODELS[model]["standard"] if r["effective_from"] <= day < (r["effective_to"] or "9"))
    tiers = [(0, row), *((tier["prompt_tokens_over"], tier) for tier in row.get("prompt_tiers", ()))]
    for over, prices in tiers:
        for kind in TOKEN_TYPES:
            per_million = Fraction(
                prices[kind]
                if kind in prices
                else Fraction(prices["input"]) * Fraction(standard[kind]) / Fraction(standard["input"])
            )
            expected = per_million * 10**6  # USD per million tokens is so many pico-dollars per token
            assert expected.denominator == 1
            assert pico(model, kind, day=day, prompt=over + 1 if over else 0, speed=speed) == expected, kind


@pytest.mark.parametrize(("model", "speed", "row"), PERIODS)
def test_periods_begin_and_end_at_midnight(model, speed, row):
    answer = said(model, input=1000, speed=speed)
    first = price_response(shipped(), answer, at=at(row["effective_from"], "00:00:00"))
    assert first.total == usd(row["input"]) // 1000
    rows = MODELS[model][speed]
    before = price_response(shipped(), answer, at=at(row["effective_from"], "00:00:00") - 0.001)
    if row is rows[0]:
        late = speed == "fast" and row["effective_from"] != MODELS[model]["standard"][0]["effective_from"]
        assert before.reason == ("unknown_speed" if late else "not_yet_priced")
        assert before.status == "unpriced"
    else:
        assert before.total == usd(rows[rows.index(row) - 1]["input"]) // 1000
    if row["effective_to"]:
        last = price_response(shipped(), answer, at=at(row["effective_to"], "00:00:00") - 0.001)
        assert last.total == usd(row["input"]) // 1000


def test_the_shipped_file_has_the_form_of_its_schema():
    Draft202012Validator.check_schema(SCHEMA)
    assert list(Draft202012Validator(SCHEMA, format_checker=FormatChecker()).iter_errors(DATA)) == []


def test_every_row_says_where_it_is_from():
    for model in MODELS.values():
        for row in [*model["standard"], *model["fast"]]:
            assert row["sources"], row
            assert row["certainty"] in {"high", "medium", "low"}


def test_periods_do_not_overlap():
    for model in MODELS.values():
        for speed in ("standard", "fast"):
            rows = model[speed]
            for earlier, later in itertools.pairwise(rows):
                assert earlier["effective_to"] is not None
                assert earlier["effective_to"] <= later["effective_from"]


def test_every_id_of_the_installed_sdk_is_priced_or_listed():
    model = pytest.importorskip("anthropic.types.model")
    literal, _ = typing.get_args(model.Model)
    ids = set(typing.get_args(literal))
    assert len(ids) >= 22
    prices = {name: price_response(shipped(), said(name, input=1, output=1), at=at(NOW)) for name in ids}
    unpriced = {name for name, price in prices.items() if price.status != "exact"}
    assert unpriced == PUBLISHED_WITHOUT_A_PRICE
    for name in unpriced:
        assert prices[name].reason == "no_published_price"
        assert shipped().id_of(name) is not None


@pytest.mark.parametrize(
    ("model", "same_as"),
    [
        *((alias, name) for name, row in MODELS.items() for alias in row["aliases"]),
        ("claude-haiku-4-5-20260301", "claude-haiku-4-5-20251001"),  # a later snapshot of a known model
        ("claude-opus-4-6-20260205", "claude-opus-4-6"),
        ("claude-opus-4-1@20250805", "claude-opus-4-1-20250805"),
        ("claude-3-5-haiku@20241022", "claude-3-5-haiku-20241022"),
        ("claude-opus-4-7@default", "claude-opus-4-7"),
        ("global.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5-20250929"),
        ("global.anthropic.claude-opus-4-6-v1", "claude-opus-4-6"),
        ("global.anthropic.claude-opus-5-5", "claude-opus-5-5"),
        ("anthropic.claude-3-haiku-20240307-v1:0", "claude-3-haiku-20240307"),
        ("us.anthropic.claude-opus-4-1-20250805-v1:0", "claude-opus-4-1-20250805"),
        (
            "arn:aws:bedrock:us-east-1:123456789012:inference-profile/global.anthropic.claude-opus-4-6-v1",
            "claude-opus-4-6",
        ),
        (
            "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-3-opus-20240229-v1:0",
            "claude-3-opus-20240229",
        ),
    ],
)
def test_other_names_of_a_model_cost_what_it_costs(model, same_as):
    usage = {"input": 7, "cache_read": 11, "cache_write_5m": 13, "cache_write_1h": 17, "output": 19}
    other = price_response(shipped(), said(model, **usage), at=at(NOW))
    plain = price_response(shipped(), said(same_as, **usage), at=at(NOW))
    assert (other.status, other.total) == ("exact", plain.total)
    assert other.charges[0].model == model


@pytest.mark.parametrize(
    "model",
    [
        None,
        "",
        "claude",
        "claude-opus",
        "claude-opus-4-10",  # genai-prices says Opus 4.1
        "claude-opus-4-8-fast",
        "claude-opus-5-5-fast",  # an id of Foundry alone
        "claude-opus-4-8-latest",
        "claude-opus-5-5-20261399",  # no such month
        "claude-opus-5-5-2026092",
        "claude-opus-5-5@",
        "claude-opus-5-5-default",
        "claude-3-5-sonnet-20241022",  # not in the table
        "claude-3-5-haiku",
        "Claude-Opus-5-5",
        " claude-opus-5-5",
        "claude-opus-5-5\n",
        "claude-opus-5-5-20260922-20260922",
        "bedrock/anthropic.claude-opus-6",
        "anthropic/claude-opus-4-10",
        "anthropic/claude-sonnet-5.9",
        "anthropic/claude-5.5-opus-2026",
        "anthropic/claude-sonnet-4.5:free",
        "anthropic/",
        "/claude-opus-5-5",
        "anthropic:claude-opus-5-5",
        "claude-opus-5-5/",
        "claude-5.5-opus",  # the spelling of a gateway without its prefix
        "mars.anthropic.claude-opus-5-5",
        "anthropic.claude-opus-4-10-v1:0",
        "anthropic.claude-opus-5-5-v1:0:48k",
        "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3",
        "gpt-5",
    ],
)
def test_nothing_is_matched_by_likeness(model):
    price = price_response(shipped(), said(model, input=1000, output=1000), at=at(NOW))
    assert price == ((), "unknown_model", "unpriced", DATA["table"])
    assert price.total == 0
    if model is not None:
        assert shipped().id_of(model) is None


def test_the_fast_id_of_foundry_is_the_model_in_fast_mode():
    answer = said("claude-opus-5-5-fast", input=1000, cache_read=1000, output=1000)
    price = price_response(shipped(), answer, at=at(NOW), platform=Platform("foundry"), requested_model="my-deployment")
    assert (price.status, price.total) == ("exact", usd("0.008") + usd("0.0004") + usd("0.04"))


def test_a_table_is_read_once_and_tells_its_date():
    assert shipped() is shipped()
    assert load(None) is shipped()
    assert (shipped().date, shipped().name) == ("2026-11-22", "2026-11-22")


def test_what_is_remembered_is_bounded():
    table = load(None)
    for number in range(3000):
        price_response(table, said(f"claude-made-up-{number}", input=1), at=at(NOW))
        price_response(table, said(input=1), at=at(NOW) + number * 86_400)
    assert table.rates.cache_info().currsize == 1024
    assert 0 < table._rates_of.cache_info().currsize <= 1024
    assert price_response(table, said(input=1), at=at(NOW)).status == "exact"


def test_the_listing_has_every_row_and_the_rows_of_a_day():
    rows = listing(shipped())
    assert len(rows) == sum(
        1 + len(row.get("prompt_tiers", ()))
        for model in MODELS.values()
        for speed in ("standard", "fast")
        for row in model[speed]
    )
    (row,) = listing(shipped(), model="global.anthropic.claude-sonnet-5-5", at=at("2026-10-01"))
    assert row.model == "claude-sonnet-5-5"
    assert (row.input, row.cache_write_5m, row.cache_write_1h, row.cache_read, row.output) == (
        "2.00", "2.50", "4.00", "0.20", "10.00",
    )  # fmt: skip
    assert (row.effective_from, row.effective_to, row.certainty) == ("2026-09-28", "2026-10-07", "high")
    long = listing(shipped(), model="claude-haiku-5-5", at=at(NOW))[1]
    assert (long.prompt_tokens_over, long.cache_write_5m) == (100_000, "0.625")
    assert {row.input for row in listing(shipped(), model="claude-mythos-preview")} == {None}
    assert listing(shipped(), model="claude-opus-4-10") == []


def test_the_platform_of_the_claude_api_is_the_default():
    assert Platform("anthropic") == ANTHROPIC
