"""`otel-claude organization`: what Anthropic says that the organization used and was billed, exported or printed."""

from __future__ import annotations

import logging
import os
import sys
from typing import Annotated, Any, Final

import typer

from .. import redact
from ..organization import Poller, Problem, Reader, Times, page, service
from ..organization.errors import ABSENT, FINAL
from ..organization.poller import LEAST, USUAL, logger
from .output import console, fail, guard_logs, say

_NOT_READ: Final = 2


def command(
    once: Annotated[bool, typer.Option("--once", help="Read everything once, print it, and export nothing.")] = False,
    interval: Annotated[
        float, typer.Option("--interval", metavar="SECONDS", min=LEAST, help="How often the reports are read.")
    ] = USUAL,
) -> None:
    """Show what the organization used and was billed.

    Reads Anthropic's Admin API with ANTHROPIC_ADMIN_KEY (sk-ant-admin…, never a normal key) and exports spend, tokens,
    spend limits, rate limits and keys over OTLP, to where OTEL_EXPORTER_OTLP_ENDPOINT says, until it is terminated. Run
    one of it. With --once it prints them instead.

    Exit code: 0 when terminated, or when all was read; 2 if the credential is not accepted, or, with --once, if the
    amounts could not be read.
    """
    logging.basicConfig(format="otel-claude: %(message)s", level=logging.WARNING)
    # The SDK logs each retry of its own; what comes of them is said by us.
    logging.getLogger("anthropic").setLevel(logging.ERROR)
    guard_logs()
    try:
        reader = Reader()
    except Problem as problem:
        fail(str(problem))
    with reader:
        poller = Poller(reader, Times(report=interval))
        if once:
            _once(poller)
        else:
            service.run(poller, lambda: _started(poller, interval))


def _started(poller: Poller, interval: float) -> None:
    for problem in poller.seen().problems.values():
        if problem.kind in FINAL:
            sys.exit(_NOT_READ)  # It was logged when it was met.
    say(f"exporting to {redact.url(service.endpoint(os.environ))}, reading every {interval:g} s")


def _once(poller: Poller) -> None:
    logger.disabled = True  # What is wrong is said below, after the tables.
    try:
        poller.poll()
    finally:
        logger.disabled = False
    seen = poller.seen()
    # One credential that is not accepted is one message, not one for each part.
    texts = list(dict.fromkeys(str(problem) for problem in seen.problems.values()))
    shown = console()
    final = any(problem.kind in FINAL for problem in seen.problems.values())
    if not final:
        shown.print(page.as_of(seen))
        for table in page.tables(seen):
            shown.print()
            shown.print(rich_table(table))
    for text in texts:
        say(text)
    missing = [part for part, problem in seen.problems.items() if part == "report" or problem.kind not in ABSENT]
    if missing:
        sys.exit(_NOT_READ)


def rich_table(table: page.Table) -> Any:
    """A table for a terminal."""
    from rich import box  # noqa: PLC0415 - the tables alone need Rich
    from rich.table import Table  # noqa: PLC0415 - as above

    made = Table(title=table.title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, show_edge=False)
    for number, name in enumerate(table.columns):
        made.add_column(name, justify="left" if number < table.text_columns else "right", overflow="fold")
    for row in table.rows:
        made.add_row(*row, style="bold" if row[0] == "Total" else None)
    return made
