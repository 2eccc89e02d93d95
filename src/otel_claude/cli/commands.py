"""Commands: the table of what `otel-claude` can do, and how the one that was asked for is called.

To add a command, write a module with a function `command` (see `arguments`), and give it a row here. The module imports
what is always installed; its function imports what the extra of its row brings, so that --help works without. A command
of another distribution is listed if that is installed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Final, NamedTuple, NoReturn

from ..version import __version__
from .arguments import Parser, parse
from .output import fail

_NAME: Final = "otel-claude"
_OURS: Final = "otel_claude.cli"
_HELP: Final = {"-h", "--help"}


class Row(NamedTuple):
    """One command: its name, what it does, the extra that it needs, and the package that its module is in."""

    name: str
    help: str
    extra: str = "cli"
    package: str = _OURS

    @property
    def module(self) -> str:
        """The module that has its function `command`."""
        return f"{self.package}.{self.name.replace('-', '_')}"


COMMANDS: Final = (
    Row("run", "Run a program, and print at its end what its calls cost.", "otlp"),
    Row("demo", "Show everything with simulated calls.", "demo", package="otel_claude_demo"),
    Row("price", "Say what a stored answer cost, or show the price table."),
    Row("claude-code", "Say what Claude Code cost, by its events."),
    Row("doctor", "Check installation and configuration; say what to type."),
    Row("export", "Write dashboards, rules and deployment files."),
    Row("organization", "Show what the organization used and was billed.", "organization"),
    Row("spend", "Show what was spent, by model, service, key, tag or day.", "organization"),
    Row("explain", "Say why spend changed, and whether it is normal.", "organization"),
    Row("advise", "Say what to change to pay less, and what it is worth.", "organization"),
    Row("reconcile", "Compare what was measured with what was billed.", "organization"),
)


def run(given: list[str]) -> None:
    """Runs the command that the first argument names. No other is loaded."""
    row = next((row for row in COMMANDS if given[:1] == [row.name]), None)
    if row is None:
        _without_command(given)
    prog = f"{_NAME} {row.name}"
    try:
        command = load(row)
        command(**parse(prog, command, given[1:]))
    except ModuleNotFoundError as error:
        package, *parts = (error.name or "").split(".")
        if find_spec(package) is not None:
            if package.startswith("otel_claude"):
                raise
            package = "-".join([package, *parts[:1]])  # opentelemetry.sdk
        missing = package.replace("_", "-")
        install = f"pip install '{_NAME}[{row.extra}]'"
        if _HELP.isdisjoint(given):
            fail(f"`{prog}` needs {missing}: {install}")
        Parser(prog, f"{row.help}\n\nIts options are shown once it is installed: {install}").parse_args(["--help"])


def load(row: Row) -> Callable[..., None]:
    """A command's function.

    Raises:
        ModuleNotFoundError: It is of another distribution, and that is not installed.
    """
    return import_module(row.module).command


def _without_command(given: list[str]) -> NoReturn:
    """For --help, --version, and what is no command."""
    parser = Parser(_NAME, "Every call to Claude measured: tokens, dollars, rate limits, retries.")
    parser.add_argument("--version", action="version", version=f"{_NAME} {__version__}", help="Show the version.")
    listed = parser.add_subparsers(
        title="commands", metavar="COMMAND", required=True, parser_class=argparse.ArgumentParser
    )
    for row in COMMANDS:
        if find_spec(row.package.partition(".")[0]) is not None:
            listed.add_parser(row.name, help=row.help)
    if not given:
        parser.print_help()
        sys.exit(2)
    parser.parse_args(given)
    fail(f"the command comes first. See: {_NAME} --help")
