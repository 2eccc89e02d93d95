"""Checks of what tells the processes of a service apart: the resource, or `claude.instance.id`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from ... import semconv as c
from ...settings import switch, variable
from ...telemetry.instance_id import FIXED, KEPT, NONE, RESOURCE_ID, RESOURCE_VARIABLE, fixes
from .finding import Finding
from .sdk import installed

_MODE: Final = variable("instance_id")
_DRAWS: Final = (1, 43)
"""The OpenTelemetry SDK that draws an id, which a forked process keeps; the next one draws another for that."""


def findings(environment: Mapping[str, str]) -> Iterator[Finding]:
    """All of them."""
    try:
        mode = switch(environment.get(_MODE, "").strip() or "auto")
    except ValueError:
        mode = "auto"  # That it is not accepted is a finding of its own.
    why = _cause(environment)
    if why is None:
        text = f"OpenTelemetry's SDK draws {RESOURCE_ID} for each process, forked ones too."
        if mode == "off":
            text += f" If the program sets one in its code, that is lost: {_MODE} is off."
        yield Finding("ok", "Processes", text)
    elif mode == "off":
        text = f"{why}. {_MODE} is off, so what processes spend that share a series, or follow each other, is lost."
        yield Finding("warning", "Processes", text, f"unset {_MODE}")
    else:
        text = f"{why}. So every metric carries {c.INSTANCE_ID}, and sums are exact without that."
        yield Finding("note", "Processes", text, _remedy(environment))


def _cause(environment: Mapping[str, str]) -> str | None:
    """Why the resource does not tell processes apart, as far as the environment says. None if it does."""
    if fixes(environment):
        return FIXED
    found = re.match(r"(\d+)\.(\d+)", installed("opentelemetry-sdk") or "")
    if found is None:
        return None  # That it is missing is a finding of its own.
    version = int(found[1]), int(found[2])
    return None if version > _DRAWS else KEPT if version == _DRAWS else NONE


def _remedy(environment: Mapping[str, str]) -> str:
    return (
        f"Take {RESOURCE_ID} out of {RESOURCE_VARIABLE}, if you can"
        if fixes(environment)
        else ("pip install --upgrade opentelemetry-sdk opentelemetry-distro")
    )
