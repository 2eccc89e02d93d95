"""The table of seams, and putting them into the SDK and out of it again by walking it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final, NamedTuple

from ..contain import logger
from . import replacements
from .replacements import Listeners

_BASE: Final = "anthropic._base_client"
_EXCEPTIONS: Final = "anthropic._exceptions"


class Seam(NamedTuple):
    """One function of the SDK, and what makes its replacement from the original. Without an owner it is a module's."""

    module: str
    owner: str
    name: str
    replacement: Callable[[Callable[..., Any], Listeners], Callable[..., Any]]


SEAMS: Final = (
    Seam(_BASE, "SyncAPIClient", "request", replacements.request),
    Seam(_BASE, "AsyncAPIClient", "request", replacements.request_async),
    Seam(_BASE, "BaseClient", "_build_request", replacements.build_request),
    Seam(_BASE, "SyncAPIClient", "_process_response", replacements.process_response),
    Seam(_BASE, "AsyncAPIClient", "_process_response", replacements.process_response),
    Seam(_BASE, "BaseClient", "_process_response_data", replacements.process_response_data),
    Seam(_BASE, "BaseClient", "_should_retry", replacements.should_retry),
    Seam(_BASE, "BaseClient", "_calculate_retry_timeout", replacements.calculate_retry_timeout),
    Seam(_EXCEPTIONS, "APIStatusError", "__init__", replacements.status_error),
)

OPTIONAL: Final = (Seam(_BASE, "", "finish_api_call_span", replacements.finish_api_call_span),)
"""What some versions lack (before 1.14.0), with what it is there for."""


class _Patch(NamedTuple):
    """What was put into the SDK, and instead of what."""

    owner: Any
    name: str
    original: Any
    replacement: Any


class Seams:
    """The seams of one `instrument()`, and who is told what they see."""

    def __init__(self, listeners: Listeners) -> None:
        self._listeners = listeners
        self._patched: list[_Patch] = []

    def install(self) -> None:
        """Patches the SDK, which is imported: all of it, or nothing. Called again, what was imported anew since."""
        if not self._listeners.open or any(seam.module not in sys.modules for seam in SEAMS):
            # The SDK is being imported anew, and we are called once more when its last module is there.
            return
        found = [(seam, _owner(seam)) for seam in SEAMS]
        missing = [f"{seam.owner}.{seam.name}" for seam, owner in found if owner is None]
        if missing:
            logger.warning(
                "anthropic %s has no %s, so its calls are not measured. Upgrade otel-claude or use anthropic>=0.40,<3.",
                # While the SDK is being imported, `anthropic.__version__` does not stand yet.
                getattr(import_module("anthropic._version"), "__version__", "(unknown version)"),
                " and no ".join(missing),
            )
            return
        found += [(seam, owner) for seam in OPTIONAL if (owner := _owner(seam)) is not None]
        for seam, owner in found:
            if not self._has(owner, seam.name):
                self._patch(seam, owner)

    def _has(self, owner: Any, name: str) -> bool:
        """Whether it is patched already. A reload makes new classes, and puts new functions into the same module."""
        ours = [patch.replacement for patch in self._patched if patch.owner is owner and patch.name == name]
        if isinstance(owner, type) or not ours:
            return bool(ours)
        function = owner.__dict__[name]
        while function is not None and function not in ours:
            function = getattr(function, "__wrapped__", None)
        return function is not None

    def _patch(self, seam: Seam, owner: Any) -> None:
        original = owner.__dict__[seam.name]
        replacement = seam.replacement(original, self._listeners)
        setattr(owner, seam.name, replacement)
        self._patched.append(_Patch(owner, seam.name, original, replacement))

    def close(self) -> None:
        """Nothing further is told."""
        self._listeners.open = False

    def remove(self) -> None:
        """Restores what was patched. What somebody wrapped since then stays theirs, and ours in it passes through."""
        self.close()
        for owner, name, original, replacement in reversed(self._patched):
            if owner.__dict__.get(name) is replacement:
                setattr(owner, name, original)
        self._patched.clear()


def _owner(seam: Seam) -> Any:
    """The class that has the seam itself, or its module; inherited ones would be patched in the wrong place."""
    module = sys.modules.get(seam.module)
    owner: Any = getattr(module, seam.owner, None) if seam.owner else module
    return owner if owner is not None and callable(owner.__dict__.get(seam.name)) else None
