"""A price file of the user's own: what it changes, and every mistake of it at once."""

from __future__ import annotations

import json
from copy import deepcopy
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker
from pricing_values import DATA, NOW, SCHEMA, TOKEN_TYPES, at, entry, said, usd

from otel_claude.cli.price_page import listing
from otel_claude.pricing import Platform, PriceFileError, load, price_response, shipped
from otel_claude.pricing.user_prices import mistakes_of

MTOK = 1_000_000
JSONSCHEMA = Draft202012Validator(SCHEMA, format_checker=FormatChecker())
PRICES = {"input": "1", "cache_write_5m": "1.25", "cache_write_1h": "2", "cache_read": "0.1", "output": "5"}
PERIOD = {"effective_from": "2026-01-01", **PRICES}


@pytest.fixture
def table_of(tmp_path):
    def make(content):
        path = tmp_path / "prices.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return load(str(path))

    return make


def total(table, answer, day=NOW, **arguments):
    price = price_response(table, answer, at=at(day), **arguments)
    assert (price.status, price.table) == ("exact", table.name)
    return price.total


def test_an_empty_file_changes_nothing_but_the_tables_name(table_of):
    table = table_of({})
    assert (table.date, table.name) == ("2026-11-22", "2026-11-22+custom")
    assert total(table, said(input=MTOK)) == usd("4")
    assert table_of({"name": "acme-2027"}).name == "2026-11-22+acme-2027"
    assert table is not shipped()


def test_a_new_model_has_the_published_modifiers(table_of):
    table = table_of({"models": {"claude-opus-6": {"aliases": ["opus"], "standard": [PERIOD]}}})
    for model in ("claude-opus-6", "opus", "claude-opus-6-20261201", "global.anthropic.claude-opus-6-v1:0"):
        assert total(table, said(model, input=MTOK)) == usd("1")
    assert total(table, said("claude-opus-6", input=MTOK, service_tier="batch")) == usd("0.5")
    assert total(table, said("claude-opus-6", input=MTOK, inference_geo="us")) == usd("1.1")
    assert total(table, said("claude-opus-6", web_searches=1)) == usd("0.01")
    vertex = Platform("vertex", "europe-west1")
    assert total(table, said("claude-opus-6", input=MTOK), platform=vertex) == usd("1.1")
    assert price_response(shipped(), said("claude-opus-6", input=1), at=at(NOW)).reason == "unknown_model"


def test_own_modifiers(table_of):
    row = {
        "standard": [PERIOD],
        "fast": [{"effective_from": "2026-01-01", "input": "3", "output": "7"}],
        "batch_multiplier": "0.4",
        "inference_geo_us_multiplier": None,
        "web_search_per_1000": None,
        "regional_premium": False,
    }
    table = table_of({"models": {"m": row}})
    assert total(table, said("m", output=MTOK, service_tier="batch")) == usd("2")
    assert total(table, said("m", cache_read=MTOK, output=MTOK, speed="fast")) == usd("7.3")
    assert total(table, said("m", output=MTOK), platform=Platform("vertex", "us")) == usd("5")
    assert (
        price_response(table, said("m", input=MTOK, inference_geo="us"), at=at(NOW)).reason == "unknown_inference_geo"
    )
    assert price_response(table, said("m", input=MTOK, web_searches=1), at=at(NOW)).reason == "unknown_web_search_price"


def test_an_own_price_holds_in_its_time_and_the_shipped_one_around_it(table_of):
    own = {**PERIOD, "effective_from": "2026-10-01", "effective_to": "2026-11-01"}
    table = table_of({"models": {"claude-opus-5-5": {"standard": [own]}}})
    days = {"2026-09-30": "4", "2026-10-01": "1", "2026-10-31": "1", "2026-11-01": "4"}
    assert {day: total(table, said(input=MTOK), day) for day in days} == {d: usd(p) for d, p in days.items()}
    # What the file does not write stays as it was: the fast price and the cache's ratios of the day.
    assert total(table, said(cache_read=MTOK, speed="fast"), "2026-11-02") == usd("0.4")
    rows = listing(table, model="claude-opus-5-5", at=at("2026-10-15"))
    assert [(row.speed, row.custom, row.input) for row in rows] == [
        ("standard", True, "1.00"),
        ("fast", False, "8.00"),
    ]


def test_a_model_without_a_published_price_takes_the_users(table_of):
    table = table_of({"models": {"claude-mythos-preview": {"standard": [PERIOD]}}})
    assert total(table, said("claude-mythos-preview", input=MTOK)) == usd("1")
    assert total(table, said("claude-mythos-preview", input=MTOK, service_tier="batch")) == usd("0.5")
    # Only from its own date: the unpublished row is never used.
    assert price_response(table, said("claude-mythos-preview", input=1), at=at("2025-12-31")).reason == "not_yet_priced"


def test_aliases_are_deployments(table_of):
    table = table_of({"aliases": {"prod-chat": "claude-opus-5-5", "old": "claude-haiku-4-5"}})
    foundry = {"platform": Platform("foundry"), "requested_model": "prod-chat"}
    assert total(table, said("prod-chat", input=MTOK), **foundry) == usd("4")
    assert total(table, said("claude-sonnet-5-5", input=MTOK), **foundry) == usd("2")
    assert total(table, said("old", input=MTOK)) == usd("1")


def test_an_endpoint_that_the_file_names_makes_bedrock_exact(table_of):
    answer, bedrock = (
        said(input=MTOK),
        {
            "platform": Platform("bedrock", "us-east-1"),
            "requested_model": "anthropic.claude-opus-5-5",
        },
    )
    regional = table_of({"platforms": {"bedrock": {"endpoint": "regional"}}})
    assert total(regional, answer, **bedrock) == usd("4.4")
    # What the id says comes first.
    bedrock["requested_model"] = "global.anthropic.claude-opus-5-5"
    assert total(regional, answer, **bedrock) == usd("4")
    zone = table_of({"platforms": {"foundry": {"endpoint": "regional"}}})
    assert total(zone, answer, platform=Platform("foundry")) == usd("4.4")
    us = said(input=MTOK, inference_geo="us")
    assert total(zone, us, platform=Platform("foundry")) == usd("4.4")  # once, not twice


def test_a_file_can_say_that_refusals_are_free_elsewhere(table_of):
    table = table_of({"platforms": {"aws": {"refusals_free_from": "2026-07-01"}}})
    refused = said(stop_reason="refusal", input=MTOK, output=0)
    assert total(table, refused, platform=Platform("aws")) == 0
    assert price_response(table, refused, at=at(NOW), platform=Platform("foundry")).reason == "ambiguous_refusal"


def test_the_most_specific_discount_counts(table_of):
    table = table_of(
        {
            "discounts": [
                {"factor": "0.9"},
                {"factor": "0.8", "platform": "vertex"},
                {"factor": "0.7", "model": "claude-opus-5-5"},
                {"factor": "0.6", "model": "claude-opus-5-5", "platform": "vertex"},
                {"factor": "0.5", "model": "claude-haiku-4-5"},  # by its alias
            ]
        }
    )
    vertex = {"platform": Platform("vertex", "global")}
    assert total(table, said("claude-sonnet-5-5", input=MTOK)) == usd("1.8")
    assert total(table, said("claude-sonnet-5-5", input=MTOK), **vertex) == usd("1.6")
    assert total(table, said("claude-opus-5-5", input=MTOK)) == usd("2.8")
    assert total(table, said("claude-opus-5-5", input=MTOK), **vertex) == usd("2.4")
    assert total(table, said("claude-haiku-4-5-20251001", input=MTOK)) == usd("0.5")


def test_discounts_have_dates_and_a_scope(table_of):
    row = {"factor": "0.5", "effective_from": "2026-10-01", "effective_to": "2026-11-01"}
    both = said(input=MTOK, web_searches=100)
    table = table_of({"discounts": [row]})
    assert [total(table, both, day) for day in ("2026-09-30", "2026-10-01", "2026-10-31", "2026-11-01")] == [
        usd("5"), usd("2.5"), usd("2.5"), usd("5"),
    ]  # fmt: skip
    tokens = table_of({"discounts": [{**row, "applies_to": "tokens"}]})
    assert total(tokens, both, "2026-10-01") == usd("3")


def test_economics_have_the_discount_too(table_of):
    table = table_of({"discounts": [{"factor": "0.5"}]})
    (charge,) = price_response(table, said(cache_read=MTOK, cache_write_1h=MTOK), at=at(NOW)).charges
    assert (charge.savings, charge.overhead_1h) == (usd("1.9"), usd("2"))


def test_a_factor_finer_than_a_pico_dollar_is_rounded_once_per_type(table_of):
    # 1 USD per million is 1,000,000 pico-dollars per token; x 0.0000005 that is half of one.
    table = table_of({"models": {"m": {"standard": [PERIOD]}}, "discounts": [{"factor": "0.0000005"}]})
    assert [total(table, said("m", input=count)) for count in range(1, 8)] == [0, 1, 2, 2, 2, 3, 4]
    # Iterations of one model are summed before they are rounded.
    parts = (entry(input=1), entry(input=1), entry(input=1))
    assert total(table, said("m", input=3, iterations=parts)) == 2


@given(
    st.decimals("0.000000000001", "2", places=12).map(lambda d: f"{d:f}"),
    st.fixed_dictionaries({kind: st.integers(0, 300_000) for kind in TOKEN_TYPES}),
    st.sampled_from(["standard", "batch"]),
    st.sampled_from(["global", "us"]),
)
def test_a_discounted_price_is_the_rounded_fraction(tmp_path_factory, factor, counts, tier, geo):
    path = tmp_path_factory.mktemp("own") / "p.json"
    path.write_text(json.dumps({"models": {"m": {"standard": [PERIOD]}}, "discounts": [{"factor": factor}]}))
    answer = said("m", **counts, service_tier=tier, inference_geo=geo)
    (charge,) = price_response(load(str(path)), answer, at=at(NOW)).charges
    scale = Fraction(factor) * (Fraction(1, 2) if tier == "batch" else 1) * (Fraction(11, 10) if geo == "us" else 1)
    for kind in TOKEN_TYPES:
        assert getattr(charge, kind) == round(counts[kind] * Fraction(PRICES[kind]) * 10**6 * scale)


def test_an_own_fast_price_stays_exact_at_odd_ratios(table_of):
    own = {**PERIOD, "input": "3", "cache_read": "0.1"}
    fast = [{"effective_from": "2026-01-01", "input": "7", "output": "9"}]
    table = table_of({"models": {"m": {"standard": [own], "fast": fast}}})
    assert total(table, said("m", cache_read=3 * MTOK, speed="fast")) == usd("0.7")
    assert total(table, said("m", cache_read=1, speed="fast")) == round(Fraction(7, 30) * 10**6)


# Mistakes

GOOD = {
    "$schema": "./prices.schema.json",
    "name": "acme",
    "about": "our contract",
    "models": {
        "claude-opus-6": {
            "name": "Claude Opus 6",
            "aliases": ["opus-6"],
            "standard": [
                {**PERIOD, "effective_to": "2026-06-01", "certainty": "high", "sources": ["contract"]},
                {
                    **PERIOD,
                    "effective_from": "2026-06-01",
                    "effective_to": None,
                    "prompt_tiers": [{"prompt_tokens_over": 1, **PRICES}, {"prompt_tokens_over": 2, **PRICES}],
                },
            ],
            "fast": [{"effective_from": "2026-01-01", "input": "2", "output": "10"}],
        }
    },
    "aliases": {"deployment": "claude-opus-6"},
    "discounts": [{"factor": "0.85"}, {"factor": "1.1", "platform": "foundry", "effective_to": None}],
    "platforms": {"bedrock": {"endpoint": "regional", "us_gov_multiplier": "1.25"}},
}


def changed(*path, to):
    made = deepcopy(GOOD)
    place = made
    for step in path[:-1]:
        place = place[step]
    if to is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    return made


MODEL, STANDARD = ("models", "claude-opus-6"), ("models", "claude-opus-6", "standard")
ROW = '$.models["claude-opus-6"]'
FORM = [
    # what is wrong, where it is wrong, and a part of what is said about it
    ([], "$", "expected an object"),
    (None, "$", "expected an object"),
    ("text", "$", "expected an object"),
    (changed("prices", to={}), "$.prices", "is not known here"),
    (changed("name", to="two words"), "$.name", "1 to 40 letters"),
    (changed("models", to=[]), "$.models", "expected an object"),
    (changed("models", "a b", to={"unpriced": True}), '$.models["a b"]', "without spaces"),
    (changed(*MODEL, to=7), ROW, "expected an object, found 7"),
    (changed(*MODEL, "prices", to=[]), f"{ROW}.prices", "known are name, aliases"),
    (changed(*MODEL, "aliases", to="opus"), f"{ROW}.aliases", "expected a list"),
    (changed(*MODEL, "aliases", to=[""]), f"{ROW}.aliases[0]", "deployment"),
    (changed(*MODEL, "unpriced", to=1), f"{ROW}.unpriced", "true or false"),
    (changed(*MODEL, "batch_multiplier", to=0.5), f"{ROW}.batch_multiplier", "in quotes"),
    (changed(*MODEL, "fast_ids", to={"azure": "x"}), f"{ROW}.fast_ids.azure", "foundry"),
    (changed(*STANDARD, 0, "input", to=0.1), f"{ROW}.standard[0].input", '"0.25"'),
    (changed(*STANDARD, 0, "input", to="-1"), f"{ROW}.standard[0].input", "found '-1'"),
    (changed(*STANDARD, 0, "input", to="1e3"), f"{ROW}.standard[0].input", "decimal"),
    (changed(*STANDARD, 0, "input", to="\N{ARABIC-INDIC DIGIT ONE}"), f"{ROW}.standard[0].input", "decimal"),
    (changed(*STANDARD, 0, "input", to="0.1234567890123"), f"{ROW}.standard[0].input", "12"),
    (changed(*STANDARD, 0, "cache_read", to=...), f"{ROW}.standard[0].cache_read", "missing"),
    (changed(*STANDARD, 0, "effective_from", to="1.1.2026"), f"{ROW}.standard[0].effective_from", "date"),
    (changed(*STANDARD, 0, "effective_from", to="2026-02-30"), f"{ROW}.standard[0].effective_from", "date"),
    (changed(*STANDARD, 0, "effective_from", to=None), f"{ROW}.standard[0].effective_from", "date"),
    (changed(*STANDARD, 0, "effective_to", to=2026), f"{ROW}.standard[0].effective_to", "null"),
    (changed(*STANDARD, 0, "certainty", to="sure"), f"{ROW}.standard[0].certainty", "medium"),
    (
        changed(*STANDARD, 1, "prompt_tiers", 0, "prompt_tokens_over", to=0),
        f"{ROW}.standard[1].prompt_tiers[0].prompt_tokens_over",
        "at least 1",
    ),
    (
        changed(*STANDARD, 1, "prompt_tiers", 0, "prompt_tokens_over", to=True),
        f"{ROW}.standard[1].prompt_tiers[0].prompt_tokens_over",
        "whole number",
    ),
    (
        changed(*STANDARD, 1, "prompt_tiers", 0, "output", to=...),
        f"{ROW}.standard[1].prompt_tiers[0].output",
        "missing",
    ),
    (changed(*MODEL, "fast", 0, "cache_read", to="1"), f"{ROW}.fast[0].cache_read", "not known"),
    (changed("aliases", "x", to=1), "$.aliases.x", "deployment"),
    (changed("discounts", to={}), "$.discounts", "expected a list"),
    (changed("discounts", 0, "factor", to=...), "$.discounts[0].factor", "missing"),
    (changed("discounts", 0, "factor", to="85%"), "$.discounts[0].factor", '"0.85"'),
    (changed("discounts", 0, "platform", to="azure"), "$.discounts[0].platform", "one of anthropic"),
    (changed("discounts", 0, "applies_to", to="output"), "$.discounts[0].applies_to", "everything"),
    (changed("platforms", "bedrock", "endpoint", to="local"), "$.platforms.bedrock.endpoint", "global"),
    (changed("platforms", "azure", to={}), "$.platforms.azure", "one of anthropic"),
]

SENSE = [
    (changed(*STANDARD, to=...), f"{ROW}.standard", "needs a price"),
    (changed(*STANDARD, 0, "effective_to", to="2026-06-02"), f"{ROW}.standard[1]", "overlaps"),
    (changed(*STANDARD, 0, "effective_to", to=None), f"{ROW}.standard[1]", "overlaps"),
    (changed(*STANDARD, 0, "effective_to", to="2026-01-01"), f"{ROW}.standard[0].effective_to", "after"),
    (changed(*STANDARD, 1, "prompt_tiers", 1, "prompt_tokens_over", to=1), f"{ROW}.standard[1].prompt_tiers", "rising"),
    (changed(*MODEL, "aliases", to=["claude-opus-5"]), f"{ROW}.aliases[0]", "already stands for claude-opus-5"),
    (
        changed("models", "claude-haiku-4-5", to={"standard": [PERIOD]}),
        '$.models["claude-haiku-4-5"]',
        "is an alias of claude-haiku-4-5-20251001",
    ),
    (changed("aliases", "x", to="claude-opus-7"), "$.aliases.x", "no table has"),
    (changed("aliases", "claude-opus-5", to="claude-opus-5-5"), '$.aliases["claude-opus-5"]', "already stands for"),
    (changed("discounts", 0, "model", to="claude-opus-7"), "$.discounts[0].model", "no table has"),
    (changed("discounts", 1, to={"factor": "0.5"}), "$.discounts[1]", "overlaps $.discounts[0]"),
]


def test_good_files_have_no_mistakes():
    assert mistakes_of(GOOD, shipped().known) == []
    assert list(JSONSCHEMA.iter_errors(GOOD)) == []
    # The shipped table has the same form, and an own file may repeat it.
    assert mistakes_of(DATA, shipped().known) == []


@pytest.mark.parametrize(("content", "path", "message"), FORM)
def test_a_mistake_of_form_is_found_where_it_is_as_jsonschema_does(content, path, message):
    (mistake,) = mistakes_of(content, shipped().known)
    assert mistake.path == path
    assert message in mistake.message
    assert list(JSONSCHEMA.iter_errors(content)) != []


@pytest.mark.parametrize(("content", "path", "message"), SENSE)
def test_a_mistake_of_sense_is_found_where_it_is(content, path, message):
    (mistake,) = mistakes_of(content, shipped().known)
    assert mistake.path == path
    assert message in mistake.message
    # A schema cannot say it.
    assert list(JSONSCHEMA.iter_errors(content)) == []


def test_all_mistakes_are_reported_at_once(table_of):
    bad = deepcopy(GOOD)
    standard = bad["models"]["claude-opus-6"]["standard"]
    standard[0]["input"] = 0.1
    del standard[0]["output"]
    bad["models"]["other"] = {"standard": [{**PERIOD, "effective_to": "2025-01-01"}]}
    bad["aliases"]["x"] = "claude-opus-7"
    bad["discounts"].append({"factor": "0.5", "model": "nothing"})
    bad["extra"] = 1
    with pytest.raises(PriceFileError) as error:
        table_of(bad)
    paths = {mistake.path for mistake in error.value.mistakes}
    assert paths == {
        f"{ROW}.standard[0].input",
        f"{ROW}.standard[0].output",
        "$.models.other.standard[0].effective_to",
        "$.aliases.x",
        "$.discounts[2].model",
        "$.extra",
    }
    text = str(error.value)
    assert "prices.json has 6 mistakes:" in text
    assert all(path in text for path in paths)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not JSON"),
        ("{", "is not JSON"),
        ('{"models": {}, "models": {}}', '"models" stands twice'),
        ("[" * 100_000, "is not JSON"),
        ("NaN", "expected an object"),
    ],
)
def test_what_is_no_price_file_at_all(table_of, text, message):
    with pytest.raises(PriceFileError, match="has 1 mistake:") as error:
        table_of(text)
    assert message in str(error.value)


def test_files_that_cannot_be_read(tmp_path):
    for path in (tmp_path / "missing.json", tmp_path):
        with pytest.raises(PriceFileError, match="cannot be read"):
            load(str(path))
    latin = tmp_path / "latin.json"
    latin.write_bytes(b'{"about": "\xe9"}')
    with pytest.raises(PriceFileError, match="cannot be read"):
        load(str(latin))
    with_mark = tmp_path / "mark.json"
    with_mark.write_bytes(b"\xef\xbb\xbf{}")  # as editors on Windows write it
    assert load(str(with_mark)).name.endswith("+custom")


def test_a_long_value_is_shown_short():
    (mistake,) = mistakes_of({"name": "x" * 10_000}, shipped().known)
    assert len(mistake.message) < 250


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["0.5", "2026-01-01", "anthropic", "x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["input", "factor", "models", "standard", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@st.composite
def mutated(draw):
    """The good file with one to three places of it replaced by anything."""
    made = deepcopy(GOOD)
    for _ in range(draw(st.integers(1, 3))):
        place = made
        while True:
            key = draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
            if not isinstance(place[key], (dict, list)) or not place[key] or draw(st.booleans()):
                place[key] = draw(JSON)
                break
            place = place[key]
    return made


@given(mutated() | JSON)
def test_our_check_and_jsonschema_agree(content):
    ours = mistakes_of(content, shipped().known)
    theirs = list(JSONSCHEMA.iter_errors(content))
    sense = ("overlaps", "must be after", "needs a price", "no table has", "already stands", "is an alias of", "rising")
    form = [mistake for mistake in ours if not any(words in mistake.message for words in sense)]
    assert bool(form) == bool(theirs), (form, theirs)


# Gateways, and application inference profiles

GATEWAY = {"prefixes": {"openrouter": "1.055", "openrouter/anthropic": "1.1", "bedrock": "list", "free": "0"}}


@pytest.mark.parametrize(
    ("model", "dollars"),
    [
        ("openrouter/claude-opus-5-5", "4.22"),
        ("openrouter/anthropic/claude-opus-5.5", "4.4"),
        ("openrouter/anthropic/beta/claude-opus-5-5", "4.4"),
        ("openrouter/other/claude-opus-5-5", "4.22"),
        # The list price of what stands behind the prefix, with the premium of its endpoint.
        ("bedrock/us.anthropic.claude-opus-5-5", "4.4"),
        ("bedrock/global.anthropic.claude-opus-5-5-v1:0", "4"),
        ("free/claude-opus-5-5", "0"),
    ],
)
def test_one_rule_covers_a_prefix(table_of, model, dollars):
    assert total(table_of(GATEWAY), said(model, input=MTOK)) == usd(dollars)


def test_a_rule_covers_its_prefix_alone(table_of):
    table = table_of(GATEWAY)
    for model in ("openrouter-eu/claude-opus-5-5", "anthropic/claude-opus-5-5", "eu/openrouter/claude-opus-5-5"):
        price = price_response(table, said(model, input=MTOK), at=at(NOW))
        assert (price.total, price.status, price.reason) == (usd("4"), "lower_bound", "unknown_endpoint")
    # Which endpoint of Bedrock served it is still to be known.
    price = price_response(table, said("bedrock/anthropic.claude-opus-5-5", input=MTOK), at=at(NOW))
    assert (price.total, price.reason) == (usd("4"), "unknown_endpoint")


def test_a_markup_is_on_everything_and_multiplies_with_discounts(table_of):
    table = table_of({"prefixes": {"openrouter": "1.5"}, "discounts": [{"factor": "0.5"}]})
    assert total(table, said("openrouter/claude-opus-5-5", input=MTOK, web_searches=100)) == usd("3.75")
    assert total(table, said("openrouter/claude-opus-5-5", input=MTOK, service_tier="batch")) == usd("1.5")
    refused = said("openrouter/claude-opus-5-5", stop_reason="refusal", input=MTOK)
    assert total(table, refused) == 0


def test_a_name_with_a_slash_of_the_users_own_is_not_taken_apart(table_of):
    own = {
        "models": {"acme/claude-opus-5-5": {"standard": [PERIOD], "aliases": ["acme/opus"]}},
        "aliases": {"vertex_ai/claude-opus-5-5": "claude-opus-5-5", "mine": "openrouter/claude-opus-5-5"},
        "prefixes": {"openrouter": "2"},
    }
    table = table_of(own)
    assert total(table, said("acme/claude-opus-5-5", input=MTOK)) == usd("1")
    assert total(table, said("acme/opus", input=MTOK)) == usd("1")
    assert total(table, said("vertex_ai/claude-opus-5-5", input=MTOK)) == usd("4")
    assert total(table, said("mine", input=MTOK)) == usd("8")


PROFILE = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3"


@pytest.mark.parametrize(
    ("target", "dollars"),
    [
        ("us.anthropic.claude-opus-5-5", "4.4"),
        ("global.anthropic.claude-opus-5-5-v1:0", "4"),
        ("arn:aws:bedrock:eu-west-1:1:inference-profile/eu.anthropic.claude-opus-5-5", "4.4"),
        ("us-gov.anthropic.claude-opus-5-5", "4.8"),
    ],
)
def test_an_application_inference_profile_has_the_price_of_what_it_stands_for(table_of, target, dollars):
    table = table_of({"aliases": {PROFILE: target}, "prefixes": {"bedrock": "list"}})
    bedrock = {"platform": Platform("bedrock", "us-east-1"), "requested_model": PROFILE}
    assert total(table, said(input=MTOK), **bedrock) == usd(dollars)
    # Where the answer says no more than the profile.
    assert total(table, said(PROFILE, input=MTOK), **bedrock) == usd(dollars)
    assert total(table, said(PROFILE, input=MTOK)) == usd(dollars)
    assert total(table, said(f"bedrock/{PROFILE}", input=MTOK)) == usd(dollars)
    assert table.id_of(PROFILE) == "claude-opus-5-5"


def test_a_profile_of_which_the_file_says_the_model_alone(table_of):
    table = table_of({"aliases": {PROFILE: "claude-opus-5-5"}})
    bedrock = {"platform": Platform("bedrock", "us-east-1"), "requested_model": PROFILE}
    price = price_response(table, said(PROFILE, input=MTOK), at=at(NOW), **bedrock)
    assert (price.total, price.reason) == (usd("4"), "unknown_endpoint")


def test_provisioned_throughput_has_no_price_whatever_it_is_called(table_of):
    arn = "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abc"
    table = table_of({"aliases": {arn: "claude-opus-5-5"}})
    price = price_response(table, said(arn, input=MTOK), at=at(NOW), platform=Platform("bedrock", "us-east-1"))
    assert price.reason == "provisioned_throughput"


def test_a_new_models_ids_are_taken_apart_as_the_shipped_ones_are(table_of):
    table = table_of({"models": {"claude-opus-6": {"standard": [PERIOD]}}, "prefixes": {"bedrock": "list"}})
    assert total(table, said("us.anthropic.claude-opus-6", input=MTOK)) == usd("1.1")
    assert total(table, said("bedrock/us.anthropic.claude-opus-6-v1:0", input=MTOK)) == usd("1.1")


@pytest.mark.parametrize(
    ("prefix", "rule"),
    [("a/", "1"), ("/a", "1"), ("a//b", "1"), ("a b", "1"), ("a:b", "1"), ("", "1"), ("a" * 201, "1"), ("a", "List"),
     ("a", 1.1), ("a", "-1"), ("a", "100"), ("a", None)],
)  # fmt: skip
def test_a_prefix_or_a_rule_that_is_not_accepted(prefix, rule):
    content = {"prefixes": {prefix: rule}}
    (mistake,) = mistakes_of(content, shipped().known)
    assert mistake.path.startswith("$.prefixes")
    assert not JSONSCHEMA.is_valid(content)


@given(
    st.text(max_size=30)
    | st.from_regex(r"([a-z:]{1,4}/){0,4}(arn:|us\.)?(anthropic\.)?claude-opus-5[.-]5", fullmatch=True)
)
def test_no_id_breaks_the_table(table_of_gateways, model):
    price = price_response(table_of_gateways, said(model, input=MTOK), at=at(NOW))
    assert price.reason in {None, "unknown_endpoint", "unknown_model", "provisioned_throughput"}
    assert price.total >= 0


@pytest.fixture(scope="module")
def table_of_gateways(tmp_path_factory):
    path = tmp_path_factory.mktemp("own") / "prices.json"
    path.write_text(json.dumps({**GATEWAY, "aliases": {PROFILE: "us.anthropic.claude-opus-5-5"}}))
    return load(str(path))
