"""`otel-claude doctor`: what is installed and configured, what is wrong with it, and what to type.

Each module gives findings; only `connection` opens one.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

from ..arguments import Option
from ..output import console, shown, write_json
from . import exporting, program, sdk
from .connection import probe
from .finding import Finding

_STYLES: Final = {"ok": "green", "note": "cyan", "warning": "yellow", "error": "bold red"}


def command(
    as_json: Annotated[bool, Option("--json", help="Print the findings as JSON.")] = False,
    offline: Annotated[bool, Option("--offline", help="Open no connection.")] = False,
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
    levels = [finding.level for finding in found]
    counts = {level: levels.count(level) for level in ("error", "warning", "note", "ok")}
    if as_json:
        write_json({"findings": [finding._asdict() for finding in found], "counts": counts})
    else:
        if sys.stdout.isatty():
            _show(found)
        else:
            for finding in found:
                do = "" if finding.do is None else f"        -> {finding.do}\n"
                sys.stdout.write(f"{finding.level:<8}{finding.subject}: {finding.text}\n{do}")
        wrong = [(counts[level], level) for level in ("error", "warning") if counts[level]]
        said = " and ".join(f"{count} {level}{'s' if count > 1 else ''}" for count, level in wrong)
        sys.stdout.write(f"\n{said or 'Nothing is wrong'}.\n")
    sys.exit(1 if any(finding.wrong for finding in found) else 0)


def examine(environment: Mapping[str, str], *, now: float, connect: bool) -> list[Finding]:
    """All findings. With `connect`, the endpoint that the environment configures is asked, if there is one."""
    found = [*sdk.findings(environment), *exporting.findings(environment)]
    target = exporting.target(environment)
    sends = "otlp" in exporting.exporters(environment) and target.protocol in ("grpc", "http/protobuf")
    if connect and target.configured and sends:
        found.append(probe(target, environment))
    return [*found, *program.findings(environment, now)]


def _show(found: Sequence[Finding]) -> None:
    from rich.table import Table  # noqa: PLC0415 - only for a terminal
    from rich.text import Text  # noqa: PLC0415

    page: Any = console()
    for finding in found:
        row = Table.grid(padding=(0, 1))
        row.add_column(width=7, no_wrap=True)
        row.add_column(overflow="fold")
        text = Text.assemble((finding.subject, "bold"), f": {finding.text}")
        row.add_row(Text(finding.level, _STYLES[finding.level]), text)
        if finding.do is not None and not finding.is_command:
            row.add_row("", Text(finding.do, "bold"))
        page.print(row)
        if finding.is_command:
            # Not wrapped by us: what is copied from here must be what is typed.
            page.print(Text(f"        {finding.do}", "bold"), soft_wrap=True)
