"""Which tags apply in a context, and functions whose body runs inside a block of tags.

The tags are a stack of scopes: one for each `with tags(...)` that is open. The end of a block takes its own scope away,
wherever it lies, and restores no older state: blocks inside generators end in another order than they began, or in
another context, or never. Knows contexts and nothing of Claude.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import AbstractContextManager
from contextvars import ContextVar, Token
from typing import Any, Final, NamedTuple, ParamSpec, TypeVar, cast

P = ParamSpec("P")
R = TypeVar("R")
Tags = tuple[tuple[str, str], ...]
"""Pairs of key and value, sorted by key."""

_MAX_DEPTH: Final = 1_000
"""Scopes of one context. Abandoned async generators leave theirs; what lies deeper can no longer be taken away."""


class TagScope(NamedTuple):
    """The tags of one block, over the scopes of the blocks around it. `tags` is all of them together."""

    parent: TagScope | None
    owner: object
    """Compared by identity."""
    own: Tags
    tags: Tags
    depth: int


top: Final[ContextVar[TagScope | None]] = ContextVar("otel_claude_tags", default=None)
"""The innermost scope of a context."""


def push(parent: TagScope | None, owner: object, own: Tags) -> TagScope:
    """A scope of `owner` over another."""
    if parent is None:
        return TagScope(None, owner, own, own, 1)
    if parent.depth >= _MAX_DEPTH:
        parent = TagScope(None, None, parent.tags, parent.tags, 1)
    return TagScope(parent, owner, own, merged(parent.tags, own), parent.depth + 1)


def merged(outer: Tags, inner: Tags) -> Tags:
    """Both; of a key that both have, the inner value."""
    return tuple(sorted({**dict(outer), **dict(inner)}.items()))


def pop_scope(owner: object) -> None:
    """The innermost scope of `owner` ends. If it began in another context, nothing is to be done in this one."""
    innermost = scope = top.get()
    while scope is not None and scope.owner is not owner:
        scope = scope.parent
    if scope is not None:
        top.set(_moved(innermost, scope, scope.parent))


def _moved(scope: TagScope | None, end: TagScope | None, onto: TagScope | None) -> TagScope | None:
    """The scopes from `scope` down to `end`, which is left out, laid over others."""
    scopes: list[TagScope] = []
    while scope is not None and scope is not end:
        scopes.append(scope)
        scope = scope.parent
    for each in reversed(scopes):
        onto = push(onto, each.owner, each.own)
    return onto


class GeneratorScope:
    """The scopes of a generator's body: they apply while it takes a step, and are kept for it in between.

    Entered around each step. Beneath them lie those of who asks for the step, which may be another each time.
    """

    __slots__ = ("_inside", "_outside", "_token")

    def __init__(self, owner: object, own: Tags) -> None:
        self._outside: TagScope | None = None
        self._inside: TagScope | None = push(None, owner, own)

    def __enter__(self) -> None:
        outside = top.get()
        if outside is not self._outside:
            self._inside = _moved(self._inside, self._outside, outside)
            self._outside = outside
        self._token: Token[TagScope | None] = top.set(self._inside)

    def __exit__(self, *_: object) -> None:
        self._inside = top.get()
        try:
            top.reset(self._token)
        except ValueError:
            # A step that waits can be thrown away in another context, which has no scope of ours.
            return


def tagged(
    function: Callable[P, R], block: AbstractContextManager[Any], steps: Callable[[], GeneratorScope]
) -> Callable[P, R]:
    """`function`, whose body runs inside `block`; that of a generator inside `steps`, one for each generator.

    What comes out is of the same kind as what went in, for those who ask `inspect`.

    Raises:
        TypeError: `function` is a class, or nothing that can be called.
    """
    if inspect.isclass(function) or not callable(function):
        raise TypeError(f"tags() decorates functions, methods and generators, and {function!r} is none of them")
    given: Callable[..., Any] = function

    async def coroutine(*args: Any, **kwargs: Any) -> Any:
        with block:
            return await given(*args, **kwargs)

    def plain(*args: Any, **kwargs: Any) -> Any:
        with block:
            return given(*args, **kwargs)

    if inspect.isasyncgenfunction(given):
        made: Callable[..., Any] = _async_generator(given, steps)
    elif inspect.isgeneratorfunction(given):
        made = _generator(given, steps)
    else:
        made = coroutine if inspect.iscoroutinefunction(given) else plain
    return cast("Callable[P, R]", functools.wraps(function)(made))


def _generator(
    function: Callable[..., Generator[Any, Any, Any]], steps: Callable[[], GeneratorScope]
) -> Callable[..., Generator[Any, Any, Any]]:
    def run(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        body, step_of = function(*args, **kwargs), steps()
        step: Callable[[Any], Any] = body.send
        given: Any = None
        while True:
            try:
                with step_of:
                    answer = step(given)
            except StopIteration as end:
                return end.value
            finally:
                given = None  # An exception would keep this frame alive, which it knows.
            try:
                given = yield answer
                step = body.send
            except BaseException as error:
                # Also when it is closed: the body decides what comes of that.
                step, given = body.throw, error

    return run


def _async_generator(
    function: Callable[..., AsyncGenerator[Any, Any]], steps: Callable[[], GeneratorScope]
) -> Callable[..., AsyncGenerator[Any, Any]]:
    async def run(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        body, step_of = function(*args, **kwargs), steps()
        step: Callable[[Any], Awaitable[Any]] = functools.partial(_first_step, body)
        given: Any = None
        while True:
            try:
                with step_of:
                    answer = await step(given)
            except StopAsyncIteration:
                return
            finally:
                given = None
            try:
                given = yield answer
                step = body.asend
            except BaseException as error:
                step, given = body.athrow, error

    return run


def _first_step(body: AsyncGenerator[Any, Any], given: Any) -> Awaitable[Any]:
    """The body's first step, unseen by the event loop.

    The loop closes each generator that it saw and that nobody finished. It sees the one around this body, which closes
    it in turn; both at once would be a mistake.
    """
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(None, None)
    try:
        return body.asend(given)
    finally:
        sys.set_asyncgen_hooks(*hooks)
