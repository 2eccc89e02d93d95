"""Programs of their own, under the real agent, against a simulator of their own."""

import json
import os
import sys

import pytest

from otel_claude_demo.simulator import Simulator

KEY = "sk-ant-api03-R2D" + "x" * 80 + "igAA"


@pytest.fixture
def simulator():
    with Simulator() as running:
        yield running


@pytest.fixture
def environment(simulator):
    """What a program needs to find the simulator, and nothing else that a developer's shell may have set."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANTHROPIC_", "OTEL_"))}
    # Neither a newer Python's colours nor a terminal's width is what is tested here.
    kept.update(ANTHROPIC_BASE_URL=simulator.url, ANTHROPIC_API_KEY=KEY, NO_COLOR="1", COLUMNS="100")
    # They are here for tests/services, and each program would take a fifth of a second more to import them.
    kept["OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"] = "fastapi,httpx,httpx2"
    return kept


@pytest.fixture
def summary(tmp_path):
    """The file that the summary is written to, and reads it."""
    return Summary(tmp_path / "summary.json")


class Summary:
    def __init__(self, path):
        self.path = path

    def command(self, *program):
        """`otel-claude run --json FILE program`, with this Python."""
        return [sys.executable, "-m", "otel_claude.cli", "run", "--json", str(self.path), sys.executable, *program]

    def read(self):
        return json.loads(self.path.read_text())
