"""Acting each time the application imports a module. Names no module itself, and imports none that is heavy.

wrapt's post-import hooks act once: a module that is reloaded, or imported anew after it was taken out of
`sys.modules`, passes by them, and none can be registered for a module that is there. So this is a finder of our own,
which stands in `sys.meta_path` only while somebody waits, and looks only at the modules that are waited for.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import wrapt

from ._diagnostics import log_internal_error

_waiting: dict[str, list[Callable[[], None]]] = {}
_changing = threading.Lock()


def on_import(module: str, then: Callable[[], None]) -> Callable[[], None]:
    """Calls `then` each time the module was imported or reloaded: now too, if it is already. Gives what ends that.

    Raises:
        Exception: What `then` raises, if it is called now. Later that is contained.
    """
    cancel = on_next_import(module, then)
    if module in sys.modules:
        try:
            import_module(module)  # Another thread may be at it: this waits for its end.
            then()
        except BaseException:
            cancel()
            raise
    return cancel


def on_next_import(module: str, then: Callable[[], None]) -> Callable[[], None]:
    """The same, but not now."""
    with _changing:
        _waiting[module] = [*_waiting.get(module, ()), then]
        if _finder not in sys.meta_path:
            sys.meta_path.insert(0, _finder)

    def cancel() -> None:
        with _changing:
            left = list(_waiting.get(module, ()))
            if then not in left:
                return
            left.remove(then)
            if left:
                _waiting[module] = left
                return
            del _waiting[module]
            if not _waiting and _finder in sys.meta_path:
                sys.meta_path.remove(_finder)

    return cancel


class _Finder:
    """Finds what is waited for where the others find it, and has its loader tell when the module has run."""

    def __init__(self) -> None:
        self._looking = threading.local()

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        # wrapt's finder asks all others, this one too: what it lets act on the module comes before what we do.
        before = getattr(self._looking, "name", None)
        if name not in _waiting or name == before:
            return None
        self._looking.name = name
        finders = list(sys.meta_path)
        try:
            # Those before this one have found nothing.
            for finder in finders[finders.index(self) + 1 :] if self in finders else ():
                find = getattr(finder, "find_spec", None)
                spec: ModuleSpec | None = find(name, path, target) if find is not None else None
                if spec is not None:
                    if hasattr(spec.loader, "exec_module"):
                        spec.loader = _Loader(spec.loader)
                    return spec
            return None
        finally:
            self._looking.name = before


_finder = _Finder()
_Proxy: Any = wrapt.ObjectProxy


class _Loader(_Proxy):
    """Stands for the loader of a module until that has run."""

    def exec_module(self, module: ModuleType) -> None:
        loader: Any = self.__wrapped__
        spec = module.__spec__
        if spec is not None and spec.loader is self:
            spec.loader = loader
        if getattr(module, "__loader__", None) is self:
            module.__loader__ = loader
        loader.exec_module(module)
        for then in _waiting.get(module.__name__, ()):
            try:
                then()
            except Exception:
                log_internal_error("patch the client library")
