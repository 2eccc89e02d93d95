"""Runs a packed program against a simulator, and compares what it measured with what was served."""

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

from otel_claude.pricing import shipped
from otel_claude_demo.comparison import compare
from otel_claude_demo.simulator import Simulator

CALLS = 3
KEY = "sk-ant-api03-R2D" + "x" * 80 + "igAA"


def environment(**more: str) -> dict[str, str]:
    """Without what a developer's shell may have set."""
    unset = ("OTEL_", "ANTHROPIC_", "PYTHON", "VIRTUAL_ENV")
    return {**{name: value for name, value in os.environ.items() if not name.startswith(unset)}, **more}


def measured(command: list[str], summary: Path, **more: str) -> dict[str, Any]:
    """The summary of a program of three calls: its calls, tokens and dollars are those that were served."""
    with Simulator() as simulator:
        variables = {
            "ANTHROPIC_BASE_URL": simulator.url,
            "ANTHROPIC_API_KEY": KEY,
            "OTEL_METRICS_EXPORTER": "claude_summary",
            "OTEL_TRACES_EXPORTER": "none",
            "OTEL_LOGS_EXPORTER": "none",
            "OTEL_CLAUDE_SUMMARY_JSON": str(summary),
            **more,
        }
        done = subprocess.run(
            command, env=environment(**variables), cwd=summary.parent, capture_output=True, text=True, timeout=170,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert summary.exists(), done.stderr
        told = json.loads(summary.read_text())
        compared = compare(simulator.served, told, shipped(), at=time.time())
    assert len(simulator.served) == CALLS
    assert compared.served.tokens, "nothing was served"
    assert list(compared.differences()) == []
    return told
