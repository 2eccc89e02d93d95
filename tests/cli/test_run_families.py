"""A program of several processes has one summary, and no call is counted twice."""

import re
import subprocess
import sys

import pytest
from cli_programs import OURS


def headlines(text):
    return re.findall(r"(\d+) calls? to Claude(?: in (\d+) processes)?", text)


@pytest.mark.parametrize(
    ("how", "calls", "code"),
    [
        (("pool", "fork"), 6, 0),
        pytest.param(("pool", "spawn"), 6, 0, marks=pytest.mark.heavy),
        pytest.param(("executor", "fork"), 6, 0, marks=pytest.mark.heavy),
        pytest.param(("process", "fork"), 3, 0, marks=pytest.mark.heavy),
        (("fork",), 3, 5),
        (("subprocess",), 4, 0),
    ],
)
def test_one_summary(run, tmp_path, how, calls, code):
    ran = run("family", *how)
    assert ran.code == code
    found = headlines(ran.err)
    assert [count for count, _ in found] == [str(calls)]
    assert found[0][1] in ("2", "3")
    assert (ran.summary["calls"], ran.summary["attempts"]["total"]) == (calls, calls)
    assert ran.summary["processes"] == int(found[0][1])
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("otel-claude")] == []


def test_a_process_that_outlives_the_program_prints_its_own(run, tmp_path):
    ran = run("family", "outlives")
    assert ran.code == 0
    assert [count for count, _ in headlines(ran.err)] == ["2", "2"]
    assert re.search(r"otel-claude: what process \d+ cost", ran.err)
    assert ran.summary["calls"] == 2
    own = [path for path in tmp_path.iterdir() if re.fullmatch(r"summary\.\d+\.json", path.name)]
    assert len(own) == 1


def test_pools_end_at_once(run):
    # A worker that does not notice that it is terminated keeps its pool waiting for ever.
    assert run("pools").code == 0


def test_a_spawned_worker_is_woken_too(run):
    """Without that thread, one that is terminated just when it begins to wait keeps its pool waiting for ever."""
    assert "otel-claude-wake" in run("waiting").out.split()


@pytest.mark.parametrize(("module", "measured"), [("resource_tracker", False), ("forkserver", True)])
def test_the_tracker_of_multiprocessing_has_no_thread_of_ours(environment, module, measured):
    """It is a Python like the others, makes no call, ignores SIGTERM and lives as long as its program."""
    code = f"from multiprocessing.{module} import main; import threading; print(threading.enumerate())"
    command = [*OURS, "run", sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
    assert ("otel-claude-shutdown" in done.stdout) is measured
