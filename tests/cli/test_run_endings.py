"""However a program ends: its exit code and output are its own, and the summary has every call."""

import contextlib
import json
import os
import pty
import signal
import socket
import subprocess
import sys
import time

import pytest
from cli_programs import OURS, PROGRAMS

CALLS = 3  # two, and a stream that is left open


def headline(ran):
    return [line for line in ran.err.splitlines() if " to Claude" in line]


@pytest.mark.parametrize(
    ("how", "code", "out"),
    [
        ("returns", 0, "first\nsecond"),
        pytest.param("exits", 3, "ready\n", marks=pytest.mark.heavy),
        ("raises", 1, "ready\n"),
    ],
)
def test_exit(run, how, code, out):
    ran = run("ends", how)
    assert (ran.code, ran.out) == (code, out)
    assert len(headline(ran)) == 1
    assert ran.summary["calls"] == CALLS
    # Calls that are open at the end are ended first, and their output is not guessed.
    assert [row["reason"] for row in ran.summary["unpriced"]] == ["incomplete_stream"]
    assert ran.summary["status"] == "lower_bound"
    if how == "raises":
        before, _, after = ran.err.partition("otel-claude: what this program cost")
        assert before.rstrip().endswith("ValueError: boom")
        assert "3 calls to Claude: at least $" in after


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_signal(start, sent):
    process = start("ends", "sleeps")
    assert process.stdout.readline() == "calls made\n"
    process.send_signal(sent)
    ran = start.ended(process)
    assert ran.code == -sent
    assert ran.out == ""
    assert len(headline(ran)) == 1
    assert ran.summary["calls"] == CALLS
    assert ("KeyboardInterrupt" in ran.err) is (sent == signal.SIGINT)


@pytest.mark.heavy
def test_a_program_that_terminates_itself(run):
    ran = run("ends", "terminates-itself")
    assert ran.code == -signal.SIGTERM
    assert ran.summary["calls"] == CALLS


def test_a_handler_of_the_programs_own_stays(start):
    process = start("ends", "own-handler")
    assert process.stdout.readline() == "calls made\n"
    process.send_signal(signal.SIGTERM)
    ran = start.ended(process)
    assert (ran.code, ran.out) == (7, "handled\n")
    assert len(headline(ran)) == 1
    assert ran.summary["calls"] == CALLS


def test_a_signal_that_the_program_ignores_stays_ignored(run):
    ran = run("ends", "ignored")
    assert ran.code == 4
    assert ran.summary["calls"] == CALLS


def test_a_collector_that_never_answers_does_not_keep_the_process(start, environment):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        environment.update(
            OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=f"http://127.0.0.1:{port}/v1/metrics",
            OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf",
            OTEL_EXPORTER_OTLP_TIMEOUT="60",
        )
        process = start("ends", "sleeps")
        assert process.stdout.readline() == "calls made\n"
        process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        ran = start.ended(process)
    assert time.monotonic() - began < 30
    assert ran.code == -signal.SIGTERM
    assert ran.summary["calls"] == CALLS


def test_input_arguments_and_folder_are_the_programs_own(run, tmp_path):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    ran = run("light", "--json", "-x", "a b", input="typed", cwd=folder)
    assert ran.out == f"['--json', '-x', 'a b'] typed False {folder}\n"
    assert ran.err == "own words\notel-claude: no calls to Claude were made, and no results of batches were read.\n"
    assert ran.code == 0
    assert (ran.summary["calls"], ran.summary["usd"]) == (0, "0.00")


def test_a_terminal_is_the_programs_own(environment):
    environment.pop("NO_COLOR")
    environment["TERM"] = "xterm-256color"
    ours, theirs = pty.openpty()
    command = [*OURS, "run", sys.executable, str(PROGRAMS / "ends.py"), "returns"]
    with subprocess.Popen(command, env=environment, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        said = b""
        with contextlib.suppress(OSError):  # on Linux, the end of a terminal
            while True:
                said += os.read(ours, 65_536)
    os.close(ours)
    assert process.returncode == 0
    assert b"\x1b[1;36m3 calls to Claude" in said


def test_a_script_that_is_no_python_program(environment, tmp_path):
    file = tmp_path / "summary.json"
    light = f"{sys.executable} {PROGRAMS / 'light.py'} </dev/null"
    script = f"yes | head -1; {light}; kill -TERM $$"
    command = [*OURS, "run", "--json", str(file), "--", "sh", "-c", script]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == -signal.SIGTERM
    assert done.stdout.startswith("y\n[] ")
    # A pipe that is closed ends its writer silently, as in any shell.
    assert done.stderr == "own words\notel-claude: no calls to Claude were made, and no results of batches were read.\n"
    assert json.loads(file.read_text())["calls"] == 0
