"""Checks of the installed SDKs: their versions, what we patch, their own telemetry, and who else instruments them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib import import_module
from importlib.metadata import entry_points
from typing import Final
from urllib.parse import urlsplit

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from ... import redact
from ...agent_sdk import ClaudeAgentInstrumentor
from ...agent_sdk.counting import TELEMETRY, telemetry_is_on
from ...botocore import ClaudeBotocoreInstrumentor
from ...instrumentor import ClaudeInstrumentor
from ...patching import owner_of
from ...sdk.patches import PATCHES
from ...settings import switch, variable
from ...version import __version__
from . import others
from .finding import Finding, installed, value

_PYTHONS: Final = ((3, 10), (3, 15))
"""The oldest and the newest version of Python that the tests run on."""
_TRACES_ITSELF: Final = Version("1.14.0")
"""The first version of the SDK that opens spans (2026-10-14)."""
_SUPPORTED: Final = Requirement(*ClaudeInstrumentor.supported).specifier
_AGENT_SDK: Final = "claude-agent-sdk"
_AGENT_SDK_SUPPORTED: Final = Requirement(*ClaudeAgentInstrumentor.supported).specifier
_BESIDE: Final = {
    "botocore": (
        Requirement(*ClaudeBotocoreInstrumentor.supported).specifier, "calls to Claude on Amazon Bedrock by boto3",
    ),
    "litellm": (SpecifierSet(">=1.60,<2"), "calls to Claude by LiteLLM"),
}  # fmt: skip
"""Other libraries that call Claude: the versions that can be measured, and what of them is."""
_BASE_URLS: Final = ("ANTHROPIC_BASE_URL", "ANTHROPIC_API_BASE", "LITELLM_PROXY_API_BASE")
_AGENT_SDK_MODE: Final = variable("agent_sdk")
_DISABLED: Final = "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"
_UPGRADE: Final = "pip install --upgrade otel-claude"


def findings(environment: Mapping[str, str]) -> Iterator[Finding]:
    """All of them, in an order that reads well."""
    off = {name.strip() for name in environment.get(_DISABLED, "").split(",") if name.strip()}
    yield _python()
    yield from _anthropic(environment)
    yield from _entry_point(off)
    yield from others.findings(environment, off)
    yield from _beside(off)
    yield from _gateway(environment)
    yield from _agent_sdk(environment, off)


def _python() -> Finding:
    running = ".".join(map(str, sys.version_info[:3]))
    text = f"otel-claude {__version__} on Python {running} ({sys.executable})"
    if _PYTHONS[0] <= sys.version_info[:2] <= _PYTHONS[1]:
        return Finding("ok", "Python", text)
    if sys.version_info[:2] > _PYTHONS[1]:
        return Finding("note", "Python", f"{text}, which is newer than those that are tested")
    return Finding("warning", "Python", f"{text}, which is not supported.", "Use Python 3.10 or newer.")


def _anthropic(environment: Mapping[str, str]) -> Iterator[Finding]:
    found = installed("anthropic")
    if found is None and any(installed(package) is not None for package in _BESIDE):
        yield Finding("ok", "anthropic", "The SDK is not installed. Calls by boto3 and by LiteLLM do not need it.")
        return
    if found is None:
        text = f"The SDK is not installed for {sys.executable}. Is this the environment of the program?"
        do = "pip install 'otel-claude[anthropic]'   (with the Python that runs the program)"
        yield Finding("error", "anthropic", text, do)
        return
    if not _SUPPORTED.contains(found, prereleases=True):
        text = f"The SDK's version {found} is not supported, so nothing is measured."
        do = f"pip install 'anthropic{_SUPPORTED}'   (or a newer otel-claude: {_UPGRADE})"
        yield Finding("error", "anthropic", text, do)
        return
    if Version(found).is_prerelease:
        text = f"{found} is a pre-release: opentelemetry-instrument skips instrumentations for it."
        do = "Call ClaudeInstrumentor().instrument(skip_dep_check=True) in the program, or install a release."
        yield Finding("warning", "anthropic", text, do)
    yield Finding("ok", "anthropic", f"{found}. {_spans(Version(found), environment)}")
    yield _patches(found)


def _spans(found: Version, environment: Mapping[str, str]) -> str:
    if value(environment, "OTEL_CLAUDE_SPANS").lower() == "off":
        return "OTEL_CLAUDE_SPANS is off: spans are left alone, there are metrics only."
    if found < _TRACES_ITSELF:
        return "It does not trace itself (1.14 does), so otel-claude opens one span per call."
    if value(environment, "ANTHROPIC_OPEN_TELEMETRY").lower() in ("false", "0"):
        return "ANTHROPIC_OPEN_TELEMETRY turns its own spans off, so otel-claude opens one span per call."
    return "It traces itself, and otel-claude adds cost, limits and retries to its spans."


def _patches(found: str) -> Finding:
    try:
        for module in {patch.module for patch in PATCHES}:
            import_module(module)
        missing = [f"{patch.owner}.{patch.name}" for patch in PATCHES if owner_of(patch) is None]
    except Exception as error:
        text = f"The SDK {found} cannot be imported ({type(error).__name__}: {redact.text(str(error))})."
        return Finding("error", "anthropic", text, "pip install --force-reinstall anthropic")
    if missing:
        text = f"The SDK {found} has no {' and no '.join(missing)}, so nothing is measured."
        return Finding("error", "anthropic", text, _UPGRADE)
    return Finding("ok", "anthropic", f"All {len(PATCHES)} places where calls are seen are there.")


def _entry_point(off: set[str]) -> Iterator[Finding]:
    if not any(point.name == "otel_claude" for point in entry_points(group=others.GROUP)):
        text = "It is not installed as a package, so opentelemetry-instrument does not find it."
        yield Finding("error", "otel-claude", text, "pip install otel-claude")
    for name in off & {"otel_claude", "*"}:
        text = f"{_DISABLED} names {name}, so nothing is measured."
        yield Finding("error", "otel-claude", text, f"Take {name} out of {_DISABLED}.")


def _beside(off: set[str]) -> Iterator[Finding]:
    """The other libraries that call Claude. Nothing of those that are not installed."""
    for package, (supported, calls) in _BESIDE.items():
        found = installed(package)
        if found is None:
            continue
        if not supported.contains(found, prereleases=True):
            text = f"{found} is not supported, so {calls} are not measured."
            yield Finding("warning", package, text, f"pip install '{package}{supported}'")
        elif off & {f"otel_claude_{package}", "*"}:
            yield Finding("ok", package, f"{found} is installed, and its calls are not measured, as you set.")
        else:
            yield Finding("ok", package, f"{found}. {calls[0].upper()}{calls[1:]} are measured.")


def _gateway(environment: Mapping[str, str]) -> Iterator[Finding]:
    """A note where calls go to somebody between: a proxy that is measured too counts each call once more."""
    for name in _BASE_URLS:
        host = urlsplit(value(environment, name)).hostname
        if host is not None and not host.endswith(".anthropic.com"):
            text = (
                f"{name} sends calls to {host}. If that is a LiteLLM proxy that is measured too, both count each call."
            )
            do = "Add up one of the two: server.address and claude.client.library tell them apart (docs/litellm.md)."
            yield Finding("note", name, text, do)


def _agent_sdk(environment: Mapping[str, str], off: set[str]) -> Iterator[Finding]:
    """Nothing where the SDK is not installed: few programs use it."""
    found = installed(_AGENT_SDK)
    if found is None:
        return
    mode = "auto"
    with suppress(ValueError):  # A value that is not accepted is a finding of its own.
        mode = switch(value(environment, _AGENT_SDK_MODE))
    if not _AGENT_SDK_SUPPORTED.contains(found, prereleases=True):
        text = f"{found} is not supported, so what it reports is not counted."
        do = f"pip install '{_AGENT_SDK}{_AGENT_SDK_SUPPORTED}'   (or a newer otel-claude)"
        yield Finding("warning", _AGENT_SDK, text, do)
    elif mode == "off" or off & {"otel_claude_agent_sdk", "*"}:
        yield Finding("ok", _AGENT_SDK, f"{found} is installed, and what it reports is not counted, as you set.")
    elif mode == "auto" and telemetry_is_on(environment):
        text = f"{TELEMETRY} is on: its program exports metrics of its own, so what it reports is not counted again."
        yield Finding("note", _AGENT_SDK, text, f"export {_AGENT_SDK_MODE}=on   (to have both)")
    else:
        yield Finding("ok", _AGENT_SDK, f"{found}. What its program reports is counted, apart from all calls.")
