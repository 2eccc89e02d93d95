"""Tables, as a terminal and a spreadsheet show them."""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_MIN_NAME: Final = 16
"""Characters of a name in one line, if it has as many."""
_FORMULA: Final = tuple("=+-@\uff1d\uff0b\uff0d\uff20")
"""A cell that begins with one of these is a formula in a spreadsheet, in some languages also those of full width."""


class Table(NamedTuple):
    """A heading, the names of its columns, and rows of cells. The first columns are text, the others are numbers."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]
    text_columns: int


def show(console: Any, table: Table) -> None:
    """Prints a table on a terminal. No number is broken: where that needs more than there is, lines are longer."""
    from rich import box  # noqa: PLC0415 - the tables alone need Rich
    from rich.cells import cell_len  # noqa: PLC0415 - as above
    from rich.table import Table  # noqa: PLC0415 - as above

    made = Table(
        title=table.title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, show_edge=False,
        padding=(0, 1, 0, 0), pad_edge=False,
    )  # fmt: skip
    needed = 0
    for number, name in enumerate(table.columns):
        widest = max(map(cell_len, (name, *(row[number] for row in table.rows))))
        if number < table.text_columns:
            widest = min(widest, _MIN_NAME)
            made.add_column(name, overflow="fold", min_width=widest)
        else:
            made.add_column(name, justify="right" if name else "left", no_wrap=True)  # Bars have no name.
        needed += widest + 2
    for row in table.rows:
        made.add_row(*row, style="bold" if row[0] == "Total" else None)
    width, console.width = console.width, max(console.width, needed)
    console.print(made)
    console.width = width


def csv_cell(value: Any) -> Any:
    """A value as a cell of CSV: a text that a spreadsheet would evaluate begins with an apostrophe. No number does."""
    is_formula = isinstance(value, str) and value.startswith(_FORMULA) and not _NUMBER.fullmatch(value)
    return f"'{value}" if is_formula else value
