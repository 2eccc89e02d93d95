"""Files: what is read ends, and what is written is there as a whole or not at all; nothing else is touched."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import pytest

from otel_claude import files, pricing
from otel_claude.files import RefusedError


def test_a_regular_file_is_read_also_by_a_link(tmp_path):
    (tmp_path / "a").write_bytes(b"12345")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    assert files.read(tmp_path / "a", 5) == files.read(tmp_path / "link", 5) == b"12345"
    (tmp_path / "empty").touch()
    assert files.read(tmp_path / "empty", 0) == b""


@pytest.mark.parametrize("waits", [False, True])
def test_what_is_larger_than_the_bound_is_refused(tmp_path, waits):
    (tmp_path / "a").write_bytes(b"12345")
    with pytest.raises(RefusedError, match="it has more than 4 bytes"):
        files.read(tmp_path / "a", 4, waits=waits)


def test_what_says_to_be_empty_and_never_ends_is_refused():
    with pytest.raises(RefusedError, match="it has more than 3,000,000 bytes"):
        files.read("/dev/zero", 3_000_000, waits=True)


def made(tmp_path, kind):
    path = tmp_path / "odd"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    elif kind == "link to a pipe":
        os.mkfifo(tmp_path / "pipe")
        path.symlink_to(tmp_path / "pipe")
    else:
        path.symlink_to(kind)
    return path


ODD = ["pipe", "directory", "link to a pipe", "/dev/zero", "/dev/null", "/dev/tty", "/dev/stdin", "/nowhere/at/all"]


@pytest.mark.parametrize("kind", ODD)
def test_a_setting_never_waits_for_what_is_no_file(tmp_path, kind):
    began = time.monotonic()
    with pytest.raises(OSError, match=r"regular file|directory|No such|address") as raised:
        files.read(made(tmp_path, kind), 100)
    assert raised.value.strerror
    assert time.monotonic() - began < 1


def test_a_pipe_that_was_named_on_the_command_line_is_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    late = threading.Timer(0.1, lambda: (tmp_path / "pipe").write_bytes(b"late"))
    late.start()
    assert files.read(tmp_path / "pipe", 10, waits=True) == b"late"
    late.join()


@pytest.mark.parametrize("kind", ODD)
def test_prices_that_are_no_file_are_a_mistake_and_no_hang(tmp_path, kind):
    with pytest.raises(pricing.PriceFileError, match=r"has 1 mistake:\n  \$: cannot be read: "):
        pricing.load(str(made(tmp_path, kind)))


def test_prices_of_a_path_with_a_null_are_a_mistake():
    with pytest.raises(pricing.PriceFileError, match="cannot be read"):
        pricing.load("a\0b")


@pytest.mark.process
def test_a_program_with_prices_that_are_a_pipe_starts(tmp_path):
    """As it was found: the import of the SDK never ended."""
    os.mkfifo(tmp_path / "prices")
    code = "from otel_claude import ClaudeInstrumentor; ClaudeInstrumentor().instrument(); import anthropic"
    environment = {**os.environ, "OTEL_CLAUDE_PRICES": str(tmp_path / "prices")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=30, check=True
    )
    assert "cannot be read: it is no regular file" in done.stderr


def test_a_file_is_written_with_what_the_user_allows_to_others(tmp_path):
    before = os.umask(0o027)
    try:
        files.write(tmp_path / "a", "one")
    finally:
        os.umask(before)
    assert ((tmp_path / "a").read_text(), (tmp_path / "a").stat().st_mode & 0o777) == ("one", 0o640)
    (tmp_path / "a").chmod(0o604)
    files.write(tmp_path / "a", "two")
    assert ((tmp_path / "a").read_text(), (tmp_path / "a").stat().st_mode & 0o777) == ("two", 0o604)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_what_replaces_a_private_file_is_never_readable_by_others(tmp_path, monkeypatch):
    (tmp_path / "a").write_text("before")
    (tmp_path / "a").chmod(0o600)
    modes, write = [], files.Path.chmod

    def chmod(path, mode):
        modes.append(path.stat().st_mode & 0o777)
        write(path, mode)

    monkeypatch.setattr(files.Path, "chmod", chmod)
    files.write(tmp_path / "a", "after")
    assert modes == [0o600]
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("there", [True, False])
def test_a_link_stays_and_what_it_leads_to_is_written(tmp_path, there):
    if there:
        (tmp_path / "real").write_text("before")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    files.write(tmp_path / "link", "after")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "after"


@pytest.mark.parametrize("kind", ["pipe", "directory", "link to a pipe", "/dev/null"])
def test_what_is_no_file_is_not_replaced_by_one(tmp_path, kind):
    path = made(tmp_path, kind)
    before = path.stat()
    with pytest.raises(RefusedError, match="it is no regular file"):
        files.write(path, "text")
    assert (path.stat().st_ino, path.stat().st_mode) == (before.st_ino, before.st_mode)


def test_a_failure_leaves_what_was_there(tmp_path, monkeypatch):
    (tmp_path / "a").write_text("before")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(OSError, match="No space"):
        files.write(tmp_path / "a", "after")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a", "before")]


def test_a_read_only_file_is_not_overwritten(tmp_path, monkeypatch):
    (tmp_path / "a").write_text("before")
    monkeypatch.setattr("os.access", lambda *_: False)  # Root may write everything.
    with pytest.raises(PermissionError):
        files.write(tmp_path / "a", "after")
    assert (tmp_path / "a").read_text() == "before"
