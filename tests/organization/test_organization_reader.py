"""The reader, through the real SDK, against the simulator: whole lists or one clear Problem."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest
from organization_world import ADMIN, DAY, OTHER, OTHER_HINT, SHOP, SHOP_HINT

from otel_claude.organization.client import Reader
from otel_claude.organization.errors import Problem
from otel_claude.organization.reports import Range, between, month_to_date, total
from otel_claude_demo.simulator import ApiKey, SpendLimit
from otel_claude_demo.simulator.failures import FAILURES, Failure

TODAY = datetime(2026, 11, 20, tzinfo=timezone.utc)
ONE_DAY = Range(TODAY, TODAY + timedelta(days=1), "1d")


def test_every_dimension_of_every_row_is_known(reader, call):
    usage = call(model="claude-opus-5-5", speed="fast", inference_geo="us").usage
    report = reader.report(ONE_DAY)
    (key,) = reader.api_keys()
    (workspace,) = reader.workspaces()
    for row in (*report.costs, *report.usage):
        assert row.dimensions == ("claude-opus-5-5", key.id, workspace, "standard", "us", "fast")
        assert (row.bucket.start, row.bucket.end) == (ONE_DAY.start, ONE_DAY.end)
    assert {row.kind: (row.listed, row.billed) for row in report.costs} == {
        "input": (Decimal(usage.input_tokens) * Decimal("8.8") / 10**6,) * 2,
        "output": (Decimal(usage.output_tokens) * 44 / 10**6,) * 2,
    }
    (use,) = report.usage
    assert use.tokens == {
        "input": usage.input_tokens, "cache_read": 0, "cache_write_5m": 0, "cache_write_1h": 0,
        "output": usage.output_tokens,
    }  # fmt: skip
    assert use.requests == 1


def test_fast_and_standard_of_one_model_are_told_apart(reader, call):
    standard, fast = call(model="claude-opus-5-5").usage, call(model="claude-opus-5-5", speed="fast").usage
    report = reader.report(ONE_DAY)
    output = {row.dimensions.speed: row.listed for row in report.costs if row.kind == "output"}
    assert output == {
        "standard": Decimal(standard.output_tokens) * 20 / 10**6, "fast": Decimal(fast.output_tokens) * 40 / 10**6,
    }  # fmt: skip
    assert {use.dimensions.speed: use.tokens["output"] for use in report.usage} == {
        "standard": standard.output_tokens, "fast": fast.output_tokens,
    }  # fmt: skip


def test_the_discount_is_between_list_and_billed(reader, call, organization):
    organization.discount = Decimal("0.25")
    call()
    listed, billed = total(reader.report(ONE_DAY).costs)
    assert billed == listed * Decimal("0.75") > 0


def test_a_search_is_a_kind_of_its_own(reader, call):
    call(
        tools=[{"type": "web_search_20250305", "name": "web_search"}],
        extra_headers={"x-simulator-scenario": "searches=2"},
    )
    report = reader.report(ONE_DAY)
    assert sum(row.listed for row in report.costs if row.kind == "web_search") == Decimal("0.02")


def test_all_pages_are_read(reader, call, organization):
    models = ["claude-sonnet-5-5", "claude-opus-5-5", "claude-haiku-5-5", "claude-fable-5-2"]
    for model in models:
        call(model=model)
        call(OTHER, model=model)
    whole = reader.report(ONE_DAY)
    organization.page_size = 1
    paged = reader.report(ONE_DAY)
    assert set(paged.costs) == set(whole.costs)
    assert len(paged.usage) == 8
    assert [key.hint for key in reader.api_keys()] == [SHOP_HINT, OTHER_HINT]
    assert reader.totals(ONE_DAY) == total(whole.costs)


def test_requests_by_key(reader, call, clock):
    clock.now -= 3 * DAY
    call()
    call(OTHER)
    clock.now += 3 * DAY
    call()
    by_hint = {key.hint: reader.key_requests(month_to_date(TODAY)).get(key.id) for key in reader.api_keys()}
    assert by_hint == {SHOP_HINT: 2, OTHER_HINT: 1}


def test_limits_have_the_names_of_the_headers(reader, organization):
    organization.workspaces = ("Production",)
    organization.overrides = {("Production", "opus-5-5"): {"requests_per_minute": 50}}
    _, production = reader.workspaces()
    limits = reader.rate_limits([production])
    opus = {(limit.name, limit.workspace_id): limit.value for limit in limits if limit.group == "Claude Opus 5.5"}
    assert opus == {
        ("requests", None): 4000, ("input_tokens", None): 2_000_000, ("output_tokens", None): 400_000,
        ("fast_input_tokens", None): 400_000, ("fast_output_tokens", None): 80_000, ("requests", production): 50,
    }  # fmt: skip
    assert {limit.models for limit in limits if limit.group == "Claude Opus 5.5"} == {("claude-opus-5-5",)}


def test_spend_limits_that_are_in_force(reader, organization):
    organization.spend_limits = (
        SpendLimit(100_000, "usage_tier"), SpendLimit(250, "workspace", "Default", "daily"), SpendLimit(None),
        SpendLimit(100, currency="EUR"), SpendLimit(100, enabled=False), SpendLimit(100, "seat_tier"),
    )  # fmt: skip
    assert {(limit.scope, limit.period, limit.usd) for limit in reader.spend_limits()} == {
        ("usage_tier", "monthly", Decimal(1000)), ("workspace", "daily", Decimal("2.5")),
    }  # fmt: skip


PLAYED = [
    ("no permission", {"denied": frozenset({"/analytics/cost"})}, "no_permission",
     "ANTHROPIC_ADMIN_KEY may not read the cost report: The API key lacks the scope the request needs."),
    ("an individual account", {"individual": True}, "individual_account",
     ("This is an individual account, and those have no Admin API. Make it an organization in the Console under "
     "Settings, Organization.")),
    ("429", {"failures": [FAILURES["rate_limit"].after(30)]}, "rate_limited",
     "The Admin API refuses more requests for now (429). Try again in 30 s."),
    ("500", {"failures": [FAILURES["api_error"]]}, "server_error",
     "The Admin API failed (500) when it was asked for the cost report: Internal server error"),
    ("an unknown refusal", {"failures": [Failure(400, "invalid_request_error", "No.")]}, "refused",
     "The Admin API refuses to give the cost report (400): No."),
    ("half of the pages", {"failures": [None, None, FAILURES["api_error"]], "page_size": 1}, "incomplete",
     ("Only 1 page of the cost report came, so nothing of them is shown: The Admin API failed (500) when it was asked "
     "for the cost report: Internal server error")),
    ("429 in the middle", {"failures": [None, None, FAILURES["rate_limit"].after(9)], "page_size": 1}, "rate_limited",
     ("Only 1 page of the cost report came, so nothing of them is shown: The Admin API refuses more requests for now "
     "(429). Try again in 9 s.")),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "kind", "text"), [row[1:] for row in PLAYED], ids=[row[0] for row in PLAYED])
def test_what_is_wrong_is_said_and_nothing_is_given(reader, call, organization, settings, kind, text):
    call()
    call(model="claude-opus-5-5")
    for name, value in settings.items():
        setattr(organization, name, value)
    with pytest.raises(Problem) as raised:
        reader.report(ONE_DAY)
    assert (raised.value.kind, str(raised.value)) == (kind, text)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (SHOP, "ANTHROPIC_ADMIN_KEY is a normal API key (sk-ant-api…)"),
        ("nonsense", "Anthropic does not know ANTHROPIC_ADMIN_KEY"),
    ],
)
def test_a_credential_that_is_no_admin_key(simulator, key, words):
    with Reader(key, base_url=simulator.url) as reader, pytest.raises(Problem) as raised:
        reader.api_keys()
    assert raised.value.kind == "wrong_key"
    assert words in str(raised.value)
    assert key not in str(raised.value)


def test_only_the_admin_variable_is_read(monkeypatch, simulator):
    monkeypatch.setenv("ANTHROPIC_API_KEY", SHOP)
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", SHOP)
    with pytest.raises(Problem, match="ANTHROPIC_ADMIN_KEY is not set"):
        Reader(base_url=simulator.url)
    monkeypatch.setenv("ANTHROPIC_ADMIN_KEY", f" {ADMIN} ")
    with Reader(base_url=simulator.url) as reader:
        assert reader.api_keys() == []
    assert simulator.served[-1].key_hint == "sk-ant-admin01-A...AAAA"


def test_nobody_answers():
    with Reader(ADMIN, base_url="http://127.0.0.1:9", max_retries=0) as reader, pytest.raises(Problem) as raised:
        reader.api_keys()
    assert raised.value.kind == "unreachable"


def test_a_future_range_is_refused_in_the_apis_words(reader):
    start = datetime(2027, 1, 1, tzinfo=timezone.utc)
    with pytest.raises(Problem, match="starting_at: Must not be in the future"):
        reader.report(Range(start, start + timedelta(days=1), "1d"))


def test_a_key_of_the_organization_has_no_workspace(reader, organization):
    organization.keys = (ApiKey("sk-ant-api03-OLD...0000", "old", None, "inactive"),)
    (key,) = reader.api_keys()
    assert (key.name, key.workspace_id, key.status) == ("old", None, "inactive")


@pytest.mark.parametrize(
    ("start", "end", "widths"),
    [
        ("2026-11-20T10:07", "2026-11-20T12:30", ["1m"]),
        ("2026-11-20T10:00", "2026-11-20T12:00", ["1h"]),
        ("2026-11-20T00:00", "2026-11-22T00:00", ["1d"]),
        ("2026-11-20T05:00", "2026-11-22T00:00", ["1h"]),
        ("2026-09-01T00:00", "2026-11-15T00:00", ["1d", "1d", "1d"]),
    ],
)
def test_a_window_of_any_length_is_covered_once(start, end, widths):
    start, end = (datetime.fromisoformat(text).replace(tzinfo=timezone.utc) for text in (start, end))
    ranges = between(start, end)
    assert [each.width for each in ranges] == widths
    assert (ranges[0].start, ranges[-1].end) == (start, end)
    assert all(one.end == other.start for one, other in itertools.pairwise(ranges))
    assert all(each.end - each.start <= timedelta(days=31) for each in ranges)


@pytest.mark.parametrize(
    ("now", "start", "end"),
    [
        ("2026-11-20T12:30", "2026-11-01", "2026-11-21"),
        ("2026-11-01T00:00", "2026-10-31", "2026-11-02"),
        ("2026-12-31T23:59", "2026-12-01", "2027-01-01"),
    ],
)
def test_the_month_to_date_contains_yesterday_and_fits_one_request(now, start, end):
    found = month_to_date(datetime.fromisoformat(now).replace(tzinfo=timezone.utc))
    assert (f"{found.start:%Y-%m-%d}", f"{found.end:%Y-%m-%d}") == (start, end)
    assert found.end - found.start <= timedelta(days=31)
