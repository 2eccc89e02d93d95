"""The workload under `opentelemetry-instrument`, over every path, into real stores: every query, and the numbers."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from fractions import Fraction
from pathlib import Path

import pytest
import servers
from panels_in_use import CALLS, CLAUDE_CODE, DASHBOARDS, dashboards, filled, panels, targets

from otel_claude import semconv as c
from otel_claude.alerts.definitions import all_alerts
from otel_claude.alerts.recording import recording_groups
from otel_claude.alerts.thresholds import Thresholds
from otel_claude.dashboards.savings import FAST, PREMIUMS, TABLES, UNREAD, US_ONLY
from otel_claude.export import Options, export
from otel_claude.promql.names import NameTranslator
from otel_claude.promql.queries import Queries
from otel_claude.promql.recorded import HISTOGRAMS, increase_name
from otel_claude.semconv import agents as a
from otel_claude_demo.simulator import Pace, Simulator
from otel_claude_demo.workload.acts import LIMITS, SERVICES, UNLISTED
from otel_claude_demo.workload.agents import AGENTS

pytestmark = [pytest.mark.timeout(240)]

PATHS = ("direct", "collector", "remote write", "victoria-metrics")
# US dollars per million tokens, as published for November 2026. Written here, so that they are not our own table's.
PRICES = {
    "claude-sonnet-5-5": {
        "input": "2", "cache_read": "0.10", "cache_write_5m": "2.5", "cache_write_1h": "4", "output": "10",
    },
    "claude-opus-5-5": {
        "input": "4", "cache_read": "0.20", "cache_write_5m": "5", "cache_write_1h": "8", "output": "20",
    },
    "claude-opus-4-5-20251101": {
        "input": "5", "cache_read": "0.50", "cache_write_5m": "6.25", "cache_write_1h": "10", "output": "25",
    },
    "claude-haiku-5-5": {
        "input": "0.10", "cache_read": "0.01", "cache_write_5m": "0.125", "cache_write_1h": "0.20", "output": "0.50",
    },
}  # fmt: skip
SEARCH = Fraction("0.01")
HUNDREDTH_OF_A_CENT = 0.0001
# What a store does not keep: VictoriaMetrics has no target_info, and here it evaluates no rules.
ABSENT = {"victoria-metrics": {"Live: versions"}}


QUERIES = Queries(NameTranslator())


@dataclass
class Way:
    """One way from the workload to a store, and what the workload counted itself."""

    name: str
    store: servers.Store
    started: float
    queries: Queries = QUERIES
    folder: Path = DASHBOARDS
    tallies: dict = field(default_factory=dict)

    def tokens(self, *counters):
        """Tokens by (model, class), over all services."""
        added = Counter()
        for tally in self.tallies.values():
            for counter in counters or ("tokens", "batched"):
                for key, amount in tally[counter].items():
                    added[tuple(key.split(" "))] += amount
        return added

    def spent_on(self, counter):
        priced = ((Fraction(PRICES[model][kind]), amount) for (model, kind), amount in self.tokens(counter).items())
        return sum(price * amount / 1_000_000 for price, amount in priced)

    @property
    def batched(self):
        return self.spent_on("batched") / 2

    @property
    def spent(self):
        searches = SEARCH * sum(tally["searches"] for tally in self.tallies.values())
        return self.spent_on("tokens") + self.batched + searches


def workload(path, endpoint, folder, rounds, **more):
    """Runs every service in a process of its own, as a user would. `more`: further variables."""
    program = Path(sys.executable).parent / "opentelemetry-instrument"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "ANTHROPIC_", "COV"))},
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": endpoint,
        "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "cumulative",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_METRIC_EXPORT_INTERVAL": "1000",
        "OTEL_LOGS_EXPORTER": "none",
        "OTEL_TRACES_EXPORTER": "otlp" if path.name == "collector" else "none",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": endpoint.replace("/v1/metrics", "/v1/traces"),
        "OTEL_RESOURCE_ATTRIBUTES": "service.version=1.2.3",
    }
    # An answer takes longer than the first step of the back-off, so that times are more than nothing.
    with Simulator(limits=LIMITS, pace=Pace(0.05)) as simulator:
        own = ["-m", "otel_claude_demo.workload", "--url", simulator.url, "--rounds", str(rounds), "--pause", "0.2"]
        children = {
            service: subprocess.Popen(
                [program, sys.executable, *own, "--service", service],
                env={**environment, "OTEL_SERVICE_NAME": service, **more},
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )
            for service in SERVICES
        }  # fmt: skip
        for service, child in children.items():
            out, errors = child.communicate(timeout=120)
            assert child.returncode == 0, errors[-3000:]
            assert "Failed to export" not in errors, errors[-3000:]
            path.tallies[service] = json.loads(out.splitlines()[-1])


@pytest.fixture(scope="module")
def paths(stack, tmp_path_factory):
    """All four ways, filled, with the servers running."""
    root = tmp_path_factory.mktemp("stack")
    prometheus_config = servers.DEPLOY / "prometheus/prometheus.yaml"
    configs = servers.DEPLOY / "collector"
    sink_config = root / "sink.yaml"
    sink_config.write_text(
        "receivers: {otlp: {protocols: {grpc: {endpoint: '${env:LISTEN_ADDRESS}:${env:OTLP_GRPC_PORT}'}}}}\n"
        "exporters: {debug: {}}\n"
        "extensions: {health_check: {endpoint: '${env:LISTEN_ADDRESS}:${env:HEALTH_PORT}'}}\n"
        "service: {extensions: [health_check], pipelines: {traces: {receivers: [otlp], exporters: [debug]}}}\n"
    )
    with ExitStack() as open_:
        enter = open_.enter_context
        found = {}
        webhook = enter(servers.Webhook())
        alerts = enter(servers.alertmanager(root / "alertmanager", webhook.port))
        tempo = enter(servers.collector(root / "sink", sink_config))
        for name in PATHS:
            folder = root / name.replace(" ", "-")
            if name == "victoria-metrics":
                store = enter(servers.victoria_metrics(folder))
                endpoint = f"{store.url}/opentelemetry/v1/metrics"
            else:
                store = enter(servers.prometheus(folder, prometheus_config, alertmanager=alerts))
                endpoint = f"{store.url}/api/v1/otlp/v1/metrics"
            if name == "collector":
                address, _, log = enter(
                    servers.collector(
                        folder, configs / "collector.yaml", METRICS_OTLP_ENDPOINT=f"{store.url}/api/v1/otlp",
                        TEMPO_ENDPOINT=tempo[1],
                    )
                )  # fmt: skip
                endpoint, store.collector_log = f"{address}/v1/metrics", log
            if name == "remote write":
                write = f"{store.url}/api/v1/write"
                address, _, log = enter(
                    servers.collector(folder, configs / "remote-write.yaml", REMOTE_WRITE_ENDPOINT=write)
                )
                endpoint, store.collector_log = f"{address}/v1/metrics", log
            path = found[name] = Way(name, store, time.time())
            if name == "victoria-metrics":
                options = Options(store=name)
                path.queries, path.folder = options.queries, root / "dashboards"
                export("dashboards", path.folder, options)
            workload(path, endpoint, folder, 14)
        found["direct"].webhook = webhook
        found["collector"].spans = tempo[2]
        for path in found.values():
            # The last export has arrived when all calls are there.
            calls = sum(tally["calls"] for tally in path.tallies.values())
            path.store.wait_for(f"{path.queries.raw_increase(c.CALLS, '1h')} == {calls}")
            path.store.recorded(path.queries)
        yield found


@pytest.fixture(params=PATHS)
def path(request, paths):
    return paths[request.param]


def test_exact_spend_is_what_the_workload_counted(path):
    assert path.spent > Fraction("0.3")
    for expression in (path.queries.spent("1h"), path.queries.raw_increase(c.COST, "1h")):
        assert path.store.value(expression) == pytest.approx(float(path.spent), abs=HUNDREDTH_OF_A_CENT)


def test_hours_are_made_of_all_slots(path):
    if not path.queries.recorded:
        pytest.skip("it records none")
    both = [path.queries.increase(c.COST, "1h", (c.COST_TYPE,), level=level) for level in ("1h", "5m")]
    path.store.wait_for(f"count({both[0]} - {both[1]} < 1e-9 > -1e-9) == count({both[1]})", 90)


def test_exact_spend_by_service(path):
    for service, tally in path.tallies.items():
        alone = replace(path, tallies={service: tally})
        spent = path.store.value(replace(path.queries, where=(f'job="{service}"',)).spent("1h"))
        assert spent == pytest.approx(float(alone.spent), abs=HUNDREDTH_OF_A_CENT), service


def test_the_bars_of_spend_add_up_to_the_spend(path):
    start = int(path.started) - 30
    bars = path.store.over_time(path.queries.spent("5s"), start, start + 300)
    spent = sum(float(value) for series in bars for _, value in series["values"])
    assert spent == pytest.approx(float(path.spent), abs=HUNDREDTH_OF_A_CENT)


@pytest.mark.parametrize("model", PRICES)
def test_token_classes_are_what_the_answers_said(path, model):
    queries = path.queries
    counted = {kind: amount for (of, kind), amount in path.tokens().items() if of == model}
    of_model = queries.match(c.RESPONSE_MODEL, model)

    def stored(metric, *matchers):
        found = path.store.instant(queries.increase(metric, "1h", (), of_model, *matchers))
        return float(found[0]["value"][1]) if found else 0

    assert stored(c.INPUT_TOKENS) == sum(counted.values()) - counted["output"] > 0
    assert stored(c.OUTPUT_TOKENS) == counted["output"] > 0
    assert stored(c.CACHE_READ_TOKENS) == counted["cache_read"]
    for ttl in ("5m", "1h"):
        assert stored(c.CACHE_WRITE_TOKENS, queries.match(c.CACHE_TTL, ttl)) == counted[f"cache_write_{ttl}"]


def test_batches_are_told_from_calls(path):
    queries = path.queries
    of_batches = queries.match(c.OPERATION_NAME, c.BATCH)
    assert path.batched > 0
    assert path.store.value(queries.spent("1h", (), of_batches)) == pytest.approx(float(path.batched), abs=1e-6)
    tier = queries.match(c.RESPONSE_SERVICE_TIER, "batch")
    assert path.store.value(queries.spent("1h", (), tier)) == pytest.approx(float(path.batched), abs=1e-6)
    results = {
        row["metric"]["claude_batch_result"]: float(row["value"][1])
        for row in path.store.instant(queries.increase(c.BATCH_RESULTS, "1h", (c.BATCH_RESULT,)))
    }
    assert results == {kind: count for tally in path.tallies.values() for kind, count in tally["results"].items()}
    assert results.keys() == {"succeeded", "errored"}


@pytest.mark.parametrize("label", ["claude_tag_feature", "claude_tag_tenant", "claude_api_key_hint", "job"])
def test_spend_by_tag_by_key_and_by_service_adds_up_to_the_spend(path, label):
    (panel,) = {
        panel["title"]: panel
        for panel in panels(dashboards(path.folder)["otel-claude-usage"])
        if panel["title"] == "Spend by $tag"
    }.values()
    found = path.store.instant(filled(panel["targets"][0]["expr"], tag=label))
    by = {row["metric"].get(label): float(row["value"][1]) for row in found}
    assert sum(by.values()) == pytest.approx(float(path.spent), abs=HUNDREDTH_OF_A_CENT)
    if label == "claude_tag_feature":
        assert by.keys() == {"chat", "search", "refactor", "report", "archive"} | by.keys() & {"without this tag"}
        assert by["archive"] == pytest.approx(float(path.batched), abs=1e-6)
    if label == "claude_tag_tenant":
        assert {"acme", "internal", "without this tag"} <= by.keys() <= {
            "acme", "globex", "initech", "internal", "without this tag",
        }  # fmt: skip


def test_what_the_cache_missed_is_what_the_answers_said(path):
    queries = path.queries
    missed = sum((Counter(tally["missed"]) for tally in path.tallies.values()), Counter())
    by = (c.CACHE_MISS_REASON,)
    found = path.store.instant(queries.increase(c.CACHE_MISSED_TOKENS, "1h", by))
    assert [(row["metric"], float(row["value"][1])) for row in found] == [
        ({"claude_cache_miss_reason": "system_changed"}, missed.total())
    ]
    # Above a cache read, by the published prices.
    prices = {name: Fraction(price) for name, price in PRICES["claude-haiku-5-5"].items()}
    above = sum(missed[name] * (price - prices["cache_read"]) for name, price in prices.items())
    usd = path.store.value(queries.increase(c.CACHE_MISSED_COST, "1h"))
    assert usd == pytest.approx(float(above / 1_000_000), abs=1e-9) != 0
    assert path.store.value(queries.increase(c.CACHE_DIAGNOSES, "1h")) > 10


def test_a_model_that_retires_is_known(path):
    at = path.store.value(f"max({c.RETIREMENT.prometheus})")
    assert datetime.fromtimestamp(at, timezone.utc).isoformat() == "2027-01-22T00:00:00+00:00"


def test_limits_are_what_the_headers_said(path):
    for tally in path.tallies.values():
        for key, limit in tally["limits"].items():
            model, name = key.split(" ")
            where = f'{{claude_rate_limit_name="{name}", gen_ai_request_model="{model}"}}'
            assert path.store.value(f"claude_client_rate_limit_limit{where}") == limit["limit"], key
    last = path.tallies["code-agent"]["limits"]["claude-opus-5-5 input_tokens"]
    where = '{claude_rate_limit_name="input_tokens", gen_ai_request_model="claude-opus-5-5"}'
    assert path.store.value(f"claude_client_rate_limit_remaining{where}") == last["remaining"]


def test_calls_and_failures_are_what_the_workload_counted(path):
    queries = path.queries
    failed = queries.calls("1h", (), queries.present(c.ERROR_TYPE))
    assert path.store.value(failed) == sum(tally["failed"] for tally in path.tallies.values()) > 0
    unpriced = queries.increase(c.UNPRICED, "1h", (), queries.match(c.UNPRICED_REASON, "unknown_model"))
    assert path.store.value(unpriced) >= 1
    assert path.store.instant(f'claude_client_calls_total{{gen_ai_request_model="{UNLISTED}"}}')


def test_names_are_those_of_the_table(path):
    """What is stored is what METRICS says, and nothing else of ours."""
    stored = set(path.store.get("label/__name__/values", **{"match[]": '{job=~".+"}'}))
    if path.name == "victoria-metrics":
        stored = set(path.store.get("label/__name__/values"))
    expected = {
        metric.prometheus + part
        for metric in c.METRICS
        for part in (("_bucket", "_sum", "_count") if metric.kind == "histogram" else ("",))
    }
    ours = {name for name in stored if name.startswith(("claude_", "gen_ai_"))}
    assert ours == expected


NO_WEEK_BEFORE = {
    ("Top movers against last week", "B"), ("Top movers against last week, by $tag", "B"),
    *(("What changed against last week", target) for target in "BCDEG"),
}  # fmt: skip
"""What compares with a week ago."""
OF_ADVICE = {panel.title for panel in (UNREAD, FAST, US_ONLY, *TABLES, PREMIUMS)}
"""Advice is of a hundred calls and more: `test_live_advice` has them."""


def without_data(store, started, queries, **chosen):
    """(dashboard, panel, query, expression) of each query that gives no number."""
    empty = []
    for uid, panel, target in queries:
        if uid != CLAUDE_CODE and "claude_code" in target["expr"]:
            # The row about it on the usage dashboard: `test_live_claude_code` fills what it reads.
            continue
        job = "code-agent" if uid == "otel-claude-service" else ".+"
        # This is no five minutes old, and its slots are of three seconds.
        expression = filled(target["expr"], job=job, **chosen).replace("[1h:5m]", "[1h:1s]")
        if target["exemplar"]:
            # It has none, and is there for the exemplars that are found by it.
            assert store.instant(expression) == []
            continue
        if target["instant"]:
            found = store.instant(expression)
        else:
            # Beyond now, so that a step of the grid comes after the last sample.
            found = store.over_time(expression, started - 60, time.time() + 10)
        numbers = [value for series in found for _, value in series.get("values", [series.get("value")])]
        if not any(math.isfinite(float(value)) for value in numbers):
            empty.append((uid, panel["title"], target["refId"], expression))
    return empty


@pytest.mark.parametrize("tag", ["claude_tag_feature", "claude_tag_tenant", "job"])
def test_every_panel_has_data(path, tag):
    empty = without_data(path.store, path.started, targets(path.folder, CALLS), tag=tag)
    # The agent's own page: it uses no server tools and no batches, and every one of its calls has a price.
    quiet = {("otel-claude-service", "Server tools"), ("otel-claude-service", "Unpriced calls, by reason")}
    quiet |= {("otel-claude-service", "Spend: batch against interactive")}
    # Nor does it ask why its cache missed.
    quiet |= {("otel-claude-service", "Cache misses, by the API's diagnosis")}
    # The agent writes to the cache for an hour alone.
    quiet |= {("otel-claude-service", title) for title in ("Tokens per minute, by type", "Cache: read against written")}
    empty = [row for row in empty if row[1:3] not in NO_WEEK_BEFORE]
    # No budget was given.
    absent = ABSENT.get(path.name, set()) | {"Budgets of tags, used"} | OF_ADVICE
    unexpected = [row for row in empty if row[:2] not in quiet and row[1] not in absent]
    assert not unexpected, [row[:3] for row in unexpected]


def test_every_variable_has_values(path):
    for uid in CALLS:
        for variable in dashboards(path.folder)[uid]["templating"]["list"]:
            if variable["type"] == "query" and variable["name"] != "level":
                assert chosen(path.store, variable), (uid, variable["name"])


def test_the_tag_variable_offers_the_tags_and_the_service(path):
    (tag,) = (v for v in dashboards(path.folder)["otel-claude-usage"]["templating"]["list"] if v["name"] == "tag")
    assert chosen(path.store, tag) == ["claude_tag_feature", "claude_tag_tenant", "job"]
    (value,) = (
        v for v in dashboards(path.folder)["otel-claude-usage"]["templating"]["list"] if v["name"] == "tag_value"
    )
    assert chosen(path.store, value) == ["archive", "chat", "refactor", "report", "search"]


def chosen(store, variable, **others):
    """What Grafana makes of a variable's query, with the values of others."""
    function, arguments = re.fullmatch(r"(label_\w+)\((.*)\)", filled(variable["query"]["query"], **others)).groups()
    if function == "label_names":
        found = store.get("labels", **{"match[]": arguments})
    else:
        selector, _, label = arguments.rpartition(", ")
        found = store.get(f"label/{label}/values", **{"match[]": selector})
    expression = variable["regex"].strip("/")
    return sorted(name for name in found if re.search(expression, name))


def test_the_slots_that_are_added_up_follow_the_range(path):
    if not path.queries.recorded:
        pytest.skip("it records none")
    (level,) = (v for v in dashboards()["otel-claude-usage"]["templating"]["list"] if v["name"] == "level")
    expression = re.fullmatch(r"query_result\((.*)\)", level["query"]["query"])[1]
    for seconds, slots in ((300, "5m"), (604_800, "5m"), (604_801, "1h"), (2_592_000, "1h")):
        (row,) = path.store.instant(expression.replace("$__range_s", str(seconds)))
        # As Grafana writes a row of `query_result`, before the variable's regular expression.
        written = ",".join(f'{name}="{value}"' for name, value in row["metric"].items())
        assert re.search(level["regex"].strip("/"), f"{{{written}}} 1 1")[1] == slots


# What this workload has nothing of: native histograms, sessions, turns, reports, silence, and a whole half hour.
NOT_HERE = (
    "claude_code", "silent", "claude_session", "claude_agent", "claude_organization", "steady", "budget",
    "cache_diagnoses", "cache_missed", "retirement",
)  # fmt: skip


def test_every_recording_rule_has_data(path):
    if not path.queries.recorded:
        pytest.skip("it records none")
    native = {increase_name(metric, level) for metric in HISTOGRAMS for level in ("5m", "1h")}
    for group in recording_groups(NameTranslator()):
        for rule in group.rules:
            if not rule.labels and rule.name not in native and not any(part in rule.name for part in NOT_HERE):
                path.store.wait_for(f"last_over_time({rule.name}[5m])", 90)


def test_every_alert_expression_is_understood(path):
    for alert in all_alerts(path.queries, Thresholds()):
        path.store.instant(alert.expression)
    if path.queries.recorded:
        found = path.store.wait_for('ALERTS{alertname="ClaudeCreditBalanceExhausted", alertstate="firing"}')
        assert found[0]["metric"]["job"] == "nightly-report"


def test_rules_are_evaluated_without_a_mistake(path):
    if path.name == "victoria-metrics":
        pytest.skip("VictoriaMetrics evaluates rules in another program")
    for group in path.store.get("rules")["groups"]:
        for rule in group["rules"]:
            # One of minutes was not evaluated yet.
            known = {"ok", "unknown"} if group["interval"] > 60 else {"ok"}
            assert rule["health"] in known, (rule["name"], rule.get("lastError"))


def test_annotations_show_firing_alerts(path):
    (annotation,) = dashboards()["otel-claude-limits"]["annotations"]["list"]
    found = path.store.over_time(annotation["expr"], path.started - 60, time.time())
    assert found or path.name == "victoria-metrics"


def test_the_command_of_compose_runs_all_services_instrumented():
    environment = {**os.environ, "OTEL_METRICS_EXPORTER": "console", "OTEL_TRACES_EXPORTER": "none"}
    command = [sys.executable, "-m", "otel_claude_demo.workload", "--rounds", "1", "--pause", "0"]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100, check=True)
    for service in SERVICES:
        assert f'"service.name": "{service}"' in ran.stdout
    assert ran.stdout.count(f'"name": "{c.COST.name}"') >= len(SERVICES)
    assert ran.stdout.count('{"tokens": ') == len(SERVICES)
    assert f'"service.name": "{AGENTS}"' in ran.stdout
    assert ran.stdout.count(f'"name": "{a.SESSIONS.name}"') >= 1
    assert ran.stdout.count('{"sessions": ') == 1


def test_an_alert_reaches_the_webhook(paths):
    received = paths["direct"].webhook.received
    deadline = time.monotonic() + 30
    while not (found := [alert for _, body in received for alert in body["alerts"]
                         if alert["labels"]["alertname"] == "ClaudeCreditBalanceExhausted"]):  # fmt: skip
        assert time.monotonic() < deadline, received
        time.sleep(0.2)
    annotations = found[0]["annotations"]
    assert re.fullmatch(
        r"Claude refuses nightly-report: the credit balance is too low \(\d+ requests in ten minutes\).",
        annotations["summary"],
    )
    assert annotations["runbook_url"].endswith("#claudecreditbalanceexhausted")
    assert annotations["dashboard_url"].endswith("/d/otel-claude-limits?var-job=nightly-report")
    name = found[0]["labels"]["alertname"]
    assert {path for path, body in received if body["groupLabels"]["alertname"] == name} == {"/on-call"}


@pytest.mark.parametrize("name", ["direct", "collector"])
def test_exemplars_arrive(paths, name):
    path = paths[name]
    for metric in (c.DURATION, c.CALL_COST, c.CALL_INPUT_TOKENS):
        found = path.store.get(
            "query_exemplars", query=f"{metric.prometheus}_bucket", start=path.started - 60, end=time.time() + 60
        )
        # A panel asks by a query that gives no samples.
        asked = path.store.get(
            "query_exemplars", query=path.queries.exemplars(metric), start=path.started - 60, end=time.time() + 60
        )  # fmt: skip
        assert asked == found
        traces = [exemplar["labels"]["trace_id"] for series in found for exemplar in series["exemplars"]]
        assert traces, metric.name
        assert all(re.fullmatch("[0-9a-f]{32}", trace) for trace in traces)


def test_spans_go_through_the_collector(paths):
    assert '"spans":' in paths["collector"].spans.read_text()


def test_no_server_complains(paths):
    for path in paths.values():
        for log in (path.store.log, getattr(path.store, "collector_log", None)):
            if log is not None:
                bad = [line for line in log.read_text().splitlines() if re.search(r"\b(error|warn|ERROR|WARN)\b", line)]
                assert not bad, (path.name, bad[:5])
