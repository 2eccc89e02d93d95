"""Checks of the installed SDK: its version, the functions we patch, its own spans, and who else instruments it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.metadata import PackageNotFoundError, distribution, entry_points, version
from typing import Any, Final

from packaging.requirements import Requirement
from packaging.version import Version

from ... import redact
from ...instrumentor import ClaudeInstrumentor
from ...sdk.patches import PATCHES, Patch
from ...telemetry.conflicts import KNOWN
from ...version import __version__
from .finding import Finding

_PYTHONS: Final = ((3, 10), (3, 14))
_TRACES_ITSELF: Final = Version("1.14.0")
"""The first version of the SDK that opens spans (2026-10-14)."""
_SUPPORTED: Final = Requirement(*ClaudeInstrumentor.supported).specifier
_GROUP: Final = "opentelemetry_instrumentor"
_US: Final = "otel_claude"


def findings(environment: Mapping[str, str]) -> Iterator[Finding]:
    """All of them, in an order that reads well."""
    yield _python()
    yield from _anthropic(environment)
    yield from _entry_point(environment)
    yield from _other_instrumentations(environment)


def disabled(environment: Mapping[str, str]) -> set[str]:
    """The names of instrumentations that the user turned off."""
    given = environment.get("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", "")
    return {name.strip() for name in given.split(",") if name.strip()}


def installed(package: str) -> str | None:
    """The version of an installed distribution."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _python() -> Finding:
    running = ".".join(map(str, sys.version_info[:3]))
    text = f"otel-claude {__version__} on Python {running} ({sys.executable})"
    if _PYTHONS[0] <= sys.version_info[:2] <= _PYTHONS[1]:
        return Finding("ok", "Python", text)
    return Finding("warning", "Python", f"{text}, which is not tested.", "Use Python 3.10 to 3.14.")


def _anthropic(environment: Mapping[str, str]) -> Iterator[Finding]:
    found = installed("anthropic")
    if found is None:
        yield Finding(
            "error",
            "anthropic",
            f"The SDK is not installed for {sys.executable}. Is this the environment of the program?",
            "pip install 'otel-claude[instruments]'   (with the Python that runs the program)",
        )
        return
    if not _SUPPORTED.contains(found, prereleases=True):
        yield Finding(
            "error",
            "anthropic",
            f"The SDK's version {found} is not supported, so nothing is measured.",
            f"pip install 'anthropic{_SUPPORTED}'   (or a newer otel-claude: pip install --upgrade otel-claude)",
        )
        return
    if Version(found).is_prerelease:
        yield Finding(
            "warning",
            "anthropic",
            f"{found} is a pre-release: opentelemetry-instrument skips instrumentations for it.",
            "Call ClaudeInstrumentor().instrument(skip_dep_check=True) in the program, or install a release.",
        )
    yield Finding("ok", "anthropic", f"{found}. {_spans(Version(found), environment)}")
    yield _patches(found)


def _spans(found: Version, environment: Mapping[str, str]) -> str:
    if environment.get("OTEL_CLAUDE_SPANS", "").strip().lower() == "off":
        return "OTEL_CLAUDE_SPANS is off: spans are left alone, there are metrics only."
    if found < _TRACES_ITSELF:
        return "It does not trace itself (1.14 does), so otel-claude opens one span per call."
    if environment.get("ANTHROPIC_OPEN_TELEMETRY", "").strip().lower() in ("false", "0"):
        return "ANTHROPIC_OPEN_TELEMETRY turns its own spans off, so otel-claude opens one span per call."
    return "It traces itself, and otel-claude adds cost, limits and retries to its spans."


def _patches(found: str) -> Finding:
    try:
        missing = [f"{patch.owner}.{patch.name}" for patch in PATCHES if not _has(patch)]
    except Exception as error:
        return Finding(
            "error",
            "anthropic",
            f"The SDK {found} cannot be imported ({type(error).__name__}: {redact.text(str(error))}).",
            "pip install --force-reinstall anthropic",
        )
    if missing:
        return Finding(
            "error",
            "anthropic",
            f"The SDK {found} has no {' and no '.join(missing)}, so nothing is measured.",
            "pip install --upgrade otel-claude",
        )
    return Finding("ok", "anthropic", f"All {len(PATCHES)} places where calls are seen are there.")


def _has(patch: Patch) -> bool:
    # The class must have it itself: an inherited one would be patched in the wrong place.
    owner: Any = getattr(import_module(patch.module), patch.owner, None)
    return owner is not None and callable(owner.__dict__.get(patch.name))


def _entry_point(environment: Mapping[str, str]) -> Iterator[Finding]:
    if not any(point.name == _US for point in entry_points(group=_GROUP)):
        yield Finding(
            "error",
            "otel-claude",
            "It is not installed as a package, so opentelemetry-instrument does not find it.",
            "pip install otel-claude",
        )
    for name in disabled(environment) & {_US, "*"}:
        yield Finding(
            "error",
            "otel-claude",
            f"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS names {name}, so nothing is measured.",
            f"Take {name} out of OTEL_PYTHON_DISABLED_INSTRUMENTATIONS.",
        )


def _other_instrumentations(environment: Mapping[str, str]) -> Iterator[Finding]:
    off = disabled(environment)
    for other in KNOWN:
        found = installed(other.package)
        if found is None:
            continue
        names = {point.name for point in distribution(other.package).entry_points if point.group == _GROUP}
        if "*" in off or (names and names <= off):
            yield Finding("ok", other.package, f"{found} is installed and turned off.")
            continue
        how = "" if names else ", if the program starts it,"
        yield Finding(
            "warning",
            other.package,
            f"{found} instruments the SDK too: each call{how} then has more than one span, and its tokens count twice.",
            f"pip uninstall {other.package}",
        )
