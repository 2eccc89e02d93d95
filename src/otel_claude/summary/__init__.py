"""What a program's calls to Claude cost, printed when it ends: `OTEL_METRICS_EXPORTER=claude_summary`.

Modules, each of which knows only those before it: `totals` (sums), `reading` (metrics to totals), `page` (what is
said), `terminal` and `json` (how), `report` (where to), `process_group` (several processes, one summary),
`exporter`. Of the ends that run no `atexit` the last is told by `otel_claude.shutdown`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .exporter import SummaryMetricExporter

__all__ = ["SummaryMetricExporter"]


def __getattr__(name: str) -> Any:
    # On first use: commands take names from this package where OpenTelemetry's SDK is not installed.
    if name != "SummaryMetricExporter":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .exporter import SummaryMetricExporter  # noqa: PLC0415 - as above

    return SummaryMetricExporter
