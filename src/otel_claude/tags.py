"""Tags: keys and values of the application's own that its calls' telemetry carries. From code, and from W3C baggage."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

from opentelemetry import baggage

from ._tag_context import GeneratorScope, Tags, TagScope, merged, pop_scope, push, tagged, top

if TYPE_CHECKING:
    from typing_extensions import Self  # part of typing from Python 3.11 on

P = ParamSpec("P")
R = TypeVar("R")

_KEY: Final = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*")
_LONGEST_KEY: Final = 60
_LONGEST_VALUE: Final = 200
_MOST_KNOWN: Final = 1_000
_known: dict[Tags, Tags] = {}
"""Pairs that were found fit, as they were given, and sorted. The same tags are the same object: compared fast."""


class tags:  # noqa: N801 - used like a function: `with tags(feature="search"):`
    """Tags every call made inside: `with tags(feature="search", tenant="acme"):`, or as a decorator.

    Inner tags are added to outer ones and win over them. The tags of a call are those of the moment it was made, also
    if its stream is read later. One object can be used again, within itself, and by many threads and tasks at once.

    As a decorator it takes functions, coroutine functions and generators of both kinds. A generator's calls are tagged
    while its body runs; between its steps its consumer has none of its tags, and it sees those of its consumer.

    Raises:
        ValueError: A key is no attribute name (lower case letters, digits, `_`, `.`), or a value is no short clean
        text.
    """

    __slots__ = ("_own",)

    def __init__(self, /, **pairs: str) -> None:
        given = tuple(pairs.items())
        try:
            self._own: Tags = _known[given]
        except (KeyError, TypeError):
            self._own = _checked(given)

    def __enter__(self) -> Self:
        parent, own = top.get(), self._own
        top.set(TagScope(None, self, own, own, 1) if parent is None else push(parent, self, own))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        scope = top.get()
        if scope is not None and scope.owner is self:
            top.set(scope.parent)
        else:
            pop_scope(self)

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Decorates a function, a coroutine function, or a generator of either kind.

        Raises:
            TypeError: `function` is a class, or nothing that can be called.
        """
        return tagged(function, self, partial(GeneratorScope, self, self._own))


def current(baggage_keys: tuple[str, ...]) -> Tags:
    """The tags of a call made now: those of the code, over those that `baggage_keys` have in the W3C baggage.

    Baggage comes from outside: a value that does not fit is left out, never an error.
    """
    scope = top.get()
    coded = () if scope is None else scope.tags
    if not baggage_keys:
        return coded
    carried = baggage.get_all()
    if not carried:
        return coded
    fit = tuple([(key, str.__str__(carried[key])) for key in baggage_keys if is_value(carried.get(key))])  # pyright: ignore[reportArgumentType]
    return merged(fit, coded) if fit else coded


def is_key(key: str) -> bool:
    """Whether a tag can have this key."""
    return len(key) <= _LONGEST_KEY and _KEY.fullmatch(key) is not None


def is_value(value: object) -> bool:
    """Whether a tag can have this value."""
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_VALUE and value.isprintable()


def _checked(given: Tags) -> Tags:
    pairs = tuple([(_fit_key(key), _plain(key, value)) for key, value in given])
    if len(_known) >= _MOST_KNOWN:
        _known.clear()
    own = _known[pairs] = tuple(sorted(pairs))
    return own


def _fit_key(key: str) -> str:
    if is_key(key):
        return key
    raise ValueError(
        f"tags(): {key!r} cannot be a tag's key: it takes lower case letters, digits, '_' and '.', begins with a "
        f"letter, and has up to {_LONGEST_KEY} characters"
    )


def _plain(key: str, value: object) -> str:
    """The value as a plain string: exporters write `str(value)`, which of a member of an enumeration is its name."""
    if isinstance(value, str) and is_value(value):
        return str.__str__(value)
    shown = repr(value)
    if len(shown) > _LONGEST_VALUE:
        shown = f"{shown[:_LONGEST_VALUE]}..."
    raise ValueError(
        f"tags(): {shown} cannot be the value of the tag {key!r}: it takes a string of 1 to {_LONGEST_VALUE} printable "
        "characters"
    )
