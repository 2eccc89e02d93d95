"""Runs a case: a fleet in its environment, against a server of its own."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import servers
from fleets_served import served, stored
from fleets_ways import EXAMPLES, PROGRAMS, Start

from otel_claude_demo.simulator import Simulator

ENVIRONMENTS = servers.ROOT / ".cache/fleets"
UNSET = ("ANTHROPIC_", "OTEL_", "PYTHON", "VIRTUAL_ENV", "COV")


@dataclass
class Destination:
    """Where telemetry is sent to, by its temporality, and the store where it ends. `root`: a folder for logs."""

    store: servers.Store
    endpoints: dict[str, str]
    root: Path


class Run:
    """What was served to a fleet, what the store has of it, and how its processes ended."""

    def __init__(self, case, destination):
        self.case, self.fleet = case, case.fleet
        folder = destination.root / case.name
        (folder / "control").mkdir(parents=True)
        # These limits last for hours. The usual ones are full again within a second, and their gauges are gone then.
        with Simulator(scenario="unified") as simulator:
            start = Start(
                _binaries(case.environment),
                _environment(case, simulator.url, destination.endpoints[case.temporality], folder),
                folder,
                lambda: len(simulator.served),
                destination.store,
                case.job,
            )
            try:
                self.fleet.way(start)
            finally:
                start.kill_all()
            self.served = served(simulator.served)
        self.stored = stored(destination.store, case.job)
        self.exits = {code for code, _ in start.ended}
        self.errors = "".join(error for _, error in start.ended)


def _binaries(environment):
    return Path(sys.executable).parent if environment == "dev" else ENVIRONMENTS / environment / "bin"


def _environment(case, api, endpoint, folder):
    binaries = _binaries(case.environment)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(UNSET)}
    return {
        **kept,
        "PATH": f"{binaries}{os.pathsep}{kept['PATH']}",
        "PYTHONPATH": f"{PROGRAMS}{os.pathsep}{EXAMPLES}",
        "ANTHROPIC_API_KEY": "sk-ant-api03-R2D" + "x" * 80 + "igAA",
        "ANTHROPIC_BASE_URL": api,
        "CELERY_FOLDER": str(folder),
        "EXAMPLES": str(EXAMPLES),
        "FLEET_FOLDER": str(folder),
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": endpoint,
        "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": case.temporality,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_LOGS_EXPORTER": "none",
        "OTEL_METRIC_EXPORT_INTERVAL": "600000",  # none but the last export, at the end, brings the numbers
        "OTEL_RESOURCE_ATTRIBUTES": case.fleet.resource,
        "OTEL_SERVICE_NAME": case.name,
        "OTEL_TRACES_EXPORTER": "none",
        **case.fleet.variables,
    }
