"""Every example runs to its end, and what was measured of it is what the simulator served."""

import contextlib
import gc
import io
import os
import runpy
import signal
import socket
import subprocess
import time
import warnings
from pathlib import Path

import httpx2
import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

from otel_claude import ClaudeInstrumentor, pricing
from otel_claude.summary import JSON, SummaryMetricExporter
from otel_claude_demo.comparison import compare

EXAMPLES = Path(__file__).parents[3] / "examples"
SERVICE = "fastapi_app"
BEDROCK = "bedrock"
FRAMEWORKS = {"litellm_calls"}
"""In an environment of its own, by tests/frameworks."""
# The calls that each makes, and what its summary must have besides: a path into the JSON, and whether it is above 0.
SCRIPTS = {
    "basic": (1, ["tokens.output"]),
    "streaming": (2, ["tokens.output"]),
    "async_calls": (4, ["tokens.output"]),
    "tools": (3, ["server_tools.web_search", "parts.web_search", "stop_reasons.tool_use"]),
    "structured_output": (1, ["tokens.output"]),
    "thinking": (1, ["tokens.thinking"]),
    "caching": (3, ["tokens.cache_read", "tokens.cache_write_5m", "cache.net_usd"]),
    "batch": (0, []),
    "errors": (2, ["attempts.retried", "blocked.overloaded", "errors.not_found_error"]),
    "tags": (3, ["tokens.output"]),
}


def same(simulator, summary):
    return compare(simulator.served, summary.read(), pricing.shipped(), at=time.time())


def at(data, path):
    for name in path.split("."):
        data = data[name]
    return float(data)


def test_every_example_is_tested_and_told():
    files = {path.stem for path in EXAMPLES.glob("*.py")}
    assert files == {*SCRIPTS, SERVICE, BEDROCK, *FRAMEWORKS}
    readme = (EXAMPLES / "README.md").read_text()
    assert [name for name in files if f"({name}.py)" not in readme] == []


# It runs as its users run it, with a stream that is open at the end; the others in this process.
PROGRAMS = {"streaming"}


def as_a_program(file, environment, summary):
    done = subprocess.run(
        summary.command(str(file)), env=environment, check=False, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


@pytest.fixture
def run_here(environment, summary, monkeypatch, capsys):
    for name in set(os.environ) - set(environment):
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    def run(file):
        exporter = SummaryMetricExporter({JSON: str(summary.path)}, io.StringIO())
        provider = MeterProvider([PeriodicExportingMetricReader(exporter, 3_600_000)], shutdown_on_exit=False)
        ClaudeInstrumentor().instrument(meter_provider=provider)
        try:
            runpy.run_path(str(file), run_name="__main__")
        finally:
            ClaudeInstrumentor().uninstrument()
            provider.shutdown()
            # A script leaves its client to the end of its process. Here its socket would warn in a later test.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ResourceWarning)
                gc.collect()
        return capsys.readouterr().out

    return run


@pytest.mark.parametrize("name", SCRIPTS)
def test_script(name, simulator, environment, summary, run_here):
    calls, more = SCRIPTS[name]
    file = EXAMPLES / f"{name}.py"
    assert as_a_program(file, environment, summary) if name in PROGRAMS else run_here(file)
    simulator.stop()
    compared = same(simulator, summary)
    assert list(compared.differences()) == []
    data = summary.read()
    assert data["calls"] == calls
    assert [path for path in more if not at(data, path) > 0] == []
    assert data["status"] == ("lower_bound" if name == "streaming" else "exact")
    assert compared.apart.left == (1 if name == "streaming" else 0)
    assert compared.measured.batched == (3 if name == "batch" else 0)


def test_bedrock(simulator, environment, summary):
    environment |= {
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": simulator.url,
        "AWS_ACCESS_KEY_ID": "simulated",
        "AWS_SECRET_ACCESS_KEY": "simulated",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    assert as_a_program(EXAMPLES / f"{BEDROCK}.py", environment, summary).count("[simulated]") == 3
    simulator.stop()
    data = summary.read()
    assert (data["calls"], data["status"]) == (3, "exact")
    assert [row["model"] for row in data["models"]] == ["global.anthropic.claude-sonnet-5-5", "claude-sonnet-5-5"]
    for row in data["models"]:  # Converse names no model in its answer, so there it is the one that was asked for.
        row["model"] = row["model"].removeprefix("global.anthropic.")
    compared = compare(simulator.served, data, pricing.shipped(), at=time.time())
    assert list(compared.differences()) == []


def test_service(simulator, environment, summary):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = summary.command(str(EXAMPLES / f"{SERVICE}.py"))
    server = subprocess.Popen(command, env={**environment, "PORT": str(port)}, stderr=subprocess.PIPE, text=True)
    try:
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            asked = {"question": "Why is the sky blue?"}
            assert answer(client, asked).json()["answer"]
            assert client.post("/stream", json=asked).text
    finally:
        server.send_signal(signal.SIGTERM)
        _, errors = server.communicate(timeout=30)
    assert "2 calls to Claude" in errors
    simulator.stop()
    assert list(same(simulator, summary).differences()) == []
    assert summary.read()["calls"] == 2


def answer(client, asked):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx2.ConnectError):
            return client.post("/ask", json=asked)
        time.sleep(0.05)
    return pytest.fail("the service did not start")
