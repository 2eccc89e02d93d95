"""Checks a JSON value against the part of JSON Schema that `prices.schema.json` uses, and reports every mistake.

Knows no prices. The schema is the one description of the format: the documentation, an editor and this check read it.
(`jsonschema` would do it too, but needs five more packages in every process that has a price file.)
"""

import re
from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "boolean": (bool,),
    "null": (type(None),),
}
_SHOWN = 60


class Mistake(NamedTuple):
    """Where in the file something is wrong, and what."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


def check(value: Any, schema: dict[str, Any]) -> list[Mistake]:
    """Every mistake of a value, in the order of the file."""
    return list(_check(value, schema, "$", schema["$defs"]))


def member(path: str, key: str) -> str:
    """The path of an object's member."""
    return f"{path}.{key}" if re.fullmatch(r"[A-Za-z_]\w*", key) else f'{path}["{shown(key)[1:-1]}"]'


def shown(value: Any) -> str:
    """A value as a message may show it: short."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _check(value: Any, schema: dict[str, Any], path: str, defs: dict[str, Any]) -> Iterator[Mistake]:
    if reference := schema.get("$ref"):
        schema = {**defs[reference.rpartition("/")[2]], **{k: v for k, v in schema.items() if k != "$ref"}}
    if not _fits(value, schema):
        # The description of an object or a list says what it is for; of anything else, what is accepted.
        wanted = None if schema.get("type") in ("object", "array") else schema.get("description")
        # A file that is all one value is no price file, and may be one that holds a password.
        found = shown(value) if path != "$" else "something else"
        yield Mistake(path, f"expected {wanted or _kind(schema)}, found {found}")
    elif isinstance(value, dict):
        yield from _check_object(value, schema, path, defs)  # pyright: ignore[reportUnknownArgumentType]
    elif isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
            yield from _check(item, schema["items"], f"{path}[{index}]", defs)


def _check_object(value: dict[str, Any], schema: dict[str, Any], path: str, defs: dict[str, Any]) -> Iterator[Mistake]:
    properties: dict[str, Any] = schema.get("properties", {})
    others: dict[str, Any] | bool = schema.get("additionalProperties", True)
    for key in schema.get("required", ()):
        if key not in value:
            yield Mistake(member(path, key), "is missing")
    for key, item in value.items():
        place = member(path, key)
        if names := schema.get("propertyNames"):
            for mistake in _check(key, names, place, defs):
                yield Mistake(place, f"as a name, {mistake.message}")
        if key in properties:
            yield from _check(item, properties[key], place, defs)
        elif others is False:
            yield Mistake(place, f"is not known here; known are {', '.join(properties)}")
        elif isinstance(others, dict):
            yield from _check(item, others, place, defs)


def _fits(value: Any, schema: dict[str, Any]) -> bool:
    names: str | list[str] = schema.get("type", [])
    kinds = [names] if isinstance(names, str) else names
    if kinds and not any(_is(value, kind) for kind in kinds):
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    if isinstance(value, str):
        if "pattern" in schema and not re.search(schema["pattern"], value):
            return False
        if schema.get("format") == "date" and not _is_date(value):
            return False
    return not ("minimum" in schema and isinstance(value, int) and value < schema["minimum"])


def _is(value: Any, kind: str) -> bool:
    # In Python a bool is an int; in JSON it is not.
    return isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _kind(schema: dict[str, Any]) -> str:
    names: str | list[str] = schema.get("type", "another value")
    kinds = [names] if isinstance(names, str) else names
    return " or ".join({"object": "an object", "array": "a list", "string": "a text"}.get(k, k) for k in kinds)
