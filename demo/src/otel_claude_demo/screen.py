"""Screen: what the demo says, with a progress bar on a terminal and in plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from .amounts import places_for, times, usd
from .comparison import Apart, Comparison
from .rates import TOKEN_TYPES, WEB_SEARCH

if TYPE_CHECKING:
    from typing_extensions import Self

_NAMES: Final = {
    "input": "input, uncached",
    "cache_read": "cache read",
    "cache_write_5m": "cache write 5m",
    "cache_write_1h": "cache write 1h",
    "output": "output",
}


class Bar:
    """How far the demo is, and what it is doing. Without a terminal: one line for each thing, the first time."""

    def __init__(self, console: Console, seconds: float) -> None:
        self._console = console
        self._seconds = seconds
        self._began = time.monotonic()
        self._said: set[str] = set()
        self._task: TaskID | None = None
        self._progress = Progress(
            BarColumn(bar_width=24),
            TextColumn("{task.fields[clock]:>7}"),
            TextColumn("{task.description}", markup=False),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )

    def __enter__(self) -> Self:
        self._progress.start()
        self._task = self._progress.add_task("starting the services", total=self._seconds, clock="")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def say(self, said: str | None = None) -> None:
        """The time moved on, and perhaps something new is being done."""
        if self._task is None:
            return
        gone = time.monotonic() - self._began
        clock = f"{gone:.0f}/{self._seconds:.0f} s" if gone < self._seconds else f"{gone:.0f} s"
        more: dict[str, Any] = {} if said is None else {"description": said}
        self._progress.update(self._task, completed=min(gone, self._seconds), clock=clock, **more)
        if said is not None and said not in self._said and not self._console.is_terminal:
            self._said.add(said)
            self._console.print(f"  {said}")


def services(console: Console, rows: Sequence[tuple[str, str]]) -> None:
    """The services and what they do."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for row in rows:
        grid.add_row(f"  {row[0]}", row[1])
    console.print(grid)


def compared(console: Console, comparison: Comparison) -> bool:
    """Both sides in a table, and one line that says whether they are the same. Gives that."""
    served, measured = comparison.served, comparison.measured
    places = places_for(served.cost)
    table = Table(
        box=box.SIMPLE, pad_edge=False, padding=(0, 1), show_edge=False, header_style="dim", border_style="dim"
    )
    for name in ("", "Served", "Measured"):
        table.add_column(name, justify="right" if name else "left", no_wrap=True)
    for name in TOKEN_TYPES:
        table.add_row(_NAMES[name], f"{served.of(name):,}", f"{measured.of(name):,}")
    table.add_row(WEB_SEARCH.replace("_", " "), f"{served.searches:,}", f"{measured.searches:,}")
    table.add_row("results of batches", f"{served.batched:,}", f"{measured.batched:,}")
    table.add_row("HTTP requests", f"{served.requests:,}", f"{measured.requests:,}")
    table.add_row("USD", usd(served.cost, places), usd(measured.cost, places))
    console.print()
    console.print(Rule(Text("the simulator's own books", "bold"), style="dim", align="left"))
    console.print(table)
    console.print()
    for line in _apart(comparison.apart):
        console.print(line, style="dim")
    differences = list(comparison.differences())
    tokens = sum(measured.of(name) for name in TOKEN_TYPES)
    if not differences:
        total = f"{tokens:,} tokens and ${usd(measured.cost, places)}"
        console.print(f"Measured = served: {total}, equal in every token type and model.", style="bold green")
        return True
    console.print("Measured and served are NOT the same:", style="bold red")
    for difference in differences:
        console.print(f"  {difference}", style="red")
    return False


def _apart(apart: Apart) -> Sequence[str]:
    said: list[str] = []
    if apart.left:
        said.append(
            f"Apart from that: {apart.unheard:,} tokens of {times(apart.left, 'stream')} whose reader had left. "
            "They would be billed, but no program is told how many there were."
        )
    return said
