"""Arguments: a command's options, read from the signature of its function. The standard library is enough.

    def command(file: Annotated[Path, Argument("FILE", "What is read.")],
                as_json: Annotated[bool, Option("--json", "Print JSON.")] = False) -> None:

A `bool` is a flag, a list an option that can be given several times, and a list of arguments takes all that follows.
"""

from __future__ import annotations

import argparse
import inspect
import shutil
import sys
import textwrap
from collections.abc import Callable
from difflib import get_close_matches
from math import isfinite
from types import UnionType
from typing import Any, Final, NamedTuple, NoReturn, Union, get_args, get_origin

from .output import fail

_MAX_WIDTH: Final = 100
_COLUMN: Final = 24


class Option(NamedTuple):
    """An option of a command. `at_least` is for numbers; `number` for a list that is given at once, as FROM TO."""

    name: str
    help: str
    metavar: str | None = None
    at_least: float | None = None
    number: int | None = None


class Argument(NamedTuple):
    """An argument that has no name."""

    metavar: str
    help: str


class Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one line of ours."""

    def __init__(self, prog: str, description: str, usage: str | None = None) -> None:
        super().__init__(prog, usage, description, formatter_class=_Help, add_help=False, allow_abbrev=False)
        self.add_argument("-h", "--help", action="help", help="Show this message and exit.")

    def error(self, message: str) -> NoReturn:
        """The message is argparse's, which may quote what was given."""
        _, _, command = self.prog.partition(" ")
        said = f"{command}: {message}" if command else message
        fail(f"{said}{'' if said.endswith('?') else '.'} See: {self.prog} --help")

    def _print_message(self, message: str, file: Any = None) -> None:
        # argparse's own says nothing of an output that cannot be written (Python 3.10 to 3.14).
        (file or sys.stderr).write(message)

    def refuse(self, unknown: str) -> NoReturn:
        """What was given is no argument of the command. What follows an option's name may be a secret."""
        name = unknown.partition("=")[0]
        if not unknown.startswith("-"):
            self.error(f"{name!r} is one argument too many")
        near = get_close_matches(name, self._option_string_actions, n=1)
        self.error(f"there is no option {name!r}{f': did you mean {near[0]}?' if near else ''}")


class _Help(argparse.HelpFormatter):
    """Keeps the paragraphs of a description, and fits the terminal."""

    def __init__(self, prog: str) -> None:
        width = min(shutil.get_terminal_size().columns, _MAX_WIDTH) - 1
        super().__init__(prog, max_help_position=min(_COLUMN, width // 3), width=width)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return "\n\n".join(
            textwrap.fill(paragraph, width, initial_indent=indent, subsequent_indent=indent)
            for paragraph in text.split("\n\n")
        )


def parse(prog: str, command: Callable[..., Any], given: list[str]) -> dict[str, Any]:
    """What a command's function is to be called with. Exits after --help, and with a message if it cannot be."""
    parser = Parser(prog, inspect.getdoc(command) or "")
    for parameter in inspect.signature(command, eval_str=True).parameters.values():
        _add(parser, parameter)
    parsed, unknown = parser.parse_known_args(given)
    if unknown:
        parser.refuse(unknown[0])
    values = vars(parsed)
    # What is another program's may have `--` before it, which argparse leaves there up to Python 3.12.
    return {name: value[value[0] == "--" :] if isinstance(value, list) else value for name, value in values.items()}


def _add(parser: Parser, parameter: inspect.Parameter) -> None:
    annotated, declared = get_args(parameter.annotation)
    kind, several = _kind(annotated)
    needed = parameter.default is parameter.empty
    default = None if needed else parameter.default
    shown = (
        "" if default in (None, False) else f" [default: {default:g}]" if kind is float else f" [default: {default}]"
    )
    text = f"{declared.help}{shown}".replace("%", "%%")
    if isinstance(declared, Argument):
        number = argparse.PARSER if several else None if needed else "?"
        parser.add_argument(parameter.name, metavar=declared.metavar, nargs=number, default=default, help=text)
    elif kind is bool:
        parser.add_argument(declared.name, dest=parameter.name, action="store_true", help=text)
    else:
        metavar = declared.metavar or declared.name.strip("-").upper()
        parser.add_argument(
            declared.name, dest=parameter.name, metavar=metavar if declared.number is None else tuple(metavar.split()),
            action="append" if several and declared.number is None else "store", nargs=declared.number, required=needed,
            default=default, type=_number(declared.at_least) if kind is float else kind, help=text,
        )  # fmt: skip


def _kind(annotated: Any) -> tuple[Callable[[str], Any], bool]:
    """The type of a value, and whether there can be several."""
    if get_origin(annotated) in (Union, UnionType):
        annotated = get_args(annotated)[0]  # `str | None`
    several = get_origin(annotated) is list
    return get_args(annotated)[0] if several else annotated, several


def _number(at_least: float | None) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            value = float(text)
            if not isfinite(value):
                raise ValueError  # noqa: TRY301 - for a command it is as good as none
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is no number") from None
        if at_least is not None and not value >= at_least:
            raise argparse.ArgumentTypeError(f"{text} is less than {at_least:g}")
        return value

    return read
