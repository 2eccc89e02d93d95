"""Panels: what a dashboard's panel is, as data. Knows no PromQL and not how Grafana writes it down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from otel_claude.semconv import Metric

from ..promql.queries import Queries

Kind = Literal["stat", "bargauge", "lines", "bars", "table"]
Query = Callable[[Queries], str]
Unit = Literal["currencyUSD", "short", "locale", "percentunit", "s", "none"]

GREEN, ORANGE, RED, BLUE, PURPLE, YELLOW = "green", "orange", "red", "blue", "purple", "yellow"


@dataclass(frozen=True)
class Target:
    """One query of a panel. `by` are the labels in its legend, after `legend`."""

    query: Query
    legend: str = ""
    by: tuple[str, ...] = ()
    exemplars: bool = False


@dataclass(frozen=True)
class Column:
    """One column of a table: what Grafana calls the field (a label or `Value #A`), and how it is shown."""

    field: str
    title: str
    unit: Unit = "none"
    link: str = ""
    """The uid of the dashboard that a value leads to, with this column's value as its `job`."""
    decimals: int | None = None
    """None: what is usual for the unit."""
    width: int | None = None
    """In pixels, where a value needs more than its share. None: all such columns share the rest."""


@dataclass(frozen=True)
class Panel:
    """A panel. `id` is for ever: alerts, links and comments in Grafana refer to it."""

    id: int
    title: str
    description: str
    kind: Kind
    unit: Unit
    targets: tuple[Target, ...]
    no_value: str
    """What is shown where there is no value."""
    thresholds: tuple[tuple[float, str], ...] = ()
    """Only where somebody acts: from which value on which colour."""
    base: str = GREEN
    """The colour below the first threshold."""
    colors: tuple[tuple[str, str], ...] = ()
    """Colours of series by their names."""
    max: float | None = None
    """The upper end of the axis."""
    min: float | None = 0
    decimals: int | None = None
    stacked: bool = False
    columns: tuple[Column, ...] = ()
    sorted_by: str = ""
    """The column that a table shows in falling order."""


@dataclass(frozen=True)
class Row:
    """Panels under one question, in the order of reading: their ids with width and height on Grafana's 24 columns."""

    title: str
    panels: tuple[tuple[Panel, int, int], ...]


USAGE_UID: Final = "otel-claude-usage"
LIMITS_UID: Final = "otel-claude-limits"
SERVICE_UID: Final = "otel-claude-service"
ORGANIZATION_UID: Final = "otel-claude-organization"
AGENTS_UID: Final = "otel-claude-agents"
CLAUDE_CODE_UID: Final = "otel-claude-code"
SAVINGS_UID: Final = "otel-claude-savings"

About = Literal["calls", "agents", "claude_code", "organization"]


@dataclass(frozen=True)
class Dashboard:
    """A dashboard. The first row has no heading: it is what one sees first."""

    uid: str
    title: str
    description: str
    rows: tuple[Row, ...]
    one_job: bool = False
    about: About = "calls"
    """What can be chosen: agents have no requested model and key, and Claude Code has teams instead of tags.

    The organization has no services and no tags.
    """
    range: str = "now-6h"


def line(query: Query, legend: str = "", *by: str) -> Target:
    """A query with its legend."""
    return Target(query, legend, by)


def exemplars(metric: Metric) -> Target:
    """The exemplars of a histogram. They are on its raw series alone."""
    return Target(lambda q: q.exemplars(metric), "exemplars", exemplars=True)
