"""Acting once the application has imported a module. Names no module itself, and imports none that is heavy."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

import wrapt

from ._diagnostics import log_internal_error

_waiting: dict[str, list[Callable[[], None]]] = {}


def when_imported(module: str, then: Callable[[], None]) -> Callable[[], None]:
    """Calls `then` once the module is imported: now, if it is already, else when it is. Returns what takes that back.

    Raises:
        Exception: What `then` raises, if it is called now. Later that is contained.
    """
    if module in sys.modules:
        import_module(module)  # Another thread may be at it: this waits for its end.
        then()
        return _nothing
    waiting = _waiting.get(module)
    if waiting is not None:
        waiting.append(then)
    else:
        # wrapt cannot take a hook back, so each module has one for all.
        waiting = _waiting[module] = [then]
        wrapt.register_post_import_hook(_imported, module)

    def take_back() -> None:
        if then in waiting:
            waiting.remove(then)

    return take_back


def _imported(module: Any) -> None:
    for then in _waiting.pop(module.__name__, ()):
        try:
            then()
        except Exception:
            log_internal_error("patch the client library")


def _nothing() -> None:
    pass
