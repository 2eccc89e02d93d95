"""Bounds: values that come from outside become labels only if they are short, clean and few.

Imports only conventions.
"""

from __future__ import annotations

from ..semconv import OTHER

_LONGEST = 200
"""Characters of a label's value. Model ids, workspace ids and Bedrock ARNs are shorter."""


class Bounds:
    """The distinct values of each kind seen in this process, up to `limit` of a kind."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._seen: dict[str, set[str]] = {}

    def label(self, kind: str, value: str) -> str:
        """`value` if it may be a label, else `_other`. `kind` must not come from outside."""
        seen = self._seen.get(kind)
        if seen is None:
            seen = self._seen.setdefault(kind, set())
        if value in seen or value == OTHER:
            return value
        if len(seen) >= self.limit or not value or len(value) > _LONGEST or not value.isprintable():
            return OTHER
        seen.add(value)
        return value
