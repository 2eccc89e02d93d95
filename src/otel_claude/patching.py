"""Replacing functions of client libraries, and putting them back: one table for each source, which both walk."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from importlib import metadata
from types import FunctionType
from typing import Any, NamedTuple

from ._diagnostics import logger
from .runtime import Runtime
from .settings import Settings
from .telemetry.call import Call
from .telemetry.recorder import Recorder

Original = Any
"""A function of a class, or what another instrumentation put in its place."""


class Patch(NamedTuple):
    """One function of a client library, and what makes its replacement from the original."""

    module: str
    owner: str
    name: str
    replacement: Callable[[Original, Any], Original]

    @property
    def package(self) -> str:
        """What of the table is patched together, or not at all."""
        return self.module.partition(".")[0]


def as_function(original: Original) -> Original:
    """What stands in a class, as a function that takes the instance first: every replacement calls it so.

    It is bound as Python binds it: a wrapper of another instrumentation's (wrapt 1 without its C extension) asks for
    the class, and a mere callable object is called without the instance.
    """
    if type(original) is FunctionType:
        return original  # what it nearly always is, and binding takes time
    bind: Any = getattr(type(original), "__get__", None)  # pyright: ignore[reportUnknownArgumentType] - of any type

    @functools.wraps(original)
    def function(instance: Any, *args: Any, **kwargs: Any) -> Any:
        bound = original if bind is None else bind(original, instance, type(instance))
        return bound(*args, **kwargs)

    return function


def no_failed_call(recorder: Recorder, call: Call, error: BaseException | None) -> None:
    """For sources that record what is known of a call when it happens."""


class Instrumentation:
    """What one `instrument()` set up in a client library, which is imported.

    Args:
        settings: What was configured.
        providers: The arguments of `instrument()`.
        patches: The table.
        supported: The versions of the libraries that can be measured.
        complete_failed_call: As of `Recorder`.
    """

    def __init__(
        self,
        settings: Settings,
        providers: dict[str, Any],
        patches: tuple[Patch, ...],
        supported: str,
        complete_failed_call: Callable[[Recorder, Call, BaseException | None], None] = no_failed_call,
    ) -> None:
        self.runtime = Runtime(settings, providers, complete_failed_call)
        self._table = patches
        self._supported = supported
        self._patched: list[tuple[type, str, Any, Any]] = []
        self.renew()

    def renew(self) -> None:
        """Patches what is imported: all of a package, or nothing. Called again, what was imported anew since."""
        if not self.runtime.active:
            return
        for package in dict.fromkeys(patch.package for patch in self._table):
            patches = [patch for patch in self._table if patch.package == package]
            # If one is not there, it is being imported, and we are called once more when the last one is.
            if all(patch.module in sys.modules for patch in patches):
                self._install(package, [(patch, owner_of(patch)) for patch in patches])

    def _install(self, package: str, found: list[tuple[Patch, Any]]) -> None:
        missing = [f"{patch.owner}.{patch.name}" for patch, owner in found if owner is None]
        if missing:
            logger.warning(
                "%s %s has no %s, so its calls are not measured. Upgrade otel-claude or use %s.",
                package,
                metadata.version(package),
                " and no ".join(missing),
                self._supported,
            )
            return
        # A reload makes new classes.
        patched = {(owner, name) for owner, name, _, _ in self._patched}
        # What begins a call stands first: it is patched last, and restored first, so that a call that another thread
        # begins meanwhile is seen whole or not at all.
        for patch, owner in reversed(found):
            if (owner, patch.name) not in patched:
                original = owner.__dict__[patch.name]
                replacement = patch.replacement(as_function(original), self.runtime)
                setattr(owner, patch.name, replacement)
                self._patched.append((owner, patch.name, original, replacement))

    def stop(self) -> None:
        """Takes all of it out again. Calls end with what is known, and streams are seen to their end.

        What somebody wrapped since stays theirs, and ours in it passes through.
        """
        self.runtime.stop()
        for owner, name, original, replacement in reversed(self._patched):
            if owner.__dict__.get(name) is replacement:
                setattr(owner, name, original)
        self._patched.clear()
        self.runtime.released()


def owner_of(patch: Patch) -> Any:
    """The class that has the function itself; inherited ones would be patched in the wrong place."""
    owner: Any = getattr(sys.modules.get(patch.module), patch.owner, None)
    return owner if owner is not None and callable(owner.__dict__.get(patch.name)) else None
