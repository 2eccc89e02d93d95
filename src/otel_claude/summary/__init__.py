"""What a program's calls to Claude cost, printed when it ends: `OTEL_METRICS_EXPORTER=claude_summary`.

Modules, each of which knows only those before it: `totals` (sums), `from_metrics` (metrics to totals), `render` and
`json` (what is said, and how), `process_group` (several processes, one summary), `exporter`. The ends that run no
`atexit` are seen by `otel_claude.shutdown`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from .exporter import SummaryMetricExporter

__all__ = ["JSON", "PROCESS_GROUP", "SummaryMetricExporter"]

JSON: Final = "OTEL_CLAUDE_SUMMARY_JSON"
"""The variable that names the file that the summary is written to, as JSON."""
PROCESS_GROUP: Final = "OTEL_CLAUDE_SUMMARY_PROCESS_GROUP"
"""Set for descendants, as `<pid of the root>:<folder>`. Not for users."""


def __getattr__(name: str) -> Any:
    # On first use: commands take names from this package where OpenTelemetry's SDK is not installed.
    if name != "SummaryMetricExporter":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .exporter import SummaryMetricExporter  # noqa: PLC0415 - as above

    return SummaryMetricExporter
