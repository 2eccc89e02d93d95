"""The Admin API of the simulator, read by the real SDK: what was served, in rows, pages, cents and errors."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal

import anthropic
import httpx2
import pytest
from anthropic import Anthropic

from otel_claude_demo.simulator import HEADER, ApiKey, Organization, Simulator, SpendLimit
from otel_claude_demo.simulator.failures import FAILURES, Failure
from otel_claude_demo.simulator.tariff import Tariff

ADMIN = "sk-ant-admin01-" + "A" * 80
SHOP = "sk-ant-api03-ABC" + "s" * 80 + "shop"
HINT = "sk-ant-api03-ABC...shop"
OTHER = "sk-ant-api03-DEF" + "o" * 80 + "othr"
ALL_DIMENSIONS = ["model", "api_key_id", "service_tier", "speed", "inference_geo", "cost_type", "token_type"]


@pytest.fixture
def admin(simulator: Simulator, http: httpx2.Client) -> Anthropic:
    return Anthropic(base_url=simulator.url, api_key=ADMIN, http_client=http, max_retries=0)


@pytest.fixture
def call(simulator, http):
    """One call; what it used."""

    def call(key=SHOP, scenario="", **more):
        client = Anthropic(base_url=simulator.url, api_key=key, http_client=http)
        given = {"model": "claude-sonnet-5-5", "max_tokens": 2000, "messages": [{"role": "user", "content": "Hello"}]}
        return client.beta.messages.create(**(given | more), extra_headers={HEADER: scenario} if scenario else {})

    return call


@pytest.fixture
def day(clock):
    """The day of the simulator's clock: its first and its last moment."""
    start = datetime.fromtimestamp(clock.now, timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
    return {"starting_at": start, "ending_at": start + timedelta(days=1)}


def costs(admin, day, **more):
    return list(
        admin.beta.organization.analytics.cost.list(**({"time_bucket_width": "1d", "group_by": []} | day | more))
    )


def usages(admin, day, **more):
    return list(
        admin.beta.organization.analytics.usage.list(**({"time_bucket_width": "1d", "group_by": []} | day | more))
    )


def test_cost_by_every_dimension_is_the_published_price_of_what_was_used(admin, call, day):
    message = call()
    usage = message.usage
    found = {row.group.token_type: row for row in costs(admin, day, group_by=ALL_DIMENSIONS)}
    assert set(found) == {"uncached_input_tokens", "output_tokens"}
    row = found["output_tokens"]
    assert Decimal(row.cost.list_amount) == Decimal(usage.output_tokens) * 10 / 10_000
    assert Decimal(found["uncached_input_tokens"].cost.list_amount) == Decimal(usage.input_tokens) * 2 / 10_000
    assert (row.cost.currency, row.cost.requests, row.cost.amount) == ("USD", None, row.cost.list_amount)
    group = row.group
    assert (group.model, group.service_tier, group.speed, group.inference_geo) == (
        "claude-sonnet-5-5", "standard", "standard", "global",
    )  # fmt: skip
    (key,) = admin.organization.api_keys.list()
    assert (group.api_key_id, key.partial_key_hint, key.name, key.status) == (key.id, HINT, "key-1", "active")
    assert (row.starting_at, row.ending_at) == (day["starting_at"], day["ending_at"])


@pytest.mark.parametrize(
    ("more", "dollars_in", "dollars_out"),
    [
        ({"model": "claude-opus-5-5", "speed": "fast"}, "8", "40"),
        ({"model": "claude-opus-5-5", "inference_geo": "us"}, "4.4", "22"),
        ({"model": "claude-opus-5-5", "speed": "fast", "inference_geo": "us"}, "8.8", "44"),
        ({"model": "claude-haiku-5-5"}, "0.10", "0.50"),
        ({"model": "claude-example-1"}, "3", "15"),
    ],
    ids=["fast", "us", "fast in the us", "haiku", "a model that is not listed"],
)
def test_modifiers_of_the_price(admin, call, day, more, dollars_in, dollars_out):
    usage = call(**more).usage
    (row,) = costs(admin, day)
    cents = Decimal(dollars_in) * usage.input_tokens + Decimal(dollars_out) * usage.output_tokens
    assert Decimal(row.cost.list_amount) == cents / 10_000
    assert row.cost.requests == 1


def test_usage_counts_types_and_requests(admin, call, day):
    used = [call().usage, call().usage]
    (row,) = usages(admin, day)
    assert row.usage.uncached_input_tokens == sum(usage.input_tokens for usage in used)
    assert row.usage.output_tokens == sum(usage.output_tokens for usage in used)
    assert row.usage.requests == 2
    assert row.usage.cache_creation.ephemeral_1h_input_tokens == 0
    assert row.usage.total_tokens == row.usage.uncached_input_tokens + row.usage.output_tokens


def test_searches_cost_apart_and_refusals_before_output_nothing(admin, call, day):
    call(scenario="searches=3", tools=[{"type": "web_search_20250305", "name": "web_search"}])
    call(scenario="refusal=early", model="claude-opus-5-5")
    by_type = {row.group.cost_type: row.cost.list_amount for row in costs(admin, day, group_by=["cost_type"])}
    assert by_type["web_search"] == "3"
    models = {row.group.model for row in costs(admin, day, group_by=["model", "token_type"])}
    assert models == {"claude-sonnet-5-5"}
    assert {row.group.model for row in usages(admin, day, group_by=["model"])} == {
        "claude-sonnet-5-5", "claude-opus-5-5",
    }  # fmt: skip


def test_the_discount_is_taken_off_the_amount_without_rounding(simulator, admin, call, day):
    simulator.organization.discount = Decimal("0.137")
    call()
    (row,) = costs(admin, day)
    assert Decimal(row.cost.amount) == Decimal(row.cost.list_amount) * Decimal("0.863")
    assert "." in row.cost.amount


def test_a_changed_price_holds_from_then_on(simulator, admin, call, day):
    first = call().usage
    simulator.served.books.prices["claude-sonnet-5-5"] = Tariff("4", "0.10", "20")
    second = call().usage
    (row,) = costs(admin, day)
    cents = 2 * first.input_tokens + 10 * first.output_tokens + 4 * second.input_tokens + 20 * second.output_tokens
    assert Decimal(row.cost.list_amount) == Decimal(cents) / 10_000


def test_what_is_younger_than_the_lag_is_not_there_yet(simulator, admin, call, day, clock):
    simulator.organization.lag = 300
    call()
    assert costs(admin, day) == []
    clock.now += 360
    page = admin.beta.organization.analytics.cost.list(**day, time_bucket_width="1d")
    assert len(page.data) == 1
    assert page.data_refreshed_at.timestamp() == clock.now - 300


def test_pages_are_followed_to_the_end_and_do_not_change_while_read(simulator, admin, call, day):
    simulator.organization.page_size = 2
    models = ["claude-sonnet-5-5", "claude-opus-5-5", "claude-haiku-5-5", "claude-fable-5-2", "claude-opus-4-8"]
    for model in models:
        call(model=model)
    first = admin.beta.organization.analytics.cost.list(**day, time_bucket_width="1d", group_by=["model", "token_type"])
    # A row fans out into its token types beyond the limit.
    assert (len(first.data), first.has_more) == (4, True)
    call(model="claude-mythos-5-2")
    read = [row.group.model for row in first]
    assert sorted(read) == sorted(models * 2)


@pytest.mark.parametrize(("width", "buckets"), [("1m", 3), ("1h", 2), ("1d", 1)])
def test_buckets(admin, call, day, clock, width, buckets):
    clock.now = day["starting_at"].timestamp() + 3600 * 5 + 30
    call()
    clock.now += 60
    call()
    clock.now += 3600
    call()
    found = usages(admin, day, time_bucket_width=width)
    assert len(found) == buckets
    assert sum(row.usage.requests for row in found) == 3
    seconds = {"1m": 60, "1h": 3600, "1d": 86_400}[width]
    assert {row.ending_at - row.starting_at for row in found} == {timedelta(seconds=seconds)}


def test_without_buckets_a_report_covers_whole_hours(admin, call, day, clock):
    clock.now = day["starting_at"].timestamp() + 3600 * 5 + 1800
    call()
    starting = day["starting_at"] + timedelta(hours=5, minutes=20)
    (row,) = admin.beta.organization.analytics.cost.list(starting_at=starting, ending_at=starting + timedelta(hours=2))
    assert row.starting_at == day["starting_at"] + timedelta(hours=5)


def test_filters(admin, call, day):
    call()
    call(model="claude-opus-5-5", speed="fast")
    (fast,) = usages(admin, day, speeds=["fast"], group_by=["model"])
    assert fast.group.model == "claude-opus-5-5"
    assert len(usages(admin, day, models=["claude-sonnet-5-5"])) == 1
    assert usages(admin, day, api_key_ids=[""]) == []


def test_batches_cost_half_and_have_a_tier_of_their_own(admin, day, http, simulator):
    client = Anthropic(base_url=simulator.url, api_key=SHOP, http_client=http)
    request = {"model": "claude-sonnet-5-5", "max_tokens": 50, "messages": [{"role": "user", "content": "Hello"}]}
    client.messages.batches.create(requests=[{"custom_id": "a", "params": request}])
    (row,) = usages(admin, day, group_by=["service_tier", "product"])
    assert (row.group.service_tier, row.group.product) == ("batch", "message_batches_api")
    (cost,) = costs(admin, day)
    whole = 2 * row.usage.uncached_input_tokens + 10 * row.usage.output_tokens
    assert Decimal(cost.cost.list_amount) == Decimal(whole) / 20_000


def test_keys_and_workspaces(simulator, admin, call, day):
    simulator.organization.keys = (
        ApiKey(HINT, "shop", "Production"), ApiKey("sk-ant-api03-OLD...0000", "old", None, "inactive"),
    )  # fmt: skip
    simulator.organization.page_size = 1
    call()
    call(OTHER)
    keys = {key.name: key for key in admin.organization.api_keys.list()}
    assert list(keys) == ["shop", "old", "key-1"]
    workspaces = {row.name: row.id for row in admin.organization.workspaces.list(include_default=True)}
    assert list(workspaces) == ["Default", "Production"]
    assert keys["shop"].scope.workspace_id == workspaces["Production"]
    assert keys["old"].scope.type == "organization"
    assert [row.name for row in admin.organization.workspaces.list()] == ["Production"]
    assert [key.name for key in admin.organization.api_keys.list(status="inactive")] == ["old"]
    assert {row.group.workspace_id for row in costs(admin, day, group_by=["workspace_id"])} == set(workspaces.values())


def test_the_header_of_an_answer_names_the_keys_workspace(simulator, http):
    simulator.organization.keys = (ApiKey(HINT, "shop", "Production"),)
    client = Anthropic(base_url=simulator.url, api_key=SHOP, http_client=http)
    answer = client.messages.with_raw_response.create(
        model="claude-sonnet-5-5", max_tokens=9, messages=[{"role": "user", "content": "Hello"}]
    )
    admin = client.with_options(api_key=ADMIN)
    named = {row.name: row.id for row in admin.organization.workspaces.list()}
    assert answer.headers["anthropic-workspace-id"] == named["Production"]


def test_rate_limits_of_the_organization_and_of_a_workspace(simulator, admin):
    simulator.organization.workspaces = ("Production",)
    simulator.organization.overrides = {("Production", "opus-5-5"): {"requests_per_minute": 50}}
    rows = list(admin.organization.rate_limits.list(group_type="model_group"))
    opus = next(row for row in rows if "claude-opus-5-5" in row.models)
    values = {limit.type: limit.value for limit in opus.limits}
    assert values == {
        "requests_per_minute": 4000, "input_tokens_per_minute_cache_aware": 2_000_000,
        "output_tokens_per_minute": 400_000, "fast_itpmca": 400_000, "fast_otpm": 80_000,
    }  # fmt: skip
    assert opus.group.display_name == "Claude Opus 5.5"
    (workspace,) = admin.organization.workspaces.list()
    (own,) = admin.organization.workspaces.rate_limits.list(workspace.id)
    assert [(limit.type, limit.value, limit.org_limit, limit.source.type) for limit in own.limits] == [
        ("requests_per_minute", 50, 4000, "workspace")
    ]
    inherited = list(admin.organization.workspaces.rate_limits.list(workspace.id, include_inherited=True))
    assert len(inherited) == len(rows)
    assert len(list(admin.organization.rate_limits.list(limit=3))) == len(rows)
    with pytest.raises(anthropic.NotFoundError):
        admin.organization.rate_limits.list(model="claude-none")


def test_spend_limits(simulator, admin):
    simulator.organization.spend_limits = (
        SpendLimit(100_000, "usage_tier"), SpendLimit(5_000, "workspace", "Default", "daily"),
    )  # fmt: skip
    newest, oldest = admin.beta.organization.spend_limits.list()
    assert (oldest.scope.type, oldest.amount, oldest.period, oldest.is_enabled) == (
        "usage_tier", "100000", "monthly", True,
    )  # fmt: skip
    assert newest.scope.workspace_id == next(iter(admin.organization.workspaces.list(include_default=True))).id
    simulator.organization.spend_limits = None
    with pytest.raises(anthropic.BadRequestError) as refused:
        admin.beta.organization.spend_limits.list()
    assert refused.value.error_code == "organization_type_not_supported"


def test_the_older_reports(admin, call, day):
    usage = call().usage
    client = admin.with_options(default_headers={})
    found = client.get(
        "/v1/organizations/usage_report/messages?bucket_width=1d&group_by[]=model&limit=1"
        f"&starting_at={(day['starting_at'] - timedelta(days=1)).isoformat().replace('+00:00', 'Z')}"
        f"&ending_at={day['ending_at'].isoformat().replace('+00:00', 'Z')}",
        cast_to=object,
    )
    assert found["has_more"]
    assert found["data"][0]["results"] == []
    starting = day["starting_at"].isoformat().replace("+00:00", "Z")
    ending = day["ending_at"].isoformat().replace("+00:00", "Z")
    report = client.get(
        f"/v1/organizations/cost_report?starting_at={starting}&ending_at={ending}"
        "&group_by[]=description&group_by[]=workspace_id",
        cast_to=object,
    )
    amounts = {row["token_type"]: row for row in report["data"][0]["results"]}
    assert Decimal(amounts["output_tokens"]["amount"]) == Decimal(usage.output_tokens) / 1000
    assert amounts["output_tokens"]["workspace_id"] is None


REFUSALS = [
    ("a normal key", {"api_key": SHOP}, {}, anthropic.AuthenticationError, "invalid x-api-key"),
    ("a future date", {}, {"starting_at": "2027-06-01T00:00:00Z", "ending_at": "2027-06-02T00:00:00Z"},
     anthropic.BadRequestError, "Must not be in the future"),
    ("a range that is too long", {}, {"starting_at": "2026-09-01T00:00:00Z", "ending_at": "2026-11-01T00:00:00Z"},
     anthropic.BadRequestError, "at most 31 days"),
    ("an end before the start", {}, {"ending_at": "2026-11-01T00:00:00Z"}, anthropic.BadRequestError, "after"),
    ("minutes of two days", {}, {"time_bucket_width": "1m", "starting_at": "2026-11-01T00:00:00Z",
                                 "ending_at": "2026-11-03T00:00:00Z"}, anthropic.BadRequestError, "24 hours"),
    ("six dimensions", {}, {"group_by": ["model", "api_key_id", "service_tier", "speed", "inference_geo", "product"]},
     anthropic.BadRequestError, "At most 5"),
    ("a page of another request", {}, {"page": "page_x"}, anthropic.BadRequestError, "Invalid page token"),
    ("a limit that is too large", {}, {"limit": 1001}, anthropic.BadRequestError, "between 1 and 1000"),
]  # fmt: skip


@pytest.mark.parametrize(("client", "asked", "error", "words"), [row[1:] for row in REFUSALS], ids=[
    row[0] for row in REFUSALS
])  # fmt: skip
def test_what_is_refused(admin, day, client, asked, error, words):
    with pytest.raises(error, match=words):
        costs(admin.with_options(**client), day, **asked)


@pytest.mark.parametrize(
    ("settings", "error", "code"),
    [
        ({"individual": True}, anthropic.BadRequestError, "organization_type_not_supported"),
        ({"denied": frozenset({"/cost"})}, anthropic.PermissionDeniedError, "api_key_scope_missing"),
        ({"failures": [FAILURES["rate_limit"]]}, anthropic.RateLimitError, None),
        ({"failures": [Failure(500, "api_error", "Internal server error")]}, anthropic.InternalServerError, None),
    ],
    ids=["an individual account", "no permission", "429", "500"],
)
def test_what_can_be_played(simulator, admin, day, settings, error, code):
    for name, value in settings.items():
        setattr(simulator.organization, name, value)
    with pytest.raises(error) as raised:
        costs(admin, day)
    assert raised.value.error_code == code


def test_a_page_in_the_middle_can_fail(simulator, admin, call, day):
    simulator.organization.page_size = 1
    call()
    call(model="claude-opus-5-5")
    simulator.organization.failures = [None, FAILURES["api_error"]]
    pages = iter(admin.beta.organization.analytics.cost.list(**day, time_bucket_width="1d", group_by=["model"]))
    next(pages)
    with pytest.raises(anthropic.InternalServerError):
        next(pages)


def test_an_organization_can_be_given():
    with Simulator(organization=Organization(lag=7)) as simulator:
        assert simulator.organization.lag == 7
