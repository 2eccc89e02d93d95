"""Reading decoded JSON of unknown shape without raising. Knows no field of any API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

Json = Mapping[str, object]

_NO_FIELDS: Final[Json] = {}
_LONGEST: Final = 1_000
"""Characters. An error's message is the longest text that is looked at."""
_TOO_MANY: Final = 1 << 53
"""From here on a JSON number is not exact everywhere, and no call has as many tokens."""


def fields(value: object) -> Json:
    """`value` if it is a JSON object, else an empty one."""
    return cast("Json", value) if isinstance(value, dict) else _NO_FIELDS


def items(value: object) -> list[object] | None:
    """`value` if it is a list. An iterator is none: it may be read only once, and not by us."""
    return cast("list[object]", value) if isinstance(value, list) else None


def text(value: object) -> str | None:
    """`value` if it is a string with something in it. One that is too long to be an id or a name counts as none."""
    return value if isinstance(value, str) and 0 < len(value) <= _LONGEST else None


def integer(value: object) -> int | None:
    """`value` if it is an integer. JSON's `true` is none."""
    return value if type(value) is int else None


def count(value: object) -> int | None:
    """`value` if it can be a number of tokens or of requests."""
    return value if type(value) is int and 0 <= value < _TOO_MANY else None
