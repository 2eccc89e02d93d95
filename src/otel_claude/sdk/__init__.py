"""The anthropic SDK: the only package that knows its internals.

`patches` has the table of patched functions; `client` says who calls whom; `responses` follows attempts and
responses, `response_body` and `raw_body` the reading of their bodies; `batches` and `managed_agents` what else a client
reads; `retirement` has the SDK's list of models that retire.
"""

from __future__ import annotations

from typing import Any

from ..runtime import Runtime
from ..settings import Settings
from .patches import Patches
from .responses import complete_failed_call
from .retirement import retirement_days

__all__ = ["Instrumentation"]


class Instrumentation:
    """What one `instrument()` set up in the SDK, which is imported. `providers`: its arguments."""

    def __init__(self, settings: Settings, providers: dict[str, Any]) -> None:
        self._runtime = Runtime(settings, providers, complete_failed_call)
        self._runtime.instruments.retirements.of_library = retirement_days
        self._patches = Patches(self._runtime)
        self._patches.install()

    def renew(self) -> None:
        """Patches what was imported anew."""
        self._patches.install()

    def stop(self) -> None:
        """Takes all of it out again. Calls end with what is known, and streams are seen to their end."""
        self._runtime.stop()
        self._patches.remove()
        self._runtime.released()
