"""Programs of their own under `otel-claude run`, against a simulator; and commands in this process."""

import os
import subprocess
import sys

import pytest
from cli_programs import OURS, PROGRAMS, Ran

from otel_claude.cli import main
from otel_claude_demo.simulator import Simulator


@pytest.fixture(scope="session")
def simulator():
    with Simulator() as running:
        yield running


@pytest.fixture
def environment(simulator, tmp_path):
    """What a program needs to find the simulator, and nothing else that a developer's shell may have set."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANTHROPIC_", "OTEL_"))}
    kept.update(
        ANTHROPIC_BASE_URL=simulator.url, ANTHROPIC_API_KEY="sk-ant-api03-simulated", NO_COLOR="1", COLUMNS="80",
        TMPDIR=str(tmp_path),
        # They are here for tests/services, and each program would take a fifth of a second more to import them.
        OTEL_PYTHON_DISABLED_INSTRUMENTATIONS="fastapi,httpx,httpx2",
    )  # fmt: skip
    return kept


@pytest.fixture
def run(environment, tmp_path):
    """Runs a program of `programs` to its end, under `otel-claude run --json`."""
    file = tmp_path / "summary.json"

    def run(name, *arguments, **options):
        command = [*OURS, "run", "--json", str(file), sys.executable, str(PROGRAMS / f"{name}.py"), *arguments]
        options = {"timeout": 60, **options}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, **options)
        return Ran(done.returncode, done.stdout, done.stderr, file)

    return run


@pytest.fixture
def start(environment, tmp_path):
    """Starts a program under `otel-claude run --json` and waits until it says `ready`."""
    file = tmp_path / "summary.json"
    started = []

    def start(name, *arguments):
        command = [*OURS, "run", "--json", str(file), sys.executable, str(PROGRAMS / f"{name}.py"), *arguments]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout.readline() == "ready\n"
        return process

    def ended(process):
        out, err = process.communicate(timeout=60)
        return Ran(process.returncode, out, err, file)

    start.ended = ended
    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
            process.communicate()


@pytest.fixture
def otel_claude(capsys, monkeypatch):
    """Runs a command in this process: its exit code, stdout and stderr."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    for name in [name for name in os.environ if name.startswith(("OTEL_", "ANTHROPIC_"))]:
        monkeypatch.delenv(name)

    def otel_claude(*arguments):
        with pytest.raises(SystemExit) as exit_:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return exit_.value.code or 0, captured.out, captured.err

    return otel_claude
