import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from summary_made import usual

from otel_claude.summary import PROCESS_GROUP
from otel_claude.summary.process_group import ProcessGroup
from otel_claude.summary.totals import Totals

pytestmark = pytest.mark.process


@pytest.fixture
def environment(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return {}


@pytest.fixture
def descendant(environment):
    """What a process sees that a living root started; another process's id stands for the root's."""

    def make(root=None):
        return ProcessGroup(
            {PROCESS_GROUP: environment[PROCESS_GROUP].replace(str(os.getpid()), str(root or os.getppid()), 1)}
        )

    return make


def gone():
    """The id of a process that is no more."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def test_the_first_is_the_root_and_tells_its_descendants(environment, tmp_path):
    assert ProcessGroup(environment).is_root
    pid, _, folder = environment[PROCESS_GROUP].partition(":")
    assert pid == str(os.getpid())
    assert Path(folder).parent == tmp_path
    assert Path(folder).stat().st_mode & 0o777 == 0o700


def test_a_root_that_replaces_itself_stays_the_root(environment):
    first = ProcessGroup(environment)
    assert first.send_to_root(Totals())
    assert ProcessGroup(environment).is_root


def test_what_is_sent_comes_to_the_root_once(environment, descendant, tmp_path):
    root, child = ProcessGroup(environment), descendant()
    assert not child.is_root
    assert child.send_to_root(usual())
    assert child.send_to_root(usual())
    received = root.close()
    assert [totals.sums for totals in received] == [usual().sums, usual().sums]
    assert root.close() == []
    assert list(tmp_path.iterdir()) == []


def test_who_comes_after_the_root_keeps_its_totals(environment, descendant):
    root, child = ProcessGroup(environment), descendant()
    root.close()
    assert not child.send_to_root(usual())
    assert child.close() == []


def test_a_descendant_takes_nothing_from_a_living_root(environment, descendant):
    root, child = ProcessGroup(environment), descendant()
    assert child.send_to_root(usual())
    assert child.close() == []
    assert len(root.close()) == 1


def test_a_root_that_was_killed_is_replaced_by_who_ends_next(environment, descendant, tmp_path):
    ProcessGroup(environment)
    assert descendant().send_to_root(usual())
    survivor = descendant(gone())
    assert not survivor.is_root
    assert not survivor.send_to_root(usual())
    assert [totals.calls for totals in survivor.close()] == [12]
    assert list(tmp_path.iterdir()) == []


def test_a_helper_that_starts_late_is_not_taken_for_the_program(environment, descendant):
    root = ProcessGroup(environment)
    root.close()
    assert not descendant().is_root


NOT_TOTALS = (
    "{", "[]", '{"sums": 3}', '{"sums": 3, "limit": null}', '{"sums": [["call"]], "limit": null}', "[" * 100_000,
    '{"sums": [["cost", "input", "x"]], "limit": null}', '{"sums": [[]], "limit": null}', '{"sums": [], "limit": [1]}',
)  # fmt: skip


def test_files_that_are_not_whole_are_skipped(environment, descendant):
    root = ProcessGroup(environment)
    folder = environment[PROCESS_GROUP].partition(":")[2]
    for number, text in enumerate(NOT_TOTALS):
        Path(folder, f"{number}-a.json").write_text(text)
    Path(folder, "99-d").write_text("unfinished")
    assert descendant().send_to_root(usual())
    assert [totals.calls for totals in root.close()] == [12]


def told(folder, pid=None):
    """What the environment says of a root that is gone, and of any folder."""
    return {PROCESS_GROUP: f"{pid or gone()}:{folder}"}


def filled(folder, name="1-a.json"):
    """A folder that is somebody's, with the totals of a process in it, and something else."""
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / name).write_text(json.dumps(usual().to_json()))
    (folder / "precious.txt").write_text("mine")
    return everything(folder)


def everything(folder):
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_a_folder_that_a_variable_names_is_not_touched(tmp_path):
    folder = tmp_path / "documents"
    before = filled(folder)
    group = ProcessGroup(told(folder))
    assert not group.is_root
    assert not group.send_to_root(usual())
    assert group.close() == []
    assert everything(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == ["documents"]


def test_nor_is_it_by_a_root_whose_id_it_names(tmp_path):
    folder = tmp_path / "documents"
    before = filled(folder)
    group = ProcessGroup(told(folder, os.getpid()))
    assert group.is_root
    assert group.close() == []
    assert everything(folder) == before


def marked(folder):
    """As a folder that we made."""
    (folder / ".otel-claude-process-group").write_text(folder.name)


def spoiled(tmp_path, how):
    """A folder that is ours but for one thing."""
    folder = tmp_path / ("reports" if how == "prefix" else "otel-claude-abc")
    filled(folder)
    if how != "marker":
        marked(folder)
    if how == "copied marker":
        (folder / ".otel-claude-process-group").write_text("otel-claude-xyz")
    if how == "linked marker":
        (folder / ".otel-claude-process-group").rename(tmp_path / "marker")
        (folder / ".otel-claude-process-group").symlink_to(tmp_path / "marker")
    if how == "mode":
        folder.chmod(0o750)
    if how == "link":
        folder.rename(tmp_path / "elsewhere")
        folder.symlink_to(tmp_path / "elsewhere")
    if how == "closed before":
        (tmp_path / "otel-claude-abc-closed").mkdir()
    return folder


@pytest.mark.parametrize(
    "how", ["prefix", "marker", "copied marker", "linked marker", "mode", "link", "owner", "closed before", "relative"]
)
def test_each_sign_of_ours_is_needed(tmp_path, monkeypatch, how):
    folder = spoiled(tmp_path, how)
    before = everything(folder)
    if how == "owner":
        uid = os.geteuid()
        monkeypatch.setattr(os, "geteuid", lambda: uid + 1)
    if how == "relative":
        monkeypatch.chdir(tmp_path)
        folder = Path(folder.name)
    assert ProcessGroup(told(folder)).close() == []
    assert everything(folder) == before


def test_with_all_signs_it_is_closed_and_what_is_not_ours_stays(tmp_path):
    folder = spoiled(tmp_path, None)
    assert [totals.calls for totals in ProcessGroup(told(folder)).close()] == [12]
    # Not removed, as there is something in it that we did not write.
    assert everything(tmp_path / "otel-claude-abc-closed") == {"precious.txt": "mine"}


def test_what_we_make_is_for_this_user_alone(environment):
    ProcessGroup(environment)
    folder = Path(environment[PROCESS_GROUP].partition(":")[2])
    assert folder.stat().st_mode & 0o777 == 0o700
    assert folder.name.startswith("otel-claude-")
    assert everything(folder) == {".otel-claude-process-group": folder.name}


def test_a_link_in_our_folder_is_not_followed_and_a_pipe_does_not_hang(environment, tmp_path):
    root = ProcessGroup(environment)
    folder = Path(environment[PROCESS_GROUP].partition(":")[2])
    (tmp_path / "precious.json").write_text(json.dumps(usual().to_json()))
    (folder / "1-a.json").symlink_to(tmp_path / "precious.json")
    os.mkfifo(folder / "2-b.json")
    assert root.close() == []
    assert (tmp_path / "precious.json").exists()


@pytest.mark.parametrize("pid", ["0", "-1", "9" * 5000, "\u0663", "x", "", "01"])
def test_an_id_that_is_none_makes_a_new_root(environment, tmp_path, pid):
    filled(tmp_path / "documents")
    environment[PROCESS_GROUP] = f"{pid}:{tmp_path / 'documents'}"
    assert ProcessGroup(environment).is_root
    assert ProcessGroup(environment).close() == []
    assert (tmp_path / "documents" / "precious.txt").exists()


def test_an_id_that_no_system_has_is_one_of_a_process_that_is_gone(tmp_path):
    group = ProcessGroup(told(tmp_path / "documents", "9" * 10))
    assert not group.is_root
    assert not group.send_to_root(usual())
    assert group.close() == []


def test_where_nothing_can_be_written_each_prints_its_own(monkeypatch):
    monkeypatch.setattr("tempfile.mkdtemp", lambda **_: (_ for _ in ()).throw(OSError("read-only")))
    environment = {}
    root = ProcessGroup(environment)
    assert root.is_root
    assert root.close() == []
    child = ProcessGroup({PROCESS_GROUP: environment[PROCESS_GROUP].replace(str(os.getpid()), str(os.getppid()))})
    assert not child.send_to_root(usual())
