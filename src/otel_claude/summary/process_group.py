"""Process group: the processes of one program, so that they print one summary together. Knows files, no telemetry.

The first process that loads the exporter is the root. It makes a folder and names itself and the folder in the
environment, which its descendants inherit. A descendant that made calls sends its totals to the root at its end, as a
file in that folder, and prints nothing. The root closes the folder at its own end by renaming it, which is one step:
whoever comes later fails to send, and prints its own. If the root was killed, whoever ends next closes it.

Anybody can set a variable, so the folder that it names is believed to be ours only if it looks like one that we made:
our prefix, our marker in it, this user's, closed to everybody else, no symbolic link. No other folder is written to,
renamed or removed, and of ours only the files that we wrote are removed.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import stat
import tempfile
from collections.abc import MutableMapping
from pathlib import Path
from typing import Final

from .. import files
from . import PROCESS_GROUP
from .totals import Totals

_PREFIX: Final = "otel-claude-"
_CLOSED: Final = "-closed"
_MARKER: Final = ".otel-claude-process-group"
"""The file that we write into each folder that we make. It holds the folder's name, so a copy is not taken for ours."""
_SENT: Final = re.compile(r"\d+-\w+(?:\.json)?")
"""Names of the files that descendants write."""
_ROOT: Final = re.compile(r"[1-9][0-9]{0,9}")
_MAX_BYTES: Final = 64 << 20
"""Of one process's totals that are read."""


class ProcessGroup:
    """This process's place among the processes of the program."""

    def __init__(self, environment: MutableMapping[str, str] = os.environ) -> None:
        pid, _, folder = environment.get(PROCESS_GROUP, "").partition(":")
        self._folder: Path | None = None
        if _ROOT.fullmatch(pid):
            self._root, self._folder = int(pid), Path(folder)
            return
        self._root = os.getpid()
        # Where nothing can be written, each process prints its own.
        with contextlib.suppress(OSError):
            self._folder = _made()
        environment[PROCESS_GROUP] = f"{self._root}:{self._folder or os.devnull}"

    @property
    def is_root(self) -> bool:
        """Whether this process is the program, and not something that it started."""
        return os.getpid() == self._root

    def send_to_root(self, totals: Totals) -> bool:
        """Sends a descendant's totals to the root. False if the root does not print any more."""
        if self._folder is None or not self._has_root or not _is_ours(self._folder):
            return False
        # A process id may come again within the life of a program: the name must not.
        try:
            handle, name = tempfile.mkstemp(dir=self._folder, prefix=f"{os.getpid()}-")
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(totals.to_json(), file)
            Path(name).rename(f"{name}.json")
        except OSError:
            return False
        return True

    @property
    def _has_root(self) -> bool:
        try:
            os.kill(self._root, 0)
        except (ProcessLookupError, OverflowError):
            return False
        except OSError:
            pass  # It is there, and another user's.
        return True

    def close(self) -> list[Totals]:
        """What descendants sent to this root, or to one that is gone. It is gone from the disk then."""
        if self._folder is None or (self._has_root and not self.is_root):
            return []
        folder, self._folder = self._folder, None
        closed = folder.with_name(f"{folder.name}{_CLOSED}")
        # Renaming puts a folder in the place of an empty one, which could be somebody's.
        if not _is_ours(folder) or os.path.lexists(closed):
            return []
        try:
            folder.rename(closed)
        except OSError:
            return []
        try:
            return [totals for path in sorted(closed.glob("*.json")) if (totals := _read(path)) is not None]
        finally:
            _remove(closed)


def _made() -> Path:
    """A new folder of ours, with its marker."""
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX)).absolute()
    try:
        (folder / _MARKER).write_text(folder.name, encoding="utf-8")
    except OSError:
        _remove(folder)
        raise
    return folder


def _is_ours(folder: Path) -> bool:
    """Whether one of this user's processes made this folder for its process group."""
    if not (folder.is_absolute() and folder.name.startswith(_PREFIX)):
        return False
    try:
        status, marker = folder.lstat(), (folder / _MARKER).lstat()
        if not (stat.S_ISDIR(status.st_mode) and stat.S_ISREG(marker.st_mode)):
            return False
        if hasattr(os, "geteuid"):
            mine = {status.st_uid, marker.st_uid} == {os.geteuid()}
            if not mine or stat.S_IMODE(status.st_mode) != 0o700:  # noqa: PLR2004 - private
                return False
        return files.read(folder / _MARKER, len(folder.name.encode()) + 1) == folder.name.encode()
    except OSError:
        return False


def _remove(folder: Path) -> None:
    """Removes a folder of ours: the files that we wrote, and then itself if nothing else is in it."""
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            is_ours = path.name == _MARKER or _SENT.fullmatch(path.name)
            if is_ours and stat.S_ISREG(path.lstat().st_mode):
                path.unlink()
        folder.rmdir()


def _read(path: Path) -> Totals | None:
    with contextlib.suppress(OSError, ValueError, TypeError, LookupError, RecursionError):
        # Not through a symbolic link: what it leads to was not sent to us.
        if _SENT.fullmatch(path.name) and stat.S_ISREG(path.lstat().st_mode):
            return Totals.from_json(json.loads(files.read(path, _MAX_BYTES)))
    return None
