"""Real servers for the tests: Prometheus, the Collector, VictoriaMetrics, Alertmanager, each in a folder of its own."""

from __future__ import annotations

import dataclasses
import json
import os
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import contextmanager
from pathlib import Path

from listening import Listening, Quiet
from otel_claude import semconv as c
from otel_claude.alerts.budgets import budget_recordings
from otel_claude.alerts.definitions import alert_groups
from otel_claude.alerts.recording import groups_of
from otel_claude.alerts.rules import Places, rules_json
from otel_claude.export import Options
from otel_claude.promql.recorded import Growth, Level

ROOT = Path(__file__).parents[2]
CACHE = Path(os.environ.get("STACK_CACHE", ROOT / ".cache/stack"))
DEPLOY = ROOT / "deploy"


def program(name):
    return str(CACHE / "bin" / name)


def free_ports(count):
    """Ports that nobody listens on. All are taken at once, so that no two are the same."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


@contextmanager
def running(name, arguments, ready, folder, **environment):
    """A program, from when its `ready` address answers until the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / f"{name}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [program(name), *arguments], cwd=folder, stdout=out, stderr=out, env={**os.environ, **environment}
        )
        try:
            deadline = time.monotonic() + 30
            while not answers(ready):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{name} did not start:\n{log.read_text()[-3000:]}")
                time.sleep(0.05)
            yield log
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=1, context=ssl._create_unverified_context()):
            return True
    except urllib.error.HTTPError as error:
        with error:
            return error.code < 500
    except OSError:
        return False


class Store:
    """The query API of Prometheus or VictoriaMetrics."""

    def __init__(self, url):
        self.url = url

    def get(self, path, **parameters):
        """The data of an answer. A warning is a failure."""
        query = urllib.parse.urlencode(parameters, doseq=True)
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{query}", timeout=30) as response:
                answer = json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                raise AssertionError(f"{error.code} {error.read().decode()[:500]} for {parameters}") from error
        assert answer["status"] == "success", (answer, parameters)
        assert not answer.get("warnings"), (answer["warnings"], parameters)
        assert not answer.get("infos"), (answer["infos"], parameters)
        return answer["data"]

    def instant(self, expression, at=None):
        return self.get("query", query=expression, **({"time": at} if at else {}))["result"]

    def over_time(self, expression, start, end, step=5):
        return self.get("query_range", query=expression, start=start, end=end, step=step)["result"]

    def value(self, expression):
        """The one number that an expression gives."""
        found = self.instant(expression)
        assert len(found) == 1, (found, expression)
        return float(found[0]["value"][1])

    def recorded(self, queries):
        """Waits until all calls that are there are recorded too."""
        self.wait_for(f"{queries.calls('1h')} == {queries.raw_increase(c.CALLS, '1h')}", 60)
        # Subqueries look at whole seconds: one must come after what was recorded.
        time.sleep(1)

    def wait_for(self, expression, seconds=30):
        deadline = time.monotonic() + seconds
        while not (found := self.instant(expression)):
            assert time.monotonic() < deadline, f"no data in {seconds} s: {expression}"
            time.sleep(0.2)
        return found


# Slots of three seconds and of half a minute, where the delivered rules have five minutes and an hour.
FAST = (
    Level("5m", slot=3, delay=4, window=300, step=15, late=16),
    Level("1h", slot=30, delay=8, window=600, step=30, late=40),
)


def fast_rules(options):
    """The rules that `otel-claude export rules` writes, on that clock. Alerts are evaluated each second."""
    q = options.queries
    recordings = groups_of(Growth(q.translator, options.process_labels, *FAST), q.store)
    others = (
        *budget_recordings(q, options.tag_budgets), *alert_groups(q, options.thresholds, options.tag_budgets),
    )  # fmt: skip
    groups = (*recordings, *(dataclasses.replace(group, interval="1s") for group in others))
    return json.dumps(rules_json(groups, Places(translator=q.translator)))


@contextmanager
def prometheus(folder, config, *, alertmanager=None, scraped=None, cors=False, options=Options()):  # noqa: B008 - it is frozen
    """The delivered configuration, and the rules on a fast clock. Without options: without rules.

    `scraped`: the port of a Collector that is scraped each second, as Prometheus itself then is.
    """
    folder.mkdir(parents=True)
    (port,) = free_ports(1)
    text = config.read_text().replace("evaluation_interval: 1m", "evaluation_interval: 1s")
    if alertmanager:
        text = text.replace("alertmanager:9093", f"127.0.0.1:{alertmanager}")
    if scraped:
        text = text.replace("global:", "global:\n  scrape_interval: 1s")
        text = text.replace("otel-collector:8888", f"127.0.0.1:{scraped}")
        text = text.replace("localhost:9090", f"127.0.0.1:{port}")
    (folder / "prometheus.yaml").write_text(text)
    (folder / "rules").mkdir()
    if options is not None:
        (folder / "rules/otel-claude.yaml").write_text(fast_rules(options))
    url = f"http://127.0.0.1:{port}"
    arguments = (
        "--config.file=prometheus.yaml",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--web.enable-otlp-receiver",
        "--web.enable-remote-write-receiver",
        "--enable-feature=exemplar-storage",
        "--rules.alert.resend-delay=1s",
        "--log.level=warn",
        *(["--web.cors.origin=.*"] if cors else []),
    )
    with running("prometheus", arguments, f"{url}/-/ready", folder) as log:
        store = Store(url)
        store.log = log
        yield store


@contextmanager
def victoria_metrics(folder):
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    arguments = (
        f"-httpListenAddr=127.0.0.1:{port}",
        f"-storageDataPath={folder / 'data'}",
        "-opentelemetry.usePrometheusNaming",
        f"-relabelConfig={DEPLOY / 'prometheus/victoria-metrics-relabel.yaml'}",
        "-search.latencyOffset=0s",
        # As docs/deploy.md says: else a window that begins in an outage counts a process's whole life.
        "-search.minStalenessInterval=6h",
        "-search.disableCache",
        "-loggerLevel=WARN",
    )
    with running("victoria-metrics", arguments, f"{url}/health", folder) as log:
        store = Store(url)
        store.log = log
        yield store


@contextmanager
def collector(folder, config, metrics=None, beside=(), **environment):
    """A delivered configuration of the Collector, and more `beside` it; gives its addresses for OTLP, and its log."""
    grpc, http, health, free = free_ports(4)
    environment |= {
        "LISTEN_ADDRESS": "127.0.0.1",
        "OTLP_GRPC_PORT": str(grpc),
        "OTLP_HTTP_PORT": str(http),
        "HEALTH_PORT": str(health),
        "METRICS_PORT": str(metrics or free),
    }
    ready = f"http://127.0.0.1:{health}/"
    configs = [argument for path in (config, *beside) for argument in ("--config", str(path))]
    with running("otelcol", configs, ready, folder, **environment) as log:
        yield f"http://127.0.0.1:{http}", f"127.0.0.1:{grpc}", log


class Webhook(Listening):
    """Keeps what Alertmanager sends."""

    def __init__(self):
        received = self.received = []

        class Handler(Quiet):
            def do_POST(self):  # noqa: N802 - http.server's name
                body = self.posted()
                received.append((self.path, json.loads(body)))
                self.send_response(200)
                self.end_headers()

        super().__init__(Handler)


@contextmanager
def alertmanager(folder, webhook_port):
    """The delivered example, with its waits shortened and its webhook here."""
    folder.mkdir(parents=True)
    text = (DEPLOY / "prometheus/alertmanager.yaml").read_text()
    text = text.replace("localhost:9095", f"127.0.0.1:{webhook_port}").replace("group_wait: 30s", "group_wait: 0s")
    (folder / "am.yaml").write_text(text)
    (port,) = free_ports(1)
    arguments = (
        "--config.file=am.yaml",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    )
    with running("alertmanager", arguments, f"http://127.0.0.1:{port}/-/ready", folder):
        yield port
