"""The gauges: what is exported of what the API said, and that what is old, unknown or over is not."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal

import pytest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from organization_world import ADMIN, DAY, OTHER, SHOP_HINT, exported, summed

from otel_claude import ClaudeInstrumentor
from otel_claude import semconv as c
from otel_claude.organization import service
from otel_claude.organization.client import Reader
from otel_claude.organization.errors import Problem
from otel_claude.organization.poller import Poller, Times
from otel_claude.organization.reports import month_to_date
from otel_claude.semconv import organization as o
from otel_claude_demo.simulator import ApiKey, SpendLimit
from otel_claude_demo.simulator.failures import FAILURES

LIST, BILLED = o.ORGANIZATION_LIST_COST.name, o.ORGANIZATION_BILLED_COST.name
PRODUCTION = ApiKey(SHOP_HINT, "shop", "Production")


def test_periods(call, poller, clock):
    clock.now -= 26 * DAY  # in October
    call()
    clock.now += 20 * DAY
    third = call().usage
    clock.now += 5 * DAY
    second = call().usage
    clock.now += DAY
    first = call().usage
    poller.poll()
    found = exported(poller)[LIST]
    output = {
        period: summed(found, period=period, type="output") for period in ("today", "yesterday", "month")
    }  # fmt: skip
    price = 10 / 10**6
    assert output["today"] == pytest.approx(first.output_tokens * price)
    assert output["yesterday"] == pytest.approx(second.output_tokens * price)
    month = first.output_tokens + second.output_tokens + third.output_tokens
    assert output["month"] == pytest.approx(month * price)


def test_a_period_in_which_nothing_was_used_is_zero_and_not_unknown(poller, reader, clock):
    assert LIST not in exported(Poller(reader, clock=clock))
    poller.poll()
    nothing = {frozenset({("claude.organization.period", period)}): 0 for period in ("today", "yesterday", "month")}
    found = exported(poller)
    assert (found[LIST], found[BILLED]) == (nothing, nothing)


def test_a_restart_goes_on_with_the_same_series(call, poller, monkeypatch):
    """An id that is fixed in code would be no process's own, and with one of its own all would be there twice."""
    monkeypatch.delenv("OTEL_RESOURCE_ATTRIBUTES", raising=False)
    call()
    poller.poll()
    runs = []
    for _ in range(2):
        reader = InMemoryMetricReader()
        provider = service.provider(poller, reader)
        data = reader.get_metrics_data()
        provider.shutdown()
        runs.append(
            {
                (resource.resource.attributes["service.instance.id"], metric.name, *sorted(point.attributes.items()))
                for resource in data.resource_metrics
                for scope in resource.scope_metrics
                for metric in scope.metrics
                for point in metric.data.data_points
            }
        )
    assert runs[0] == runs[1]
    assert {of for of, *_ in runs[0]} == {"otel-claude-organization"}
    assert not any(name == c.INSTANCE_ID for _, _, *attributes in runs[0] for name, _ in attributes)


def test_a_large_organization_is_exported_whole(reader, call, clock):
    """The OpenTelemetry SDK adds up no more than 2000 sets of attributes unless it is told to."""
    call()
    (key,), report = reader.api_keys(), reader.report(month_to_date(datetime.fromtimestamp(clock.now, timezone.utc)))
    row = report.costs[0]
    count = 2_100
    many = [
        row._replace(dimensions=row.dimensions._replace(key_id=f"apikey_{n}"), listed=Decimal(n), billed=Decimal(n))
        for n in range(count)
    ]

    class Large(Reader):
        def report(self, asked):
            return super().report(asked)._replace(costs=tuple(many))

        def api_keys(self):
            return [key._replace(id=f"apikey_{n}", name=f"key {n}") for n in range(count)]

    with Large(ADMIN, base_url=str(reader._client.base_url)) as large:
        poller = Poller(large, clock=clock)
        poller.poll()
    found = exported(poller)
    assert summed(found[LIST], period="today") == sum(range(count))
    assert len(found[o.API_KEY_INFO.name]) == count
    assert not [key for key in found[LIST] if ("otel.metric.overflow", True) in key]


def test_all_attributes_of_an_amount(call, poller, organization):
    organization.keys = (PRODUCTION,)
    organization.discount = Decimal("0.5")
    usage = call(model="claude-opus-5-5", speed="fast", inference_geo="us").usage
    poller.poll()
    found = exported(poller)
    seen = poller.seen()
    (key,) = seen.api_keys
    dimensions = {
        "gen_ai.response.model": "claude-opus-5-5", "anthropic.workspace.id": key.workspace_id,
        "claude.workspace.name": "Production", "claude.api_key.id": key.id, "claude.api_key.name": "shop",
        "claude.api_key.hint": SHOP_HINT, "anthropic.response.service_tier": "standard", "claude.speed": "fast",
        "claude.inference_geo": "us", "claude.organization.period": "today",
    }  # fmt: skip
    output = frozenset((dimensions | {"claude.cost.type": "output"}).items())
    assert found[LIST][output] == pytest.approx(usage.output_tokens * 44 / 10**6)
    assert found[BILLED][output] == pytest.approx(usage.output_tokens * 22 / 10**6)
    tokens = found[o.ORGANIZATION_TOKENS.name]
    assert tokens[frozenset((dimensions | {"claude.token.type": "output"}).items())] == usage.output_tokens
    assert found[o.ORGANIZATION_REQUESTS.name][frozenset(dimensions.items())] == 1
    assert found[o.API_KEY_INFO.name] == {
        frozenset({
            ("claude.api_key.id", key.id), ("claude.api_key.name", "shop"), ("claude.api_key.hint", SHOP_HINT),
            ("claude.api_key.status", "active"), ("anthropic.workspace.id", key.workspace_id),
            ("claude.workspace.name", "Production"),
        }): 1
    }  # fmt: skip
    assert len(found[o.WORKSPACE_INFO.name]) == 2


def test_names_attributes_and_kinds_are_those_of_the_table(call, poller, organization):
    organization.workspaces = ("Production",)
    organization.spend_limits = (SpendLimit(100, "workspace", "Default"),)
    organization.overrides = {("Production", "opus-5-5"): {"requests_per_minute": 5}}
    call()
    poller.poll()
    table = {metric.name: set(metric.attributes) for metric in o.ORGANIZATION_METRICS}
    found = exported(poller)
    assert set(found) == set(table)
    for name, points in found.items():
        for attributes in points:
            assert {attribute for attribute, _ in attributes} <= table[name]
    # The attributes are all there somewhere, too: what is never sent must not be in the table.
    sent = {attribute for points in found.values() for attributes in points for attribute, _ in attributes}
    assert set().union(*table.values()) - sent == {c.ERROR_TYPE}


def test_a_restart_loses_and_doubles_nothing(call, reader, poller, clock):
    call()
    poller.poll()
    before = exported(poller)
    again = Poller(reader, clock=clock)
    again.poll()
    again.poll()
    after = exported(again)
    for metric in (LIST, BILLED, o.ORGANIZATION_TOKENS.name):
        assert after[metric] == before[metric]


def test_spend_against_limits(call, poller, organization, clock):
    organization.keys = (PRODUCTION,)
    organization.spend_limits = (
        SpendLimit(50_000, "usage_tier"), SpendLimit(100, "workspace", "Production", "daily"),
        SpendLimit(100, period="weekly"),
    )  # fmt: skip
    clock.now -= DAY
    call()
    clock.now += DAY
    call()
    call(OTHER)
    poller.poll()
    found = exported(poller)
    assert summed(found[o.SPEND_LIMIT.name], scope="usage_tier", period="monthly") == 500
    spent = found[o.SPEND_LIMIT_SPENT.name]
    assert summed(spent, scope="usage_tier") == pytest.approx(summed(found[BILLED], period="month"))
    # Production's of today alone.
    of_shop = {key: value for key, value in found[BILLED].items() if ("claude.api_key.hint", SHOP_HINT) in key}
    assert summed(spent, scope="workspace") == pytest.approx(summed(of_shop, period="today"))
    assert summed(found[o.SPEND_LIMIT.name], period="weekly") == 1
    assert not [key for key in spent if ("claude.spend_limit.period", "weekly") in key]


def test_keys_that_nobody_used(call, poller, organization):
    organization.keys = (ApiKey("sk-ant-api03-OLD...0000", "old"),)
    call()
    poller.poll()
    requests = exported(poller)[o.API_KEY_REQUESTS.name]
    assert {dict(key)["claude.api_key.name"]: value for key, value in requests.items()} == {"old": 0, "key-1": 1}


def test_limits_join_models(poller):
    poller.poll()
    found = exported(poller)
    groups = {
        dict(key)["gen_ai.request.model"]: dict(key)["claude.rate_limit.group"]
        for key in found[o.RATE_LIMIT_MODEL.name]
    }
    assert groups["claude-haiku-4-5"] == groups["claude-haiku-4-5-20251001"] == "Claude Haiku 4.5"
    limits = {
        (dict(key)["claude.rate_limit.group"], dict(key)["claude.rate_limit.name"]): value
        for key, value in found[o.CONFIGURED_LIMIT.name].items()
    }
    assert limits["Claude Sonnet 5.5", "input_tokens"] == 2_000_000


def test_what_is_old_is_absent_and_its_age_is_said(call, poller, organization, clock):
    organization.lag = 300
    call()
    clock.now += 600
    poller.poll()
    assert summed(exported(poller)[LIST], period="today") > 0
    age = o.ORGANIZATION_DATA_AGE.name
    assert summed(exported(poller)[age], part="report") == 300
    organization.failures = [FAILURES["api_error"]] * 50
    clock.now += 899
    poller.poll()
    assert LIST in exported(poller)
    clock.now += 2
    poller.poll()
    found = exported(poller)
    assert LIST not in found
    assert summed(found[age], part="report") == 300 + 901
    polls = found[o.ORGANIZATION_POLLS.name]
    assert summed(polls, part="report", type="server_error") == 1
    organization.failures = []
    clock.now += 3600
    poller.poll()
    assert summed(exported(poller)[LIST], period="today") > 0


def test_a_day_that_is_over_is_not_shown_as_today(call, poller, clock):
    clock.now = clock.now // DAY * DAY + DAY - 100
    call()
    poller.poll()
    assert summed(exported(poller)[LIST], period="today") > 0
    clock.now += 101
    assert LIST not in exported(poller)
    assert poller.poll() <= 300
    found = exported(poller)[LIST]
    assert summed(found, period="today") == 0
    assert summed(found, period="yesterday") > 0


def test_a_month_that_is_over_is_not_the_month(call, poller, clock):
    clock.now = Reader  # replaced below: the last minute of November
    clock.now = 1_796_083_200 - 60
    call()
    clock.now += 120
    poller.poll()
    found = exported(poller)[LIST]
    assert summed(found, period="month") == 0
    assert summed(found, period="yesterday") > 0


def test_one_part_that_is_refused_does_not_keep_the_others_away(call, poller, organization, clock):
    organization.spend_limits = None
    organization.denied = frozenset({"/rate_limits"})
    call()
    poller.poll()
    found = exported(poller)
    assert LIST in found
    assert not {o.SPEND_LIMIT.name, o.CONFIGURED_LIMIT.name, o.RATE_LIMIT_MODEL.name} & set(found)
    assert {part: problem.kind for part, problem in poller.seen().problems.items()} == {
        "spend_limits": "not_available", "rate_limits": "no_permission",
    }  # fmt: skip
    # They are asked for again after an hour.
    organization.spend_limits, organization.denied = (SpendLimit(100, "usage_tier"),), frozenset()
    clock.now += 3601
    poller.poll()
    assert {o.SPEND_LIMIT.name, o.CONFIGURED_LIMIT.name} <= set(exported(poller))


def test_a_429_ends_the_poll_and_is_waited_for(simulator, poller, organization, clock):
    organization.failures = [FAILURES["rate_limit"].after(700)]
    before = len(simulator.served)
    assert poller.poll() == 700
    assert len(simulator.served) == before + 1
    clock.now += 699
    poller.poll()
    assert len(simulator.served) == before + 1
    clock.now += 1
    poller.poll()
    assert poller.seen().report is not None


def test_failures_are_asked_for_later_and_later(simulator, clock, caplog):
    waits = []
    with Reader(ADMIN, base_url="http://127.0.0.1:9", max_retries=0) as reader:
        poller = Poller(reader, Times(), clock)
        for _ in range(6):
            waits.append(poller.poll())
            clock.now += waits[-1]
    assert waits == [300, 600, 1200, 2400, 3600, 3600]
    assert len([record for record in caplog.records if record.name == "otel_claude.organization"]) == 1


def test_a_form_that_nobody_thought_of_ends_nothing(clock, caplog):
    class Odd:
        def __getattr__(self, name):
            raise RecursionError

    poller = Poller(Odd(), clock=clock)
    poller.poll()
    assert {problem.kind for problem in poller.seen().problems.values()} == {"unreadable"}
    assert set(exported(poller)) == {o.ORGANIZATION_POLLS.name}


def test_polls_are_not_counted_as_calls(simulator, poller):
    from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader  # noqa: PLC0415

    metrics = InMemoryMetricReader()
    instrumentor = ClaudeInstrumentor()
    instrumentor.instrument(meter_provider=MeterProvider([metrics]))
    try:
        poller.poll()
        data = metrics.get_metrics_data()
    finally:
        instrumentor.uninstrument()
    assert poller.seen().report is not None
    names = [
        metric.name
        for resource in (data.resource_metrics if data else ())
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if list(metric.data.data_points)
    ]
    assert names == []


@pytest.mark.parametrize(
    ("environment", "protocol", "endpoint"),
    [
        ({}, "http/protobuf", "http://localhost:4318"),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "grpc", "http://localhost:4317"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:1"}, "http/protobuf", "http://c:1"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:1", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://m:2"},
         "http/protobuf", "http://m:2"),
    ],
)  # fmt: skip
def test_where_it_exports_to(environment, protocol, endpoint):
    assert (service.protocol(environment), service.endpoint(environment)) == (protocol, endpoint)


def test_a_credential_that_is_not_accepted_is_one_problem(simulator, clock):
    with Reader("sk-ant-api03-x", base_url=simulator.url) as reader:
        poller = Poller(reader, clock=clock)
        poller.poll()
    problems = poller.seen().problems.values()
    assert {type(problem) for problem in problems} == {Problem}
    assert len(set(map(str, problems))) == 1
    assert len(simulator.served) == 1
