"""Where the programs are that the tests run, and our command."""

import json
import sys
from pathlib import Path

PROGRAMS = Path(__file__).with_name("programs")
OURS = [sys.executable, "-m", "otel_claude.cli"]


class Ran:
    """What became of a program."""

    def __init__(self, code, out, err, file):
        self.code, self.out, self.err = code, out, err
        self._file = file

    @property
    def summary(self):
        return json.loads(self._file.read_text())
