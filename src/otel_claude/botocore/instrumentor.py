"""ClaudeBotocoreInstrumentor: what OpenTelemetry loads to measure calls to Claude on Bedrock."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any, Final

from .. import settings
from .._base_instrumentor import Instrumented, SdkInstrumentor
from ..settings import Settings

_PACKAGE: Final = "botocore"


class ClaudeBotocoreInstrumentor(SdkInstrumentor):
    """Measures every call to a model of Anthropic's that `bedrock-runtime` of boto3 or botocore makes.

    `instrument()` takes `tracer_provider` and `meter_provider`, and each field of `Settings`. It does not import
    botocore: it patches when the application imports it. Other services and other vendors' models stay untouched.
    """

    supported = ("botocore >= 1.35, < 2",)
    module = "botocore.client"
    others = ("aiobotocore.client",)
    used_settings = settings.OF_CALLS

    def _is_wanted(self) -> bool:
        # Where it is not installed, what is wrong with a setting is said by the other instrumentor alone.
        return find_spec(_PACKAGE) is not None

    def _set_up(self, chosen: Settings, providers: dict[str, Any]) -> Instrumented:
        from .patches import Instrumentation  # noqa: PLC0415 - only programs that import botocore pay for it

        return Instrumentation(chosen, providers)
