"""Telemetry as a golden file has it: everything but times that were measured and ids that were drawn."""

import json
from pathlib import Path
from typing import Any

SECONDS = "seconds"
"""Stands for every measured time."""
PRICES = Path(__file__).resolve().parents[3] / "src" / "otel_claude" / "pricing" / "prices.json"
TABLE = json.loads(PRICES.read_text(encoding="utf-8"))["table"]
_TABLE = "price table"
"""Stands for the date of the table: a new table whose prices are the same changes nothing."""
_MEASURED = frozenset({"gen_ai.response.time_to_first_chunk"})
_MEASURED_METRICS = frozenset(
    {
        "gen_ai.client.inference.duration",
        "gen_ai.client.inference.time_to_first_chunk",
        "gen_ai.client.operation.duration",
        "claude.client.rate_limit.reset",
    }
)
_KINDS = {"Sum": "counter", "Gauge": "gauge", "Histogram": "histogram"}


def dump_spans(spans: list[Any]) -> list[dict[str, Any]]:
    """Every span, in the order in which they ended."""
    return [_span(span, spans) for span in spans]


def _span(span: Any, spans: list[Any]) -> dict[str, Any]:
    status = span.status
    dumped: dict[str, Any] = {
        "name": span.name,
        "scope": span.instrumentation_scope.name,
        "kind": span.kind.name,
        "status": status.status_code.name,
    }
    if status.description is not None:
        dumped["description"] = _plain(status.description)
    if span.parent is not None:
        dumped["parent"] = next((s.name for s in spans if s.context.span_id == span.parent.span_id), "another")
    if span.links:
        dumped["links"] = len(span.links)
    dumped["attributes"] = _attributes(span.attributes)
    if span.events:
        dumped["events"] = [{"name": event.name, "attributes": _attributes(event.attributes)} for event in span.events]
    return dumped


def _attributes(attributes: Any) -> dict[str, Any]:
    return {name: SECONDS if name in _MEASURED else _plain(value) for name, value in sorted(dict(attributes).items())}


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace(TABLE, _TABLE)
    return list(value) if isinstance(value, tuple) else value


def dump_warnings(said: list[str]) -> list[str]:
    """What our logger said aloud."""
    return [_plain(line) for line in said]


def dump_metrics(data: Any, spans: list[Any]) -> dict[str, Any]:
    """Every point of every metric. `common` are the attributes of all points, which the points do not repeat.

    Without how many values tags have, which is of the process and of no call.
    """
    metrics = [
        metric
        for resource in (data.resource_metrics if data else ())
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.data.data_points and metric.name != "claude.client.tag.values"
    ]
    names = [metric.name for metric in metrics]
    assert len(names) == len(set(names)), "two streams of one name"
    points = [dict(point.attributes) for metric in metrics for point in metric.data.data_points]
    common = dict(set.intersection(*(set(point.items()) for point in points))) if points else {}
    ids = {span.context.span_id for span in spans}
    dumped: dict[str, Any] = {"common": _attributes(common)} if points else {}
    for metric in sorted(metrics, key=lambda metric: metric.name):
        told = [_point(metric, point, common, ids) for point in metric.data.data_points]
        kind = _KINDS[type(metric.data).__name__]
        if kind == "counter":
            assert metric.data.is_monotonic
        dumped[metric.name] = {"kind": kind, "unit": metric.unit, "points": sorted(told, key=json.dumps)}
    return dumped


def _point(metric: Any, point: Any, common: dict[str, Any], spans: set[int]) -> list[Any]:
    own = {name: value for name, value in point.attributes.items() if name not in common}
    measured = metric.name in _MEASURED_METRICS
    if not hasattr(point, "bucket_counts"):
        return [_attributes(own), SECONDS if measured else point.value]
    value: dict[str, Any] = {"count": point.count, "sum": SECONDS if measured else point.sum}
    if not measured:
        value["buckets"] = _buckets(point)
    assert point.count == sum(point.bucket_counts)
    value["bounds"] = f"{len(point.explicit_bounds)}: {point.explicit_bounds[0]} to {point.explicit_bounds[-1]}"
    # Which of two records of one bucket is kept is a matter of chance: what is told is whether there is one at all.
    if point.exemplars:
        traced = {exemplar.span_id in spans for exemplar in point.exemplars}
        value["exemplar"] = "of its span" if traced == {True} else "of no span here"
    return [_attributes(own), value]


def _buckets(point: Any) -> dict[str, int]:
    """The buckets that count something, by their bounds."""
    bounds = ["-inf", *map(str, point.explicit_bounds), "inf"]
    told = zip(bounds, bounds[1:], point.bucket_counts, strict=False)
    return {f"({lower}, {upper}]": count for lower, upper, count in told if count}
