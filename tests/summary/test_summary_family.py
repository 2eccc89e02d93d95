import os
import subprocess
import sys
from pathlib import Path

import pytest
from summary_made import usual

from otel_claude.summary.process_group import Family
from otel_claude.summary.totals import Totals
from otel_claude.summary.variables import FAMILY


@pytest.fixture
def environment(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return {}


@pytest.fixture
def descendant(environment):
    """What a process sees that a living root started; another process's id stands for the root's."""

    def make(root=None):
        return Family({FAMILY: environment[FAMILY].replace(str(os.getpid()), str(root or os.getppid()), 1)})

    return make


def gone():
    """The id of a process that is no more."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def test_the_first_is_the_root_and_tells_its_descendants(environment, tmp_path):
    assert Family(environment).is_root
    pid, _, folder = environment[FAMILY].partition(":")
    assert pid == str(os.getpid())
    assert Path(folder).parent == tmp_path
    assert Path(folder).stat().st_mode & 0o777 == 0o700


def test_a_root_that_replaces_itself_stays_the_root(environment):
    first = Family(environment)
    assert first.hand_over(Totals())
    assert Family(environment).is_root


def test_what_is_handed_over_comes_to_the_root_once(environment, descendant, tmp_path):
    root, child = Family(environment), descendant()
    assert not child.is_root
    assert child.hand_over(usual())
    assert child.hand_over(usual())
    received = root.close()
    assert [totals.sums for totals in received] == [usual().sums, usual().sums]
    assert root.close() == []
    assert list(tmp_path.iterdir()) == []


def test_who_comes_after_the_root_keeps_its_totals(environment, descendant):
    root, child = Family(environment), descendant()
    root.close()
    assert not child.hand_over(usual())
    assert child.close() == []


def test_a_descendant_takes_nothing_from_a_living_root(environment, descendant):
    root, child = Family(environment), descendant()
    assert child.hand_over(usual())
    assert child.close() == []
    assert len(root.close()) == 1


def test_a_root_that_was_killed_is_replaced_by_who_ends_next(environment, descendant, tmp_path):
    Family(environment)
    assert descendant().hand_over(usual())
    survivor = descendant(gone())
    assert not survivor.is_root
    assert not survivor.hand_over(usual())
    assert [totals.calls for totals in survivor.close()] == [12]
    assert list(tmp_path.iterdir()) == []


def test_a_helper_that_starts_late_is_not_taken_for_the_program(environment, descendant):
    root = Family(environment)
    root.close()
    assert not descendant().is_root


def test_files_that_are_not_whole_are_skipped(environment, descendant):
    root = Family(environment)
    folder = environment[FAMILY].partition(":")[2]
    for name, text in {"1.json": "{", "2.json": "[]", "3.json": '{"sums": 3}', "4": "unfinished"}.items():
        Path(folder, name).write_text(text)
    assert descendant().hand_over(usual())
    assert [totals.calls for totals in root.close()] == [12]


def test_where_nothing_can_be_written_each_prints_its_own(monkeypatch):
    monkeypatch.setattr("tempfile.mkdtemp", lambda **_: (_ for _ in ()).throw(OSError("read-only")))
    environment = {}
    root = Family(environment)
    assert root.is_root
    assert root.close() == []
    child = Family({FAMILY: environment[FAMILY].replace(str(os.getpid()), str(os.getppid()))})
    assert not child.hand_over(usual())
