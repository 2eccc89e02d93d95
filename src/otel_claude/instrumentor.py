"""ClaudeInstrumentor: what OpenTelemetry loads to measure calls."""

from __future__ import annotations

from typing import Any

from . import settings
from ._base_instrumentor import Instrumented, SdkInstrumentor
from .settings import Settings


class ClaudeInstrumentor(SdkInstrumentor):
    """Measures every call to Claude that the `anthropic` SDK makes.

    `instrument()` takes `tracer_provider` and `meter_provider`, and each field of `Settings`. It imports neither the
    SDK nor pydantic: it patches when the application imports them.
    """

    supported = ("anthropic >= 0.40, < 3",)
    module = "anthropic._base_client"
    others = ("anthropic._exceptions",)
    used_settings = settings.OF_CALLS

    def _set_up(self, chosen: Settings, providers: dict[str, Any]) -> Instrumented:
        # Only programs that import the SDK pay for these.
        from .patching import Instrumentation  # noqa: PLC0415
        from .sdk.patches import PATCHES  # noqa: PLC0415
        from .sdk.responses import complete_failed_call  # noqa: PLC0415
        from .sdk.retirement import retirement_days  # noqa: PLC0415

        made = Instrumentation(chosen, providers, PATCHES, self.supported[0], complete_failed_call)
        made.runtime.instruments.retirements.of_library = retirement_days
        return made
