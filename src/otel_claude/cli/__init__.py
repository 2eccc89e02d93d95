"""`otel-claude`: the command line. Loads only the command that was asked for, and says what to install for it.

Exit codes: 0 done; 1 the command found something wrong (`doctor`, `price`, `reconcile`); 2 bad usage or input,
something to install is missing, the output cannot be written, or a fault of ours; 130 interrupted; 141 nobody reads the
output to its end. `run` ends as the program does; 127 if there is no such program, 126 if it cannot be executed.
"""

from __future__ import annotations

import io
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

from . import commands
from .output import fail, prepare

__all__ = ["main"]

# As a shell says of a program that SIGINT or SIGPIPE ended.
_INTERRUPTED, _NOBODY_READS = 130, 141


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs the command that the arguments name, and exits with its code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    prepare(given)
    try:
        _run(given)
    except KeyboardInterrupt:
        fail("interrupted", _INTERRUPTED)
    except Exception as error:
        # The message, which Python would print, may quote values.
        frames = "".join(traceback.format_tb(error.__traceback__))
        fail(f"failed ({type(error).__name__}). This is a fault of otel-claude; please report it.\n{frames}")
    sys.exit(0)


def _run(given: list[str]) -> None:
    # A closed stdout is None.
    output = sys.stdout = sys.stdout or io.StringIO()
    try:
        try:
            commands.run(given)
        finally:
            # Else Python would do it after us, and end with 120 where that fails.
            output.flush()
    except OSError as error:
        # Commands say themselves what of their input cannot be read: what is left is their output.
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), output.fileno())
        if isinstance(error, BrokenPipeError):
            sys.exit(_NOBODY_READS)
        fail(f"the output cannot be written: {error.strerror}")
