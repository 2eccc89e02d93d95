"""ClaudeBotocoreInstrumentor: what OpenTelemetry loads to measure calls to Claude on Bedrock."""

from __future__ import annotations

from typing import Any

from .. import settings
from .._base_instrumentor import Instrumented, SdkInstrumentor
from ..settings import Settings


class ClaudeBotocoreInstrumentor(SdkInstrumentor):
    """Measures every call to a model of Anthropic's that `bedrock-runtime` of boto3 or botocore makes.

    `instrument()` takes `tracer_provider` and `meter_provider`, and each field of `Settings`. It does not import
    botocore: it patches when the application imports it. Other services and other vendors' models stay untouched.
    """

    supported = ("botocore >= 1.35, < 2",)
    module = "botocore.client"
    others = ("aiobotocore.client",)
    only_with = "botocore"
    used_settings = settings.OF_CALLS

    def _set_up(self, chosen: Settings, providers: dict[str, Any]) -> Instrumented:
        # Only programs that import botocore pay for these.
        from ..patching import Instrumentation  # noqa: PLC0415
        from .patches import PATCHES  # noqa: PLC0415

        return Instrumentation(chosen, providers, PATCHES, self.supported[0])
