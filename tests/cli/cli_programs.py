"""Where the programs are that the tests run, and our command."""

import contextlib
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

PROGRAMS = Path(__file__).with_name("programs")
OURS = [sys.executable, "-m", "otel_claude.cli"]


def on_terminal(arguments, environment):
    """Our command on a terminal: its exit code and what is to be read there."""
    ours, theirs = pty.openpty()
    with subprocess.Popen([*OURS, *arguments], env=environment, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        said = b""
        with contextlib.suppress(OSError):  # on Linux, the end of a terminal
            while True:
                said += os.read(ours, 65_536)
    os.close(ours)
    return process.returncode, said.decode().replace("\r\n", "\n")


class Ran:
    """What became of a program."""

    def __init__(self, code, out, err, file):
        self.code, self.out, self.err = code, out, err
        self._file = file

    @property
    def summary(self):
        return json.loads(self._file.read_text())
