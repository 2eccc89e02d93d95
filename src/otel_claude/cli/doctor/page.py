"""`otel-claude doctor`: what is installed and configured, what is wrong with it, and what to type."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from typing import Annotated, Any, Final

import typer

from ..output import console, shown, write_json
from .examine import examine
from .finding import Finding

_STYLES: Final = {"ok": "green", "note": "cyan", "warning": "yellow", "error": "bold red"}


def command(
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Open no connection.")] = False,
) -> None:
    """Check what is installed and configured, and say what to type.

    Run it in the environment of your program: with its Python and its OTEL_* variables. It opens one connection, to the
    OTLP endpoint that you configured, if you configured one, and sends no data.

    Exit code: 0 if nothing is wrong, 1 if there is a warning or an error.
    """
    # Each text once more: a check may have asked a library or a server.
    found = [
        finding._replace(text=shown(finding.text), do=finding.do and shown(finding.do))
        for finding in examine(os.environ, now=time.time(), connect=not offline)
    ]
    wrong = sum(finding.wrong for finding in found)
    if as_json:
        counts = {
            level: sum(finding.level == level for finding in found) for level in ("error", "warning", "note", "ok")
        }
        write_json({"findings": [finding._asdict() for finding in found], "counts": counts})
    elif sys.stdout.isatty():
        _show(found)
    else:
        sys.stdout.writelines(f"{line}\n" for finding in found for line in _plain(finding))
    if not as_json:
        sys.stdout.write(f"\n{_verdict(found)}\n")
    sys.exit(1 if wrong else 0)


def _verdict(found: Sequence[Finding]) -> str:
    counts = {level: sum(finding.level == level for finding in found) for level in ("error", "warning")}
    said = [f"{count} {level}{'s' if count > 1 else ''}" for level, count in counts.items() if count]
    return f"{' and '.join(said)}." if said else "Nothing is wrong."


def _plain(finding: Finding) -> list[str]:
    lines = [f"{finding.level:<8}{finding.subject}: {finding.text}"]
    return lines if finding.do is None else [*lines, f"        -> {finding.do}"]


def _show(found: Sequence[Finding]) -> None:
    from rich.table import Table  # noqa: PLC0415 - only for a terminal
    from rich.text import Text  # noqa: PLC0415

    page: Any = console()
    for finding in found:
        row = Table.grid(padding=(0, 1))
        row.add_column(width=7, no_wrap=True)
        row.add_column(overflow="fold")
        row.add_row(
            Text(finding.level, _STYLES[finding.level]), Text.assemble((finding.subject, "bold"), f": {finding.text}")
        )
        if finding.do is not None and not finding.is_command:
            row.add_row("", Text(finding.do, "bold"))
        page.print(row)
        if finding.is_command:
            # Not wrapped by us: what is copied from here must be what is typed.
            page.print(Text(f"        {finding.do}", "bold"), soft_wrap=True)
