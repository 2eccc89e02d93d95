"""The ways in which a fleet's processes are started, asked and ended. Each takes a `Start` and returns at their end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from fleets_lambda import FROZEN, RuntimeApi
from servers import ROOT, Store, free_ports

PROGRAMS = Path(__file__).with_name("programs")
EXAMPLES = ROOT / "examples/running"
TARGETS = "targets"
"""The folder beside the fleets' own with what Prometheus scrapes."""
PATIENCE = 120
"""Seconds for whatever is waited for."""
WORKERS = 3
AT_MOST = 200
"""Requests, until each worker has answered one."""


@dataclass
class Start:
    """Starts programs of one environment, and keeps what they said."""

    binaries: Path
    environment: dict[str, str]
    folder: Path
    served: Callable[[], int]
    """How many calls the server has answered."""
    store: Store
    job: str
    ended: list[tuple[int, str]] = field(default_factory=list)
    """Exit code and standard error of each that was instrumented."""
    begun: list[subprocess.Popen] = field(default_factory=list)

    def python(self, program, *arguments):
        """A program of ours, or an example."""
        (file,) = (file for folder in (PROGRAMS, EXAMPLES) if (file := folder / f"{program}.py").exists())
        return self.instrumented("python", str(file), *map(str, arguments))

    def instrumented(self, *command, **environment):
        """As a user starts it."""
        return self.plain("opentelemetry-instrument", *command, **environment)

    def plain(self, program, *arguments, **environment):
        """What it says on standard error goes to a file: no pipe can be full."""
        with (self.folder / f"{len(self.begun)}.log").open("wb") as log:
            process = subprocess.Popen(
                [self.binaries / program, *arguments], cwd=self.folder, env=self.environment | environment,
                stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True,
            )  # fmt: skip
        self.begun.append(process)
        return process

    def scraped(self, *ports):
        """Prometheus scrapes these ports each second from now on."""
        targets = [{"targets": [f"127.0.0.1:{port}" for port in ports], "labels": {"job": self.job}}]
        (self.folder.parent / f"{TARGETS}/{self.job}.json").write_text(json.dumps(targets))

    def until_scraped(self, calls):
        """Waits until the store has the last numbers of processes that made so many calls and still live."""
        series = f'claude_client_calls_total{{job="{self.job}"}}'
        # Scraped from now on: until its next scrape a target has the numbers of the process that was there before.
        query = f"sum({series}) == {calls} and min(timestamp({series})) > {time.time():.3f}"
        until(lambda: self.store.instant(query), f"{calls} calls were scraped")

    def until_ended(self, process):
        process.communicate(timeout=PATIENCE)
        log = self.folder / f"{self.begun.index(process)}.log"
        self.ended.append((process.returncode, log.read_text()))

    def kill_all(self):
        """Whatever is left after a failure."""
        for process in self.begun:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()


def until(true, what):
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def at_once(*programs):
    def way(start):
        for process in [start.python(*program) for program in programs]:
            start.until_ended(process)

    return way


def after_each_other(*programs):
    def way(start):
        for program in programs:
            start.until_ended(start.python(*program))

    return way


def ended_by_sigterm(*program):
    def way(start):
        process = start.python(*program)
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        start.until_ended(process)

    return way


def asks_of_celery(start):
    worker = ["celery", "--app", "celery_tasks", "worker", "--pool", "prefork", "--concurrency", "2"]
    own = ["--max-tasks-per-child", "1", "--without-gossip", "--without-mingle", "--without-heartbeat"]
    process = start.instrumented(*worker, *own)
    subprocess.run(
        [start.binaries / "python", "-m", "celery_tasks"], env=start.environment, check=True, timeout=PATIENCE,
        cwd=start.folder,
    )  # fmt: skip
    until(lambda: start.served() >= 5, "five tasks were done")
    process.send_signal(signal.SIGTERM)  # it waits for tasks that are not done
    start.until_ended(process)


def asks_of_uwsgi(*options):
    def way(start):
        (port,) = free_ports(1)
        own = ["--http-socket", f"127.0.0.1:{port}", "--master", "--processes", str(WORKERS)]
        # It kills a worker that is busy when it is told to end, and one is until a little after its answer.
        own += ["--hook-master-start", "unix_signal:15 gracefully_kill_them_all"]
        process = start.instrumented("uwsgi", *own, "--wsgi-file", str(EXAMPLES / "wsgi_app.py"), *options)
        _asks(start, process, port)

    return way


def asks_of_rq(*worker):
    def way(start):
        (port,) = free_ports(1)
        redis = ("--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(start.folder))
        start.plain("redis-server", *redis)
        url = f"redis://127.0.0.1:{port}"
        until(lambda: _listens(port), "Redis listens")
        subprocess.run(
            [start.binaries / "python", "-m", "rq_jobs"], env=start.environment | {"REDIS_URL": url}, check=True,
            timeout=PATIENCE, cwd=start.folder,
        )  # fmt: skip
        # It ends when there is no job left.
        start.until_ended(start.instrumented("rq", *worker, "--burst", "--url", url))

    return way


def _listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def asks_of_gunicorn(*options):
    def way(start):
        (port,) = free_ports(1)
        own = ["--workers", str(WORKERS), "--bind", f"127.0.0.1:{port}", *options]
        _asks(start, start.instrumented("gunicorn", "served_wsgi:application", *own), port)

    return way


def scraped_gunicorn(start):
    """Three workers, each with a port that is scraped, until Prometheus has what they did."""
    port, master, *workers = free_ports(2 + WORKERS)
    start.scraped(*workers)
    process = start.instrumented(
        *("gunicorn", "-c", EXAMPLES / "gunicorn_prometheus.py", "--bind", f"127.0.0.1:{port}"),
        "wsgi_app:application",
        OTEL_METRICS_EXPORTER="prometheus",
        OTEL_EXPORTER_PROMETHEUS_PORT=str(master),
        PROMETHEUS_PORTS=",".join(map(str, workers)),
    )
    _asks(start, process, port, lambda: start.until_scraped(start.served()))


def scraped_restarts(start):
    """Three processes after each other on one port, as a container that restarts has it."""
    (port,) = free_ports(1)
    start.scraped(port)
    for _ in range(3):
        process = start.instrumented(
            *("python", str(PROGRAMS / "waits.py")),
            OTEL_METRICS_EXPORTER="prometheus",
            OTEL_EXPORTER_PROMETHEUS_PORT=str(port),
        )
        assert process.stdout.readline() == "ready\n"
        start.until_scraped(3)
        process.send_signal(signal.SIGTERM)
        start.until_ended(process)


def invoked_by_lambda(handler, *interpreter):
    """Four events for a function that is frozen after each, and killed in the end. `interpreter` starts the runtime."""

    def way(start):
        with RuntimeApi() as api:
            process = start.plain(
                *interpreter, "-m", "awslambdaric", handler,
                _HANDLER=handler, AWS_LAMBDA_FUNCTION_NAME="chat", AWS_LAMBDA_LOG_FORMAT="Text",
                AWS_LAMBDA_RUNTIME_API=api.url.removeprefix("http://"),
            )  # fmt: skip
            for number in range(1, 5):
                api.ask(process, {"question": "?" * number})
            os.killpg(process.pid, signal.SIGKILL)
            start.until_ended(process)

    return way


def served_by_cloud_run(application, end):
    """Four requests to an instance that has no CPU after each answer, until it gets the last signal."""

    def way(start):
        (port,) = free_ports(1)
        process = start.instrumented("gunicorn", "--threads", "8", "--bind", f"127.0.0.1:{port}", application)
        url = f"http://127.0.0.1:{port}/"
        until(lambda: process.poll() is not None or _answered(url), f"{url} answers")
        for _ in range(3):
            os.killpg(process.pid, signal.SIGSTOP)
            time.sleep(FROZEN)
            os.killpg(process.pid, signal.SIGCONT)
            assert _answered(url)
        if end == signal.SIGKILL:
            os.killpg(process.pid, end)
        else:
            process.send_signal(end)
        start.until_ended(process)

    return way


def injected_by_the_operator(start):
    """A pod of two containers with two processes each, and both containers once more, as after a restart."""
    for _ in range(2):
        processes = [
            start.plain("python", PROGRAMS / "calls.py", str(times), str(who), **injected(start, container))
            for who, (container, times) in enumerate((("web", 3), ("web", 2), ("worker", 2), ("worker", 1)), start=1)
        ]
        for process in processes:
            start.until_ended(process)


def injected(start, container):
    """What the OpenTelemetry Operator adds to a container, as its source (internal/instrumentation) has it.

    `Instrumentation` has what deploy/kubernetes/instrumentation.yaml says. The operator's folder has no command that
    could be found, and the application's image no OpenTelemetry SDK.
    """
    (folder,) = (start.binaries.parents[1] / "operator/lib").glob("python3*/site-packages")
    pod = "chat-7d9f5c8b44-x2x7p"
    return {
        "OTEL_NODE_IP": "10.0.0.7",
        "OTEL_POD_IP": "10.1.0.9",
        "PYTHONPATH": os.pathsep.join(
            (
                f"{folder}/opentelemetry/instrumentation/auto_instrumentation",
                start.environment["PYTHONPATH"],
                str(folder),
            )
        ),
        "OTEL_RESOURCE_ATTRIBUTES_POD_NAME": pod,
        "OTEL_RESOURCE_ATTRIBUTES_NODE_NAME": "node-1",
        "OTEL_PROPAGATORS": "tracecontext,baggage",
        "OTEL_RESOURCE_ATTRIBUTES": ",".join(
            (
                f"k8s.container.name={container},k8s.deployment.name=chat,k8s.namespace.name=shop",
                f"k8s.node.name=node-1,k8s.pod.name={pod},k8s.replicaset.name=chat-7d9f5c8b44",
                f"service.instance.id=shop.{pod}.{container},service.namespace=shop,service.version=1",
            )
        ),
    }


def asks_of_uvicorn(application):
    def way(start):
        (port,) = free_ports(1)
        own = ["--workers", str(WORKERS), "--port", str(port), "--log-level", "warning"]
        _asks(start, start.instrumented("uvicorn", application, *own), port)

    return way


def asks_of_uvicorn_in_code(start):
    (port,) = free_ports(1)
    _asks(start, start.python("serve", port), port)


def _asks(start, process, port, before_the_end=lambda: None):
    """Three at once, until each worker has answered; then the server is told to end."""
    url = f"http://127.0.0.1:{port}/"
    until(lambda: process.poll() is not None or _answered(url), f"{url} answers")
    seen, asked = set(), 0
    with ThreadPoolExecutor(WORKERS) as clients:
        while len(seen) < WORKERS and asked < AT_MOST:
            seen |= set(clients.map(_answered, [url] * WORKERS))
            asked += WORKERS
    assert len(seen) == WORKERS, f"only {seen} answered"
    before_the_end()
    process.send_signal(signal.SIGTERM)
    start.until_ended(process)


def _answered(url):
    """The id of the process that answered, with which the answer begins; nothing while nobody listens."""
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as response:
            return response.read().partition(b":")[0]
    except ConnectionError:
        return b""
    except urllib.error.URLError as error:
        if isinstance(error.reason, ConnectionError):
            return b""
        raise
