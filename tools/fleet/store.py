"""The real servers, and questions to them with what each cost."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

ROOT: Final = Path(__file__).parents[2]
CACHE: Final = Path(os.environ.get("STACK_CACHE", ROOT / ".cache/stack"))
WRITER: Final = ROOT / ".cache/fleet/writer"
START_SECONDS: Final = 600
QUERY_SECONDS: Final = 300

Json = dict[str, Any]


def writer() -> Path:
    """The program that writes fleets. It is built anew where its source changed."""
    WRITER.parent.mkdir(parents=True, exist_ok=True)
    build = ["go", "build", "-buildvcs=false", "-o", str(WRITER), "."]
    subprocess.run(build, cwd=Path(__file__).parent, check=True)  # noqa: S603 - Go is where the developer has it
    return WRITER


@dataclass(frozen=True)
class Answer:
    """What a query gave, and what it cost. `error`: why there is nothing."""

    seconds: float
    cpu: float
    samples: int = 0
    peak: int = 0
    series: int = 0
    execution: float = 0
    error: str = ""
    result: tuple[Json, ...] = ()

    @property
    def busy(self) -> float:
        """Seconds on a machine of one's own: where others use it too, a query waits for longer than it works."""
        return min(self.seconds, self.cpu)


class Store:
    """A server that runs, and its query API."""

    def __init__(self, url: str, process: subprocess.Popen[bytes]) -> None:
        self.url = url
        self._pid = process.pid

    def post(self, path: str, **parameters: Any) -> Any:
        """The data of an answer."""
        body = urllib.parse.urlencode(parameters, doseq=True).encode()
        request = urllib.request.Request(f"{self.url}/api/v1/{path}", data=body)  # noqa: S310 - our own server
        with urllib.request.urlopen(request, timeout=QUERY_SECONDS) as response:  # noqa: S310 - the same
            return json.load(response)["data"]

    def get(self, path: str, **parameters: Any) -> Any:
        """The same where the API takes no POST."""
        query = urllib.parse.urlencode(parameters, doseq=True)
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{query}", timeout=QUERY_SECONDS) as response:  # noqa: S310
            return json.load(response)["data"]

    def ask(self, path: str, **parameters: Any) -> Answer:
        """A query with what it cost. The server's CPU time says more than the clock where others use the machine."""
        began, cpu = time.perf_counter(), self.cpu()
        try:
            if path.startswith("label"):
                found = cast("list[Any]", self.get(path, **parameters))
                return Answer(time.perf_counter() - began, self.cpu() - cpu, series=len(found))
            data = cast("Json", self.post(path, stats="all", **parameters))
        except urllib.error.HTTPError as error:
            with error:
                text = error.read().decode(errors="replace")[:300]
            return Answer(time.perf_counter() - began, self.cpu() - cpu, error=f"{error.code} {text}")
        except OSError as error:
            return Answer(time.perf_counter() - began, self.cpu() - cpu, error=str(error))
        seconds, spent = time.perf_counter() - began, self.cpu() - cpu
        stats = cast("Json", data.get("stats") or {})
        samples, timings = (cast("Json", stats.get(name) or {}) for name in ("samples", "timings"))
        # A scalar is no list of series.
        result = tuple(cast("list[Json]", data["result"])) if data["resultType"] in {"vector", "matrix"} else ()
        return Answer(
            seconds, spent, samples.get("totalQueryableSamples", 0), samples.get("peakSamples", 0), len(result),
            timings.get("execTotalTime", seconds), result=result,
        )  # fmt: skip

    def flush(self) -> None:
        """What VictoriaMetrics was just given can be found after this."""
        with urllib.request.urlopen(f"{self.url}/internal/force_flush", timeout=QUERY_SECONDS):  # noqa: S310 - our own server
            pass

    def cpu(self) -> float:
        """Seconds of CPU that the server used."""
        nanoseconds = 0
        for thread in Path(f"/proc/{self._pid}/task").iterdir():
            with suppress(OSError):
                nanoseconds += int((thread / "schedstat").read_text().split()[0])
        return nanoseconds / 1e9

    def memory(self, name: str = "VmRSS") -> int:
        """Bytes that it holds; `VmHWM` is the most it held."""
        for line in Path(f"/proc/{self._pid}/status").read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1]) * 1024
        return 0

    def metric(self, name: str) -> float:
        """A number that the server says of itself."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=60) as response:  # noqa: S310 - our own server
            for line in response.read().decode().splitlines():
                if line.startswith((f"{name} ", f"{name}{{")):
                    return float(line.rpartition(" ")[2])
        return 0


@contextmanager
def prometheus(folder: Path) -> Generator[Store]:
    """Prometheus on written data, as it is started by default but for retention. It compacts nothing."""
    (folder / "prometheus.yaml").write_text("global: {evaluation_interval: 1m}\n")
    port = _port()
    arguments = (
        f"--config.file={folder / 'prometheus.yaml'}", f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}", "--storage.tsdb.retention.time=10y",
        "--storage.tsdb.min-block-duration=2h", "--storage.tsdb.max-block-duration=2h", "--query.timeout=5m",
        "--log.level=warn",
    )  # fmt: skip
    with _running("prometheus", arguments, f"http://127.0.0.1:{port}", "/-/ready", folder) as store:
        yield store


@contextmanager
def victoria_metrics(folder: Path) -> Generator[Store]:
    """VictoriaMetrics, with its cache of answers off: it would give the second question's answer to all others."""
    port = _port()
    arguments = (
        f"-httpListenAddr=127.0.0.1:{port}", f"-storageDataPath={folder / 'victoria'}", "-retentionPeriod=10y",
        "-search.latencyOffset=0s", "-search.disableCache", "-search.maxQueryDuration=5m", "-loggerLevel=WARN",
    )  # fmt: skip
    with _running("victoria-metrics", arguments, f"http://127.0.0.1:{port}", "/health", folder) as store:
        yield store


@contextmanager
def _running(name: str, arguments: tuple[str, ...], url: str, ready: str, folder: Path) -> Generator[Store]:
    program = CACHE / "bin" / name
    if not program.exists():
        raise SystemExit(f"{program} is not there: run scripts/stack")
    log = folder / f"{name}.log"
    with log.open("wb") as out:
        process = subprocess.Popen([str(program), *arguments], stdout=out, stderr=out)  # noqa: S603 - of the stack
        try:
            deadline = time.monotonic() + START_SECONDS
            while not _answers(url + ready):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"{name} did not start:\n{log.read_text()[-2000:]}")
                time.sleep(0.1)
            yield Store(url, process)
        finally:
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - our own server
            return True
    except OSError:
        return False
