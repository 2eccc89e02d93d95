"""Other instrumentations of the anthropic SDK that open a span for each call. Imports none of them."""

from __future__ import annotations

import sys
from typing import Any, Final, NamedTuple

from opentelemetry import context

from .._diagnostics import logger


class Instrumentation(NamedTuple):
    """Another instrumentation: its module and instrumentor, and the package to uninstall."""

    module: str
    instrumentor: str
    package: str


KNOWN: Final = (
    Instrumentation(
        "opentelemetry.instrumentation.genai.anthropic",
        "AnthropicInstrumentor",
        "opentelemetry-instrumentation-genai-anthropic",
    ),
    Instrumentation(
        "opentelemetry.instrumentation.anthropic", "AnthropicInstrumentor", "opentelemetry-instrumentation-anthropic"
    ),
    Instrumentation(
        "openinference.instrumentation.anthropic", "AnthropicInstrumentor", "openinference-instrumentation-anthropic"
    ),
    Instrumentation("openlit.instrumentation.anthropic", "AnthropicInstrumentor", "openlit"),
)
_GENAI_CONTEXT: Final = "opentelemetry.genai.client.inference.context"
"""Under this key util-genai says that an outer inference owns the span (telemetry conventions of GenAI, 2026-11)."""
_UTIL_GENAI: Final = "opentelemetry-util-genai"
_INSTRUMENTS: Final = (
    "%s instruments the anthropic SDK too, so a call can have more than one span; otel-claude adds none. "
    "Uninstall %s: since 1.14 the SDK traces itself, and otel-claude adds metrics, and cost to its spans."
)
_IS_OUTER: Final = (
    "A framework's instrumentation has a span for each call by %s, so otel-claude adds none. If the SDK traces itself, "
    "a call has two spans with its tokens: with ANTHROPIC_OPEN_TELEMETRY=false it has the framework's alone. "
    "The metrics are complete either way."
)
_warned: set[str] = set()


def other_instrumentation() -> str | None:
    """The package of another instrumentation that is active now, if any. Their order is undefined: ask at each call."""
    for candidate in KNOWN:
        if is_active(candidate):
            return candidate.package
    return _UTIL_GENAI if context.get_value(_GENAI_CONTEXT) is not None else None


def warn_once(package: str) -> None:
    """Warns, once for each package, of what it doubles."""
    if package not in _warned:
        _warned.add(package)
        if package == _UTIL_GENAI:
            logger.warning(_IS_OUTER, package)
        else:
            logger.warning(_INSTRUMENTS, package, package)


def is_active(candidate: Instrumentation) -> bool:
    """Whether another instrumentation is on in this process."""
    instrumentor: Any = getattr(sys.modules.get(candidate.module), candidate.instrumentor, None)
    # `BaseInstrumentor` keeps one object per class, and on it whether it is on.
    single = getattr(instrumentor, "_instance", None)
    return bool(getattr(single, "_is_instrumented_by_opentelemetry", False))
