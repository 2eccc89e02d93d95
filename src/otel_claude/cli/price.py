"""`otel-claude price`: what a stored answer of the API cost and why; the price table; how it compares with others."""

from __future__ import annotations

import os
import sys
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated, Final, get_args

from .. import files
from ..api.json import as_time
from ..pricing import Platform, PlatformName, PriceFileError, PriceTable, PriceTableError, load
from ..settings import variable
from .answers import BadInputError, Stored, read
from .arguments import Argument, Option
from .output import fail, write_json
from .priced import json_of, priced

_STDIN: Final = "-"
_MAX_SIZE: Final = 1 << 30
"""Bytes of stored answers. The results of the largest batch have a quarter of it."""
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
    check: Annotated[
        bool, Option("--check", help="Compare the table with genai-prices and litellm, if installed.")
    ] = False,
) -> None:
    """Say what a stored answer of the API cost, or show the price table.

    Prints a table on a terminal, and one JSON object with --json or when the output is no terminal: `usd` is a decimal
    string, or null if the cost is not known; `status` is exact, lower_bound or unpriced, and `reason` says why.

    Exit code: 0 if the input was understood, whatever it cost; 1 if --check found differences; 2 for bad input.
    """
    if (file is not None) + list_prices + check != 1:
        fail("price: name a FILE (or - for standard input), or --list, or --check. See: otel-claude price --help")
    when = time.time() if at is None else _time(at)
    table = _table(prices)
    if list_prices:
        from .price_page import show_list  # noqa: PLC0415 - only this way needs it

        show_list(table, model=model, at=when if at is not None or model is None else None, as_json=as_json)
    elif check:
        from .price_check import show_check  # noqa: PLC0415 - as above

        show_check(table, at=when, as_json=as_json)
    elif file is not None:
        _price(_stored(file), table, when, _platform(platform, region), model, as_json=as_json)


def _price(
    stored: Stored, table: PriceTable, when: float, platform: Platform, requested_model: str | None, *, as_json: bool
) -> None:
    found = priced(stored, table, at=when, platform=platform, requested_model=requested_model)
    day = datetime.fromtimestamp(when, timezone.utc).date().isoformat()
    if as_json or not sys.stdout.isatty():
        write_json(json_of(found, stored, table=table.name, at=day, platform=platform))
        return
    from .price_page import show_price  # noqa: PLC0415 - only a terminal needs it

    show_price(found, stored, table=table.name, at=day)


def _stored(file: str) -> Stored:
    try:
        # What a person named here is waited for, be it a pipe.
        raw = sys.stdin.buffer.read(_MAX_SIZE + 1) if file == _STDIN else files.read(file, _MAX_SIZE, waits=True)
        if len(raw) <= _MAX_SIZE:
            return read(raw.decode("utf-8-sig"))
        why = f"it has more than {_MAX_SIZE:,} bytes"
    except OSError as error:
        why = error.strerror
    except UnicodeDecodeError:
        why = "it is no UTF-8 text"
    except BadInputError as error:
        why = str(error)
    return fail(f"price: {'standard input' if file == _STDIN else file}: {why}")


def _time(text: str) -> float:
    when = as_time(text.strip())
    if when is None:
        return fail(f"price: --at {text!r} is no date. Write it as 2026-11-22, or 2026-11-22T13:00:00+00:00")
    return when


def _platform(name: str, region: str | None) -> Platform:
    for known in _PLATFORMS:
        if known == name:
            return Platform(known, region)
    return fail(f"price: --platform {name!r} is not known. It takes one of: {', '.join(_PLATFORMS)}")


def _table(prices: Path | None) -> PriceTable:
    path = str(prices) if prices is not None else os.environ.get(variable("prices"), "").strip()
    try:
        return load(path or None, waits=prices is not None)
    except (PriceFileError, PriceTableError) as error:
        return fail(f"price: {error}")
