"""Claude Code on real stores: the real program, two Collectors behind a load balancer, and every way into a store.

All sessions run against the simulator, once. The load balancer gives each of their exports to each way, and adds up
what it saw: that is what the stores must say, in dollars and tokens, after restarts and when nobody worked for long.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path

import pytest
import servers
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from panels_in_use import CLAUDE_CODE, targets
from test_live_agents import SDK, programs  # noqa: F401 - a fixture
from test_live_chain import without_data
from test_live_growth import Server

from listening import Listening, Quiet
from otel_claude import semconv as c
from otel_claude.alerts.recording import groups_of
from otel_claude.alerts.rules import Places, rules_json
from otel_claude.export import Options, export
from otel_claude.promql import claude_code as code
from otel_claude.promql.queries import Queries
from otel_claude.promql.recorded import ALIVE, Growth
from otel_claude.semconv import claude_code as cc
from otel_claude_demo.simulator import Simulator

pytestmark = [pytest.mark.timeout(400)]

WAYS = ("deltas", "scraped", "victoria-metrics", "direct")
SONNET, HAIKU = "claude-sonnet-4-6", "claude-haiku-4-5"
NOWHERE = "http://127.0.0.1:9"
TEN_MINUTES = 10 * servers.FAST[0].slot / 5
PROMPT = {"type": "user", "message": {"role": "user", "content": "hi"}}


class Prometheus(Server):
    """With the rules about Claude Code alone, and a lookback of as many slots as the delivered one has."""

    name = "prometheus"

    def __init__(self, folder, *more, scraped=()):
        self.folder = folder
        (self.port,) = servers.free_ports(1)
        self.url = f"http://127.0.0.1:{self.port}"
        self.store = servers.Store(self.url)
        (folder / "rules").mkdir(parents=True)
        (folder / "rules/rules.yaml").write_text(rules())
        self.has_been_evaluated()
        text = (servers.DEPLOY / "prometheus/prometheus.yaml").read_text()
        text = text.replace("global:", "global:\n  scrape_interval: 500ms").partition("alerting:")[0]
        if scraped:
            job = (servers.DEPLOY / "collector/claude-code-scraped.yaml").read_text()
            job = "".join(line[4:] for line in re.findall(r"^# {3}.+\n", job, re.MULTILINE) if "otelcol" not in line)
            job = job.replace('["otel-claude-code:9464"]', json.dumps([f"127.0.0.1:{port}" for port in scraped]))
            text += "".join(f"  {line}\n" for line in job.splitlines())
        (folder / "prometheus.yaml").write_text(text)
        self.arguments = (
            "--config.file=prometheus.yaml", f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}", "--web.enable-otlp-receiver", "--log.level=warn",
            "--query.lookback-delta=3s", *more,
        )  # fmt: skip
        self.ready = f"{self.url}/-/ready"

    def has_been_evaluated(self):
        """As if the rules were there for a day: what slots miss while it is away is corrected only then."""
        now = int(time.time())
        samples = "".join(f"{ALIVE} 1 {at}\n" for at in range(now - 900, now - 10, 3))
        (self.folder / "alive").write_text(f"# TYPE {ALIVE} gauge\n{samples}# EOF\n")
        made = [servers.program("promtool"), "tsdb", "create-blocks-from", "openmetrics", "alive", "data"]
        subprocess.run(made, cwd=self.folder, check=True, capture_output=True)


class Collector(Server):
    """The delivered configuration. What it batches is sent sooner, as all clocks are faster."""

    name = "otelcol"

    def __init__(self, folder, *files, endpoint="", scraped=0):
        folder.mkdir(parents=True)
        self.folder = folder
        grpc, http, health, metrics = servers.free_ports(4)
        self.arguments = tuple(f"--config={servers.DEPLOY / 'collector' / file}" for file in files)
        self.environment = {
            "LISTEN_ADDRESS": "127.0.0.1", "OTLP_GRPC_PORT": str(grpc), "OTLP_HTTP_PORT": str(http),
            "HEALTH_PORT": str(health), "METRICS_PORT": str(metrics), "SCRAPE_PORT": str(scraped),
            "CLAUDE_CODE_BATCH": "300ms", "EVENTS_FILE": str(folder / "events.jsonl"),
            **({"METRICS_OTLP_ENDPOINT": endpoint} if endpoint else {}),
        }  # fmt: skip
        self.ready = f"http://127.0.0.1:{health}/"
        self.url = f"http://127.0.0.1:{http}"


class Balancer(Listening):
    """Takes turns between the Collectors of each way, leaves out one that is away, and adds up what it saw."""

    def __init__(self, ways):
        self.dollars, self.tokens, self.sessions, self.events = Counter(), Counter(), Counter(), Counter()
        self.seen = Counter()
        balancer, turns = self, {name: cycle(addresses) for name, addresses in ways.items()}

        class Handler(Quiet):
            def do_POST(self):  # noqa: N802 - http.server's name
                body = self.posted()
                balancer.add(self.path, body)
                for name, addresses in ways.items():
                    sent = any(forwarded(f"{next(turns[name])}{self.path}", body) for _ in addresses)
                    assert sent or (name == "direct" and self.path == "/v1/logs"), name
                self.send_response(200)
                self.end_headers()

        super().__init__(Handler)

    def add(self, path, body):
        if path == "/v1/logs":
            for attributes in of_logs(body):
                self.events[attributes["event.name"]] += 1
                if attributes["event.name"] == "api_request":
                    self.events["usd"] += attributes["cost_usd"]
                    for ttl in ("5m", "1h"):
                        self.events[ttl] += attributes[f"cache_creation_{ttl}_tokens"]
            return
        for name, attributes, value in of_metrics(body):
            if name == cc.CODE_COST.name:
                self.dollars[attributes[cc.USER_ID], attributes[cc.TEAM], attributes[cc.MODEL]] += value
                self.seen[attributes["session.id"]] += 1
            elif name == cc.CODE_TOKENS.name:
                self.tokens[attributes[cc.MODEL], attributes[cc.TYPE]] += value
            elif name == cc.CODE_SESSIONS.name:
                self.sessions[attributes[cc.START_TYPE]] += value


def forwarded(url, body):
    request = urllib.request.Request(url, body, {"Content-Type": "application/x-protobuf"})
    try:
        with urllib.request.urlopen(request, timeout=10):
            return True
    except OSError:
        return False


def of_metrics(body):
    for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                for point in metric.sum.data_points:
                    assert metric.sum.aggregation_temporality == 1  # deltas
                    yield metric.name, {a.key: a.value.string_value for a in point.attributes}, point.as_double


def of_logs(body):
    for resource in ExportLogsServiceRequest.FromString(body).resource_logs:
        for scope in resource.scope_logs:
            for record in scope.log_records:
                yield {a.key: getattr(a.value, a.value.WhichOneof("value") or "", None) for a in record.attributes}


def rules():
    groups = []
    for group in groups_of(Growth(Options().queries.translator, (), *servers.FAST)):
        kept = tuple(rule for rule in group.rules if re.search("claude_code|:increase:(alive|counts|due)", rule.name))
        groups.append(dataclasses.replace(group, rules=kept))
    return json.dumps(rules_json(tuple(group for group in groups if group.rules), Places()))


class Developer:
    """A home of one's own, from which sessions are started."""

    def __init__(self, program, home, team, simulator, balancer):
        home.mkdir()
        self.program, self.home = program, home
        self.environment = {
            "PATH": os.environ["PATH"], "HOME": str(home), "ANTHROPIC_BASE_URL": simulator.url,
            "ANTHROPIC_API_KEY": "-".join(["sk", "ant", "api03", "x" * 90]),
            "HTTPS_PROXY": NOWHERE, "HTTP_PROXY": NOWHERE, "NO_PROXY": "127.0.0.1", "DISABLE_AUTOUPDATER": "1",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "CLAUDE_CODE_ENABLE_TELEMETRY": "1",
            "OTEL_METRICS_EXPORTER": "otlp", "OTEL_LOGS_EXPORTER": "otlp", "OTEL_METRIC_EXPORT_INTERVAL": "1000",
            "OTEL_LOGS_EXPORT_INTERVAL": "1000", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_EXPORTER_OTLP_ENDPOINT": balancer.url, "OTEL_RESOURCE_ATTRIBUTES": f"team={team}",
        }  # fmt: skip

    def start(self, *arguments, model=SONNET, **environment):
        whole = [self.program, "-p", "--model", model, *arguments]
        return subprocess.Popen(
            whole, cwd=self.home, env=self.environment | environment, text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def session(self, *arguments, model=SONNET):
        """The id of a session that ran to its end."""
        child = self.start("--output-format", "json", *arguments, "hi", model=model)
        out, errors = child.communicate(timeout=90)
        assert child.returncode == 0, (out, errors[-2000:])
        return json.loads(out)["session_id"]

    def refused(self):
        """A session all requests of which the API refuses."""
        child = self.start("hi", ANTHROPIC_CUSTOM_HEADERS="x-simulator-scenario: invalid_request")
        child.communicate(timeout=90)
        assert child.returncode == 1

    def killed(self, balancer):
        """Dollars of a turn that a session had not exported when it was killed."""
        exchanged = ("--input-format", "stream-json", "--output-format", "stream-json", "--verbose")
        child = self.start(*exchanged, OTEL_METRIC_EXPORT_INTERVAL="4000", OTEL_LOGS_EXPORT_INTERVAL="4000")
        first = self.turn(child)
        deadline = time.monotonic() + 20
        while first["session_id"] not in balancer.seen:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        second = self.turn(child)
        child.send_signal(signal.SIGKILL)
        child.communicate(timeout=30)
        return second["total_cost_usd"] - first["total_cost_usd"]

    @staticmethod
    def turn(child):
        child.stdin.write(json.dumps(PROMPT) + "\n")
        child.stdin.flush()
        for said in map(json.loads, child.stdout):
            if said["type"] == "result":
                return said
        raise AssertionError(child.stderr.read()[-2000:])


@dataclasses.dataclass
class Ran:
    """What sessions exported, and the stores that have it by each way."""

    stores: dict
    exported: Balancer
    served: list
    lost: float
    series: list
    started: float
    folder: Path

    @staticmethod
    def queries(way):
        return Queries(Options().queries.translator, store="prometheus" if way in WAYS[:2] else "victoria-metrics")

    def settle(self, way):
        """Waits until all of it is there. What a slot missed comes with the next correction."""
        q, exported = self.queries(way), self.exported
        totals = [(cc.CODE_COST, exported.dollars), (cc.CODE_TOKENS, exported.tokens)]
        if way != "direct":
            requests = {"api_request": exported.events["api_request"]}
            writes = {ttl: exported.events[ttl] for ttl in ("5m", "1h")}
            totals += [(cc.CODE_REQUESTS, requests), (cc.CODE_CACHE_WRITES, writes)]
        for metric, values in totals:
            whole = sum(values.values())
            self.stores[way].wait_for(f"abs({q.increase(metric, '1h')} - {whole:.9f}) < 1e-6", 60)

    def ask(self, way, expression):
        """Labels with their values → number."""
        rows = self.stores[way].instant(expression)
        return {tuple(sorted(row["metric"].items())): float(row["value"][1]) for row in rows}


@pytest.fixture(scope="module")
def ran(stack, programs, tmp_path_factory):  # noqa: F811 - the fixture
    """Every kind of session, with restarts between them."""
    (program,) = programs.parent.glob("lib/*/site-packages/claude_agent_sdk/_bundled/claude")
    root = tmp_path_factory.mktemp("claude-code")
    ports = servers.free_ports(2)
    started = time.time()
    deltas = Prometheus(root / "deltas", "--enable-feature=otlp-native-delta-ingestion")
    scraped = Prometheus(root / "scraped", scraped=ports)
    with (
        servers.victoria_metrics(root / "vm") as vm, servers.victoria_metrics(root / "direct") as direct,
        ExitStack() as ends,
    ):  # fmt: skip
        stores = {"deltas": deltas.store, "scraped": scraped.store, "victoria-metrics": vm, "direct": direct}
        pairs = {
            "deltas": [
                Collector(root / f"deltas-{n}", "claude-code.yaml", "claude-code-events.yaml",
                          endpoint=f"{deltas.url}/api/v1/otlp") for n in (1, 2)
            ],
            "scraped": [
                Collector(root / f"scraped-{port}", "claude-code.yaml", "claude-code-scraped.yaml", scraped=port)
                for port in ports
            ],
            "victoria-metrics": [
                Collector(root / f"vm-{n}", "claude-code.yaml", endpoint=f"{vm.url}/opentelemetry") for n in (1, 2)
            ],
        }  # fmt: skip
        for server in (deltas, scraped, *(collector for pair in pairs.values() for collector in pair)):
            server.start()
            ends.callback(server.stop)
        ways = {name: [collector.url for collector in pair] for name, pair in pairs.items()}
        with Simulator() as simulator, Balancer(ways | {"direct": [f"{direct.url}/opentelemetry"]}) as balancer:
            ann = Developer(program, root / "ann", "search", simulator, balancer)
            bob = Developer(program, root / "bob", "shop", simulator, balancer)
            session = ann.session()
            ann.session("--resume", session)
            bob.session(model=HAIKU)
            bob.refused()
            time.sleep(3)
            series = [{way: count_of(store) for way, store in stores.items()}]
            with ThreadPoolExecutor(8) as pool:
                list(pool.map(lambda _: ann.session(), range(8)))
            bob.session("--continue", model=HAIKU)
            lost = bob.killed(balancer)
            time.sleep(3)
            series.append({way: count_of(store) for way, store in stores.items()})
            for pair in pairs.values():
                pair[0].stop()
                pair[0].start()
            ann.session()
            deltas.stop()
            ann.session()
            deltas.start()
            scraped.stop()
            scraped.start()
            time.sleep(2 * TEN_MINUTES)
            ann.session()
            export("dashboards", root / "dashboards", Options())
            export("dashboards", root / "dashboards-vm", Options(store="victoria-metrics"))
            ran = Ran(stores, balancer, simulator.served.totals(), lost, series, started, root)
            for way in WAYS:
                ran.settle(way)
            yield ran


def count_of(store):
    """How many series of dollars there are, of each run of a Collector."""
    rows = store.instant(f"count(last_over_time({cc.CODE_COST.prometheus}[1h]))")
    return int(float(rows[0]["value"][1])) if rows else 0


@pytest.mark.parametrize("way", WAYS)
def test_dollars_are_what_sessions_exported(ran, way):
    """Of two users, each with a team and models of their own."""
    wanted = ran.exported.dollars
    assert len({user for user, *_ in wanted}) == 2
    assert {(team, model) for _, team, model in wanted} == {("search", SONNET), ("shop", HAIKU), ("shop", SONNET)}
    q = ran.queries(way)
    by = (cc.USER_ID, cc.TEAM, cc.MODEL)
    found = ran.ask(way, code.cost(q, "1h", by))
    assert {tuple(sorted(labels)): pytest.approx(dollars, abs=1e-9) for labels, dollars in named(by, wanted)} == found


@pytest.mark.parametrize("way", WAYS)
def test_tokens_are_what_sessions_exported(ran, way):
    q, by = ran.queries(way), (cc.MODEL, cc.TYPE)
    wanted = dict(named(by, {key: tokens for key, tokens in ran.exported.tokens.items() if tokens}))
    found = {labels: value for labels, value in ran.ask(way, q.increase(cc.CODE_TOKENS, "1h", by)).items() if value}
    assert found == {tuple(sorted(labels)): tokens for labels, tokens in wanted.items()}


@pytest.mark.parametrize("way", WAYS)
def test_sessions_by_how_they_began(ran, way):
    q = ran.queries(way)
    found = ran.ask(way, q.increase(cc.CODE_SESSIONS, "1h", (cc.START_TYPE,)))
    assert found == {((cc.START_TYPE, kind),): count for kind, count in ran.exported.sessions.items()}
    assert ran.exported.sessions["fresh"] > ran.exported.sessions["resume"] > 0


@pytest.mark.parametrize("way", WAYS[:3])
def test_what_events_alone_say(ran, way):
    q, events = ran.queries(way), ran.exported.events
    assert ran.ask(way, q.increase(cc.CODE_REQUESTS, "1h")) == {(): events["api_request"]}
    assert ran.ask(way, q.increase(cc.CODE_ERRORS, "1h")) == {(): events["api_error"]}
    assert ran.ask(way, q.increase(cc.CODE_DECISIONS, "1h")) == {(): events["tool_decision"]}
    writes = ran.ask(way, q.increase(cc.CODE_CACHE_WRITES, "1h", (c.CACHE_TTL,)))
    ttl = q.translator.bare(c.CACHE_TTL)
    assert {key: value for key, value in writes.items() if value} == {
        ((ttl, each),): events[each] for each in ("5m", "1h") if events[each]
    }
    assert events["5m"] + events["1h"] == sum(
        tokens for (_, kind), tokens in ran.exported.tokens.items() if kind == "cacheCreation"
    )


def test_the_command_says_the_same_of_the_events(ran):
    files = [f"--file={file}" for file in ran.folder.glob("deltas-*/events.jsonl")]
    assert len(files) == 2
    command = [Path(sys.executable).with_name("otel-claude"), "claude-code", "--by", "team", "--json", *files]
    said = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert said["requests"] == ran.exported.events["api_request"]
    assert float(said["reported_usd"]) == pytest.approx(ran.exported.events["usd"], abs=1e-9)
    assert float(said["usd"]) == pytest.approx(float(said["reported_usd"]), abs=1e-9)
    assert (said["status"], said["reasons"], said["unread"]) == ("exact", {}, [])
    assert {row["team"] for row in said["rows"]} == {"search", "shop"}
    assert said["events"]["api_error"] == ran.exported.events["api_error"]


def test_what_a_killed_session_had_not_exported_is_lost_and_nothing_else(ran):
    kinds = {"input": "input", "cache_read": "cacheRead", "output": "output"}
    served = Counter({theirs: sum(getattr(total, ours) for total in ran.served) for ours, theirs in kinds.items()})
    served["cacheCreation"] = sum(total.cache_write_5m + total.cache_write_1h for total in ran.served)
    exported = Counter()
    for (_, kind), tokens in ran.exported.tokens.items():
        exported[kind] += int(tokens)
    missing = served - exported
    assert exported - served == Counter()
    assert missing["output"] > 0
    assert ran.lost > 0


@pytest.mark.parametrize("way", WAYS[:3])
def test_series_do_not_grow_with_sessions(ran, way):
    """Three sessions, and then eight and two more of the same users and models."""
    before, after = ran.series[0][way], ran.series[1][way]
    # Of two Collectors, each can have a series of each set of labels; one model is new.
    assert after <= 2 * 3
    assert before <= after
    names = ran.stores[way].get("label/__name__/values")
    ours = [name for name in names if name.startswith("claude_code")]
    assert cc.CODE_COST.prometheus in ours
    for name in ours:
        assert ran.stores[way].instant(f'{{__name__="{name}", session_id!=""}}') == []


def test_series_of_the_direct_way_do(ran):
    assert ran.series[1]["direct"] > ran.series[0]["direct"] + 8


def test_names_are_those_of_the_table(ran):
    emitted = {metric.prometheus for metric in cc.CLAUDE_CODE_METRICS}
    for way in WAYS[:3]:
        names = {name for name in ran.stores[way].get("label/__name__/values") if name.startswith("claude_code")}
        assert emitted <= names, way
        assert names - emitted == {"claude_code_active_time_seconds_total"}, way


@pytest.mark.parametrize("way", WAYS[:3])
def test_every_panel_has_data(ran, way):
    folder = ran.folder / ("dashboards-vm" if way == "victoria-metrics" else "dashboards")
    empty = without_data(ran.stores[way], ran.started, targets(folder, (CLAUDE_CODE,)))
    assert [row[1:] for row in empty] == []


def named(by, values):
    """Sorted pairs of label and value → number."""
    translator = Options().queries.translator
    return [
        (tuple((translator.bare(label), value) for label, value in zip(by, key, strict=True)), number)
        for key, number in values.items()
    ]
