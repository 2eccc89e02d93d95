"""`otel-claude doctor`: what is installed and configured, what is wrong with it, and what to type.

Each module gives findings; only `connection` opens one.
"""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final

from ...claude_code import LEAKS, managed_settings
from ..arguments import Option
from ..output import shown, write_json
from . import claude_code, exporting, program, sdk
from .connection import probe
from .finding import Finding

_BOLD: Final = "1"
_STYLES: Final = {"ok": "32", "note": "36", "warning": "33", "error": "1;31"}
"""The colours of levels, as terminals write them."""
_INDENT: Final = 8
_MIN_WIDTH: Final = 20
_MAX_WIDTH: Final = 120


def command(
    as_json: Annotated[bool, Option("--json", help="Print the findings as JSON.")] = False,
    offline: Annotated[bool, Option("--offline", help="Open no connection.")] = False,
    of_claude_code: Annotated[
        bool,
        Option("--claude-code", "Check a developer's Claude Code instead, and print the settings to put in place."),
    ] = False,
) -> None:
    """Check what is installed and configured, and say what to type.

    Run it in the environment of your program: with its Python and its OTEL_* variables. It asks the OTLP endpoint that
    you configured, if you configured one, with the exporter that your program would use, and sends no data.

    Exit code: 0 if nothing is wrong, 1 if there is a warning or an error.
    """
    # Each text once more: a check may have asked a library or a server.
    examined = (
        claude_code.findings(os.environ, Path(os.path.expanduser("~")), connect=not offline)  # noqa: PTH111 - `Path.home` raises without one
        if of_claude_code
        else examine(os.environ, now=time.time(), connect=not offline)
    )
    found = [
        Finding(each.level, shown(each.subject), shown(each.text), each.do and shown(each.do)) for each in examined
    ]
    levels = [finding.level for finding in found]
    counts = {level: levels.count(level) for level in ("error", "warning", "note", "ok")}
    if as_json:
        settings = {"managed_settings": managed_settings(), "lets_out": LEAKS} if of_claude_code else {}
        write_json({"findings": [finding._asdict() for finding in found], "counts": counts, **settings})
    else:
        sys.stdout.writelines(_page(found) if sys.stdout.isatty() else map(_lines, found))
        wrong = [(counts[level], level) for level in ("error", "warning") if counts[level]]
        said = " and ".join(f"{count} {level}{'s' if count > 1 else ''}" for count, level in wrong)
        sys.stdout.write(f"\n{said or 'Nothing is wrong'}.\n")
        if of_claude_code:
            sys.stdout.writelines(claude_code.settings_page())
    sys.exit(1 if any(finding.wrong for finding in found) else 0)


def examine(environment: Mapping[str, str], *, now: float, connect: bool) -> list[Finding]:
    """All findings. With `connect`, the endpoint that the environment configures is asked, if there is one."""
    to = exporting.target(environment)
    probed = connect and exporting.sends(environment) and bool(to.variable) and exporting.can_send(to)
    found = [*sdk.findings(environment), *exporting.findings(environment, guess=not probed)]
    if probed:
        found.append(probe(to, environment))
    return [*found, *program.findings(environment, now)]


def _lines(finding: Finding) -> str:
    do = "" if finding.do is None else f"        -> {finding.do}\n"
    return f"{finding.level:<8}{finding.subject}: {finding.text}\n{do}"


def _page(found: Sequence[Finding]) -> Iterator[str]:
    """The findings for a terminal, whatever its width and colours."""
    plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    width = max(min(shutil.get_terminal_size().columns, _MAX_WIDTH) - _INDENT, _MIN_WIDTH)

    def styled(text: str, style: str) -> str:
        return text if plain else f"\033[{style}m{text}\033[0m"

    def block(text: str) -> list[str]:
        return textwrap.wrap(text, width, break_on_hyphens=False)

    for finding in found:
        first, *more = block(f"{finding.subject}: {finding.text}")
        title = (
            styled(finding.subject, _BOLD) + first.removeprefix(finding.subject)
            if first.startswith(finding.subject)
            else first
        )
        yield f"{styled(f'{finding.level:<7}', _STYLES[finding.level])} {title}\n"
        # What is to be typed is not wrapped by us: what is copied from here must be what is typed.
        do = finding.do or ""
        done = [do] if finding.is_command else block(do)
        yield from (f"{' ' * _INDENT}{line}\n" for line in more)
        yield from (f"{' ' * _INDENT}{styled(line, _BOLD)}\n" for line in done)
