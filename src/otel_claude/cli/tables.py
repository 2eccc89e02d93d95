"""Tables, as a terminal and a spreadsheet show them."""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_FORMULA: Final = tuple("=+-@\uff1d\uff0b\uff0d\uff20")
"""A cell that begins with one of these is a formula in a spreadsheet, in some languages also those of full width."""


class Table(NamedTuple):
    """A heading, the names of its columns, and rows of cells. The first columns are text, the others are numbers."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]
    text_columns: int


def rich_table(table: Table) -> Any:
    """A table for a terminal."""
    from rich import box  # noqa: PLC0415 - the tables alone need Rich
    from rich.table import Table  # noqa: PLC0415 - as above

    made = Table(title=table.title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, show_edge=False)
    for number, name in enumerate(table.columns):
        made.add_column(name, justify="left" if number < table.text_columns else "right", overflow="fold")
    for row in table.rows:
        made.add_row(*row, style="bold" if row[0] == "Total" else None)
    return made


def csv_cell(value: Any) -> Any:
    """A value as a cell of CSV: a text that a spreadsheet would evaluate begins with an apostrophe. No number does."""
    is_formula = isinstance(value, str) and value.startswith(_FORMULA) and not _NUMBER.fullmatch(value)
    return f"'{value}" if is_formula else value
