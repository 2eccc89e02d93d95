"""ClaudeAgentInstrumentor: what OpenTelemetry loads to count what agents report."""

from __future__ import annotations

from typing import Any, Final

from .. import settings
from .._base_instrumentor import Instrumented, SdkInstrumentor
from ..settings import Settings

_PACKAGE: Final = "claude_agent_sdk"


class ClaudeAgentInstrumentor(SdkInstrumentor):
    """Counts what the Claude Agent SDK reports of its tokens and its cost.

    `instrument()` takes `meter_provider`, and each field of `Settings`, of which it heeds `agent_sdk`, `baggage_tags`,
    `flush_on_exit`, `tag_limit` and `tag_values`. It does not import the SDK: it patches when the application imports
    it.
    """

    supported = ("claude-agent-sdk >= 0.1, < 0.3",)
    module = f"{_PACKAGE}._internal.query"
    only_with = _PACKAGE
    used_settings = settings.OF_AGENTS

    def _set_up(self, chosen: Settings, providers: dict[str, Any]) -> Instrumented | None:
        if chosen.agent_sdk == "off":
            return None
        from .counting import Counting  # noqa: PLC0415 - only programs that import the SDK pay for it

        return Counting(chosen, providers)
