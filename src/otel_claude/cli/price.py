"""`otel-claude price`: what a stored answer of the API cost and why; the price table; how it compares with others."""

from __future__ import annotations

import os
import sys
import time
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated, BinaryIO, Final, get_args

from .. import redact
from ..api.json import as_time
from ..pricing import Platform, PlatformName, PriceFileError, PriceTable, PriceTableError, load
from ..settings import variable
from .answers import Answers, BadInputError
from .arguments import Argument, Option
from .output import fail, reading, say, write_json
from .priced import Sums, json_of

_STDIN: Final = "-"
_NOT_ALL_READ: Final = 1
_CALENDAR: Final = (-62_135_596_800, 253_402_300_800)
"""Seconds from 1970 to the first day of the year 1 and to the end of 9999, which are all days that Python has."""
_PLATFORMS: Final = get_args(PlatformName)


def command(  # noqa: PLR0913, PLR0917 - each is an option of the command
    file: Annotated[
        str | None,
        Argument(
            metavar="FILE|-",
            help="A message's JSON, JSON lines of messages, a batch's results, or a stored event stream.",
        ),
    ] = None,
    at: Annotated[str | None, Option("--at", metavar="DATE", help="The day of the call, as 2026-11-22 (UTC).")] = None,
    prices: Annotated[
        Path | None, Option("--prices", metavar="FILE", help="Your own prices; else OTEL_CLAUDE_PRICES.")
    ] = None,
    as_json: Annotated[bool, Option("--json", help="Print JSON, also on a terminal.")] = False,
    platform: Annotated[
        str, Option("--platform", metavar="NAME", help=f"Who served it: {', '.join(_PLATFORMS)}.")
    ] = "anthropic",
    region: Annotated[str | None, Option("--region", metavar="NAME", help="The client's region, for clouds.")] = None,
    model: Annotated[
        str | None,
        Option("--model", metavar="ID", help="With --list: this model. Else: the id that was asked for, for clouds."),
    ] = None,
    list_prices: Annotated[
        bool, Option("--list", help="Print the price table: of today, of --at, or all of --model.")
    ] = False,
    strict: Annotated[
        bool, Option("--strict", help="Price nothing if one line, event or item cannot be read.")
    ] = False,
    check: Annotated[
        bool, Option("--check", help="Compare the table with genai-prices and litellm, if installed.")
    ] = False,
) -> None:
    """Say what a stored answer of the API cost, or show the price table.

    Prints a table on a terminal, and one JSON object with --json or when the output is no terminal: `usd` is a decimal
    string, or null if the cost is not known; `status` is exact, lower_bound or unpriced, and `reason` says why.

    Exit code: 0 if all of the input was understood, whatever it cost; 1 if some lines, events or items of it were not,
    which are named, or if --check found differences; 2 if nothing could be priced, with --strict also for one bad line.
    """
    if (file is not None) + list_prices + check != 1:
        fail("price: name a FILE (or - for standard input), or --list, or --check. See: otel-claude price --help")
    when = time.time() if at is None else _time(at)
    table = table_of(prices, "price")
    if list_prices:
        from .price_page import show_list  # noqa: PLC0415 - only this way needs it

        day = when if at is not None or model is None else None
        show_list(table, model=model, at=day, chosen=at is not None, as_json=as_json)
    elif check:
        from .price_check import show_check  # noqa: PLC0415 - as above

        show_check(table, at=when, as_json=as_json)
    elif file is not None:
        _price(
            file,
            table,
            when,
            _platform(platform, region),
            requested_model=model,
            chosen=at is not None,
            strict=strict,
            as_json=as_json,
        )


def _price(  # noqa: PLR0913 - each is named where it is called
    file: str,
    table: PriceTable,
    when: float,
    platform: Platform,
    *,
    requested_model: str | None,
    chosen: bool,
    strict: bool,
    as_json: bool,
) -> None:
    """`chosen`: whether somebody chose that time. Else it is now."""
    sums = Sums(table, at=when, platform=platform, requested_model=requested_model, chosen=chosen)
    answers = _read(file, sums, strict=strict)
    found = sums.priced(unread=answers.unread)
    day = datetime.fromtimestamp(when, timezone.utc).date().isoformat()
    if as_json or not sys.stdout.isatty():
        write_json(json_of(found, answers, table=table.name, at=day, platform=platform))
    else:
        from .price_page import show_price  # noqa: PLC0415 - only a terminal needs it

        show_price(found, answers, table=table.name, at=day)
    for mistake in answers.mistakes:
        say(f"price: {_name(file)}: {mistake}")
    if more := answers.unread - len(answers.mistakes):
        say(f"price: {_name(file)}: {more:,} more could not be read")
    if answers.unread:
        sys.exit(_NOT_ALL_READ)


def _read(file: str, sums: Sums, *, strict: bool) -> Answers:
    try:
        # What a person named here is waited for, be it a pipe.
        with _open(file) as stored, reading(stored) as on_read:
            answers = Answers(stored, strict=strict, on_read=on_read)
            answers.read(sums.add)
            return answers
    except BadInputError as error:
        why = str(error)
    except (OSError, ValueError) as error:
        # A ValueError: there is a null character in the path.
        why = getattr(error, "strerror", None) or redact.reason(error)
    return fail(f"price: {_name(file)}: {why}")


def _open(file: str) -> AbstractContextManager[BinaryIO]:
    if file != _STDIN:
        return Path(file).open("rb")
    if sys.stdin is None:  # pyright: ignore[reportUnnecessaryComparison] - so it is in a process that has none
        raise BadInputError("it is closed")
    return nullcontext(sys.stdin.buffer)


def _name(file: str) -> str:
    return "standard input" if file == _STDIN else file


def _time(text: str) -> float:
    when = as_time(text.strip())
    if when is None or not _CALENDAR[0] <= when < _CALENDAR[1]:
        return fail(f"price: --at {text!r} is no date. Write it as 2026-11-22, or 2026-11-22T13:00:00+00:00")
    return when


def _platform(name: str, region: str | None) -> Platform:
    for known in _PLATFORMS:
        if known == name:
            return Platform(known, region)
    return fail(f"price: --platform {name!r} is not known. It takes one of: {', '.join(_PLATFORMS)}")


def table_of(prices: Path | None, command: str) -> PriceTable:
    """The shipped prices, with those of the user. Where they cannot be read, the command ends."""
    path = str(prices) if prices is not None else os.environ.get(variable("prices"), "").strip()
    try:
        return load(path or None, waits=prices is not None)
    except (PriceFileError, PriceTableError) as error:
        return fail(f"{command}: {error}")
