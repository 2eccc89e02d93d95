"""Tags: keys and values of the application's own that its calls' telemetry carries. From code, and from W3C baggage."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

from opentelemetry import baggage

from ._diagnostics import warn_once
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
"""Pairs that fit, as they were given, and sorted. The same tags are the same object: compared fast."""
_CHANGES: Final = {
    "empty": "is empty, so it is left out",
    "not_text": "is no string, so it is left out",
    "control_characters": "has control characters, which become spaces",
    "too_long": f"has more than {_LONGEST_VALUE} characters, so it is cut",
}
"""What becomes of values that do not fit. The keys are values of `claude.client.tag.change`."""
listeners: Final[list[Callable[[str, str], None]]] = []
"""Called with the tag's key and the change for each value that does not fit. They do not raise."""


class tags:  # noqa: N801 - used like a function: `with tags(feature="search"):`
    """Tags every call made inside: `with tags(feature="search", tenant="acme"):`, or as a decorator.

    Inner tags are added to outer ones and win over them. The tags of a call are those of the moment it was made, also
    if its stream is read later. One object can be used again, within itself, and by many threads and tasks at once.

    As a decorator it takes functions, coroutine functions and generators of both kinds. A generator's calls are tagged
    while its body runs; between its steps its consumer has none of its tags, and it sees those of its consumer.

    Values are data, so none raises. One that is empty, or no string, is left out; control characters become spaces,
    and what is longer than 200 characters is cut. Each of these is counted, and logged once. None is no tag.

    Raises:
        ValueError: A key is no attribute name: lower case letters, digits, `_`, `.`.
    """

    __slots__ = ("_own",)

    def __init__(self, /, **pairs: str | None) -> None:
        given = tuple(pairs.items())
        try:
            self._own: Tags = _known[given]  # pyright: ignore[reportArgumentType] - what is not known is not found
        except Exception:
            # A value of any class may refuse to be hashed.
            self._own = _fitted(given)

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
    """The tags of a call made now: those of the code, over those that `baggage_keys` have in the W3C baggage."""
    scope = top.get()
    coded = () if scope is None else scope.tags
    if not baggage_keys:
        return coded
    carried = baggage.get_all()
    if not carried:
        return coded
    fit = [(key, value) for key in baggage_keys if (value := _fit(key, carried.get(key))) is not None]
    return merged(tuple(fit), coded) if fit else coded


def is_key(key: str) -> bool:
    """Whether a tag can have this key."""
    return len(key) <= _LONGEST_KEY and _KEY.fullmatch(key) is not None


def is_value(value: object) -> bool:
    """Whether a tag can have this value."""
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_VALUE and value.isprintable()


def _fitted(given: tuple[tuple[str, object], ...]) -> Tags:
    for key, _ in given:
        if not is_key(key):
            raise ValueError(
                f"tags(): {key!r} cannot be a tag's key: it takes lower case letters, digits, '_' and '.', begins with "
                f"a letter, and has up to {_LONGEST_KEY} characters"
            )
    pairs = tuple([(key, fit) for key, value in given if (fit := _fit(key, value)) is not None])
    if len(_known) >= _MOST_KNOWN:
        _known.clear()
    own = _known[pairs] = tuple(sorted(pairs))
    return own


def _fit(key: str, value: object) -> str | None:
    """The value as a tag has it: a plain string; None if there is none. Never raises.

    Exporters write `str(value)`, which of a member of an enumeration is its name.
    """
    if type(value) is str and 0 < len(value) <= _LONGEST_VALUE and value.isprintable():
        return value
    if value is None:
        return None
    # `isinstance` would ask the value: a proxy of a request that is over raises then.
    if str not in type(value).__mro__:
        _changed(key, "not_text")
        return None
    fit = str.__str__(value)  # pyright: ignore[reportArgumentType]
    if is_value(fit):
        return fit
    if not fit:
        _changed(key, "empty")
        return None
    if len(fit) > _LONGEST_VALUE:
        _changed(key, "too_long")
        fit = fit[:_LONGEST_VALUE]
    if not fit.isprintable():
        _changed(key, "control_characters")
        fit = "".join([each if each.isprintable() else " " for each in fit])
    return fit


def _changed(key: str, change: str) -> None:
    """Says of a value that did not fit what became of it."""
    for listener in listeners:
        listener(key, change)
    warn_once(f"A value of the tag {key!r} {_CHANGES[change]}. All such values are counted; this is logged once.")
