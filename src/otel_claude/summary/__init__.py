"""What a program's calls to Claude cost, printed when it ends: `OTEL_METRICS_EXPORTER=claude_summary`.

Hops, each a module that knows only those before it: `totals` (sums), `reading` (metrics to totals), `page` (what is
said), `showing` (how it looks), `family` (several processes, one summary), `ending` (SIGTERM, forks), `exporter`.
"""

from .exporter import SummaryMetricExporter

__all__ = ["SummaryMetricExporter"]
