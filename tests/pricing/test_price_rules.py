"""What the billing rules say, one table per rule. Dollars are written out, from `facts/pricing.md` of 2026-11-22."""

from __future__ import annotations

import itertools

import pytest
from pricing_values import NOW, at, entry, response, said, usd

from otel_claude.api.response import Diagnosis
from otel_claude.pricing import ANTHROPIC, UNPRICED_REASONS, Platform, price_response, shipped

MTOK = 1_000_000
OPUS, SONNET, HAIKU, FABLE = "claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5", "claude-fable-5-2"
BEDROCK, VERTEX = Platform("bedrock", "us-east-1"), Platform("vertex", "us-east5")


def price(answer, day=NOW, **arguments):
    made = price_response(shipped(), answer, at=at(day), **arguments)
    # Asked a second time, the rates are remembered: the answer is the same.
    assert price_response(shipped(), answer, at=at(day), **arguments) == made
    assert made.reason is None or made.reason in UNPRICED_REASONS
    assert (made.status == "exact") == (made.reason is None)
    assert made.status != "unpriced" or made.charges == ()
    return made


def exact(answer, dollars, day=NOW, **arguments):
    made = price(answer, day, **arguments)
    assert (made.status, made.reason, made.total) == ("exact", None, usd(dollars))
    return made


def bound(answer, dollars, reason, day=NOW, **arguments):
    made = price(answer, day, **arguments)
    assert (made.status, made.reason, made.total) == ("lower_bound", reason, usd(dollars))
    return made


def unpriced(answer, reason, day=NOW, **arguments):
    made = price(answer, day, **arguments)
    assert made == ((), reason, "unpriced", "2026-11-22")


ALL = {"input": MTOK, "cache_read": MTOK, "cache_write_5m": MTOK, "cache_write_1h": MTOK, "output": MTOK}


@pytest.mark.parametrize(
    ("model", "dollars"),
    [
        ("claude-fable-5-2", ("8", "0.20", "10", "16", "40")),
        ("claude-mythos-5-2", ("8", "0.20", "10", "16", "40")),
        ("claude-sonnet-5-5", ("2", "0.10", "2.50", "4", "10")),
        ("claude-opus-5-5", ("4", "0.20", "5", "8", "20")),
        ("claude-fable-5-1", ("10", "0.25", "12.50", "20", "50")),
        ("claude-sonnet-5", ("2", "0.20", "2.50", "4", "10")),
        ("claude-mythos-5", ("10", "1", "12.50", "20", "50")),
        ("claude-opus-5", ("5", "0.50", "6.25", "10", "25")),
        ("claude-opus-4-8", ("5", "0.50", "6.25", "10", "25")),
        ("claude-sonnet-4-6", ("3", "0.30", "3.75", "6", "15")),
        ("claude-haiku-4-5", ("1", "0.10", "1.25", "2", "5")),
        ("claude-opus-4-5", ("5", "0.50", "6.25", "10", "25")),
        ("claude-sonnet-4-5", ("3", "0.30", "3.75", "6", "15")),
        ("claude-opus-4-1", ("15", "1.50", "18.75", "30", "75")),
        ("claude-3-7-sonnet-latest", ("3", "0.30", "3.75", "6", "15")),
        ("claude-3-5-haiku-latest", ("0.80", "0.08", "1", "1.60", "4")),
        ("claude-3-haiku-20240307", ("0.25", "0.03", "0.30", "0.50", "1.25")),
    ],
)
def test_a_million_tokens_of_each_type(model, dollars):
    (charge,) = price(said(model, **ALL)).charges
    assert charge[1:6] == tuple(map(usd, dollars))
    assert charge.total == sum(map(usd, dollars))


def test_absent_cache_counts_are_none():
    exact(said(OPUS, input=10, output=1, cache_read=None, cache_write_5m=None, cache_write_1h=None), "0.00006")


@pytest.mark.parametrize(
    ("usage", "dollars"),
    [
        ({}, "37.20"),
        ({"service_tier": None}, "37.20"),
        ({"service_tier": "batch"}, "18.60"),
        ({"speed": "standard"}, "37.20"),
        ({"inference_geo": "global"}, "37.20"),
        ({"inference_geo": "not_available"}, "37.20"),
        ({"inference_geo": "us"}, "40.92"),
        ({"inference_geo": "us", "service_tier": "batch"}, "20.46"),
        ({"speed": "fast"}, "74.40"),  # 8 + 0.40 + 10 + 16 + 40: the cache's multipliers on the fast input price
        ({"speed": "fast", "inference_geo": "us"}, "81.84"),
        ({"web_searches": 3}, "37.23"),
        ({"web_searches": 3, "inference_geo": "us", "speed": "fast"}, "81.87"),  # searches are not multiplied
        ({"web_fetches": 5}, "37.20"),
        ({"fallback_credit": "redeemed"}, "37.20"),  # the usage is already repriced
        ({"fallback_credit": "not_applied"}, "37.20"),
    ],
)
def test_modifiers_multiply(usage, dollars):
    exact(said(OPUS, **ALL, **usage), dollars)


@pytest.mark.parametrize(
    ("usage", "reason"),
    [
        ({"service_tier": "priority"}, "priority_tier"),
        ({"service_tier": "flex"}, "unknown_service_tier"),
        ({"service_tier": ""}, "unknown_service_tier"),
        ({"speed": "turbo"}, "unknown_speed"),
        ({"speed": "fast", "service_tier": "batch"}, "unknown_speed"),
        ({"fallback_credit": "other"}, "fallback_credit"),
    ],
)
def test_what_an_answer_says_that_has_no_price(usage, reason):
    unpriced(said(OPUS, **ALL, **usage), reason)


@pytest.mark.parametrize(
    ("model", "day", "dollars"),
    [
        ("claude-opus-5-5", NOW, "8"),
        ("claude-opus-5", NOW, "10"),
        ("claude-fable-5-2", NOW, "16"),
        ("claude-opus-4-8", "2026-11-29", "10"),
        ("claude-opus-4-8", "2026-11-30", None),
        ("claude-opus-4-7", "2026-05-11", None),
        ("claude-opus-4-7", "2026-05-12", "30"),
        ("claude-opus-4-7", "2026-07-23", "30"),
        ("claude-opus-4-7", "2026-07-24", None),
        ("claude-opus-4-6", "2026-06-28", "30"),
        ("claude-opus-4-6", "2026-06-29", None),
        ("claude-sonnet-5-5", NOW, None),
    ],
)
def test_fast_mode_needs_a_fast_price_of_the_day(model, day, dollars):
    answer = said(model, input=MTOK, speed="fast")
    if dollars is None:
        unpriced(answer, "unknown_speed", day)
    else:
        exact(answer, dollars, day)


def test_fast_mode_that_was_ignored_costs_the_standard_price():
    exact(said("claude-opus-4-6", input=MTOK, speed="standard"), "5", "2026-06-29")


@pytest.mark.parametrize("platform", ["aws", "bedrock"])
def test_fast_mode_where_there_is_none(platform):
    unpriced(
        said(OPUS, input=MTOK, speed="fast"),
        "unknown_speed",
        platform=Platform(platform),
        requested_model=f"global.anthropic.{OPUS}",
    )


@pytest.mark.parametrize("model", ["claude-opus-4-5", "claude-haiku-4-5", "claude-sonnet-4-5", "claude-opus-4-1"])
def test_older_models_know_no_us_price(model):
    full = price(said(model, **ALL)).total
    made = price(said(model, **ALL, inference_geo="us"))
    assert (made.status, made.reason, made.total) == ("lower_bound", "unknown_inference_geo", full)


def test_an_unknown_region_is_priced_without_its_premium():
    bound(said(OPUS, **ALL, inference_geo="eu"), "37.20", "unknown_inference_geo")


HAIKU_TIERS = [
    ({"input": 100_000, "output": 1000}, "0.0105"),  # 100,000 are still the lower price
    ({"input": 100_001, "output": 1000}, "0.0525005"),  # all tokens of the request, output too
    ({"cache_read": 100_000, "output": 1000}, "0.0015"),
    ({"cache_read": 100_001, "output": 1000}, "0.00750005"),
    ({"cache_write_5m": 50_000, "cache_write_1h": 50_000, "output": 1000}, "0.01675"),
    ({"cache_write_5m": 50_000, "cache_write_1h": 50_001, "output": 1000}, "0.083751"),
    ({"input": 25_000, "cache_read": 25_000, "cache_write_5m": 25_000, "cache_write_1h": 25_000}, "0.010875"),
    ({"input": 25_001, "cache_read": 25_000, "cache_write_5m": 25_000, "cache_write_1h": 25_000}, "0.0543755"),
    ({"input": 10, "output": 200_000}, "0.100001"),  # output does not lengthen the prompt
]


@pytest.mark.parametrize(("usage", "dollars"), HAIKU_TIERS)
def test_long_prompts_of_haiku(usage, dollars):
    exact(said(HAIKU, **usage), dollars)


@pytest.mark.parametrize(
    ("model", "day", "tokens", "dollars"),
    [
        ("claude-opus-4-6", "2026-03-12", 200_000, "1"),
        ("claude-opus-4-6", "2026-03-12", 200_001, "2.00001"),
        ("claude-opus-4-6", "2026-03-13", 200_001, "1.000005"),
        ("claude-sonnet-4-6", "2026-03-12", 200_001, "1.200006"),
        ("claude-sonnet-4-6", "2026-03-13", 200_001, "0.600003"),
        # Sonnet 4.5's higher price needs the 1M beta, which the answer does not show; but a prompt of that
        # length is an error without it.
        ("claude-sonnet-4-5", "2026-04-29", 200_000, "0.6"),
        ("claude-sonnet-4-5", "2026-04-29", 200_001, "1.200006"),
        ("claude-sonnet-4-5", "2026-04-30", 200_001, "0.600003"),
    ],
)
def test_the_former_surcharge_above_200k(model, day, tokens, dollars):
    exact(said(model, input=tokens), dollars, day)


def test_the_former_surcharge_in_fast_mode():
    exact(said("claude-opus-4-6", input=200_000, output=1000, speed="fast"), "6.15", "2026-03-12")
    exact(said("claude-opus-4-6", input=200_001, output=1000, speed="fast"), "12.22506", "2026-03-12")
    exact(said("claude-opus-4-6", input=200_001, output=1000, speed="fast"), "6.15003", "2026-03-13")


@pytest.mark.parametrize("tool", ["web_searches", "web_fetches", "code_executions"])
def test_the_tier_of_a_server_tool_loop_is_ambiguous_above_the_bound(tool):
    free = {"code_execution_free": True}
    extra = usd("0.01") if tool == "web_searches" else 0
    below = price(said(HAIKU, input=100_000, **{tool: 1}), **free)
    assert (below.status, below.total) == ("exact", usd("0.01") + extra)
    above = price(said(HAIKU, input=200_000, **{tool: 1}), **free)
    assert (above.status, above.reason, above.total) == (
        "lower_bound",
        "ambiguous_prompt_tier",
        usd("0.02") + extra,
    )
    # Each iteration tells its own prompt, so the tier is known; an empty list tells nothing.
    parts = (entry(input=100_000), entry(input=100_000))
    split = price(said(HAIKU, input=200_000, iterations=parts, **{tool: 1}), **free)
    assert (split.status, split.total) == ("exact", usd("0.02") + extra)
    empty = price(said(HAIKU, input=200_000, iterations=(), **{tool: 1}), **free)
    assert empty == above


def test_sonnets_cache_reads_were_halved_on_the_seventh_of_october():
    exact(said(SONNET, cache_read=MTOK), "0.20", "2026-10-06")
    exact(said(SONNET, cache_read=MTOK), "0.10", "2026-10-07")


def test_sonnet_5_never_rose():
    exact(said("claude-sonnet-5", input=MTOK, output=MTOK), "12", "2026-08-31")
    exact(said("claude-sonnet-5", input=MTOK, output=MTOK), "12", "2026-09-01")


# Iterations


def test_the_docs_example_of_a_compaction_costs_902_and_not_112_thousandths():
    message = {"input": 23_000, "output": 1_000}
    exact(said(OPUS, **message), "0.112")
    parts = (entry("compaction", input=180_000, output=3_500), entry("message", **message))
    made = exact(said(OPUS, **message, iterations=parts), "0.902")
    assert len(made.charges) == 1  # one model, one charge


def test_the_advisor_is_paid_at_its_own_model():
    parts = (
        entry("message", input=1000, output=100),
        entry("advisor_message", FABLE, input=2000, output=300),
        entry("message", input=1500, output=50),
    )
    made = exact(said(HAIKU, input=2500, output=150, iterations=parts), "0.028325")
    assert [(charge.model, charge.total) for charge in made.charges] == [
        (HAIKU, usd("0.000325")),
        (FABLE, usd("0.028")),
    ]
    assert {permuted.total for permuted in _permutations(parts)} == {usd("0.028325")}


def _permutations(parts):
    for order in itertools.permutations(parts):
        yield price(said(HAIKU, input=2500, output=150, iterations=order))


FELL_BACK = entry("fallback_message", OPUS, input=1000, output=100)


@pytest.mark.parametrize(
    ("declined", "dollars"),
    [
        (entry("message", FABLE, input=1000, cache_write_5m=5000, output=0), "0.006"),  # before output: free
        (entry("message", FABLE, input=1000, output=20), "0.0148"),  # after it began: charged at that model
        (entry("message", None, input=1000, output=0), "0.006"),
        (entry("message", "claude-unknown", input=1000, output=0), "0.006"),
        (entry("message", OPUS, input=2000, output=10), "0.0142"),  # the serving hop's own earlier turn
    ],
)
def test_a_declined_hop(declined, dollars):
    exact(said(OPUS, input=1000, output=100, iterations=(declined, FELL_BACK)), dollars)


def test_a_message_without_output_is_paid_where_nothing_fell_back():
    exact(said(OPUS, input=1000, output=0, iterations=(entry(input=1000, output=0),)), "0.004")


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (entry("message", None, input=1000, output=20), "unknown_model"),  # which hop was it?
        (entry("compaction", None, input=1000, output=20), "unknown_model"),
        (entry("advisor_message", None, input=1000, output=20), "unknown_model"),
        (entry("message", "claude-unknown", input=1000, output=20), "unknown_model"),
        (entry("message", "claude-mythos-preview", input=1000, output=20), "no_published_price"),
        (entry("dream", OPUS, input=1000, output=20), "unknown_iteration"),
        (entry("advisor_message", OPUS, input=None, output=0), "missing_counts"),
        (entry("advisor_message", OPUS, input=0, output=None), "missing_counts"),
    ],
)
def test_an_entry_that_cannot_be_priced_leaves_a_lower_bound(entry, reason):
    bound(said(OPUS, input=1000, output=100, iterations=(entry, FELL_BACK)), "0.006", reason)


def test_entries_that_are_less_than_the_top_level_are_incomplete():
    bound(said(OPUS, input=1000, output=200, iterations=(FELL_BACK,)), "0.006", "malformed_usage")
    bound(said(OPUS, input=1001, output=100, iterations=(FELL_BACK,)), "0.006", "malformed_usage")


def test_each_iteration_has_its_own_prompt_tier():
    parts = (entry(input=100_001), entry(input=100_000))
    exact(said(HAIKU, input=200_001, iterations=parts), "0.0600005")


def test_modifiers_apply_to_every_iteration():
    parts = (entry("compaction", input=MTOK), entry("advisor_message", FABLE, input=MTOK), entry(input=MTOK))
    exact(said(OPUS, input=MTOK, iterations=parts), "16")
    exact(said(OPUS, input=MTOK, iterations=parts, service_tier="batch"), "8")
    exact(said(OPUS, input=MTOK, iterations=parts, inference_geo="us"), "17.6")


@pytest.mark.parametrize("model", [None, "claude-unknown-9"])
def test_bedrock_gives_the_requested_models_price_to_the_answer_alone(model):
    """There an answer can name an internal model, which is the requested one. An advisor's can be any."""
    parts = (entry(input=MTOK), entry("advisor_message", model, input=MTOK))
    asked = {"platform": BEDROCK, "requested_model": "global.anthropic.claude-opus-5-5"}
    price = price_response(shipped(), said(OPUS, input=MTOK, iterations=parts), at=at(NOW), **asked)
    assert (price.total, price.status, price.reason) == (usd("4"), "lower_bound", "unknown_model")
    internal = (entry(input=MTOK), entry("message", "claude-internal-1", input=MTOK))
    price = price_response(
        shipped(), said("claude-internal-1", input=2 * MTOK, iterations=internal), at=at(NOW), **asked
    )
    assert (price.total, price.status) == (usd("8"), "exact")


def test_the_speed_is_the_answers_and_not_an_advisors():
    sampled = entry(input=MTOK)
    slow = entry("advisor_message", "claude-sonnet-5-5", input=MTOK)  # has no fast mode: it ran at standard speed
    exact(said(OPUS, input=MTOK, iterations=(sampled, slow), speed="fast"), "10")
    either = entry("advisor_message", FABLE, input=MTOK)
    bound(said(OPUS, input=MTOK, iterations=(sampled, either), speed="fast"), "16", "unknown_speed")


# Refusals


def test_a_refusal_without_output_is_free_since_june():
    refused = said(OPUS, stop_reason="refusal", input=MTOK, cache_write_1h=MTOK, output=0)
    assert price(refused, "2026-11-22") == ((), None, "exact", "2026-11-22")
    old = said("claude-opus-4-8", stop_reason="refusal", input=MTOK, output=0)
    exact(old, "5", "2026-06-01")
    exact(old, "0", "2026-06-02")


def test_a_refusal_in_mid_stream_costs_what_it_used():
    exact(said(OPUS, stop_reason="refusal", input=MTOK, output=1), "4.00002")


def test_other_answers_without_output_are_paid():
    exact(said(OPUS, stop_reason="max_tokens", cache_write_5m=MTOK, output=0), "5")  # cache pre-warming
    exact(said(OPUS, stop_reason=None, input=MTOK, output=0), "4")


def test_a_refused_fallback_is_free_and_what_ran_before_is_not():
    parts = (
        entry("message", FABLE, input=MTOK, output=0),
        entry("fallback_message", OPUS, input=MTOK, output=0),
    )
    exact(said(OPUS, stop_reason="refusal", input=MTOK, output=0, iterations=parts), "0")
    begun = (entry("message", FABLE, input=MTOK, output=5), parts[1])
    exact(said(OPUS, stop_reason="refusal", input=MTOK, output=0, iterations=begun), "8.0002")
    compacted = (entry("compaction", input=MTOK, output=5), entry("message", input=MTOK, output=0))
    unpriced(said(OPUS, stop_reason="refusal", input=MTOK, output=0, iterations=compacted), "ambiguous_refusal")


@pytest.mark.parametrize("platform", ["bedrock", "vertex", "foundry", "aws", "google_cloud"])
@pytest.mark.parametrize("output", [0, 1])  # Amazon Bedrock reports one token for an empty refusal
def test_refusals_elsewhere_are_not_published(platform, output):
    refused = said(OPUS, stop_reason="refusal", input=MTOK, output=output)
    unpriced(refused, "ambiguous_refusal", platform=Platform(platform, "global"))


def test_a_refusal_with_searches_contradicts_itself():
    unpriced(said(OPUS, stop_reason="refusal", output=0, web_searches=1), "ambiguous_refusal")


# What cannot be known


def test_no_usage():
    unpriced(response(OPUS, None), "no_usage")


def test_billed_elsewhere():
    unpriced(said(OPUS, **ALL), "billed_elsewhere", billed_elsewhere=True)


def test_an_aborted_stream_is_priced_without_its_output():
    placeholder = said(OPUS, complete=False, stop_reason=None, input=MTOK, cache_read=MTOK, output=4)
    bound(placeholder, "4.20", "incomplete_stream")
    bound(said(OPUS, complete=False, stop_reason=None, input=MTOK, output=None), "4", "incomplete_stream")
    unpriced(said(OPUS, complete=False, stop_reason=None, input=0, output=None), "incomplete_stream")


def test_code_execution_is_not_computable_unless_it_is_free():
    bound(said(OPUS, **ALL, code_executions=1), "37.20", "code_execution")
    exact(said(OPUS, **ALL, code_executions=1), "37.20", code_execution_free=True)


def test_web_search_in_a_batch_is_at_least_half():
    bound(said(OPUS, **ALL, web_searches=2, service_tier="batch"), "18.61", "batch_web_search")


def test_web_search_without_a_price():
    bound(said("claude-3-haiku-20240307", input=MTOK, web_searches=1), "0.25", "unknown_web_search_price")
    vertex = {"platform": Platform("vertex", "global"), "requested_model": OPUS}
    bound(said(OPUS, input=MTOK, web_searches=1), "4", "unknown_web_search_price", **vertex)


@pytest.mark.parametrize(("new", "output", "dollars"), [(None, MTOK, "20"), (MTOK, None, "4")])
def test_missing_counts(new, output, dollars):
    bound(said(OPUS, input=new, output=output), dollars, "missing_counts")


def test_nothing_at_all_is_not_zero():
    unpriced(said(OPUS, input=None, output=None), "missing_counts")


def test_malformed_usage_is_a_lower_bound_only_where_the_tier_is_known():
    bound(said(OPUS, input=MTOK, malformed=True), "4", "malformed_usage")
    bound(said(OPUS, input=MTOK, malformed=True, service_tier="batch"), "2", "malformed_usage")
    unpriced(said(OPUS, input=MTOK, malformed=True, service_tier=None), "malformed_usage")


def test_the_gravest_of_several_reasons_is_reported():
    made = price(said(OPUS, input=MTOK, malformed=True, code_executions=1, complete=False))
    assert made.reason == "malformed_usage"
    made = price(said(OPUS, input=MTOK, code_executions=1, inference_geo="eu", complete=False))
    assert made.reason == "incomplete_stream"


# Clouds

PROFILE = "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.anthropic.claude-opus-5-5"
GOV_ARN = "arn:aws-us-gov:bedrock:us-gov-west-1:123456789012:inference-profile/us.anthropic.claude-opus-5-5"


@pytest.mark.parametrize(
    ("platform", "requested", "dollars"),
    [
        (BEDROCK, "global.anthropic.claude-opus-5-5", "4"),
        (BEDROCK, "us.anthropic.claude-opus-5-5", "4.4"),
        (BEDROCK, "eu.anthropic.claude-opus-5-5-v1:0", "4.4"),
        (BEDROCK, "apac.anthropic.claude-opus-5-5", "4.4"),
        (BEDROCK, "jp.anthropic.claude-opus-5-5", "4.4"),
        (BEDROCK, "au.anthropic.claude-opus-5-5", "4.4"),
        (BEDROCK, "us-gov.anthropic.claude-opus-5-5", "4.8"),
        (BEDROCK, PROFILE, "4.4"),
        (BEDROCK, GOV_ARN, "4.8"),
        (Platform("bedrock", "us-gov-west-1"), "anthropic.claude-opus-5-5", "4.8"),
        (VERTEX, "claude-opus-5-5", "4.4"),
        (Platform("vertex", "us"), "claude-opus-5-5", "4.4"),
        (Platform("vertex", "eu"), "claude-opus-5-5", "4.4"),
        (Platform("vertex", "global"), "claude-opus-5-5", "4"),
        (Platform("google_cloud", "global"), "claude-opus-5-5", "4"),
        (Platform("google_cloud", "europe-west1"), "claude-opus-5-5", "4.4"),
        (Platform("aws", "us-west-2"), "claude-opus-5-5", "4"),
        (Platform("foundry"), "my-deployment", "4"),
        (ANTHROPIC, "claude-opus-5-5", "4"),
    ],
)
def test_the_endpoints_premium(platform, requested, dollars):
    exact(said(OPUS, input=MTOK), dollars, platform=platform, requested_model=requested)


@pytest.mark.parametrize(
    ("platform", "requested"),
    [
        (BEDROCK, "anthropic.claude-opus-5-5"),  # in the region or not? sources contradict each other
        (BEDROCK, "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3"),
        (BEDROCK, None),
        (Platform("vertex"), "claude-opus-5-5"),
    ],
)
def test_an_endpoint_that_is_not_known(platform, requested):
    answer = said(OPUS, input=MTOK)
    bound(answer, "4", "unknown_endpoint", platform=platform, requested_model=requested)
    # Before 4.5 there was no premium, so it does not matter.
    exact(said("claude-opus-4-1", input=MTOK), "15", platform=platform, requested_model=requested)


def test_the_model_is_the_answers_and_only_the_endpoint_the_requests():
    exact(
        said("claude-haiku-4-5-20251001", input=MTOK),
        "1.1",
        platform=BEDROCK,
        requested_model="us.anthropic.claude-opus-5-5",
    )


def test_an_answer_may_name_its_endpoint_itself():
    exact(said("us.anthropic.claude-opus-5-5", input=MTOK), "4.4", platform=BEDROCK)
    exact(said("us.anthropic.claude-opus-5-5", input=MTOK), "4.4")  # by a gateway


def test_premiums_multiply_and_old_models_have_none():
    requested = {"platform": BEDROCK, "requested_model": "us.anthropic.claude-opus-5-5"}
    exact(said(OPUS, input=MTOK, service_tier="batch"), "2.2", **requested)
    exact(said("claude-sonnet-4-20250514", input=MTOK), "3", **requested)
    gov = {"platform": BEDROCK, "requested_model": "us-gov.anthropic.claude-3-haiku-20240307-v1:0"}
    bound(said("claude-3-haiku-20240307", input=MTOK), "0.25", "unknown_endpoint", **gov)


def test_us_inference_on_clouds():
    us = said(OPUS, input=MTOK, inference_geo="us")
    exact(us, "4.4", platform=Platform("aws"))
    exact(us, "4.4", platform=Platform("foundry"))
    exact(us, "4.4", platform=Platform("google_cloud", "global"))
    bound(us, "4", "unknown_inference_geo", platform=Platform("vertex", "global"))


def test_provisioned_throughput_has_no_price_per_token():
    arn = "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abc"
    unpriced(said(OPUS, input=MTOK), "provisioned_throughput", platform=BEDROCK, requested_model=arn)


# Cache economics


@pytest.mark.parametrize(
    ("model", "saved", "above_5m", "above_1h"),
    [
        ("claude-fable-5-2", "7.80", "2", "8"),  # reads at 0.025
        ("claude-opus-5-5", "3.80", "1", "4"),  # at 0.05
        ("claude-opus-5", "4.50", "1.25", "5"),  # at 0.1
        ("claude-3-haiku-20240307", "0.22", "0.05", "0.25"),  # at 0.12; its write is 1.2 of input
    ],
)
def test_savings_and_overhead_at_each_models_ratios(model, saved, above_5m, above_1h):
    (charge,) = price(said(model, **ALL)).charges
    assert (charge.savings, charge.overhead_5m, charge.overhead_1h) == (usd(saved), usd(above_5m), usd(above_1h))


def test_economics_have_the_modifiers_of_the_price():
    (charge,) = price(said(OPUS, **ALL, service_tier="batch", inference_geo="us")).charges
    assert (charge.savings, charge.overhead_5m, charge.overhead_1h) == (usd("2.09"), usd("0.55"), usd("2.2"))
    (charge,) = price(said(OPUS, **ALL, speed="fast")).charges
    assert (charge.savings, charge.overhead_5m, charge.overhead_1h) == (usd("7.6"), usd("2"), usd("8"))
    (charge,) = price(said(HAIKU, cache_read=100_001)).charges
    assert charge.savings == 100_001 * 450_000


def test_a_cache_written_and_never_read_loses():
    (charge,) = price(said(OPUS, cache_write_1h=MTOK)).charges
    assert charge.savings - charge.overhead_5m - charge.overhead_1h == -usd("4")


# What 100 tokens of each kind cost above a cache read of them, in dollars per million: of Opus 5.5 at 4, 5, 8 and 0.20.
USED = {"input": 100, "cache_write_5m": 100, "cache_write_1h": 100, "cache_read": 500, "output": 10}


@pytest.mark.parametrize(
    ("missed", "per_million"),
    [
        (None, "0"),
        (0, "0"),
        (100, "780"),  # 100 written for an hour, at 8 - 0.20
        (150, "1020"),  # and 50 for five minutes, at 5 - 0.20
        (200, "1260"),
        (250, "1450"),  # and 50 of uncached input, at 4 - 0.20
        (300, "1640"),
        (999_999, "1640"),  # no more than were billed
    ],
)
def test_missed_tokens_are_cache_writes_first_and_never_more_than_were_billed(missed, per_million):
    answer = said(OPUS, **USED)
    made = price(answer._replace(diagnosis=Diagnosis("system_changed", missed)))
    assert made.charges[0].missed == usd(per_million) // MTOK
    assert made._replace(charges=(made.charges[0]._replace(missed=0),)) == price(answer)


def test_misses_have_the_modifiers_of_the_price():
    def missed(model, count, **fields):
        (charge,) = price(said(model, **fields)._replace(diagnosis=Diagnosis("tools_changed", count))).charges
        return charge.missed

    assert missed(OPUS, MTOK, input=MTOK, service_tier="batch", inference_geo="us") == usd("2.09")
    assert missed(OPUS, MTOK, input=MTOK, speed="fast") == usd("7.6")
    assert missed(HAIKU, 100_001, input=100_001) == 100_001 * 450_000


def test_misses_of_iterations_are_counted_once():
    entries = [entry("message", input=60, output=1), entry("message", input=60, output=1)]
    answer = said(OPUS, input=120, output=2, iterations=entries)._replace(diagnosis=Diagnosis("system_changed", 100))
    assert price(answer).charges[0].missed == 100 * 3_800_000


def test_a_refusal_that_is_free_missed_nothing():
    answer = said(OPUS, input=100, output=0, stop_reason="refusal")
    exact(answer._replace(diagnosis=Diagnosis("system_changed", 100)), "0")
    assert price(answer).charges == ()


def test_economics_are_the_difference_to_a_call_without_a_cache():
    (charge,) = price(said(OPUS, **ALL)).charges
    uncached = price(said(OPUS, input=4 * MTOK, output=MTOK)).total
    assert charge.total == uncached - charge.savings + charge.overhead_5m + charge.overhead_1h


def test_every_reason_says_what_it_means_and_what_to_do():
    for name, reason in UNPRICED_REASONS.items():
        assert name.replace("_", "").isalnum()
        assert name.islower()
        assert reason.meaning.endswith(".")
        assert reason.remedy.endswith(".")


# Gateways: a prefix before an id that is known

GATEWAYS = [
    ("anthropic/claude-opus-5-5", "4"),
    ("vertex_ai/claude-opus-5-5", "4"),
    ("vertex_ai/claude-opus-5-5@20260922", "4"),
    ("vertex_ai/claude-opus-4-5@20251101", "5"),
    ("bedrock/anthropic.claude-opus-5-5-v1:0", "4"),
    ("bedrock/us.anthropic.claude-opus-5-5", "4"),
    ("bedrock/converse/eu.anthropic.claude-opus-5-5-v1:0", "4"),
    (f"bedrock/{PROFILE}", "4"),
    ("azure_ai/claude-opus-5-5", "4"),
    ("openrouter/anthropic/claude-opus-5-5", "4"),
    ("anthropic/claude-opus-5.5", "4"),  # as OpenRouter writes it
    ("anthropic/claude-opus-4.5", "5"),
    ("anthropic/claude-5.5-opus-20260922", "4"),  # and as its responses do
    ("anthropic/claude-4.5-haiku-20251001", "1"),
    ("anthropic/claude-5-sonnet-20260630", "2"),
]


@pytest.mark.parametrize(("model", "dollars"), GATEWAYS)
@pytest.mark.parametrize("platform", [ANTHROPIC, BEDROCK, VERTEX])
def test_a_gateways_model_is_known_and_its_price_is_a_lower_bound(model, dollars, platform):
    bound(said(model, input=MTOK), dollars, "unknown_endpoint", platform=platform)
    assert shipped().id_of(model).startswith("claude-")


def test_the_modifiers_of_an_answer_hold_at_a_gateway_too():
    bound(said("anthropic/claude-opus-5-5", input=MTOK, service_tier="batch"), "2", "unknown_endpoint")
    bound(said("anthropic/claude-haiku-5.5", input=MTOK), "0.5", "unknown_endpoint")  # above 100,000 tokens
    bound(said("anthropic/claude-opus-5-5", web_searches=100), "1", "unknown_endpoint")
    parts = (entry("compaction", "anthropic/claude-opus-5-5", input=MTOK), entry("message", OPUS, output=MTOK))
    bound(said(OPUS, output=MTOK, iterations=parts), "24", "unknown_endpoint")


def test_a_refusal_by_a_gateway_is_not_known_to_be_free():
    unpriced(said("anthropic/claude-opus-5-5", stop_reason="refusal", input=MTOK), "ambiguous_refusal")
    unpriced(said("us.anthropic.claude-opus-5-5", stop_reason="refusal", input=MTOK), "ambiguous_refusal")


def test_a_call_after_the_tables_date_has_the_prices_that_are_known():
    made = price_response(shipped(), said(OPUS, input=MTOK), at=at("2099-01-01"))
    assert (made.status, made.total) == ("exact", usd("4"))
