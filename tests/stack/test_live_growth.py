"""What is recorded, after faults: on real servers whose clock runs 600 times faster, against the raw series."""

from __future__ import annotations

import dataclasses
import json
import os
import random
import re
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import servers

from otel_claude import semconv as c
from otel_claude.alerts.recording import groups_of
from otel_claude.alerts.rules import Places, rules_json
from otel_claude.promql.names import NameTranslator
from otel_claude.promql.queries import Queries
from otel_claude.promql.recorded import HOURS, MINUTES, Growth, duration

pytestmark = [pytest.mark.timeout(500)]

FACTOR = 600
MINUTE, HOUR = 60 / FACTOR, 3600 / FACTOR
QUERIES = Queries(NameTranslator())
RAW = f"sum(last_over_time({c.COST.prometheus}[1h]))"
EQUAL = 1e-6


class Fleet:
    """Services of processes that spend, come and go, and export cumulative sums each minute over OTLP.

    What is not accepted is not sent again: the next sums have it, as with OpenTelemetry's SDK.
    """

    def __init__(self, *addresses):
        self.addresses = addresses
        self.random = random.Random(16)
        self.processes = {}
        self.number = 0
        self.quiet = self.deploying = False
        self.withheld = None
        self._over = threading.Event()
        for job in range(3):
            for _ in range(4):
                self.start(f"service-{job}")

    def start(self, job):
        self.number += 1
        self.processes[f"process-{self.number}"] = [job, 0.0, 0]

    def run(self):
        due = time.time()
        while not self._over.is_set():
            for process in self.processes.values():
                calls = 0 if self.quiet else self.random.randrange(4)
                process[1] += calls * round(self.random.uniform(0.01, 0.3), 6)
                process[2] += calls
            ends = 1 if self.deploying else 0 if self.quiet else 0.005
            ended = [name for name in self.processes if self.random.random() < ends]
            self.export()
            for name in ended:
                self.start(self.processes.pop(name)[0])
            self.deploying = False
            due += MINUTE
            time.sleep(max(0.0, due - time.time()))

    def deploy(self):
        """Every process is replaced by another. Returns those that ended."""
        ended = [name for name, process in self.processes.items() if process[2]]
        self.deploying = True
        while self.deploying:
            time.sleep(MINUTE / 10)
        return ended

    def withhold(self, minutes, then):
        """For so long nothing is sent. Then what is new is, and so long after that what is older."""
        self.withheld = []
        wait(minutes)
        bodies, self.withheld = self.withheld, None
        wait(then)
        for body in bodies:
            self.send(body)

    def export(self):
        body = self.body(time.time_ns())
        if self.withheld is not None:
            self.withheld.append(body)
        else:
            self.send(body)

    def send(self, body):
        for address in self.addresses:
            request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
            with suppress(OSError), urllib.request.urlopen(request, timeout=MINUTE / 2):
                pass

    def body(self, now):
        def total(name, unit, value):
            attribute = {"key": c.REQUEST_MODEL, "value": {"stringValue": "claude-sonnet-5-5"}}
            point = {"attributes": [attribute], "timeUnixNano": str(now), "asDouble": value}
            points = {"aggregationTemporality": 2, "isMonotonic": True, "dataPoints": [point]}
            return {"name": name, "unit": unit, "sum": points}

        def resource(name, job, cost, calls):
            pairs = {"service.name": job, "service.instance.id": name}.items()
            attributes = [{"key": key, "value": {"stringValue": value}} for key, value in pairs]
            metrics = [total(c.COST.name, c.COST.unit, cost), total(c.CALLS.name, c.CALLS.unit, float(calls))]
            return {"resource": {"attributes": attributes}, "scopeMetrics": [{"metrics": metrics}]}

        of = [resource(name, *process) for name, process in self.processes.items() if process[2]]
        return json.dumps({"resourceMetrics": of}).encode()

    @contextmanager
    def running(self):
        thread = threading.Thread(target=self.run)
        thread.start()
        try:
            yield self
        finally:
            self._over.set()
            thread.join()


class Server:
    """A program that can be stopped, frozen and killed."""

    name: str
    folder: Path
    arguments: tuple[str, ...]
    ready: str
    environment: dict[str, str] = {}  # noqa: RUF012 - never written to

    def start(self):
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [servers.program(self.name), *self.arguments], cwd=self.folder, stdout=log, stderr=log,
                env=os.environ | self.environment,
            )  # fmt: skip
        deadline = time.monotonic() + 30
        while not servers.answers(self.ready):
            assert time.monotonic() < deadline, (self.folder / "log").read_text()[-2000:]
            time.sleep(0.02)

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        self.process.wait(30)

    def away(self, minutes, number=signal.SIGTERM):
        self.stop(number)
        wait(minutes)
        self.start()

    def frozen(self, minutes):
        """It does nothing for so long, and then goes on."""
        self.process.send_signal(signal.SIGSTOP)
        wait(minutes)
        self.process.send_signal(signal.SIGCONT)


class Prometheus(Server):
    """It has the rules of spend and calls."""

    name = "prometheus"

    def __init__(self, folder):
        self.folder = folder
        (self.port,) = servers.free_ports(1)
        self.store = servers.Store(f"http://127.0.0.1:{self.port}")
        self.otlp = f"{self.store.url}/api/v1/otlp/v1/metrics"
        folder.mkdir(parents=True)
        (folder / "rules.json").write_text(rules())
        delivered = (servers.DEPLOY / "prometheus/prometheus.yaml").read_text()
        text = delivered.replace("rules/*.yaml", "rules.json").replace("window: 30m", "window: 3s")
        (folder / "prometheus.yaml").write_text(text)
        self.arguments = (
            "--config.file=prometheus.yaml", f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}", "--web.enable-otlp-receiver", "--log.level=warn",
        )  # fmt: skip
        self.ready = f"{self.store.url}/-/ready"
        self.start()

    def spent(self, *processes):
        if processes:
            return self.store.value(
                f'sum(last_over_time({c.COST.prometheus}{{instance=~"{"|".join(processes)}"}}[1h]))'
            )
        return self.store.value(RAW)

    def recorded(self, level="5m"):
        return self.store.value(QUERIES.increase(c.COST, "1h", level=level))


class Collector(Server):
    """The delivered configuration, with what waits in a queue on disk; its times are of the faster clock."""

    name = "otelcol"
    CLOCK = """
processors: {batch: {timeout: 2ms}}
exporters:
  otlp_http/metrics:
    timeout: 500ms
    retry_on_failure: {initial_interval: 8ms, max_interval: 50ms, max_elapsed_time: 2s}
"""

    def __init__(self, folder, prometheus):
        self.folder = folder
        folder.mkdir(parents=True)
        (folder / "clock.yaml").write_text(self.CLOCK)
        grpc, http, health, metrics = servers.free_ports(4)
        delivered = servers.DEPLOY / "collector"
        files = (delivered / "collector.yaml", delivered / "queue-on-disk.yaml", folder / "clock.yaml")
        self.arguments = tuple(f"--config={file}" for file in files)
        self.environment = {
            "LISTEN_ADDRESS": "127.0.0.1", "OTLP_GRPC_PORT": str(grpc), "OTLP_HTTP_PORT": str(http),
            "HEALTH_PORT": str(health), "METRICS_PORT": str(metrics), "QUEUE_FOLDER": str(folder / "queue"),
            "METRICS_OTLP_ENDPOINT": prometheus.otlp.removesuffix("/v1/metrics"),
        }  # fmt: skip
        self.ready = f"http://127.0.0.1:{health}/"
        self.otlp = f"http://127.0.0.1:{http}/v1/metrics"
        self.start()


def rules():
    minutes, hours = MINUTES.scaled(FACTOR), HOURS.scaled(FACTOR)
    groups = []
    for group in groups_of(Growth(NameTranslator(), (), minutes, hours)):
        kept = [rule for rule in group.rules if re.search("cost_usd:|calls:|:increase:", rule.name)]
        groups.append(dataclasses.replace(group, rules=tuple(kept)))
    assert duration(minutes.slot) == "500ms"
    return json.dumps(rules_json(tuple(groups), Places()))


def wait(minutes):
    time.sleep(minutes * MINUTE)


def half_an_hour_ends(minutes):
    """Waits until a step of the corrections ends in so many minutes."""
    step = 30 * MINUTE
    time.sleep((-time.time() - minutes * MINUTE) % step)


def settle(fleet, *stores):
    """Nothing more is spent; what is missing is corrected within an hour and a half, and by hours within two more."""
    fleet.quiet = True
    wait(240)
    return [(store.spent(), store.recorded(), store.recorded("1h")) for store in stores]


def short_faults(folder):
    """A Collector and a Prometheus that are frozen, killed and away; and a replica that is not."""
    prometheus, replica = Prometheus(folder / "one"), Prometheus(folder / "replica")
    collector = Collector(folder / "collector", prometheus)
    try:
        with Fleet(collector.otlp, replica.otlp).running() as fleet:
            wait(7 * 60)
            half_an_hour_ends(10)
            fleet.withhold(17, 8)
            wait(60)
            collector.frozen(15)
            wait(60)
            collector.away(10, signal.SIGKILL)
            wait(60)
            replayed = killed_with_a_queue(fleet, collector, prometheus)
            wait(60)
            prometheus.away(45)
            wait(60)
            prometheus.frozen(17)
            wait(60)
            prometheus.away(100, signal.SIGKILL)
            wait(60)
            found = settle(fleet, prometheus, replica)
            return found, [store.spent(*replayed) for store in (prometheus, replica)]
    finally:
        for server in (collector, prometheus, replica):
            server.stop()


def killed_with_a_queue(fleet, collector, prometheus):
    """While Prometheus is away every process ends, and then the Collector is killed. Returns those processes."""
    prometheus.stop()
    wait(2)
    ended = fleet.deploy()
    wait(2)
    collector.stop(signal.SIGKILL)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(Server.start, (collector, prometheus)))
    return ended


def long_outages(folder):
    """Five hours, and eight. How much is shown too much is looked at all the time."""
    prometheus = Prometheus(folder / "long")
    collector = Collector(folder / "collector", prometheus)
    found, too_much = {}, []
    try:
        with Fleet(collector.otlp).running() as fleet:
            wait(7 * 60)
            for hours in (5, 8):
                found[hours, "before"] = prometheus.spent()
                prometheus.away(hours * 60)
                for _ in range(13 * 4):
                    wait(15)
                    # What is recorded is asked first: the raw sum goes on.
                    recorded = prometheus.recorded()
                    too_much.append(recorded - prometheus.spent())
                wait(60)
                fleet.quiet = True
                wait(120)
                found[hours] = (prometheus.spent(), prometheus.recorded(), prometheus.recorded("1h"))
                fleet.quiet = False
        return found, max(too_much)
    finally:
        collector.stop()
        prometheus.stop()


def many_freezes(folder):
    """What Prometheus could not take comes at once and out of order, while the rules are evaluated again."""
    prometheus = Prometheus(folder / "frozen")
    collector = Collector(folder / "collector", prometheus)
    too_much = []
    try:
        with Fleet(collector.otlp).running():
            wait(7 * 60)
            for _ in range(15):
                prometheus.frozen(17)
                wait(20)
                recorded = prometheus.recorded()
                too_much.append(recorded - prometheus.spent())
        return max(too_much)
    finally:
        collector.stop()
        prometheus.stop()


@pytest.fixture(scope="module")
def runs(stack, tmp_path_factory):
    """All at once: they wait most of the time."""
    root, each = tmp_path_factory.mktemp("growth"), (short_faults, long_outages, many_freezes)
    with ThreadPoolExecutor(len(each)) as pool:
        yield {run.__name__: pool.submit(run, root / run.__name__) for run in each}


def test_after_short_faults_everything_is_recorded_once(runs):
    ((raw, slots, hours), replica), _ = runs["short_faults"].result()
    assert raw > 100
    assert slots == pytest.approx(raw, abs=EQUAL)
    assert hours == pytest.approx(raw, abs=EQUAL)
    # What the other one lost were processes that ended while it was away. Each records what it has.
    assert replica[1:] == pytest.approx((replica[0], replica[0]), abs=EQUAL)
    assert replica[0] >= raw


def test_a_killed_collector_sends_what_it_had_in_its_queue(runs):
    """What processes spent before they ended, while Prometheus was away: it is in no later sum."""
    _, (ours, replicas) = runs["short_faults"].result()
    assert ours == pytest.approx(replicas, abs=EQUAL)
    assert replicas > 10


def test_after_five_hours_everything_is_recorded_once(runs):
    found, _ = runs["long_outages"].result()
    raw, slots, hours = found[5]
    assert raw > found[5, "before"] > 100
    assert slots == pytest.approx(raw, abs=EQUAL)
    assert hours == pytest.approx(raw, abs=EQUAL)


def test_after_eight_hours_never_too_much_and_no_more_is_missing_than_the_last_slot_before(runs):
    found, too_much = runs["long_outages"].result()
    assert too_much <= EQUAL
    raw, slots, hours = found[8]
    a_slot = 12 * 6 * 3 * 0.3
    assert raw - a_slot < slots <= raw + EQUAL
    assert hours == pytest.approx(slots, abs=EQUAL)


def test_processes_that_are_heard_again_while_the_rules_are_evaluated_are_not_new(runs):
    assert runs["many_freezes"].result() <= EQUAL
