"""What a Python needs to be measured. Runs in those of other environments too, with nothing that is installed."""

from importlib.util import find_spec

_MODULES = {
    "otel-claude": "otel_claude",
    "opentelemetry-sdk": "opentelemetry.sdk",
    "opentelemetry-distro": "opentelemetry.distro",
    "opentelemetry-instrumentation": "opentelemetry.instrumentation.auto_instrumentation",
}


def missing() -> "list[str]":
    """The packages that this Python does not have."""
    return [package for package, module in _MODULES.items() if not _is_there(module)]


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ImportError:  # of its parent
        return False
