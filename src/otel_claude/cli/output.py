"""Output: how commands write. Messages go to stderr; what was asked for goes to stdout, as a table or as JSON.

Nothing that is written here holds a credential of the environment or of the command line, whoever wrote the text.
"""

from __future__ import annotations

import codecs
import errno
import io
import json
import logging
import os
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from stat import S_ISREG
from typing import Any, BinaryIO, Final, NoReturn, cast

from .. import redact

BAD_USAGE: Final = 2
_MIN_WIDTH: Final = 80
_MAX_WIDTH: Final = 120
_PLAINLY: Final = "otel_claude.plainly"
_arguments: list[str] = []
"""What the command was given, which may hold addresses with passwords."""
_hidden: list[str] = []
"""Secrets that were read from files."""


def prepare(arguments: Sequence[str]) -> None:
    """For a command with these arguments: what is written shows no secret of theirs, and fails by no encoding."""
    _arguments[:] = arguments
    _hidden.clear()
    guard_logs()
    codecs.register_error(_PLAINLY, _plainly)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_PLAINLY)


def hide(*found: str) -> None:
    """Secrets that are not to be shown from now on."""
    _hidden.extend(found)


def secrets() -> tuple[str, ...]:
    """All that is not to be shown: of the environment, the command line and files."""
    return (*redact.secrets_of(os.environ, _arguments), *_hidden)


def _plainly(error: UnicodeError) -> tuple[str, int]:
    """What is written for characters that an encoding does not have. Rich and we shorten by an ellipsis."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join("..." if each == "…" else "?" for each in error.object[error.start : error.end]), error.end


def shown(message: str) -> str:
    """A text of ours without secrets."""
    return redact.own(message, *secrets())


def say(message: str) -> None:
    """A line on stderr."""
    sys.stderr.write(f"otel-claude: {shown(message)}\n")


def fail(message: str, code: int = BAD_USAGE) -> NoReturn:
    """One line on stderr, and the end."""
    say(message)
    sys.exit(code)


def write_json(data: Any) -> None:
    """One JSON document on stdout."""
    sys.stdout.write(f"{json.dumps(_shown_in(data), indent=2)}\n")


def guard_logs() -> None:
    """Sees to it that what libraries log on the terminal has no secrets in it either."""
    for handler in (logging.lastResort, *logging.getLogger().handlers, *logging.getLogger("anthropic").handlers):
        if handler is not None and getattr(handler, "stream", None) in (sys.stderr, sys.stdout):
            handler.setFormatter(_Redacting(handler.formatter))


class _Redacting(logging.Formatter):
    """Formats as another formatter does, and takes secrets out of that."""

    def __init__(self, other: logging.Formatter | None) -> None:
        super().__init__()
        self._other = other or logging.Formatter()

    def format(self, record: logging.LogRecord) -> str:
        """The text that is written. A library may log what a server said, and that may be what we sent."""
        known = secrets()
        return "\n".join(redact.text(line, *known) for line in self._other.format(record).splitlines())


def _shown_in(data: Any) -> Any:
    if isinstance(data, str):
        return shown(data)
    if isinstance(data, dict):
        return {key: _shown_in(value) for key, value in cast("dict[Any, Any]", data).items()}
    if isinstance(data, (list, tuple)):
        return [_shown_in(value) for value in cast("list[Any]", data)]
    return data


@contextmanager
def reading(file: BinaryIO) -> Generator[Callable[[int], None], None, None]:
    """Shows on a terminal how far the reading of a file is. Gives what is to be called with the bytes read so far."""
    bar: Any = None

    def show(size: int) -> None:
        nonlocal bar
        if bar is None:
            from rich.console import Console  # noqa: PLC0415 - few files are so large that this is called
            from rich.progress import Progress  # noqa: PLC0415 - as above

            status = os.fstat(file.fileno())
            bar = Progress(console=Console(stderr=True), transient=True, auto_refresh=False)
            bar.add_task("Reading", total=status.st_size if S_ISREG(status.st_mode) else None)
            bar.start()
        bar.update(bar.task_ids[0], completed=size, refresh=True)

    try:
        yield show if sys.stderr.isatty() else lambda _size: None
    finally:
        if bar is not None:
            bar.stop()


def console() -> Any:
    """A Rich console on stdout. Colour only on a terminal, never wider than reads well.

    Nor narrower than tables are: a narrow terminal breaks their lines, where Rich would leave out names and amounts.
    """
    from rich.console import Console  # noqa: PLC0415 - commands that print JSON or replace themselves need no Rich

    made = Console(highlight=False, markup=False, emoji=False)
    made.width = max(_MIN_WIDTH, min(made.width, _MAX_WIDTH))
    made.on_broken_pipe = _nobody_reads
    return made


def _nobody_reads() -> NoReturn:
    # Rich would end the program with 1, which is an answer.
    raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
