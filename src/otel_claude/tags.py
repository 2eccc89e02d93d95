"""Tags: keys and values of the application's own that its calls' telemetry carries. From code, and from W3C baggage."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Mapping
from contextvars import ContextVar, Token
from types import TracebackType
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from opentelemetry import baggage

if TYPE_CHECKING:
    from typing_extensions import Self  # part of typing from Python 3.11 on

P = ParamSpec("P")
R = TypeVar("R")
Tags = tuple[tuple[str, str], ...]
"""Pairs of key and value, sorted by key."""

_KEY = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*")
_LONGEST_KEY = 60
_LONGEST_VALUE = 200
_current: ContextVar[Tags] = ContextVar("otel_claude_tags", default=())


class tags:  # noqa: N801 - used like a function: `with tags(feature="search"):`
    """Tags every call made inside: `with tags(feature="search", tenant="acme"):`, or as a decorator.

    Inner tags are added to outer ones and win over them. The tags of a call are those of the moment it was made, also
    if its stream is read later.

    Raises:
        ValueError: A key is no attribute name (lower case letters, digits, `_`, `.`), or a value is no short clean
        text.
    """

    def __init__(self, **pairs: str) -> None:
        for key, value in pairs.items():
            if not is_key(key):
                raise ValueError(
                    f"{key!r} cannot be a tag's key: it takes lower case letters, digits, '_' and '.', "
                    f"up to {_LONGEST_KEY} characters"
                )
            if not _is_value(value):
                raise ValueError(
                    f"{value!r} cannot be the value of the tag {key!r}: it takes a string of 1 to {_LONGEST_VALUE} "
                    "printable characters"
                )
        self._pairs = pairs
        self._tokens: list[Token[Tags]] = []

    def __enter__(self) -> Self:
        self._tokens.append(_current.set(_merged(dict(_current.get()), self._pairs)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        _current.reset(self._tokens.pop())

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Decorates a function or a coroutine function.

        Raises:
            TypeError: `function` is a generator: between its steps the tags would be its consumer's. Use `with`
            inside it.
        """
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            name = getattr(function, "__name__", function)  # A `functools.partial` has none.
            raise TypeError(f"tags() cannot decorate the generator {name}: use `with tags(...)` inside it")
        if inspect.iscoroutinefunction(function):

            async def run_async(*args: P.args, **kwargs: P.kwargs) -> Any:
                with tags(**self._pairs):
                    return await function(*args, **kwargs)

            return cast("Callable[P, R]", functools.wraps(function)(run_async))

        @functools.wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            with tags(**self._pairs):
                return function(*args, **kwargs)

        return run


def current(baggage_keys: tuple[str, ...]) -> Tags:
    """The tags of a call made now: those of the code, over those that `baggage_keys` have in the W3C baggage.

    Baggage comes from outside: a value that does not fit is left out, never an error.
    """
    coded = _current.get()
    if not baggage_keys:
        return coded
    carried: dict[str, str] = {}
    for key in baggage_keys:
        value = baggage.get_baggage(key)
        if isinstance(value, str) and _is_value(value):
            carried[key] = value
    return _merged(carried, dict(coded)) if carried else coded


def _merged(outer: dict[str, str], inner: Mapping[str, str]) -> Tags:
    return tuple(sorted({**outer, **inner}.items()))


def is_key(key: str) -> bool:
    """Whether a tag can have this key."""
    return len(key) <= _LONGEST_KEY and _KEY.fullmatch(key) is not None


def _is_value(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_VALUE and value.isprintable()
