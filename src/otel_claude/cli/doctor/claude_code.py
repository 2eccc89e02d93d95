"""Checks of a developer's Claude Code: whether it exports telemetry that adds up, and what it lets out."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from ... import redact
from ...api.json import as_object
from ...claude_code import ENDPOINT, INTERVAL, LEAKS, SETTINGS, TELEMETRY, TEMPORALITY, managed_settings
from ...files import read
from ...settings import TRUE, variable
from ..output import hide
from . import exporting
from .connection import probe
from .finding import Finding, value

MANAGED: Final = Path(
    "/Library/Application Support/ClaudeCode/managed-settings.json"
    if sys.platform == "darwin"
    else "/etc/claude-code/managed-settings.json"
)
_PUT: Final = f"Put the settings below into {MANAGED}"
_LOST: Final = {
    "OTEL_METRICS_EXPORTER": "there are no metrics",
    "OTEL_LOGS_EXPORTER": (
        "there are no events, which alone say failed requests, decisions on tools and cache writes by time to live"
    ),
}
_MILLISECONDS: Final = re.compile(r"[0-9]{1,12}")
_KNOWN: Final = frozenset({"none", "console", "prometheus", "otlp", "cumulative", "lowmemory"})
_MAX_FILE: Final = 1 << 24
_LONG: Final = 15_000
"""Milliseconds between exports from which on much is lost with a session that is killed."""


def findings(
    environment: Mapping[str, str], home: Path, *, managed: Path = MANAGED, connect: bool = False
) -> Iterator[Finding]:
    """All of them. Settings of the user beat the environment, and managed ones beat both."""
    own = Path(value(environment, "CLAUDE_CONFIG_DIR") or home / ".claude") / "settings.json"
    files = [own, managed, *sorted(managed.with_suffix(".d").glob("*.json"))]
    env = dict(environment)
    for file in files:
        found = _env(file)
        if isinstance(found, Finding):
            yield found
        else:
            env |= found
            hide(*redact.secrets_of(found))
    if os.path.exists(managed):  # noqa: PTH110 - of a folder that may not be read, `Path.exists` raises
        yield Finding("ok", "Settings", f"{managed} is there: it beats what a user sets.")
    else:
        text = f"There is no {managed}: each user's own settings and environment count."
        yield Finding("note", "Settings", text, _PUT)
    if not _on(env, TELEMETRY):
        yield Finding("warning", TELEMETRY, "It is not set, so Claude Code exports nothing.", _PUT)
    else:
        yield Finding("ok", TELEMETRY, "It is on.")
        yield from _exporting(env)
        if connect and exporting.sends(env) and (to := exporting.target(env)).variable and exporting.can_send(to):
            yield probe(to, env)
    yield from _leaks(env)


def settings_page() -> Iterator[str]:
    """The settings to put in place, with what each does or lets out."""
    yield f"\nSettings with which everything adds up, for {MANAGED}.\nChange the endpoint to your Collector's.\n\n"
    yield f"{json.dumps(managed_settings(), indent=2)}\n\n"
    for name, (_, about) in SETTINGS.items():
        yield f"{name}: {about}\n"
    yield "\nNot set there. When they are set, they let out:\n"
    for name, what in LEAKS.items():
        yield f"{name}: {what}\n"


def _exporting(env: Mapping[str, str]) -> Iterator[Finding]:
    for name, lost in _LOST.items():
        given = value(env, name)
        if "otlp" in given.split(","):
            yield Finding("ok", name, "otlp")
        else:
            yield Finding("warning", name, f"It is {_said(given)}, so {lost}.", f"Set it to otlp. {_PUT}")
    if not value(env, ENDPOINT, "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"):
        text = "It is not set: everything goes to localhost."
        yield Finding("warning", ENDPOINT, text, f"Set it to your Collector. {_PUT}")
    if (given := value(env, TEMPORALITY).lower()) not in ("", "delta"):
        text = f"It is {_said(given)}: a resumed session begins at zero in the series of the one before it."
        yield Finding("warning", TEMPORALITY, text, f"Set it to delta. {_PUT}")
    interval = value(env, INTERVAL)
    if not _MILLISECONDS.fullmatch(interval) or int(interval) > _LONG:
        text = f"It is {_said(interval)}{'' if interval else ': 60000'}. "
        text += "What a session that is killed had not exported is lost."
        yield Finding("note", INTERVAL, text, f"Set it to {SETTINGS[INTERVAL][0]}. {_PUT}")
    if "team=" not in value(env, "OTEL_RESOURCE_ATTRIBUTES"):
        text = "It has no team, so spend cannot be split by one."
        yield Finding("note", "OTEL_RESOURCE_ATTRIBUTES", text, "Set it to team=NAME in the environment of each team.")
    if value(env, variable("agent_sdk")).lower() in TRUE:
        text = "It is on, so what the Claude Agent SDK runs is counted here and by Claude Code: do not add both up."
        yield Finding("warning", variable("agent_sdk"), text, f"unset {variable('agent_sdk')}")


def _said(given: str) -> str:
    """A value, if it is one that is known. Another one may be a secret in the wrong variable."""
    if not given:
        return "not set"
    return given if given in _KNOWN or _MILLISECONDS.fullmatch(given) else "another one"


def _leaks(env: Mapping[str, str]) -> Iterator[Finding]:
    leaking = [name for name in LEAKS if _on(env, name)]
    for name in leaking:
        yield Finding("warning", name, f"It is on: {LEAKS[name]} leave this machine.", f"unset {name}")
    if not leaking:
        yield Finding("ok", "Content", "No variable is set that lets out prompts, answers or what tools see.")


def _on(env: Mapping[str, str], name: str) -> bool:
    return value(env, name).lower() not in ("", "0", "false", "no", "off")


def _env(file: Path) -> dict[str, str] | Finding:
    """The variables that a settings file sets."""
    try:
        text = read(file, _MAX_FILE).decode()
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        text = f"It cannot be read: {getattr(error, 'strerror', None) or redact.reason(error)}."
        return Finding("error", str(file), text, "Correct the file.")
    try:
        env = as_object(as_object(json.loads(text)).get("env"))
    except (ValueError, RecursionError):
        return Finding("error", str(file), "It is no JSON.", "Correct the file.")
    return {name: str(given) for name, given in env.items()}
