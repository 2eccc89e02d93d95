"""What both instrumentors are: settings are read at once, and the rest waits until the application imports the SDK.

Every instrumented program loads them, also one that has no SDK: so they import next to nothing.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping
from functools import partial
from importlib.util import find_spec
from typing import Any, ClassVar, Protocol

from opentelemetry.instrumentation.instrumentor import BaseInstrumentor

from . import settings
from ._diagnostics import log_internal_error
from ._import_hooks import on_import, on_next_import
from .settings import Settings
from .shutdown import hooks


class Instrumented(Protocol):
    """What was set up in an SDK."""

    def renew(self) -> None:
        """Patches what was imported anew: reloaded, or imported once more after it was taken out of `sys.modules`."""

    def stop(self) -> None:
        """Takes all of it out again."""


class _Setup:
    """What one `instrument()` sets up: by the thread that imports the SDK, while another one may stop it."""

    def __init__(self, set_up: Callable[[], Instrumented | None], *, flushes: bool) -> None:
        self._set_up = set_up
        self._cancel: list[Callable[[], None]] = [hooks.expect()] if flushes else []
        self._running: Instrumented | None = None
        self._wanted = True
        self._is_set_up = False

    def begin(self, module: str, others: Collection[str]) -> None:
        """Sets up once the module is imported, and anew each time it is, or one of the others alone."""
        self._cancel += [on_next_import(other, self._renew) for other in others]
        self._cancel.append(on_import(module, self._start))

    def _start(self) -> None:
        if self._is_set_up:
            self._renew()
            return
        self._is_set_up = True
        self._running = self._set_up()
        # Each thread writes before it reads, so one of them sees what the other did.
        if not self._wanted:
            self._stop_running()

    def _renew(self) -> None:
        running = self._running
        if running is not None:
            running.renew()
        if not self._wanted and running is not None:
            running.stop()

    def stop(self) -> None:
        """Takes all of it out again, or sees to it that it is when it was set up."""
        self._wanted = False
        for cancel in self._cancel:
            cancel()
        self._stop_running()

    def _stop_running(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            running.stop()


class SdkInstrumentor(BaseInstrumentor):
    """Instruments an SDK that the application imports, now or later. It imports the SDK never."""

    configuration = Settings
    """For OpenTelemetry's declarative configuration file, which validates options against it."""
    supported: ClassVar[tuple[str]]
    """The versions of the SDK that can be measured."""
    module: ClassVar[str]
    """Of the modules with patched functions, the one that is imported last."""
    others: ClassVar[Collection[str]] = ()
    """The other modules with patched functions."""
    only_with: ClassVar[str | None] = None
    """Where this package is not installed, what is wrong with a setting is said by the other instrumentors alone."""
    used_settings: ClassVar[Collection[str]]
    """The fields of `Settings` that it reads."""
    _setup: _Setup | None = None

    @abstractmethod
    def _set_up(self, chosen: Settings, providers: dict[str, Any]) -> Instrumented | None:
        """The SDK is imported. `providers`: the arguments of `instrument()`. None: nothing is wanted of it."""

    def _is_wanted(self, arguments: Mapping[str, Any]) -> bool:  # noqa: ARG002 - for those that read one of them first
        """Whether there is anything to measure. `arguments`: those of `instrument()`."""
        return self.only_with is None or find_spec(self.only_with) is not None

    def _modules(self, chosen: Settings) -> tuple[str, Collection[str]]:  # noqa: ARG002 - as above
        """`module` and `others`, where they depend on a setting."""
        return self.module, self.others

    def instrumentation_dependencies(self) -> Collection[str]:
        """The versions of the SDK that can be measured."""
        return self.supported

    def _instrument(self, **kwargs: Any) -> None:
        # An exception from here would stop every instrumentor after ours.
        try:
            if self._is_wanted(kwargs):
                chosen = settings.read(kwargs, used_settings=self.used_settings)
                self._setup = _Setup(partial(self._set_up, chosen, kwargs), flushes=chosen.flush_on_exit)
                self._setup.begin(*self._modules(chosen))
        except Exception:
            log_internal_error("instrument the client library")

    def _uninstrument(self, **kwargs: Any) -> None:  # noqa: ARG002 - the base class's signature
        setup, self._setup = self._setup, None
        if setup is not None:
            setup.stop()
