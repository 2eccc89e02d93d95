"""A price file of the user's own: read, checked as a whole, every mistake reported at once.

`prices.schema.json` is the one description of the form: the documentation, an editor and this check read it. The part
of JSON Schema that it uses is checked here: `jsonschema` would do it too, but needs five more packages in every process
that has a price file. What a schema cannot say comes after: overlaps, aliases of nothing, one name for two models.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from importlib import resources
from typing import Any, Final, NamedTuple, cast

from otel_claude import files, redact
from otel_claude.pricing import model_ids as ids

Json = dict[str, Any]

_SCHEMA: Final = "prices.schema.json"
_MAX_SIZE: Final = 10_000_000
"""Bytes of a price file. The shipped table, with all models and their history, has a hundredth of it."""
_MAX_SHOWN: Final = 60
_TYPES: Final[dict[str, tuple[type, str]]] = {
    "object": (dict, "an object"),
    "array": (list, "a list"),
    "string": (str, "a text"),
    "integer": (int, "integer"),
    "boolean": (bool, "boolean"),
    "null": (type(None), "null"),
}


class Mistake(NamedTuple):
    """Where in the file something is wrong, and what."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


class PriceFileError(Exception):
    """A price file with mistakes. Its text lists all of them with their places in the file."""

    def __init__(self, path: str, mistakes: list[Mistake]) -> None:
        self.path = path
        self.mistakes = tuple(mistakes)
        count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
        lines = "".join(f"\n  {redact.text(str(mistake))}" for mistake in mistakes)
        super().__init__(f"the price file {redact.text(path)} has {count}:{lines}")


def read(path: str, known: Mapping[str, str], *, waits: bool = False) -> Json:
    """A user's file, known to be good.

    Args:
        path: The file.
        known: The shipped ids and aliases to ids.
        waits: Whether a pipe is read too, which may take as long as it likes.

    Raises:
        PriceFileError: if it cannot be read or has any mistake.
    """
    try:
        text = files.read(path, _MAX_SIZE, waits=waits).decode("utf-8-sig")
    except UnicodeError:
        raise PriceFileError(path, [Mistake("$", "cannot be read: it is no UTF-8 text")]) from None
    except (OSError, ValueError) as error:
        # A ValueError: there is a null character in the path.
        why = getattr(error, "strerror", None) or redact.reason(error)
        raise PriceFileError(path, [Mistake("$", f"cannot be read: {why}")]) from None
    repeated: list[Mistake] = []

    def members(pairs: list[tuple[str, Any]]) -> Json:
        made: Json = {}
        for key, value in pairs:
            if key in made:
                repeated.append(Mistake("$", f'the name "{key}" stands twice in one object'))
            made[key] = value
        return made

    try:
        data = json.loads(text, object_pairs_hook=members)
    except (ValueError, RecursionError) as error:
        raise PriceFileError(path, [Mistake("$", f"is not JSON: {error}")]) from None
    if mistakes := [*repeated, *mistakes_of(data, known)]:
        raise PriceFileError(path, mistakes)
    return data


def mistakes_of(data: object, known: Mapping[str, str]) -> list[Mistake]:
    """Every mistake of a price file's content. `known`: the shipped ids and aliases to ids."""
    # Not a path beside this module: the package may be in a zip, or frozen into a program.
    text = resources.files("otel_claude.pricing").joinpath(_SCHEMA).read_text(encoding="utf-8")
    schema: Json = json.loads(text)
    found = list(_check(data, schema, "$", schema["$defs"]))
    if not isinstance(data, dict):
        return found
    # What is good in form is checked for sense too, so that all mistakes show at once.
    broken = [mistake.path for mistake in found]

    def good(path: str) -> bool:
        """Whether nothing is wrong at a path, below it or in what contains it."""
        return not any(_is_within(place, path) or _is_within(path, place) for place in broken)

    return [*found, *_senseless(cast("Json", data), known, good)]


def _is_within(inner: str, outer: str) -> bool:
    return inner == outer or inner.startswith((f"{outer}.", f"{outer}["))


# The form


def _check(value: Any, schema: Json, path: str, defs: Json) -> Iterator[Mistake]:
    if reference := schema.get("$ref"):
        schema = {**defs[reference.rpartition("/")[2]], **schema}
    if not _fits(value, schema):
        # The description of an object or a list says what it is for; of anything else, what is accepted.
        wanted = None if schema.get("type") in ("object", "array") else schema.get("description")
        # A file that is all one value is no price file, and may be one that holds a password.
        found = _shown(value) if path != "$" else "something else"
        kind = " or ".join(_TYPES[name][1] for name in _type_names(schema))
        yield Mistake(path, f"expected {wanted or kind}, found {found}")
    elif isinstance(value, dict):
        yield from _check_object(cast("Json", value), schema, path, defs)
    elif isinstance(value, list) and "items" in schema:
        for index, item in enumerate(cast("list[Any]", value)):
            yield from _check(item, schema["items"], f"{path}[{index}]", defs)


def _check_object(value: Json, schema: Json, path: str, defs: Json) -> Iterator[Mistake]:
    properties: Json = schema.get("properties", {})
    others: Json | bool = schema.get("additionalProperties", True)
    for key in schema.get("required", ()):
        if key not in value:
            yield Mistake(_member(path, key), "is missing")
    for key, item in value.items():
        place = _member(path, key)
        if names := schema.get("propertyNames"):
            for mistake in _check(key, names, place, defs):
                yield Mistake(place, f"as a name, {mistake.message}")
        if key in properties:
            yield from _check(item, properties[key], place, defs)
        elif others is False:
            yield Mistake(place, f"is not known here; known are {', '.join(properties)}")
        elif isinstance(others, dict):
            yield from _check(item, others, place, defs)


def _fits(value: Any, schema: Json) -> bool:
    names = _type_names(schema)
    # In Python a bool is an int; in JSON it is not.
    if names and type(value) not in [_TYPES[name][0] for name in names]:
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    if isinstance(value, str):
        return bool(re.search(schema.get("pattern", ""), value)) and (schema.get("format") != "date" or _is_date(value))
    return not ("minimum" in schema and value < schema["minimum"])


def _type_names(schema: Json) -> list[str]:
    names: str | list[str] = schema.get("type", [])
    return [names] if isinstance(names, str) else names


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _member(path: str, key: str) -> str:
    """The path of an object's member."""
    return f"{path}.{key}" if re.fullmatch(r"[A-Za-z_]\w*", key) else f'{path}["{_shown(key)[1:-1]}"]'


def _shown(value: Any) -> str:
    """A value as a message may show it: short."""
    text = repr(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"


# The sense


def _senseless(data: Json, known: Mapping[str, str], good: Callable[[str], bool]) -> Iterator[Mistake]:
    models = {name: _object(row) for name, row in _object(data.get("models")).items()}
    names = {**{name: name for name in models}, **known}
    for name, row in models.items():
        place = _member("$.models", name)
        if names[name] != name:
            yield Mistake(place, f"is an alias of {names[name]}: write that id")
        yield from _model_mistakes(row, place, good, is_new=name not in known)
    for name, row in models.items():
        place = f"{_member('$.models', name)}.aliases"
        for index, alias in enumerate(row.get("aliases", ()) if good(place) else ()):
            yield from _taken(alias, name, f"{place}[{index}]", names)
    if not isinstance(data.get("models", {}), dict):
        return  # every name would seem to be missing
    for alias, target in _object(data.get("aliases")).items() if good("$.aliases") else ():
        place = _member("$.aliases", alias)
        real = ids.lookup(ids.parse(target), names)
        if real is None:
            yield Mistake(place, f"stands for {_shown(target)}, which no table has")
        else:
            yield from _taken(alias, real, place, names)
    if good("$.discounts"):
        yield from _discount_mistakes(data.get("discounts", []), names)


def _object(value: object) -> Json:
    return cast("Json", value) if isinstance(value, dict) else {}


def _taken(alias: str, target: str, place: str, names: dict[str, str]) -> Iterator[Mistake]:
    if names.setdefault(alias, target) != target:
        yield Mistake(place, f"{_shown(alias)} already stands for {names[alias]}")


def _model_mistakes(row: Json, model: str, good: Callable[[str], bool], *, is_new: bool) -> Iterator[Mistake]:
    for kind in ("standard", "fast"):
        place = f"{model}.{kind}"
        if not good(place):
            continue
        periods: list[Json] = row.get(kind, [])
        if is_new and kind == "standard" and not periods and not row.get("unpriced"):
            yield Mistake(place, "is missing: a model that the shipped table does not have needs a price")
        yield from _overlaps(enumerate(periods), place)
        for index, period in enumerate(periods):
            thresholds = [tier["prompt_tokens_over"] for tier in period.get("prompt_tiers", ())]
            if thresholds != sorted(set(thresholds)):
                yield Mistake(f"{place}[{index}].prompt_tiers", "must have rising prompt_tokens_over")


def _discount_mistakes(discounts: list[Json], names: Mapping[str, str]) -> Iterator[Mistake]:
    scopes: dict[tuple[str | None, str | None], list[tuple[int, Json]]] = {}
    for index, row in enumerate(discounts):
        model: str | None = row.get("model")
        real = model and ids.find(model, names)
        if model and real is None:
            yield Mistake(f"$.discounts[{index}].model", f"is {_shown(model)}, which no table has")
        else:
            scopes.setdefault((real, row.get("platform")), []).append((index, row))
    for scope in scopes.values():
        yield from _overlaps(scope, "$.discounts")


def _overlaps(periods: Iterable[tuple[int, Json]], place: str) -> Iterator[Mistake]:
    """Periods that end before they begin, and periods that another one covers in part."""
    spans: list[tuple[int, str, str]] = []
    for index, period in periods:
        # Dates compare as texts: "" is before all of them, and "9999-99-99" after.
        start, end = period.get("effective_from") or "", period.get("effective_to") or "9999-99-99"
        if end <= start:
            yield Mistake(f"{place}[{index}].effective_to", "must be after effective_from")
            continue
        for other, from_day, to_day in spans:
            if start < to_day and from_day < end:
                yield Mistake(f"{place}[{index}]", f"overlaps {place}[{other}]: one day has one price")
        spans.append((index, start, end))
