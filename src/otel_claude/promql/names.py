"""How OpenTelemetry's names are written in PromQL, under either of Prometheus' translation strategies.

`underscores` is Prometheus' default (`UnderscoreEscapingWithSuffixes`), and what Mimir, Grafana Cloud and
VictoriaMetrics store; `utf8` is `NoUTF8EscapingWithSuffixes`, which keeps the dots. Knows no query.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from otel_claude.semconv import INSTANCE_ID, Metric, prometheus_label

Style = Literal["underscores", "utf8"]
STYLES: Final[tuple[Style, ...]] = ("underscores", "utf8")

JOB: Final = "job"
"""`service.namespace/service.name`, on every series that arrives over OTLP."""
INSTANCE: Final = "instance"
"""`service.instance.id`, on every series that arrives over OTLP."""
PROCESS: Final = (JOB, INSTANCE, INSTANCE_ID)
"""What tells processes apart: by `instance` alone those that share a `service.instance.id` would be one."""
BUCKET: Final = "le"
TARGET_INFO: Final = "target_info"
"""What Prometheus makes of a resource's attributes."""
SERVICE_VERSION: Final = "service.version"
ALERTS: Final = "ALERTS"
"""What Prometheus records of alerts that are pending or firing."""
RETENTION: Final = "prometheus_tsdb_retention_limit_seconds"
"""What Prometheus says of itself, where it is scraped too: for how long it keeps samples; 0 for ever."""
BUDGET_USED: Final = "claude:budget_used:ratio"
"""Recorded for each budget of a tag's value, which is its label `budget`."""
BUDGET: Final = "budget"
COLLECTOR_LOST: Final = ("otelcol_exporter_send_failed_metric_points", "otelcol_receiver_refused_metric_points")
"""What a Collector says of itself, where it is scraped: points that it could not send, and could not take."""
OTHER_SERIES: Final = (TARGET_INFO, ALERTS, RETENTION, BUDGET_USED, *COLLECTOR_LOST)
"""What queries read that is not in `semconv.METRICS`."""

Part = Literal["", "_bucket", "_sum", "_count"]
_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class NameTranslator:
    """Writes names in one style."""

    style: Style = "underscores"

    def bare(self, attribute: str) -> str:
        """A label's name, without quotes. A variable of a dashboard stays as it is."""
        return attribute if self.style == "utf8" or attribute.startswith("$") else prometheus_label(attribute)

    def label(self, attribute: str) -> str:
        """A label in `by (…)` and in a matcher."""
        name = self.bare(attribute)
        return name if self.style == "underscores" or _PLAIN.fullmatch(name) else f'"{name}"'

    def match(self, attribute: str, operator: Literal["=", "!=", "=~", "!~"], value: str) -> str:
        """One matcher."""
        return f'{self.label(attribute)}{operator}"{value}"'

    def series(self, metric: Metric, part: Part = "") -> str:
        """The name of a metric's series."""
        name = metric.prometheus
        if self.style == "utf8":
            name = metric.name + name.removeprefix(prometheus_label(metric.name))
        return name + part

    def select(self, metric: Metric, *matchers: str, part: Part = "") -> str:
        """A selector of a metric's series."""
        return self.select_name(self.series(metric, part), *matchers)

    def either(self, names: Iterable[str], *matchers: str) -> str:
        """A selector of series of several names as stored."""
        either = self.match("__name__", "=~", "|".join(names))
        return f"{{{', '.join((either, *matchers))}}}"

    def select_name(self, name: str, *matchers: str) -> str:
        """A selector of a series by its name as stored."""
        if _PLAIN.fullmatch(name.replace(":", "_")):
            return f"{name}{{{', '.join(matchers)}}}" if matchers else name
        quoted = f'"{name}"'
        return f"{{{', '.join((quoted, *matchers))}}}"

    def legend(self, *attributes: str) -> str:
        """A legend that shows the values of labels."""
        return " · ".join(f"{{{{{self.bare(attribute)}}}}}" for attribute in attributes)

    def template(self, attribute: str) -> str:
        """A label's value in the text of an alert."""
        name = self.bare(attribute)
        return f"{{{{ $labels.{name} }}}}" if _PLAIN.fullmatch(name) else f'{{{{ index $labels "{name}" }}}}'
