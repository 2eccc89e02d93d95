"""JSON: reading what may have any shape, and writing it as the API does. Knows JSON, nothing else."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any, TypeAlias, cast

Json: TypeAlias = dict[str, Any]


def as_object(value: object) -> Json:
    """The value if it is a JSON object, else an empty one."""
    return cast("Json", value) if isinstance(value, dict) else {}


def as_list(value: object) -> list[Any]:
    """The value if it is a JSON array, else an empty one."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def as_objects(value: object) -> list[Json]:
    """The objects among the members of a JSON array."""
    return [cast("Json", member) for member in as_list(value) if isinstance(member, dict)]


def compact(value: object) -> str:
    """JSON without blanks, as the API writes it in streams."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def moment(seconds: float) -> str:
    """Seconds since the epoch, as the API writes a time."""
    return datetime.fromtimestamp(seconds, tz=timezone.utc).isoformat().replace("+00:00", "Z")


def indented(value: object) -> bytes:
    """JSON as the API writes it in plain answers."""
    return json.dumps(value, indent=2, ensure_ascii=False).encode()
