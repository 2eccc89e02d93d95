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
from typing import Any, NoReturn

__all__ = ["main"]

# As a shell says of a program that SIGINT or SIGPIPE ended.
_INTERRUPTED, _NOBODY_READS = 130, 141


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command that the arguments name. Never returns: exits with its code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        from .commands import application  # noqa: PLC0415 - Typer is an extra

        _run(application(given), given)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("typer", "rich", "click"):
            raise
        sys.stderr.write("otel-claude: the command line needs Typer and Rich: pip install 'otel-claude[cli]'\n")
        sys.exit(2)


def _run(application: Any, given: list[str]) -> NoReturn:
    """Runs it. What Typer and Python would print of an error goes through our output: both would quote values."""
    from typer import Abort  # noqa: PLC0415 - as above

    from .output import fail, guard_logs, remember, shown  # noqa: PLC0415 - of use from here on

    remember(given)
    guard_logs()
    # A closed stdout is None.
    output = sys.stdout = sys.stdout or io.StringIO()
    try:
        try:
            code = application(args=given, prog_name="otel-claude", standalone_mode=False)
        finally:
            # Else Python would do it after us, and end with 120 where that fails.
            output.flush()
    except SystemExit:
        if sys.stdout is output:
            raise
        # Nobody reads the output: Typer put another stream in its place, and ended with 1, which is an answer.
        sys.exit(_NOBODY_READS)
    except Abort:
        fail("interrupted", _INTERRUPTED)
    except ModuleNotFoundError:
        raise
    except OSError as error:
        # Commands say themselves what of their input cannot be read: what is left is their output.
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), output.fileno())
        if isinstance(error, BrokenPipeError):
            sys.exit(_NOBODY_READS)
        fail(f"the output cannot be written: {error.strerror}")
    except Exception as error:
        # Typer's own errors, which it has from Click or from a copy of that, can show themselves.
        show = getattr(error, "show", None)
        if show is None or not hasattr(error, "format_message"):
            frames = "".join(traceback.format_tb(error.__traceback__))
            fail(f"failed ({type(error).__name__}). This is a fault of otel-claude; please report it.\n{frames}")
        page = io.StringIO()
        show(file=page)
        sys.stderr.write(shown(page.getvalue()))
        sys.exit(getattr(error, "exit_code", 2))
    sys.exit(code if isinstance(code, int) else 0)
