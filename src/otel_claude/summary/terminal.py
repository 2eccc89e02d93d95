"""A page on a terminal with Rich, or as plain text where Rich is not installed."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, TextIO

from .render import Fact, Page, Table

if TYPE_CHECKING:
    from rich.console import Console

_WIDTH: Final = 80
_WIDEST: Final = 100
_LABEL: Final = 16
_STYLES: Final = {"plain": "", "good": "green", "warn": "yellow", "bad": "red"}
WITHOUT_RICH: Final = "For a better layout: pip install 'otel-claude[cli]'"


def show(page: Page, stream: TextIO) -> None:
    """Writes the page. Colour only if the stream is a terminal, or the user's FORCE_COLOR says so."""
    try:
        from rich.console import Console  # noqa: PLC0415 - Rich is an extra, and only the end of a program needs it
    except ImportError:
        stream.write("\n".join([*plain(page), WITHOUT_RICH, ""]))
    else:
        console = Console(file=stream, highlight=False, markup=False, emoji=False)
        console.width = min(console.width, _WIDEST)
        _show(page, console)
    stream.flush()


def _show(page: Page, console: Console) -> None:
    from rich.rule import Rule  # noqa: PLC0415 - as above
    from rich.text import Text  # noqa: PLC0415

    console.print()
    console.print(Rule(Text(page.title, "bold"), style="dim", align="left"))
    console.print(Text(page.headline, "bold cyan"))
    for table in page.tables:
        console.print()
        console.print(_rich_table(table))
    console.print()
    console.print(_rich_facts(page.facts))


def _rich_table(table: Table) -> Any:
    from rich import box  # noqa: PLC0415 - as above
    from rich.table import Table as RichTable  # noqa: PLC0415

    made = RichTable(
        box=box.SIMPLE, show_footer=True, pad_edge=False, padding=(0, 1), show_edge=False, header_style="dim",
        footer_style="bold", border_style="dim",
    )  # fmt: skip
    for index, (name, total) in enumerate(zip(table.columns, table.total, strict=True)):
        if index == 0:
            made.add_column(name, footer=total, overflow="fold", min_width=16)
        else:
            made.add_column(name, footer=total, justify="right", no_wrap=True)
    for row in table.rows:
        made.add_row(*row, style="dim" if row[0].startswith(" ") else None)
    return made


def _rich_facts(facts: tuple[Fact, ...]) -> Any:
    from rich.table import Table as RichTable  # noqa: PLC0415 - as above
    from rich.text import Text  # noqa: PLC0415

    grid = RichTable.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for fact in facts:
        grid.add_row(fact.label, Text("\n".join(fact.lines), _STYLES[fact.tone]))
    return grid


def plain(page: Page, width: int = _WIDTH) -> Iterator[str]:
    """The page's lines without Rich."""
    yield ""
    yield f"--- {page.title} ".ljust(width, "-")
    yield page.headline
    for table in page.tables:
        yield ""
        yield from _plain_table(table)
    yield ""
    for fact in page.facts:
        for number, line in enumerate(fact.lines):
            label = "" if number else fact.label
            text = textwrap.wrap(line, width - _LABEL) or [""]
            yield f"{label:<{_LABEL}}{text[0]}"
            yield from (" " * _LABEL + more for more in text[1:])


def _plain_table(table: Table) -> Iterator[str]:
    rows = [table.columns, *table.rows, table.total]
    widths = [max(len(row[column]) for row in rows) for column in range(len(table.columns))]
    for row in rows:
        cells = [
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()
