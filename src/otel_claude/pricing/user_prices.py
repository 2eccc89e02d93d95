"""A price file of the user's own: read, checked as a whole, every mistake reported at once.

Knows the file's rules that a schema cannot say: periods that overlap, aliases of nothing, one name for two models.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from importlib import resources
from typing import Any, cast

from otel_claude import files, redact
from otel_claude.pricing import model_ids as ids
from otel_claude.pricing import rows, schema
from otel_claude.pricing.schema import Mistake, member

_SCHEMA = "prices.schema.json"
_MOST = 10_000_000
"""Bytes of a price file. The shipped table, with all models and their history, has a hundredth of it."""

Json = dict[str, Any]


class PriceFileError(Exception):
    """A price file with mistakes. Its text lists all of them with their places in the file."""

    def __init__(self, path: str, mistakes: list[Mistake]) -> None:
        self.path = path
        self.mistakes = tuple(mistakes)
        count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
        lines = "".join(f"\n  {redact.text(str(mistake))}" for mistake in mistakes)
        super().__init__(f"the price file {redact.text(path)} has {count} and is ignored as a whole:{lines}")


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
        text = files.read(path, _MOST, waits=waits).decode("utf-8-sig")
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
    """Every mistake of a price file's content."""
    # Not a path beside this module: the package may be in a zip, or frozen into a program.
    text = resources.files("otel_claude.pricing").joinpath(_SCHEMA).read_text(encoding="utf-8")
    described: Json = json.loads(text)
    found = schema.check(data, described)
    if not isinstance(data, dict):
        return found
    # What is good in form is checked for sense too, so that all mistakes show at once.
    broken = [mistake.path for mistake in found]
    return [*found, *_senseless(cast("Json", data), known, lambda path: not _any_in(path, broken))]


def _any_in(path: str, broken: list[str]) -> bool:
    """Whether something is wrong at a path, below it or in what contains it."""
    return any(_within(place, path) or _within(path, place) for place in broken)


def _within(inner: str, outer: str) -> bool:
    return inner == outer or inner.startswith((f"{outer}.", f"{outer}["))


def _senseless(data: Json, known: Mapping[str, str], good: Callable[[str], bool]) -> Iterator[Mistake]:
    models = {name: _objects(row) for name, row in _objects(data.get("models")).items()}
    names = {**known, **{name: name for name in models if name not in known}}
    for name, row in models.items():
        place = member("$.models", name)
        if names[name] != name:
            yield Mistake(place, f"is an alias of {names[name]}: write that id")
        yield from _model_mistakes(name, row, place, known, good)
    for name, row in models.items():
        place = f"{member('$.models', name)}.aliases"
        for index, alias in enumerate(row.get("aliases", ()) if good(place) else ()):
            yield from _taken(alias, name, f"{place}[{index}]", names)
    if not isinstance(data.get("models", {}), dict):
        return  # every name would seem to be missing
    for alias, target in _objects(data.get("aliases")).items() if good("$.aliases") else ():
        place = member("$.aliases", alias)
        real = ids.find(target, names)
        if real is None:
            yield Mistake(place, f"stands for {schema.shown(target)}, which no table has")
        else:
            yield from _taken(alias, real, place, names)
    if good("$.discounts"):
        yield from _discount_mistakes(data.get("discounts", []), names)


def _objects(value: object) -> Json:
    return cast("Json", value) if isinstance(value, dict) else {}


def _taken(alias: str, target: str, place: str, names: dict[str, str]) -> Iterator[Mistake]:
    if names.setdefault(alias, target) != target:
        yield Mistake(place, f"{schema.shown(alias)} already stands for {names[alias]}")


def _model_mistakes(
    name: str, row: Json, place: str, known: Mapping[str, str], good: Callable[[str], bool]
) -> Iterator[Mistake]:
    if name not in known and good(f"{place}.standard") and not row.get("standard") and not row.get("unpriced"):
        yield Mistake(f"{place}.standard", "is missing: a model that the shipped table does not have needs a price")
    for kind in ("standard", "fast"):
        where = member(place, kind)
        if good(where):
            yield from _overlaps(row.get(kind, []), where)
            for index, period in enumerate(row.get(kind, [])):
                thresholds = [tier["prompt_tokens_over"] for tier in period.get("prompt_tiers", ())]
                if thresholds != sorted(set(thresholds)):
                    yield Mistake(f"{where}[{index}].prompt_tiers", "must have rising prompt_tokens_over")


def _discount_mistakes(discounts: list[Json], names: Mapping[str, str]) -> Iterator[Mistake]:
    scopes: dict[tuple[str | None, str | None], list[tuple[int, Json]]] = {}
    for index, row in enumerate(discounts):
        model: str | None = row.get("model")
        real = model and ids.find(model, names)
        if model and real is None:
            yield Mistake(f"$.discounts[{index}].model", f"is {schema.shown(model)}, which no table has")
            continue
        scopes.setdefault((real, row.get("platform")), []).append((index, row))
    for rows_of_scope in scopes.values():
        yield from _overlaps([row for _, row in rows_of_scope], "$.discounts", [at for at, _ in rows_of_scope])


def _overlaps(periods: list[Json], place: str, numbers: list[int] | None = None) -> Iterator[Mistake]:
    """Periods that end before they begin, and periods that another one covers in part."""
    spans: list[tuple[int, float, float]] = []
    for index, period in zip(numbers or range(len(periods)), periods, strict=True):
        start = rows.day_of(period["effective_from"]) if period.get("effective_from") else float("-inf")
        end = rows.day_of(period["effective_to"]) if period.get("effective_to") else float("inf")
        if end <= start:
            yield Mistake(f"{place}[{index}].effective_to", "must be after effective_from")
            continue
        for other, from_day, to_day in spans:
            if start < to_day and from_day < end:
                yield Mistake(f"{place}[{index}]", f"overlaps {place}[{other}]: one day has one price")
        spans.append((index, start, end))
