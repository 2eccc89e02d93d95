"""What both instrumentors are: settings are read at once, and the rest waits until the application imports the SDK.

Every instrumented program loads them, also one that has no SDK: so they import next to nothing.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Collection
from functools import partial
from typing import Any, ClassVar, Protocol

from opentelemetry.instrumentation.instrumentor import BaseInstrumentor

from . import settings
from .contain import contained
from .imported import when_imported
from .settings import Settings


class Stoppable(Protocol):
    """What was set up in an SDK."""

    def stop(self) -> None:
        """Takes all of it out again."""
        ...


class SdkInstrumentor(BaseInstrumentor):
    """Instruments an SDK that the application imports, now or later. It imports the SDK never."""

    configuration = Settings
    """For OpenTelemetry's declarative configuration file, which validates options against it."""
    supported: ClassVar[Collection[str]]
    """The versions of the SDK that can be measured."""
    module: ClassVar[str]
    """Of the modules with seams, the one that is imported last."""
    heeded: ClassVar[Collection[str]]
    """The fields of `Settings` that it reads."""
    _take_back: Callable[[], None] | None = None
    _running: Stoppable | None = None

    @abstractmethod
    def _set_up(self, chosen: Settings, providers: dict[str, Any]) -> Stoppable | None:
        """The SDK is imported. `providers`: the arguments of `instrument()`. None: nothing is wanted of it."""

    def _is_wanted(self) -> bool:
        return True

    def instrumentation_dependencies(self) -> Collection[str]:
        """The versions of the SDK that can be measured."""
        return self.supported

    def _instrument(self, **kwargs: Any) -> None:
        # An exception from here would stop every instrumentor after ours.
        try:
            if self._is_wanted():
                chosen = settings.read(kwargs, heeded=self.heeded)
                self._take_back = when_imported(self.module, partial(self._start, chosen, kwargs))
        except Exception:
            contained("instrumented the SDK")

    def _start(self, chosen: Settings, providers: dict[str, Any]) -> None:
        self._running = self._set_up(chosen, providers)

    def _uninstrument(self, **kwargs: Any) -> None:  # noqa: ARG002 - the base class's signature
        take_back, self._take_back = self._take_back, None
        if take_back is not None:
            take_back()
        running, self._running = self._running, None
        if running is not None:
            running.stop()
