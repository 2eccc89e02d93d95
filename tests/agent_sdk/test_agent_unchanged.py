"""A program that uses the Claude Agent SDK, unchanged, under `opentelemetry-instrument`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from agent_support import SONNET, result, usage

PROGRAM = """
import asyncio, sys
from claude_agent_sdk import ClaudeAgentOptions, query

async def main():
    options = ClaudeAgentOptions(env=dict([sys.argv[1].split("=")] if sys.argv[1:] else []))
    async for message in query(prompt="hello", options=options):
        print("got", type(message).__name__, file=sys.stderr)

asyncio.run(main())
"""
USES_THE_PATH = """
from claude_agent_sdk._internal.transport import subprocess_cli
subprocess_cli.SubprocessCLITransport._find_bundled_cli = lambda self: None
"""
"""The program that the SDK brings comes before those in the path."""
EXPORTERS = ["--metrics_exporter", "console", "--traces_exporter", "none", "--logs_exporter", "none"]


def run(program, tmp_path, *arguments, **variables):
    """What it exported, by metric, and what it said."""
    new = {SONNET: usage((100, 2000, 30, 7), 0.25)}
    program.options([result(new, new, (100, 2000, 30, 7))])
    (tmp_path / "program.py").write_text(f"import os, claude_agent_sdk\n{USES_THE_PATH}{PROGRAM}")
    tool = Path(sys.executable).parent / "opentelemetry-instrument"
    command = [tool, *EXPORTERS, sys.executable, tmp_path / "program.py", *arguments]
    environment = {**os.environ, "OTEL_SERVICE_NAME": "agent", **variables}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment, timeout=60)
    found = {}
    decoder, text = json.JSONDecoder(), done.stdout.strip()
    while text:
        exported, end = decoder.raw_decode(text)
        text = text[end:].strip()
        for resource in exported["resource_metrics"]:
            for scope in resource["scope_metrics"]:
                found.update({metric["name"]: metric["data"]["data_points"] for metric in scope["metrics"]})
    return found, done.stderr


def test_its_result_is_counted(telemetry, program, tmp_path):
    metrics, said = run(program, tmp_path)
    assert "got ResultMessage" in said
    (cost,) = metrics["claude.agent.cost.usd"]
    assert (cost["value"], cost["attributes"]["gen_ai.response.model"]) == (0.25, SONNET)
    assert "claude.client.cost.usd" not in metrics


@pytest.mark.parametrize("arguments", [["CLAUDE_CODE_ENABLE_TELEMETRY=1"], []], ids=["options", "variable"])
def test_not_beside_the_programs_own_telemetry(telemetry, program, tmp_path, arguments):
    variables = {} if arguments else {"CLAUDE_CODE_ENABLE_TELEMETRY": "1"}
    metrics, said = run(program, tmp_path, *arguments, **variables)
    assert not [name for name in metrics if name.startswith("claude.agent")]
    assert said.count("CLAUDE_CODE_ENABLE_TELEMETRY is on") == 1


@pytest.mark.parametrize("variables", [{"OTEL_CLAUDE_AGENT_SDK": "off"},
                                       {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "otel_claude_agent_sdk"}])  # fmt: skip
def test_switched_off(telemetry, program, tmp_path, variables):
    metrics, said = run(program, tmp_path, **variables)
    assert "got ResultMessage" in said
    assert not [name for name in metrics if name.startswith("claude.agent")]
