"""`otel-claude`: the command line. Loads only the command that was asked for, and says what to install for it.

Exit codes: 0 done; 1 the command found something wrong (`doctor`, `price --check`); 2 bad usage or input, or something
to install is missing. `run` ends as the program does; 127 if there is no such program, 126 if it cannot be executed.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn

from . import commands
from .output import fail, prepare

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs the command that the arguments name, and exits with its code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    prepare(given)
    try:
        commands.run(given)
        sys.stdout.flush()
    except (KeyboardInterrupt, EOFError):
        fail("aborted", 1)
    except BrokenPipeError:
        # Who read our output has left. At the exit Python would write the rest, and fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        # The message, which Python would print, may quote values.
        frames = "".join(traceback.format_tb(error.__traceback__))
        fail(f"failed ({type(error).__name__}). This is a fault of otel-claude; please report it.\n{frames}", 1)
    sys.exit(0)
