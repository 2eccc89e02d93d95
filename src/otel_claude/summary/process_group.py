"""Family: the processes of one program, so that they print one summary together. Knows files, no telemetry.

The first process that loads the exporter is the root. It makes a folder and names itself and the folder in the
environment, which its descendants inherit. A descendant that made calls hands its totals over at its end, as a file
in that folder, and prints nothing. The root closes the folder at its own end by renaming it, which is one step:
whoever comes later fails to hand over, and prints its own. If the root was killed, whoever ends next closes it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import MutableMapping
from pathlib import Path

from .totals import Totals
from .variables import FAMILY


class Family:
    """This process's place among the processes of the program."""

    def __init__(self, environment: MutableMapping[str, str] = os.environ) -> None:
        pid, _, folder = environment.get(FAMILY, "").partition(":")
        self._folder: Path | None = None
        if pid.isdecimal():
            self._root, self._folder = int(pid), Path(folder)
            return
        self._root = os.getpid()
        # Where nothing can be written, each process prints its own.
        with contextlib.suppress(OSError):
            self._folder = Path(tempfile.mkdtemp(prefix="otel-claude-"))
        environment[FAMILY] = f"{self._root}:{self._folder or os.devnull}"

    @property
    def is_root(self) -> bool:
        """Whether this process is the program, and not something that it started."""
        return os.getpid() == self._root

    def hand_over(self, totals: Totals) -> bool:
        """Gives a descendant's totals to the root. False if the root does not print any more."""
        if self._folder is None or not self._has_root:
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
        except ProcessLookupError:
            return False
        except OSError:
            pass  # It is there, and another user's.
        return True

    def close(self) -> list[Totals]:
        """What descendants handed over to this root, or to one that is gone. It is gone from the disk then."""
        if self._folder is None or (self._has_root and not self.is_root):
            return []
        closed = self._folder.with_name(f"{self._folder.name}-closed")
        self._folder, folder = None, self._folder
        try:
            folder.rename(closed)
        except OSError:
            return []
        try:
            return [totals for path in sorted(closed.glob("*.json")) if (totals := _read(path)) is not None]
        finally:
            shutil.rmtree(closed, ignore_errors=True)


def _read(path: Path) -> Totals | None:
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        return Totals.from_json(json.loads(path.read_text(encoding="utf-8")))
    return None
