"""Each program runs once, in its framework's own environment (`make test-frameworks` makes them)."""

from __future__ import annotations

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from frameworks_expected import BEDROCK_ROWS, ROWS
from frameworks_received import Received

from otel_claude_demo.simulator import Simulator

APPS = Path(__file__).with_name("apps")
EXAMPLES = Path(__file__).parents[2] / "examples"
ENVIRONMENTS = Path(__file__).parents[2] / ".cache" / "frameworks"
MESSAGES = "/v1/messages"
KEY = "sk-ant-api03-R2D" + "x" * 80 + "igAA"
# They need environments of their own, so they run with `make test-frameworks` alone.
collect_ignore_glob = [] if os.environ.get("FRAMEWORK_TESTS") == "1" else ["test_*"]


class Run:
    """What the simulator served to a program, and what was received of it."""

    def __init__(self, row, tracing):
        self.row, self.tracing = row, tracing
        app = next(found for place in (APPS, EXAMPLES) if (found := place / f"{row.app}.py").exists())
        program = ENVIRONMENTS / row.framework / "bin"
        with Simulator(scenario=row.scenario) as simulator, Received() as received:
            done = subprocess.run(
                [program / "opentelemetry-instrument", program / "python", app],
                env=self._environment(simulator, received), check=False, capture_output=True, text=True, timeout=120,
            )  # fmt: skip
            served = [
                record for record in simulator.served if record.path == MESSAGES or record.path.startswith("/model/")
            ]
        self.unseen, self.seen = served[: row.unseen], served[row.unseen :]
        self.code, self.errors = done.returncode, done.stderr
        self.received = received

    def _environment(self, simulator, received):
        unset = ("ANTHROPIC_", "AWS_", "OTEL_", "PYTHON", "LANGSMITH_", "LANGCHAIN_", "LITELLM_", "VIRTUAL_ENV")
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith(unset)},
            "ANTHROPIC_BASE_URL": simulator.url,
            "ANTHROPIC_API_KEY": KEY,
            "ANTHROPIC_OPEN_TELEMETRY": "true" if self.tracing == "native" else "false",
            "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": simulator.url,
            "AWS_ACCESS_KEY_ID": "simulated",
            "AWS_SECRET_ACCESS_KEY": "simulated",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "OTEL_EXPORTER_OTLP_ENDPOINT": received.url,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_LOGS_EXPORTER": "none",
            "OTEL_SERVICE_NAME": self.row.app,
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # else it asks GitHub for its prices
            **self.row.variables,
        }


RUNS = {f"{row.framework}-{row.name}-{tracing}": (row, tracing) for row in ROWS for tracing in row.tracings}
BEDROCK_RUNS = {row.framework: (row, "ours") for row in BEDROCK_ROWS}
ALL_RUNS = {**RUNS, **BEDROCK_RUNS}
AT_ONCE = 2
"""Programs. Most of the time is theirs, so they run beside the tests, in the order in which the tests want them."""
_programs = ThreadPoolExecutor(AT_ONCE)
_begun = {}


def pytest_collection_finish(session):
    for item in session.items:
        # Tests elsewhere may have a parameter of this name too, of any kind.
        given = item.callspec.params if hasattr(item, "callspec") else {}
        for name in (given.get("run"), given.get("bedrock_run")):
            if isinstance(name, str) and name in ALL_RUNS and name not in _begun:
                _begun[name] = _programs.submit(Run, *ALL_RUNS[name])


def pytest_sessionfinish():
    _programs.shutdown(cancel_futures=True)


@pytest.fixture(scope="module", params=RUNS)
def run(request):
    return _begun[request.param].result()


@pytest.fixture(scope="module", params=BEDROCK_RUNS)
def bedrock_run(request):
    return _begun[request.param].result()
