"""Reading decoded JSON of unknown shape without raising. Knows no field of any API."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from math import isfinite
from typing import Final, cast

Json = Mapping[str, object]

_NO_FIELDS: Final[Json] = {}
MAX_TEXT: Final = 1_000
"""Characters of an id or a name."""
MAX_COUNT: Final = 1 << 30
"""No answer has as many tokens, and sums of counts below it stay within OTLP's 64-bit integers."""
_INTEGERS: Final = range(-(1 << 63), 1 << 63)
"""What OTLP can carry."""


def as_object(value: object) -> Json:
    """`value` if it is a JSON object, else an empty one."""
    return cast("Json", value) if isinstance(value, dict) else _NO_FIELDS


def as_list(value: object) -> list[object] | None:
    """`value` if it is a list. An iterator is none: it may be read only once, and not by us."""
    return cast("list[object]", value) if isinstance(value, list) else None


def as_text(value: object) -> str | None:
    """`value` if it is a string that can be an id or a name: not empty, not too long, no control characters."""
    return value if isinstance(value, str) and 0 < len(value) <= MAX_TEXT and value.isprintable() else None


def as_time(value: str) -> float | None:
    """Seconds since the epoch of a time in RFC 3339, in UTC if it names no zone."""
    try:
        # Python 3.10 reads no `Z`.
        time = datetime.fromisoformat(value.replace("Z", "+00:00"))
        return (time if time.tzinfo else time.replace(tzinfo=timezone.utc)).timestamp()
    except (ValueError, OverflowError):
        return None


def as_integer(value: object) -> int | None:
    """`value` if it is an integer of 64 bits. JSON's `true` is none."""
    return value if type(value) is int and value in _INTEGERS else None


def as_number(value: object) -> float | None:
    """`value` as a float, if it is a finite number. JSON's `true` is none."""
    number = value if type(value) is float else as_integer(value)
    return float(number) if number is not None and isfinite(number) else None


def as_count(value: object) -> int | None:
    """`value` if it can be a number of tokens or of requests."""
    return value if type(value) is int and 0 <= value < MAX_COUNT else None


known_texts: Final[set[str]] = set()
"""Models, stop reasons and the like that `as_text` passed: a process sees few. For hot paths, that look here first."""
_MAX_KNOWN: Final = 1_000


def as_known_text(value: object) -> str | None:
    """As `as_text`, and remembers what passes in `known_texts`."""
    parsed = as_text(value)
    if parsed is not None and len(known_texts) < _MAX_KNOWN:
        known_texts.add(parsed)
    return parsed


class Reader:
    """Reads fields one after the other. Null leaves what was known; a wrong type is unknown, and is remembered.

    An empty name is as null, and an empty list as an empty object: gateways write them (PHP has no other empty object).
    """

    __slots__ = ("wrong",)

    def __init__(self) -> None:
        self.wrong = False

    def as_object(self, value: object) -> Json:
        """As `as_object`."""
        parsed = as_object(value)
        if value is not None and value != [] and parsed is not value:
            self.wrong = True
        return parsed

    def count(self, value: object, known: int | None) -> int | None:
        """As `as_count`, or what was known."""
        if value is None:
            return known
        if (parsed := as_count(value)) is None:
            self.wrong = True
        return parsed

    def text(self, value: object, known: str | None) -> str | None:
        """As `as_text`, or what was known."""
        if value is None or value == "":
            return known
        if (parsed := as_text(value)) is None:
            self.wrong = True
        return parsed
