"""`otel-claude`: the command line. Loads only the command that was asked for, and says what to install for it.

Exit codes: 0 done; 1 the command found something wrong (`doctor`, `price --check`); 2 bad usage or input, or something
to install is missing. `run` ends as the program does; 127 if there is no such program, 126 if it cannot be executed.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["main"]

_NO_TYPER = "otel-claude: the command line needs Typer and Rich: pip install 'otel-claude[cli]'\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command that the arguments name. Never returns: exits with its code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        from .commands import application  # noqa: PLC0415 - Typer is an extra

        application(given)(args=given, prog_name="otel-claude")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("typer", "rich", "click"):
            raise
        sys.stderr.write(_NO_TYPER)
        sys.exit(2)
