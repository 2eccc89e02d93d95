"""Output: how commands write. Messages go to stderr; what was asked for goes to stdout, as a table or as JSON."""

from __future__ import annotations

import json
import sys
from typing import Any, Final, NoReturn

BAD_USAGE: Final = 2
_WIDEST: Final = 120


def say(message: str) -> None:
    """A line on stderr."""
    sys.stderr.write(f"otel-claude: {message}\n")


def fail(message: str, code: int = BAD_USAGE) -> NoReturn:
    """One line on stderr, and the end."""
    say(message)
    sys.exit(code)


def write_json(data: Any) -> None:
    """One JSON document on stdout."""
    sys.stdout.write(f"{json.dumps(data, indent=2)}\n")


def console() -> Any:
    """A Rich console on stdout. Colour only on a terminal, never wider than reads well."""
    from rich.console import Console  # noqa: PLC0415 - commands that print JSON or replace themselves need no Rich

    made = Console(highlight=False, markup=False, emoji=False)
    made.width = min(made.width, _WIDEST)
    return made
