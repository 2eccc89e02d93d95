"""Tagged: functions whose body runs inside a block of tags: plain ones, coroutines, and generators of both kinds.

What comes out is of the same kind as what went in, for those who ask `inspect`. Knows layers and nothing of Claude.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import AbstractContextManager
from typing import Any, ParamSpec, TypeVar, cast

from ._tag_context import GeneratorScope

P = ParamSpec("P")
R = TypeVar("R")


def tagged(
    function: Callable[P, R], block: AbstractContextManager[Any], steps: Callable[[], GeneratorScope]
) -> Callable[P, R]:
    """`function`, whose body runs inside `block`; that of a generator inside `steps`, one for each generator.

    Raises:
        TypeError: `function` is a class, or nothing that can be called.
    """
    if inspect.isclass(function) or not callable(function):
        raise TypeError(f"tags() decorates functions, methods and generators, and {function!r} is none of them")
    if inspect.isasyncgenfunction(function):
        made: Callable[..., Any] = _async_generator(function, steps)
    elif inspect.isgeneratorfunction(function):
        made = _generator(function, steps)
    elif inspect.iscoroutinefunction(function):
        made = _coroutine(function, block)
    else:
        made = _function(function, block)
    return cast("Callable[P, R]", functools.wraps(function)(made))


def _function(function: Callable[..., Any], block: AbstractContextManager[Any]) -> Callable[..., Any]:
    def run(*args: Any, **kwargs: Any) -> Any:
        with block:
            return function(*args, **kwargs)

    return run


def _coroutine(
    function: Callable[..., Awaitable[Any]], block: AbstractContextManager[Any]
) -> Callable[..., Awaitable[Any]]:
    async def run(*args: Any, **kwargs: Any) -> Any:
        with block:
            return await function(*args, **kwargs)

    return run


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
