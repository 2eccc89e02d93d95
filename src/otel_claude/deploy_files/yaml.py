"""YAML: writes dictionaries as YAML that a person can read, without a library. Reads nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

_PLAIN: Final = re.compile(r"[A-Za-z_/.$][A-Za-z0-9_ ./()$-]*[A-Za-z0-9_/)]|[A-Za-z]")
_WORDS: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def to_yaml(data: Mapping[str, Any], comment: str = "") -> str:
    """One YAML document, with a comment above it."""
    first_line = "".join(f"# {line}\n" if line else "#\n" for line in comment.splitlines())
    return first_line + "".join(f"{line}\n" for line in _mapping(data))


def _mapping(data: Mapping[str, Any]) -> Iterator[str]:
    for key, value in data.items():
        yield from _entry(f"{_scalar(key)}:", value)


def _entry(first_line: str, value: Any) -> Iterator[str]:
    if isinstance(value, Mapping) and value:
        yield first_line
        yield from (f"  {line}" for line in _mapping(value))  # pyright: ignore[reportUnknownArgumentType]
    elif isinstance(value, (list, tuple)) and value:
        yield first_line
        for item in value:  # pyright: ignore[reportUnknownVariableType]
            lines = list(_mapping(item) if isinstance(item, Mapping) else [_scalar(item)])  # pyright: ignore[reportUnknownArgumentType]
            yield f"  - {lines[0]}"
            yield from (f"    {line}" for line in lines[1:])
    elif isinstance(value, str) and "\n" in value:
        yield f"{first_line} |-" if not value.endswith("\n") else f"{first_line} |"
        yield from (f"  {line}" if line else "" for line in value.rstrip("\n").split("\n"))
    else:
        yield f"{first_line} {_scalar(value)}"


def _scalar(value: Any) -> str:
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return json.dumps(value, ensure_ascii=False)
