"""Show: the whole demo. Starts the simulator, lets `otel-claude run` run the workload, shows and compares."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Final

from rich.console import Console

from otel_claude import pricing, redact

from . import screen
from .comparison import compare
from .services.processes import END, LIVE, SERVICES
from .simulator import Limits, Pace, Simulator

KEY: Final = "sk-ant-api03-demo" + "0" * 80 + "demo"
"""Nobody's key, of the length of a real one."""
_LIMITS: Final = Limits(requests=400, input_tokens=200_000, output_tokens=20_000)
"""Per minute and model: of a small account, so that something of them is used."""
_FULL: Final = 20.0
_LATENCY, _TOKENS_PER_SECOND = 0.25, 250.0
_PROCESSES: Final = "otel_claude_demo.services.processes"
_COMMAND: Final = f"otel-claude run python -m {_PROCESSES}"
_INTERRUPTED: Final = 130
_FORGOTTEN: Final = (
    "ANTHROPIC_",
    "OTEL_CLAUDE_",  # The comparison is about the shipped prices.
    "OTEL_CONFIG_FILE",  # This and the others would keep the workload from being measured.
    "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS",
    "OTEL_SDK_DISABLED",
)
"""Beginnings of the names of variables that the simulated demo does without."""


def simulated(console: Console, seconds: float) -> int:
    """The demo on this machine alone. Gives the exit code: 1 if measured and served are not the same."""
    # A short demo has to answer faster, to get through all of its steps.
    quick = min(1.0, seconds / _FULL)
    pace = Pace(_LATENCY * quick, _TOKENS_PER_SECOND / max(quick, 0.01))
    with tempfile.TemporaryDirectory(prefix="otel-claude-demo-") as folder:
        summary = Path(folder, "summary.json")
        with Simulator(limits=_LIMITS, pace=pace) as simulator:
            console.print(f"A simulated Messages API answers at {simulator.url}: no key, no cost.")
            code = _perform(console, _environment(os.environ, simulator.url), summary, seconds, live=False)
        if code or not summary.exists():
            return code or _no_summary(console)
        measured = json.loads(summary.read_text(encoding="utf-8"))
        served = compare(simulator.served, measured, pricing.shipped(), at=time.time())
    return 0 if screen.compared(console, served) else 1


def live(console: Console) -> int:
    """The demo against the real API. Gives the exit code."""
    with tempfile.TemporaryDirectory(prefix="otel-claude-demo-") as folder:
        summary = Path(folder, "summary.json")
        code = _perform(console, _exporting(os.environ), summary, _FULL, live=True)
        if code or not summary.exists():
            return code or _no_summary(console)
    console.print("\nCompare with what the Console shows: https://platform.claude.com/usage (some minutes later).")
    return 0


def _perform(console: Console, environment: Mapping[str, str], summary: Path, seconds: float, *, live: bool) -> int:
    """Runs the workload behind a progress bar, and lets it print its summary after that."""
    console.print("Three services call it with the anthropic SDK, and have no telemetry code:")
    screen.services(console, tuple(SERVICES.items()))
    if endpoint := environment.get("OTEL_EXPORTER_OTLP_ENDPOINT", "").strip():
        console.print(f"Exported over OTLP too, to {redact.url(endpoint)} (OTEL_EXPORTER_OTLP_ENDPOINT).")
    console.print(f"$ {_COMMAND}\n", style="bold")
    arguments = [str(time.time() + seconds), *([LIVE] if live else [])]
    program = [sys.executable, "-m", _PROCESSES, *arguments]
    command = [sys.executable, "-m", "otel_claude.cli", "run", "--json", str(summary), *program]
    running = subprocess.Popen(  # noqa: S603 - our own modules
        command,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # Ctrl-C is ours to pass on: all of them at once would answer it with a traceback each.
        start_new_session=True,
    )
    try:
        _watch(console, running, seconds)
        _close(running.stdin)
        code = running.wait()
    except KeyboardInterrupt:
        # What was spent until now is printed.
        running.terminate()
        running.wait()
        console.print("\nInterrupted.")
        return _INTERRUPTED
    if code:
        console.print(f"\nThe workload ended with code {code}: what it said is above.", style="bold red")
    return code


def _watch(console: Console, running: subprocess.Popen[str], seconds: float) -> None:
    lines: queue.Queue[str] = queue.Queue()

    def read() -> None:
        for line in running.stdout or ():
            lines.put(line.strip())
        lines.put(END)

    threading.Thread(target=read, name="otel-claude-demo", daemon=True).start()
    with screen.Bar(console, seconds) as bar:
        while True:
            try:
                said = lines.get(timeout=0.1)
            except queue.Empty:
                bar.say()
                continue
            if said == END:
                return
            bar.say(said.replace("\t", ": "))


def _close(stream: IO[str] | None) -> None:
    if stream is not None:
        stream.close()


def _environment(given: Mapping[str, str], url: str) -> dict[str, str]:
    """What leads the SDK to the simulator, whatever it was told before."""
    made = {name: value for name, value in given.items() if not name.startswith(_FORGOTTEN)}
    made["ANTHROPIC_BASE_URL"], made["ANTHROPIC_API_KEY"] = url, KEY
    for name in ("NO_PROXY", "no_proxy"):
        # A proxy would be asked for this machine's own address.
        made[name] = ",".join(part for part in ("127.0.0.1", made.get(name, "")) if part)
    return _exporting(made)


def _exporting(given: Mapping[str, str]) -> dict[str, str]:
    """Exports often, so that a dashboard has more than one point of so short a program."""
    return {"OTEL_METRIC_EXPORT_INTERVAL": "5000", **given}


def _no_summary(console: Console) -> int:
    console.print("\nNothing was measured: what is said above tells why.", style="bold red")
    return 1
