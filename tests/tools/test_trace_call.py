"""`tools/trace_call.py` runs, and its figures are the same from run to run. What they are is no matter of a test."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).resolve().parents[2] / "tools" / "trace_call.py"
STEPS = [
    "create", "stream", "event", "collection", "collection, idle", "collection of a create", "create, first",
    "stream, first", "collection, first",
]  # fmt: skip
FIGURES = ["frames", "resumed", "functions", "files", "changes", "bytecodes"]


def run(*arguments, seed="0"):
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    command = [sys.executable, str(TOOL), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=120).stdout


@pytest.fixture(scope="module")
def figures():
    return json.loads(run("--json", "--files"))


@pytest.fixture(scope="module")
def printed():
    """Of another run, in which sets and dicts of strings have another order."""
    return run("--files", "--list", "create", seed="1").split("\n\n")


@pytest.mark.heavy
def test_the_figures_are_the_same_from_run_to_run(figures, printed):
    rows = {row[1].strip(): row[2:-1] for row in (line.split("|") for line in printed[0].splitlines())}
    assert {step: [int(cell) for cell in rows[step]] for step in STEPS} == {
        step: [figures[step][name] for name in FIGURES] for step in STEPS
    }
    by_file = dict(block.split("\n", 1) for block in printed[1:-1])
    for step in STEPS:
        printed_rows = [line.split() for line in by_file[step].splitlines()]
        assert {
            file: {"frames": int(frames), "bytecodes": int(count)} for frames, _, count, _, file in printed_rows
        } == figures[step]["by_file"]


def test_every_step_has_its_figures(figures):
    assert list(figures) == [*STEPS, "drain of a create"]
    for step in STEPS:
        assert set(figures[step]) == {*FIGURES, "by_file"}
        assert figures[step]["bytecodes"] == sum(file["bytecodes"] for file in figures[step]["by_file"].values())
        assert figures[step]["frames"] == sum(file["frames"] for file in figures[step]["by_file"].values())
        assert figures[step]["files"] == len(figures[step]["by_file"]) > 0
    assert figures["create, first"]["bytecodes"] > figures["create"]["bytecodes"] > figures["event"]["bytecodes"] > 0
    assert figures["collection of a create"]["bytecodes"] > figures["collection, idle"]["bytecodes"]
    assert figures["drain of a create"]["bytecodes"] > 0


def test_only_our_own_code_is_counted(figures):
    source = TOOL.parents[1] / "src" / "otel_claude"
    for step in STEPS:
        assert all((source / file).is_file() for file in figures[step]["by_file"])


@pytest.mark.heavy
def test_the_list_is_the_frames_of_a_step_in_their_order(figures, printed):
    title, *listed = printed[-1].splitlines()
    assert title == "create, frame by frame"
    assert len(listed) == figures["create"]["frames"]
    assert not listed[0].startswith(" ")
    assert any(line.startswith("  ") for line in listed)
