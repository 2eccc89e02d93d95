"""The whole way, on a real Prometheus: a workload and the organization's process over OTLP, and `reconcile` on both."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path

import pytest
import servers
from anthropic import Anthropic
from organization_workload import TEXT
from panels_in_use import ORGANIZATION, dashboards, filled, panels

from otel_claude.promql.recorded import increase_name
from otel_claude.semconv import organization as o
from otel_claude_demo.simulator import ApiKey, Limits, Organization, Simulator, SpendLimit
from otel_claude_demo.simulator.tariff import Tariff

pytestmark = [pytest.mark.timeout(300)]

ADMIN = "sk-ant-admin01-" + "A" * 80
SHOP = "sk-ant-api03-SHP" + "s" * 80 + "shop"
BACK = "sk-ant-api03-BCK" + "b" * 80 + "back"
HIDDEN = "sk-ant-api03-HID" + "h" * 80 + "hide"
HINTS = {SHOP: "sk-ant-api03-SHP...shop", BACK: "sk-ant-api03-BCK...back", HIDDEN: "sk-ant-api03-HID...hide"}
NAMES = {SHOP: "shop", BACK: "back office", HIDDEN: "old script"}
HERE = Path(__file__).parent
PROGRAMS = Path(sys.executable).parent
KEPT = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "ANTHROPIC_", "COV"))}
WIDE = Limits(100_000, 1_000_000_000, 100_000_000, 1_000_000_000, 100_000_000)


@dataclass
class World:
    """One organization: its simulator, and the job under which its program was measured."""

    job: str
    simulator: Simulator


@dataclass
class Told:
    """What `reconcile` said."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def different(self):
        return [row for row in self.json["rows"] if not row["within_tolerance"]]


def organization(**more):
    keys = tuple(ApiKey(HINTS[key], name, "Production") for key, name in NAMES.items())
    return Organization(keys=keys, spend_limits=(SpendLimit(5_000, "usage_tier"),), **more)


def workload(world, endpoint, play, keys, rounds=2):
    environment = KEPT | {
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_METRIC_EXPORT_INTERVAL": "1000", "OTEL_LOGS_EXPORTER": "none", "OTEL_TRACES_EXPORTER": "none",
        "OTEL_SERVICE_NAME": world.job,
    }  # fmt: skip
    own = [HERE / "organization_workload.py", "--url", world.simulator.url, "--play", play, "--rounds", str(rounds)]
    command = [PROGRAMS / "opentelemetry-instrument", sys.executable, *map(str, own), *keys]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture(scope="module")
def store(stack, tmp_path_factory):
    folder = tmp_path_factory.mktemp("organization") / "prometheus"
    with servers.prometheus(folder, servers.DEPLOY / "prometheus/prometheus.yaml") as running:
        yield running


@pytest.fixture(scope="module")
def worlds(store):
    """Four organizations, each with its traffic, and the window in which all of it happened."""
    endpoint = f"{store.url}/api/v1/otlp/v1/metrics"
    with ExitStack() as open_:
        found = {}
        for name in ("equal", "hidden", "mispriced", "messy"):
            own = organization(discount=Decimal("0.2")) if name == "equal" else organization()
            simulator = open_.enter_context(Simulator(organization=own, limits=WIDE))
            found[name] = World(f"{name}-service", simulator)
        tariff = Tariff("4", "0.20", "21", ("8", "40"))
        found["mispriced"].simulator.served.books.prices["claude-opus-5-5"] = tariff
        found["start"] = int(time.time()) // 60 * 60
        children = [
            workload(found["equal"], endpoint, "exact", (SHOP, BACK)),
            workload(found["hidden"], endpoint, "exact", (SHOP,), 3),
            workload(found["mispriced"], endpoint, "exact", (SHOP,)),
            workload(found["messy"], endpoint, "messy", (SHOP,)),
        ]
        for child in children:
            _, errors = child.communicate(timeout=120)
            assert child.returncode == 0, errors[-3000:]
            assert "Failed to export" not in errors, errors[-3000:]
        measured = len([record for record in found["hidden"].simulator.served.records() if record.used])
        with Anthropic(base_url=found["hidden"].simulator.url, api_key=HIDDEN) as client:
            for _ in range(round(measured * 0.05 / 0.95)):
                client.messages.create(model="claude-sonnet-5-5", max_tokens=300, messages=TEXT)
        found["end"] = int(time.time()) // 60 * 60 + 60
        time.sleep(max(0.0, found["end"] - time.time() + 0.5))
        yield found


@pytest.fixture(scope="module")
def reconcile(worlds, store):
    def reconcile(name, *arguments, key=ADMIN, **times):
        world = worlds[name]
        moment = {
            option: datetime.fromtimestamp(times.get(option, worlds[option]), timezone.utc)
            for option in ("start", "end")
        }
        command = [
            PROGRAMS / "otel-claude", "reconcile", "--from", f"{moment['start']:%Y-%m-%dT%H:%M:%SZ}", "--to",
            f"{moment['end']:%Y-%m-%dT%H:%M:%SZ}", "--prometheus", store.url, "--match", f'job="{world.job}"',
            *arguments,
        ]  # fmt: skip
        environment = KEPT | {"ANTHROPIC_BASE_URL": world.simulator.url, "ANTHROPIC_ADMIN_KEY": key, "COLUMNS": "120"}
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100, check=False)
        return Told(ran.returncode, ran.stdout, ran.stderr)

    return reconcile


def test_what_was_measured_is_what_was_billed(reconcile):
    told = reconcile("equal", "--json", "--tolerance", "0.000001")
    assert told.code == 0, told.out + told.err
    said = told.json
    assert (said["verdict"], said["difference_usd"]) == ("equal", "0.000000000")
    assert Decimal(said["theirs_usd"]) > Decimal("0.2")
    assert {row["api_key_name"] for row in said["rows"]} == {"shop", "back office"}
    assert {row["class"] for row in said["rows"]} == {
        "input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "web_search",
    }  # fmt: skip
    assert {row["model"] for row in said["rows"]} == {
        "claude-sonnet-5-5", "claude-opus-5-5", "claude-haiku-5-5", "claude-haiku-4-5-20251001",
        "claude-fable-5-2",
    }  # fmt: skip
    assert [row for row in said["rows"] if row["ours_tokens"] != row["theirs_tokens"]] == []
    assert {row["reason"] for row in said["rows"]} == {None}


def test_the_page_says_that_the_difference_is_nothing(reconcile):
    told = reconcile("equal")
    assert told.code == 0
    total = next(line for line in told.out.splitlines() if line.strip().startswith("Total"))
    ours, theirs, difference = total.split()[-3:]
    assert ours == theirs != "0.0000"
    assert difference == "0.0000"
    assert told.out.rstrip().endswith("Equal: every row and the total are within 0.01 USD.")


def test_a_discount_is_named(reconcile):
    told = reconcile("equal", "--against", "billed", "--json", "--tolerance", "0.0001")
    assert told.code == 1
    assert {row["reason"] for row in told.different} == {"discount"}
    assert Decimal(told.json["theirs_usd"]) == pytest.approx(Decimal(told.json["ours_usd"]) * Decimal("0.8"))


def test_an_uninstrumented_client_is_named_with_its_key_and_amount(reconcile, worlds):
    told = reconcile("hidden", "--json", "--tolerance", "0.0001")
    assert told.code == 1
    records = [record for record in worlds["hidden"].simulator.served.records() if record.used]
    hidden = [record for record in records if record.key_hint == HINTS[HIDDEN]]
    assert 0.04 < len(hidden) / len(records) < 0.06
    amount = sum(record.used["input_tokens"] * 2 + record.used["output_tokens"] * 10 for record in hidden)
    assert {(row["api_key"], row["api_key_name"], row["reason"]) for row in told.different} == {
        (HINTS[HIDDEN], "old script", "uninstrumented_key")
    }  # fmt: skip
    assert Decimal(told.json["difference_usd"]) == -Decimal(amount) / 10**6
    page = reconcile("hidden", "--tolerance", "0.0001")
    assert f"-{Decimal(amount) / 10**6:.4f}" in page.out
    assert "old script (sk-ant-api03-HID...hide): no instrumented service used this key" in page.out


def test_a_model_with_another_price_is_named(reconcile):
    told = reconcile("mispriced", "--json", "--tolerance", "0.0001")
    assert told.code == 1
    assert {(row["model"], row["class"], row["reason"]) for row in told.different} == {
        ("claude-opus-5-5", "output", "price_table")
    }  # fmt: skip
    (row,) = told.different
    assert row["explanation"].startswith("price table out of date: Anthropic charges ")
    assert row["ours_tokens"] == row["theirs_tokens"]


def test_what_cannot_be_measured_is_named(reconcile):
    told = reconcile("messy", "--json", "--tolerance", "0")
    assert told.code == 1
    assert {(row["model"], row["class"]): row["reason"] for row in told.json["rows"] if row["reason"]} == {
        ("claude-opus-5-5", "output"): "incomplete_streams",
        ("claude-fable-5-2", "input"): "unanswered_calls_billed",
        ("claude-fable-5-2", "output"): "unanswered_calls_billed",
        ("claude-example-1", "input"): "unpriced_calls",
        ("claude-example-1", "output"): "unpriced_calls",
        ("claude-sonnet-5-5", "input"): "batch_results_not_read",
        ("claude-sonnet-5-5", "output"): "batch_results_not_read",
    }


def test_csv(reconcile):
    told = reconcile("hidden", "--csv", "--tolerance", "0.0001")
    rows = list(csv.DictReader(io.StringIO(told.out)))
    assert told.code == 1
    assert {row["reason"] for row in rows} == {"", "uninstrumented_key"}
    assert sum(Decimal(row["difference_usd"]) for row in rows) < 0


def test_a_tolerance_can_allow_it(reconcile):
    assert reconcile("hidden", "--tolerance", "1").code == 0
    assert reconcile("hidden", "--tolerance", "0", "--tolerance-percent", "100").code == 0


def test_what_cannot_be_told(reconcile, worlds):
    start = worlds["start"]
    odd = start - 2 * 86_400 - (1800 if start % 3600 != 1800 else 0)
    cases = [
        (reconcile("equal", end=start + 86_400), "is in the future"),
        (reconcile("equal", end=start - 60), "is not after --from"),
        (reconcile("equal", start=start + 1), "must be whole minutes"),
        (reconcile("equal", start=odd), "whole hours"),
        (reconcile("equal", start=start - 600, end=start - 300), "has no calls that otel-claude measured"),
        (reconcile("equal", start=start // 3600 * 3600 - 20 * 86_400, end=start // 3600 * 3600), "keeps 15 days"),
        (reconcile("equal", key=SHOP), "is a normal API key"),
        (reconcile("equal", "--match", "job="), "refuses the query (400)"),
    ]  # fmt: skip
    for told, words in cases:
        assert (told.code, told.out) == (2, ""), told
        assert words in told.err
        assert told.err.startswith("otel-claude: reconcile: cannot tell: ")


def test_a_report_that_is_not_complete_is_not_compared(reconcile, worlds):
    own = worlds["equal"].simulator.organization
    own.lag = 300
    try:
        told = reconcile("equal", "--json")
    finally:
        own.lag = 0
    assert told.code == 2
    assert told.json["verdict"] == "cannot_tell"
    assert "Anthropic's report goes to" in told.err


def test_a_page_that_fails_is_no_number(reconcile, worlds):
    from otel_claude_demo.simulator.failures import FAILURES  # noqa: PLC0415

    own = worlds["equal"].simulator.organization
    own.page_size, own.failures = 3, [None] * 4 + [FAILURES["permission"]]
    try:
        told = reconcile("equal")
    finally:
        own.page_size, own.failures = 1000, []
    assert (told.code, told.out) == (2, "")
    assert "nothing of them is shown" in told.err


@pytest.fixture(scope="module")
def exporting(worlds, store):
    """The organization's process, until its numbers are in Prometheus."""
    world = worlds["equal"]
    environment = KEPT | {
        "ANTHROPIC_BASE_URL": world.simulator.url, "ANTHROPIC_ADMIN_KEY": ADMIN, "OTEL_METRIC_EXPORT_INTERVAL": "1000",
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": f"{store.url}/api/v1/otlp/v1/metrics",
    }  # fmt: skip
    command = [PROGRAMS / "otel-claude", "organization"]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        store.wait_for(o.ORGANIZATION_LIST_COST.prometheus)
        yield world
    finally:
        process.terminate()
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 0
    assert errors.count("\n") == 1, errors


def test_the_organizations_numbers_are_in_prometheus(exporting, store, reconcile):
    theirs = Decimal(reconcile("equal", "--json").json["theirs_usd"])
    metric = o.ORGANIZATION_LIST_COST.prometheus
    where = '{claude_organization_period="month"}'
    assert store.value(f"sum({metric}{where})") == pytest.approx(float(theirs), abs=1e-9)
    billed = store.value(f"sum({o.ORGANIZATION_BILLED_COST.prometheus}{where})")
    assert billed == pytest.approx(float(theirs) * 0.8, abs=1e-9)
    names = {
        row["metric"]["claude_api_key_name"] for row in store.instant(f"sum by (claude_api_key_name) ({metric}{where})")
    }
    assert names == {"shop", "back office"}
    stored = set(store.get("label/__name__/values", **{"match[]": '{job="otel-claude-organization"}'}))
    emitted = {each.prometheus for each in o.ORGANIZATION_METRICS}
    assert {name for name in stored if name.startswith("claude_")} == emitted


def test_a_keys_name_joins_what_was_measured(exporting, store):
    spend = 'sum by (claude_api_key_hint) (claude_client_cost_usd_total{job="equal-service"})'
    info = f"max by (claude_api_key_hint, claude_api_key_name) ({o.API_KEY_INFO.prometheus})"
    found = store.instant(f"{spend} * on (claude_api_key_hint) group_left (claude_api_key_name) {info}")
    assert {row["metric"]["claude_api_key_name"] for row in found} == {"shop", "back office"}


def test_every_panel_has_data(exporting, store, worlds):
    board = dashboards()[ORGANIZATION]
    store.wait_for(f"last_over_time({increase_name(o.ORGANIZATION_POLLS, '5m')}[5m])")
    empty = []
    for panel in panels(board):
        for target in panel["targets"]:
            expression = filled(target["expr"], interval="5m")
            if target["instant"]:
                found = store.instant(expression)
            else:
                found = store.over_time(expression, worlds["start"] - 60, time.time() + 10)
            if not found:
                empty.append((panel["title"], target["refId"]))
    # These compare with a day ago, and there was none. The promtool tests of the alerts run the same expressions.
    assert empty == [
        ("Unexplained, 24h", "A"), ("Largest drift, 24h", "A"),
        ("Reported and measured, last day, by key", "A"), ("Reported and measured, last day, by key", "C"),
    ]  # fmt: skip


def test_rules_about_the_organization_are_evaluated_without_a_mistake(exporting, store):
    groups = {group["name"]: group for group in store.get("rules")["groups"]}
    rules = groups["otel-claude-alerts-organization"]["rules"]
    assert len(rules) == 8
    assert {(rule["health"], rule.get("lastError", "")) for rule in rules} == {("ok", "")}
