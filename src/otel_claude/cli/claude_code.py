"""`otel-claude claude-code`: what the events of Claude Code say that it cost, and what that is by our price table."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

from .. import redact
from ..api.json import Json, as_count, as_list, as_object, as_text, as_time
from ..api.response import parse_message
from ..pricing import ANTHROPIC, UNPRICED_REASONS, PriceTable, price_response
from ..pricing.types import Status, decimal_text, joint_status
from ..semconv import claude_code as cc
from .answers import BadInputError, next_line
from .arguments import Option
from .output import console, fail, say, write_json
from .price import table_of

_BY: Final = {
    "user": (cc.USER_EMAIL, cc.USER_ID), "team": (cc.TEAM,), "model": (cc.MODEL,), "query-source": (cc.QUERY_SOURCE,),
    "speed": (cc.SPEED,), "session": ("session.id",), "service": ("service.name",),
}  # fmt: skip
"""What requests can be split by, and the attributes that say it; the first that is there counts."""
_REASONS: Final = {
    "no_timestamp": "The event does not say when it was.",
    "unknown_platform": "It was not served by Anthropic itself.",
}
"""Reasons beside those of calls."""
_MAX_USD: Final = 1e9
_FIRST_PARTY: Final = "firstParty"
"""`anthropic.provider` of Anthropic's own API."""

Attributes = dict[str, Any]


class _Sums:
    """What requests of one kind cost."""

    def __init__(self) -> None:
        self.requests = self.dollars = self.reported = 0
        """Dollars are pico-dollars: by our table, as far as known, and as the program says."""
        self.statuses: Counter[Status] = Counter()

    def as_json(self) -> dict[str, Any]:
        status = joint_status(self.statuses)
        return {
            "requests": self.requests,
            "reported_usd": decimal_text(self.reported),
            "usd": None if status == "unpriced" else decimal_text(self.dollars),
            "difference_usd": decimal_text(self.dollars - self.reported),
            "status": status,
        }


class Events:
    """The requests of a log, each priced once, by the day it was made."""

    def __init__(self, table: PriceTable, by: str) -> None:
        self._table, self._by = table, _BY[by]
        self._seen: set[str] = set()
        self._refused: set[str] = set()
        self.total, self.rows = _Sums(), dict[str, _Sums]()
        self.reasons: Counter[str] = Counter()
        self.events: Counter[str] = Counter()
        self.unread: list[str] = []

    def read(self, path: Path) -> None:
        """Lines of JSON, as the Collector's file exporter writes them."""
        with path.open("rb") as file:
            for number, line in enumerate(iter(partial(next_line, file), b""), 1):
                try:
                    document = as_object(json.loads(line.strip() or b"{}"))
                except (ValueError, RecursionError):
                    self.unread.append(f"line {number:,} of {path}")
                    continue
                for attributes in _records(document):
                    self._add(attributes)

    def _add(self, attributes: Attributes) -> None:
        name, request = as_text(attributes.get("event.name")), as_text(attributes.get("request_id"))
        if name == "api_refusal" and request:
            # It comes before the request that it is about.
            self._refused.add(request)
        if name == "api_request":
            # A Collector can write a line twice when it tries again.
            once = request or f"{attributes.get('session.id')} {attributes.get('event.sequence')}"
            if once in self._seen:
                return
            self._seen.add(once)
            self._price(attributes, refused=request in self._refused)
        self.events[name or ""] += 1

    def _price(self, attributes: Attributes, *, refused: bool) -> None:
        kind = redact.name(next((found for each in self._by if (found := as_text(attributes.get(each)))), "none"))
        sums = self.total, self.rows.setdefault(kind, _Sums())
        cost, when = attributes.get("cost_usd"), as_time(str(attributes.get("event.timestamp")))
        # The program adds up in floating point: a billionth of a dollar is more than it errs by.
        reported = round(cost * 1e9) * 1000 if isinstance(cost, (int, float)) and 0 <= cost < _MAX_USD else 0
        provider = attributes.get("anthropic.provider", _FIRST_PARTY)
        status, reason, dollars = "unpriced", "no_timestamp" if when is None else "unknown_platform", 0
        if when is not None and provider == _FIRST_PARTY:
            response = parse_message(_message(attributes, refused=refused))
            price = price_response(self._table, response, at=when, platform=ANTHROPIC)
            status, reason, dollars = price.status, price.reason, price.total
        if reason is not None:
            self.reasons[reason] += 1
        for each in sums:
            each.requests += 1
            each.reported += reported
            each.dollars += dollars
            each.statuses[status] += 1


def _message(event: Attributes, *, refused: bool) -> dict[str, Any]:
    """The answer that an event is about, as the API wrote it."""
    usage: dict[str, Any] = {
        "input_tokens": as_count(event.get("input_tokens")),
        "output_tokens": as_count(event.get("output_tokens")),
        "cache_read_input_tokens": as_count(event.get("cache_read_tokens")),
        "cache_creation_input_tokens": as_count(event.get("cache_creation_tokens")),
        "cache_creation": {
            f"ephemeral_{ttl}_input_tokens": as_count(event.get(f"cache_creation_{ttl}_tokens")) for ttl in ("5m", "1h")
        },
    }
    if event.get(cc.SPEED) == "fast":
        usage["speed"] = "fast"
    return {
        "type": "message", "model": event.get(cc.MODEL), "stop_reason": "refusal" if refused else "end_turn",
        "usage": usage,
    }  # fmt: skip


def _records(document: Json) -> Iterator[Attributes]:
    """The attributes of all records of a line, with those of their resource."""
    for resource in as_list(document.get("resourceLogs")) or ():
        of_resource = as_object(resource)
        common = _attributes(as_object(of_resource.get("resource")))
        for scope in as_list(of_resource.get("scopeLogs")) or ():
            for record in as_list(as_object(scope).get("logRecords")) or ():
                yield common | _attributes(as_object(record))


def _attributes(of: Json) -> Attributes:
    found: Attributes = {}
    for each in map(as_object, as_list(of.get("attributes")) or ()):
        for kind, value in as_object(each.get("value")).items():
            # 64-bit numbers are text in the JSON of protocol buffers.
            is_number = isinstance(value, str) and kind == "intValue" and re.fullmatch(r"[0-9]{1,18}", value)
            found[str(each.get("key"))] = int(str(value)) if is_number else value
    return found


def _show(events: Events, by: str, table: str) -> None:
    from .price_page import grid  # noqa: PLC0415 - only a terminal needs it

    made = grid(by.capitalize(), "Requests", "Reported USD", "By our table", "Difference")
    made.show_footer = True
    rows = sorted(events.rows.items(), key=lambda row: -row[1].reported)
    total = _cells(events.total)
    for name, sums in rows:
        made.add_row(name, *_cells(sums))
    for column, text in zip(made.columns, ("total", *total), strict=True):
        column.footer = text
    shown = console()
    shown.print(made)
    shown.print(f"\nPrices of each request's day, from the table of {table}.")
    for reason, count in events.reasons.items():
        known = UNPRICED_REASONS.get(reason)
        shown.print(f"{reason} ({count:,}): {known.meaning if known else _REASONS[reason]}", markup=False)


def _cells(sums: _Sums) -> tuple[str, str, str, str]:
    row = sums.as_json()
    bound = {"exact": "", "lower_bound": "at least "}.get(row["status"])
    ours = "not known" if bound is None else f"{bound}{row['usd']}"
    return f"{sums.requests:,}", row["reported_usd"], ours, row["difference_usd"]


def command(
    file: Annotated[
        list[Path], Option("--file", metavar="LOGS", help="What the Collector wrote. Can be given several times.")
    ],
    by: Annotated[str, Option("--by", metavar="WHAT", help=f"Split by: {', '.join(_BY)}.")] = "user",
    prices: Annotated[
        Path | None, Option("--prices", metavar="FILE", help="Your own prices; else OTEL_CLAUDE_PRICES.")
    ] = None,
    as_json: Annotated[bool, Option("--json", help="Print JSON, also on a terminal.")] = False,
) -> None:
    """Say what Claude Code cost, by its own events and by our price table.

    LOGS are lines of JSON that the Collector's file exporter wrote (claude-code-events.yaml). Each `api_request` event
    is priced as of its day. A refusal costs nothing by our table, and a model that is not in it has no price; the
    program counts both. What it does not export is not here: limits, retries that succeeded, and what a session that
    was killed had not exported yet.

    Exit code: 0; 1 if some lines could not be read, which are named; 2 if there was no event.
    """
    if by not in _BY:
        fail(f"claude-code: --by {by!r} is not known. It takes one of: {', '.join(_BY)}")
    table = table_of(prices, "claude-code")
    events = Events(table, by)
    for path in file:
        try:
            events.read(path)
        except BadInputError as error:
            fail(f"claude-code: {path}: {error}")
        except (OSError, ValueError) as error:
            fail(f"claude-code: {path}: {getattr(error, 'strerror', None) or redact.reason(error)}")
    if not events.total.requests:
        fail("claude-code: there is no api_request event in it. Is OTEL_LOGS_EXPORTER=otlp in the program's settings?")
    if as_json or not sys.stdout.isatty():
        rows = sorted(events.rows.items(), key=lambda row: -row[1].reported)
        write_json(
            {
                **events.total.as_json(), "by": by, "rows": [{by: name, **sums.as_json()} for name, sums in rows],
                "reasons": dict(events.reasons), "events": dict(events.events), "unread": events.unread,
                "table": table.name,
            }
        )  # fmt: skip
    else:
        _show(events, by, table.name)
    if events.unread:
        say(f"claude-code: {len(events.unread):,} lines are no JSON, the first is {events.unread[0]}")
        sys.exit(1)
