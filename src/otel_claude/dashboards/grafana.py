"""Grafana: dashboards and panels written as classic dashboard JSON, schema version 42, which Grafana 10 to 13 load.

Plain dictionaries, so that `otel-claude export` needs nothing installed; the tests check them against the types of
grafana-foundation-sdk.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from ..promql.queries import Queries
from ..promql.recorded import MINUTES
from .panels import Column, Dashboard, Panel, Row, Target
from .variables import DATASOURCE, firing_alerts, links, matchers, variables

Json = dict[str, Any]

SCHEMA: Final = 42
TAG: Final = "otel-claude"
_TYPES: Final = {"stat": "stat", "bargauge": "bargauge", "lines": "timeseries", "bars": "timeseries", "table": "table"}
_POINTS: Final = {"lines": 150, "bars": 80}
"""How many points a graph has at most."""
_HEADING: Final = 1
_WIDE: Final = 10
"""Columns from which on a legend stands beside the lines."""


def dashboard_json(dashboard: Dashboard, queries: Queries, monthly_budget: float) -> Json:
    """A dashboard as Grafana's JSON. `queries` gives the style of names; the variables narrow it here."""
    translator = queries.translator
    scoped = replace(
        queries,
        where=matchers(translator, dashboard.about),
        untagged_where=matchers(translator, dashboard.about, tags=False),
    )
    return {
        "annotations": {"list": firing_alerts(translator)},
        "description": dashboard.description,
        "editable": False,
        "fiscalYearStartMonth": 0,
        "graphTooltip": 1,
        "links": links(TAG),
        "panels": _with_positions(dashboard.rows, scoped),
        "refresh": "1m",
        "schemaVersion": SCHEMA,
        "tags": [TAG],
        "templating": {"list": variables(queries, monthly_budget, dashboard.about, one_job=dashboard.one_job)},
        "time": {"from": dashboard.range, "to": "now"},
        "timepicker": {},
        "timezone": "browser",
        "title": dashboard.title,
        "uid": dashboard.uid,
    }


def _with_positions(rows: tuple[Row, ...], queries: Queries) -> list[Json]:
    """The panels from left to right, in lines of 24 columns."""
    positioned: list[Json] = []
    top = 0
    for number, row in enumerate(rows):
        if row.title:
            positioned.append(
                {
                    "collapsed": False,
                    "gridPos": _place(0, top, 24, _HEADING),
                    "id": 1000 + number,
                    "panels": [],
                    "title": row.title,
                    "type": "row",
                }
            )
            top += _HEADING
        left = height = 0
        for panel, width, tall in row.panels:
            if left + width > 24:  # noqa: PLR2004 - Grafana's columns
                top, left, height = top + height, 0, 0
            written = panel_json(panel, queries, wide=width >= _WIDE)
            positioned.append({**written, "gridPos": _place(left, top, width, tall)})
            left, height = left + width, max(height, tall)
        top += height
    return positioned


def _place(left: int, top: int, width: int, height: int) -> Json:
    return {"h": height, "w": width, "x": left, "y": top}


def panel_json(panel: Panel, queries: Queries, *, wide: bool) -> Json:
    """A panel without its place."""
    written: Json = {
        "datasource": DATASOURCE,
        "description": panel.description,
        "fieldConfig": {"defaults": _defaults(panel), "overrides": _overrides(panel)},
        "id": panel.id,
        "options": _options(panel, wide=wide),
        "targets": [_target(panel, number, target, queries) for number, target in enumerate(panel.targets)],
        "title": panel.title,
        "type": _TYPES[panel.kind],
    }
    if panel.kind in _POINTS:
        # So few that above a week, where hours are added up, a step is an hour or more.
        written["interval"] = MINUTES.name
        written["maxDataPoints"] = _POINTS[panel.kind]
    if panel.kind == "table":
        written["transformations"] = _transformations(panel, queries)
    return written


def _target(panel: Panel, number: int, target: Target, queries: Queries) -> Json:
    over_time = panel.kind in {"lines", "bars"}
    legend = " ".join(part for part in (queries.translator.legend(*target.by), target.legend) if part)
    return {
        "datasource": DATASOURCE,
        "editorMode": "code",
        "exemplar": target.exemplars,
        "expr": target.query(queries),
        "format": "table" if panel.kind == "table" else "time_series",
        "instant": not over_time,
        "legendFormat": legend or panel.title,
        "range": over_time,
        "refId": "ABCDEFGH"[number],
    }


def _defaults(panel: Panel) -> Json:
    steps = [{"color": panel.base, "value": None}, *({"color": color, "value": at} for at, color in panel.thresholds)]
    defaults: Json = {
        "color": {"mode": "thresholds" if panel.thresholds or panel.kind == "bargauge" else "palette-classic"},
        "noValue": panel.no_value,
        "thresholds": {"mode": "absolute", "steps": steps},
        "unit": panel.unit,
    }
    if panel.kind == "stat" and not panel.thresholds:
        defaults["color"] = {"fixedColor": "text", "mode": "fixed"}
    if panel.kind in {"lines", "bars"}:
        defaults["color"] = {"mode": "palette-classic"}
        defaults["custom"] = _drawn(panel)
    for name, value in (("min", panel.min), ("max", panel.max), ("decimals", panel.decimals)):
        if value is not None and (name == "decimals" or panel.kind not in {"stat", "table"}):
            defaults[name] = value
    return defaults


def _drawn(panel: Panel) -> Json:
    bars = panel.kind == "bars"
    return {
        "axisSoftMax": 0.01 if panel.unit == "percentunit" and panel.max is None else None,
        "barAlignment": -1,
        "drawStyle": "bars" if bars else "line",
        "fillOpacity": 80 if bars else 20 if panel.stacked else 8,
        "lineInterpolation": "linear",
        "lineWidth": 0 if bars else 2,
        "pointSize": 4,
        "showPoints": "never" if bars else "auto",
        "spanNulls": 300_000,
        "stacking": {"group": "A", "mode": "normal" if panel.stacked else "none"},
        "thresholdsStyle": {"mode": "dashed" if panel.thresholds else "off"},
    }


def _overrides(panel: Panel) -> list[Json]:
    overrides = [
        _override("byName", name, ("color", {"fixedColor": color, "mode": "fixed"})) for name, color in panel.colors
    ]
    if any(target.legend == "limit" for target in panel.targets):
        dashed: Json = {"dash": [8, 8], "fill": "dash"}
        plain = (("custom.lineStyle", dashed), ("custom.fillOpacity", 0), ("custom.lineWidth", 1))
        overrides.append(_override("byRegexp", "/ limit$/", *plain))
    if panel.kind == "table":
        # Of a row that lacks a value. `empty` is for a table without rows.
        overrides.append(_override("byRegexp", "/.*/", ("noValue", "-")))
    overrides.extend(_override("byName", column.title, *_shown(column)) for column in panel.columns if _shown(column))
    return overrides


def _override(matcher: str, options: str, *properties: tuple[str, Any]) -> Json:
    return {
        "matcher": {"id": matcher, "options": options},
        "properties": [{"id": name, "value": value} for name, value in properties],
    }


def _shown(column: Column) -> tuple[tuple[str, Any], ...]:
    shown: list[tuple[str, Any]] = []
    if column.unit != "none":
        usual = {"currencyUSD": 4, "percentunit": 1}.get(column.unit, 0)
        shown.append(("unit", column.unit))
        shown.append(("decimals", usual if column.decimals is None else column.decimals))
    if column.width is not None:
        shown.append(("custom.width", column.width))
    if column.link:
        url = f"/d/{column.link}?var-job=${{__value.raw}}&${{__url_time_range}}&${{datasource:queryparam}}"
        shown.append(("links", [{"title": "This service's dashboard", "url": url}]))
    return tuple(shown)


def _options(panel: Panel, *, wide: bool) -> Json:
    reduce: Json = {"calcs": ["lastNotNull"], "fields": "", "values": False}
    if panel.kind == "stat":
        colored = "value" if panel.thresholds else "none"
        return {
            "colorMode": colored, "graphMode": "none", "justifyMode": "auto", "orientation": "auto",
            "reduceOptions": reduce, "textMode": "value", "wideLayout": True,
        }  # fmt: skip
    if panel.kind == "bargauge":
        return {
            "displayMode": "gradient" if panel.thresholds else "basic", "minVizHeight": 16, "minVizWidth": 8,
            "namePlacement": "auto" if panel.thresholds else "top", "orientation": "horizontal",
            "reduceOptions": reduce, "showUnfilled": True, "sizing": "auto", "valueMode": "text",
        }  # fmt: skip
    if panel.kind == "table":
        by = [{"desc": True, "displayName": panel.sorted_by}] if panel.sorted_by else []
        return {"cellHeight": "sm", "showHeader": True, "sortBy": by}
    calcs = ["sum"] if panel.kind == "bars" and panel.unit != "percentunit" else ["lastNotNull"]
    shape = {"displayMode": "table", "placement": "right"} if wide else {"displayMode": "list", "placement": "bottom"}
    return {
        "legend": {"calcs": calcs, "showLegend": True, **shape},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }


def _transformations(panel: Panel, queries: Queries) -> list[Json]:
    fields = [
        column.field if "#" in column.field else queries.translator.bare(column.field) for column in panel.columns
    ]
    if len(panel.targets) == 1:
        fields = ["Value" if field == "Value #A" else field for field in fields]
    organize: Json = {
        "excludeByName": {"Time": True},
        "indexByName": {field: number for number, field in enumerate(fields)},
        "renameByName": dict(zip(fields, (column.title for column in panel.columns), strict=True)),
    }
    return [{"id": "merge", "options": {}}, {"id": "organize", "options": organize}]
