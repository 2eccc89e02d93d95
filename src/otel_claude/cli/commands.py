"""Commands: the table of what `otel-claude` can do, and the application of the one that was asked for.

To add a command, write a module with a function `command` that Typer understands, and give it a row here. What a module
imports must be installed by the extra of its row. A command of another distribution is shown if that is installed;
without it, the command says what to install.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Annotated, Any, Final, NamedTuple

import typer

from ..version import __version__
from .output import fail


class Row(NamedTuple):
    """One command: its name, what it does, the extra that it needs, and the package that its module is in."""

    name: str
    help: str
    extra: str = "cli"
    package: str = "otel_claude.cli"

    @property
    def module(self) -> str:
        """The module that has its function `command`."""
        return f"{self.package}.{self.name}"


COMMANDS: Final = (
    Row("run", "Run a program, and print at its end what its calls cost.", "otlp"),
    Row("demo", "Show everything with simulated calls.", "demo", package="otel_claude_demo"),
    Row("price", "Say what a stored answer cost, or show the price table."),
    Row("doctor", "Check installation and configuration; say what to type."),
    Row("export", "Write dashboards, rules and deployment files."),
    Row("organization", "Show what the organization used and was billed.", "organization"),
    Row("reconcile", "Compare what was measured with what was billed.", "organization"),
)


def application(given: Sequence[str]) -> typer.Typer:
    """The application for these arguments. Only the command that they name is loaded."""
    app = typer.Typer(
        name="otel-claude",
        help="Every call to Claude measured: tokens, dollars, rate limits, retries.",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    app.callback()(_options)
    # There are no options with a value before the command, so the first word is its name.
    requested = next((word for word in given if not word.startswith("-")), None)
    for row in COMMANDS:
        # What follows `run` is another program's.
        settings = {"allow_interspersed_args": row.name != "run"}
        if row.name == requested:
            app.command(row.name, context_settings=settings)(load(row))
        elif find_spec(row.package.partition(".")[0]) is not None:
            app.command(row.name, help=row.help, context_settings=settings)(_not_requested)
    return app


def load(row: Row) -> Callable[..., Any]:
    """A command's function. Exits with one line if its extra is not installed."""
    try:
        return import_module(row.module).command
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing == "otel_claude":
            raise
        fail(f"`otel-claude {row.name}` needs {missing.replace('_', '-')}: pip install 'otel-claude[{row.extra}]'")


def _not_requested() -> None:
    raise AssertionError("a command was run that was not loaded")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"otel-claude {__version__}")
        raise typer.Exit


def _options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass
