"""The ways in which a fleet's processes are started, asked and ended. Each takes a `Start` and returns at their end."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from servers import ROOT, free_ports

PROGRAMS = Path(__file__).with_name("programs")
EXAMPLES = ROOT / "examples/running"
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
    ended: list[tuple[int, str]] = field(default_factory=list)
    """Exit code and standard error of each that was instrumented."""
    begun: list[subprocess.Popen] = field(default_factory=list)

    def python(self, program, *arguments):
        """A program of ours, or an example."""
        (file,) = (file for folder in (PROGRAMS, EXAMPLES) if (file := folder / f"{program}.py").exists())
        return self.instrumented("python", str(file), *map(str, arguments))

    def instrumented(self, *command):
        """As a user starts it. What it says on standard error goes to a file: no pipe can be full."""
        with (self.folder / f"{len(self.begun)}.log").open("wb") as log:
            process = subprocess.Popen(
                [self.binaries / "opentelemetry-instrument", *command], cwd=self.folder, env=self.environment,
                stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True,
            )  # fmt: skip
        self.begun.append(process)
        return process

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


def asks_of_gunicorn(*options):
    def way(start):
        (port,) = free_ports(1)
        own = ["--workers", str(WORKERS), "--bind", f"127.0.0.1:{port}", *options]
        _asks(start, start.instrumented("gunicorn", "served_wsgi:application", *own), port)

    return way


def asks_of_uvicorn(application):
    def way(start):
        (port,) = free_ports(1)
        own = ["--workers", str(WORKERS), "--port", str(port), "--log-level", "warning"]
        _asks(start, start.instrumented("uvicorn", application, *own), port)

    return way


def asks_of_uvicorn_in_code(start):
    (port,) = free_ports(1)
    _asks(start, start.python("serve", port), port)


def _asks(start, process, port):
    """Three at once, until each worker has answered; then the server is told to end."""
    url = f"http://127.0.0.1:{port}/"
    until(lambda: process.poll() is not None or _answered(url), f"{url} answers")
    seen, asked = set(), 0
    with ThreadPoolExecutor(WORKERS) as clients:
        while len(seen) < WORKERS and asked < AT_MOST:
            seen |= set(clients.map(_answered, [url] * WORKERS))
            asked += WORKERS
    assert len(seen) == WORKERS, f"only {seen} answered"
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
