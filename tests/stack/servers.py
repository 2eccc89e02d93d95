"""Real servers for the tests: Prometheus, the Collector, VictoriaMetrics, Alertmanager, each in a folder of its own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import contextmanager
from pathlib import Path

from listening import Listening, Quiet

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
            while not _answers(ready):
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


def _answers(url):
    try:
        with urllib.request.urlopen(url, timeout=1):
            return True
    except urllib.error.HTTPError as error:
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

    def wait_for(self, expression, seconds=30):
        deadline = time.monotonic() + seconds
        while not (found := self.instant(expression)):
            assert time.monotonic() < deadline, f"no data in {seconds} s: {expression}"
            time.sleep(0.2)
        return found


@contextmanager
def prometheus(folder, config, *, alertmanager=None, cors=False, rules=DEPLOY / "prometheus/rules"):
    """The delivered configuration and rules, evaluated each second."""
    folder.mkdir(parents=True)
    text = config.read_text().replace("evaluation_interval: 1m", "evaluation_interval: 1s")
    if alertmanager:
        text = text.replace("alertmanager:9093", f"127.0.0.1:{alertmanager}")
    (folder / "prometheus.yaml").write_text(text)
    (folder / "rules").mkdir()
    for file in rules.glob("*.yaml"):
        faster = file.read_text().replace('interval: "1m"', "interval: 1s").replace('interval: "5m"', "interval: 1s")
        assert "interval: 1s" in faster
        (folder / "rules" / file.name).write_text(faster)
    (port,) = free_ports(1)
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
        "-search.disableCache",
        "-loggerLevel=WARN",
    )
    with running("victoria-metrics", arguments, f"{url}/health", folder) as log:
        store = Store(url)
        store.log = log
        yield store


@contextmanager
def collector(folder, config, **environment):
    """A delivered configuration of the Collector; gives its OTLP/HTTP address."""
    grpc, http, health = free_ports(3)
    environment |= {
        "LISTEN_ADDRESS": "127.0.0.1",
        "OTLP_GRPC_PORT": str(grpc),
        "OTLP_HTTP_PORT": str(http),
        "HEALTH_PORT": str(health),
    }
    ready = f"http://127.0.0.1:{health}/"
    with running("otelcol", ("--config", str(config)), ready, folder, **environment) as log:
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
