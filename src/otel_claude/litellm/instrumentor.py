"""ClaudeLiteLLMInstrumentor: what OpenTelemetry loads to measure calls to Claude by LiteLLM."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from .. import settings
from .._base_instrumentor import Instrumented, SdkInstrumentor
from ..settings import Settings


class ClaudeLiteLLMInstrumentor(SdkInstrumentor):
    """Measures every request to Claude that LiteLLM sends; with `httpx=True`, every one that any program of httpx does.

    `instrument()` takes `tracer_provider` and `meter_provider`, and each field of `Settings`. It imports neither: it
    patches httpx when the application imports LiteLLM; with `httpx=True`, when it imports httpx.
    """

    supported = ("httpx >= 0.23, < 1",)
    """LiteLLM, whose versions from 1.60 on are measured, sends its requests with it."""
    module = only_with = "litellm"
    others = ("httpx._client",)
    used_settings = settings.OF_HTTPX

    def _is_wanted(self, arguments: Mapping[str, Any]) -> bool:
        if super()._is_wanted(arguments):
            return True
        return settings.read({"httpx": arguments.get("httpx")}, used_settings=("httpx",)).httpx

    def _modules(self, chosen: Settings) -> tuple[str, Collection[str]]:
        return ("httpx._client", ()) if chosen.httpx else (self.module, self.others)

    def _set_up(self, chosen: Settings, providers: dict[str, Any]) -> Instrumented:
        # Only programs that import LiteLLM pay for these.
        from ..patching import Instrumentation  # noqa: PLC0415
        from .patches import PATCHES  # noqa: PLC0415

        return Instrumentation(chosen, providers, PATCHES, self.supported[0])
