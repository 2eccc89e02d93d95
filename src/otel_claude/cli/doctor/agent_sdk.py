"""Checks of the Claude Agent SDK: whether it is there, and whether what it reports is counted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Final

from packaging.requirements import Requirement

from ...agent_sdk import ClaudeAgentInstrumentor
from ...agent_sdk.counting import TELEMETRY, telemetry_is_on
from ...settings import switch, variable
from .finding import Finding
from .sdk import disabled, installed

_NAME: Final = "claude-agent-sdk"
_US: Final = "otel_claude_agent_sdk"
_SUPPORTED: Final = Requirement(*ClaudeAgentInstrumentor.supported).specifier
_MODE: Final = variable("agent_sdk")


def findings(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Nothing where the SDK is not installed: few programs use it."""
    found = installed(_NAME)
    if found is None:
        return
    mode = "auto"
    with suppress(ValueError):  # A value that is not accepted is a finding of its own.
        mode = switch(environment.get(_MODE, "").strip())
    if not _SUPPORTED.contains(found, prereleases=True):
        text = f"{found} is not supported, so what it reports is not counted."
        yield Finding("warning", _NAME, text, f"pip install '{_NAME}{_SUPPORTED}'   (or a newer otel-claude)")
    elif mode == "off" or disabled(environment) & {_US, "*"}:
        yield Finding("ok", _NAME, f"{found} is installed, and what it reports is not counted, as you set.")
    elif mode == "auto" and telemetry_is_on(environment):
        text = f"{TELEMETRY} is on: its program exports metrics of its own, so what it reports is not counted again."
        yield Finding("note", _NAME, text, f"export {_MODE}=on   (to have both)")
    else:
        yield Finding("ok", _NAME, f"{found}. What its program reports is counted, apart from all calls.")
