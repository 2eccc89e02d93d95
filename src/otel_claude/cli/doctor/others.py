"""Checks of other packages that trace the calls of the anthropic SDK: which are installed, and how to turn them off."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.metadata import distribution
from typing import Final, NamedTuple

from ...telemetry.conflicts import KNOWN
from .finding import Finding, installed, value

GROUP: Final = "opentelemetry_instrumentor"
_OFF: Final = ("false", "0", "no", "off")


class _Tool(NamedTuple):
    """A package that traces calls once the program starts it, and what keeps it from that.

    `destination`: where its spans go, if not to OpenTelemetry's tracer provider, where they stand beside the SDK's own.
    """

    package: str
    start: str
    off: str
    destination: str = ""


_TOOLS: Final = (
    _Tool("logfire", "logfire.instrument_anthropic()", "Do not call logfire.instrument_anthropic()"),
    _Tool("agentops", "agentops.init()", "Call agentops.init(instrument_llm_calls=False)"),
    _Tool("langtrace-python-sdk", "langtrace.init()", "Name anthropic in its disable_instrumentations"),
    _Tool("lmnr", "Laminar.initialize()", "Name Instruments.ANTHROPIC in its disabled_instruments"),
    _Tool("ddtrace", "ddtrace-run", "export DD_TRACE_ANTHROPIC_ENABLED=false", "Datadog"),
    _Tool("sentry-sdk", "sentry_sdk.init()", "Name AnthropicIntegration() in its disabled_integrations", "Sentry"),
    _Tool("newrelic", "its agent with ai_monitoring", "export NEW_RELIC_AI_MONITORING_ENABLED=false", "New Relic"),
    _Tool("weave", "weave.init()", "export WEAVE_IMPLICITLY_PATCH_INTEGRATIONS=false", "Weave"),
    _Tool("braintrust", "braintrust.auto_instrument()", "Call it with anthropic=False", "Braintrust"),
    _Tool("langsmith", "wrap_anthropic()", "Do not wrap the client", "LangSmith"),
    _Tool("opik", "track_anthropic()", "Do not wrap the client", "Opik"),
)


def findings(environment: Mapping[str, str], off: set[str]) -> Iterator[Finding]:
    """What is installed. `off` are OTEL_PYTHON_DISABLED_INSTRUMENTATIONS."""
    for other in KNOWN:
        if found := installed(other.package):
            names = {point.name for point in distribution(other.package).entry_points if point.group == GROUP}
            yield _instrumentation(other.package, found, names, off)
    for tool in _TOOLS:
        if found := installed(tool.package):
            yield _tool(tool, found, environment)


def _instrumentation(package: str, found: str, names: set[str], off: set[str]) -> Finding:
    if "*" in off or (names and names <= off):
        return Finding("ok", package, f"{found} is installed and turned off.")
    doubled = "each call has more than one span, and its tokens count twice"
    if not names:
        return Finding(
            "note", package, f"{found} is installed: if the program starts it, {doubled}.", "Do not start it."
        )
    return Finding("warning", package, f"{found} instruments the SDK too: {doubled}.", f"pip uninstall {package}")


def _tool(tool: _Tool, found: str, environment: Mapping[str, str]) -> Finding:
    if tool.off.startswith("export ") and value(environment, tool.off.split()[1].partition("=")[0]).lower() in _OFF:
        return Finding("ok", tool.package, f"{found} is installed and turned off.")
    effect = "each call has more than one span, and its tokens count twice"
    if tool.destination:
        effect = f"it sends a span of each call to {tool.destination} too; what is measured here stays as it is"
    return Finding("note", tool.package, f"{found} is installed: if the program uses {tool.start}, {effect}.", tool.off)
