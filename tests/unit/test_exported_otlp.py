"""What leaves over OTLP is what the METRICS table says: names, units, kinds, bounds, attributes, exemplars."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from unit_calls import HINT, OPUS, TAGS
from unit_collectors import over_grpc, over_http
from unit_everything import RETIRING, WORKSPACE, record_everything
from unit_telemetry import recorder_of

from otel_claude import semconv as c
from otel_claude.version import __version__

pytestmark = pytest.mark.process

CUMULATIVE = 2
"""`AGGREGATION_TEMPORALITY_CUMULATIVE` of the protocol."""
TAG_ATTRIBUTES = {c.TAG_PREFIX + key for key, _ in TAGS}
ALWAYS = {
    c.OPERATION_NAME, c.PROVIDER_NAME, c.CLIENT_LIBRARY, c.REQUEST_MODEL, c.SERVER_ADDRESS, c.SERVER_PORT,
    c.API_KEY_HINT,
}  # fmt: skip
KNOWN_VALUES = {
    c.OPERATION_NAME: {"chat", "batch"},
    c.PROVIDER_NAME: {"anthropic"},
    c.CLIENT_LIBRARY: {"anthropic"},
    c.REQUEST_MODEL: {OPUS, RETIRING},
    c.RESPONSE_MODEL: {OPUS, RETIRING},
    c.SERVER_ADDRESS: {"api.anthropic.com"},
    c.SERVER_PORT: {443},
    c.API_KEY_HINT: {HINT},
    c.WORKSPACE_ID: {WORKSPACE},
    c.ERROR_TYPE: {"overloaded_error", "rate_limit_error", "connection_error"},
    c.STATUS_CODE: {200, 429, 529},
    c.TOKEN_MODALITY: {"unknown"},
    c.CACHE_TTL: {"5m", "1h"},
    c.CACHE_MISS_REASON: {"system_changed"},
    c.COST_TYPE: set(c.COST_TYPES),
    c.RESPONSE_SERVICE_TIER: {"standard", "batch"},
    c.SPEED: {"standard"},
    c.INFERENCE_GEO: {"us"},
    c.UNPRICED_REASON: {"no_response", "code_execution"},
    c.STOP_REASON: {"end_turn"},
    c.ATTEMPT_OUTCOME: {"success", "retried", "failed"},
    c.BLOCKED_REASON: {"rate_limit", "overloaded"},
    c.TOOL_NAME: set(c.SERVER_TOOLS),
    c.BATCH_RESULT: {"succeeded", "errored"},
    c.BATCH_STATUS: set(c.BATCH_STATUSES),
    c.RATE_LIMIT_NAME: {"input_tokens"},
    c.LEGACY_TOKEN_TYPE: {"input", "output"},
    c.TAG_KEY: {"feature", "tenant"},
    c.TAG_CHANGE: {"too_long"},
    "claude.tag.feature": {"search"},
    "claude.tag.tenant": {"acme"},
}
"""Every value of every attribute of the calls of `record_everything`, by type too."""


def sent(collector, *, legacy=False):
    """The one scope of the one export of all that can be recorded, and (trace id, span id) of the calls' spans."""
    tracing, spans = TracerProvider(shutdown_on_exit=False), InMemorySpanExporter()
    tracing.add_span_processor(SimpleSpanProcessor(spans))
    with collector() as (exporter, requests):
        reader = PeriodicExportingMetricReader(exporter, export_interval_millis=float("inf"))
        metering = MeterProvider([reader], shutdown_on_exit=False)
        recorder, _ = recorder_of(tracing, metering, legacy=legacy)
        with tracing.get_tracer("application").start_as_current_span("request"):
            record_everything(recorder)
        metering.force_flush()
        (request,) = requests
        metering.shutdown()
    (resource,) = request.resource_metrics
    (scope,) = [scope for scope in resource.scope_metrics if scope.scope.name == "otel_claude"]
    calls = [span.context for span in spans.get_finished_spans() if span.name.startswith("chat ")]
    return scope, {(call.trace_id.to_bytes(16, "big"), call.span_id.to_bytes(8, "big")) for call in calls}


@pytest.fixture(scope="module", params=[over_http, over_grpc], ids=["http", "grpc"])
def export(request):
    return sent(request.param)


@pytest.fixture
def exported(export):
    return {metric.name: metric for metric in export[0].metrics}


def plain(attributes):
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in attributes}


def points(metric):
    return getattr(metric, metric.WhichOneof("data")).data_points


def test_the_scope_is_ours_with_its_version_and_its_schema(export):
    assert (export[0].scope.name, export[0].scope.version) == ("otel_claude", __version__)
    assert export[0].schema_url == c.SCHEMA_URL


def test_every_metric_of_the_table_is_sent_once_and_no_other(export):
    assert sorted(metric.name for metric in export[0].metrics) == sorted(metric.name for metric in c.METRICS)


@pytest.mark.parametrize("metric", c.METRICS, ids=lambda metric: metric.name)
def test_a_metric_is_sent_as_the_table_says(exported, metric):
    sent_metric = exported[metric.name]
    assert (sent_metric.unit, sent_metric.description) == (metric.unit, metric.description)
    assert points(sent_metric), "no value"
    kind = sent_metric.WhichOneof("data")
    if metric.kind == "counter":
        assert (kind, sent_metric.sum.is_monotonic, sent_metric.sum.aggregation_temporality) == (
            "sum",
            True,
            CUMULATIVE,
        )
    elif metric.kind == "histogram":
        assert (kind, sent_metric.histogram.aggregation_temporality) == ("histogram", CUMULATIVE)
        assert {tuple(point.explicit_bounds) for point in points(sent_metric)} == {metric.buckets}
    else:
        assert kind == "gauge"


@pytest.mark.parametrize("metric", c.METRICS, ids=lambda metric: metric.name)
def test_a_metric_has_the_attributes_of_the_table_and_all_of_its_own(exported, metric):
    tags = TAG_ATTRIBUTES if metric.tags else set()
    seen = set()
    for point in points(exported[metric.name]):
        names = set(plain(point.attributes))
        assert len(names) == len(point.attributes), "an attribute twice"
        if metric in c.TAG_METRICS or metric is c.RETIREMENT:
            own = {c.PROVIDER_NAME, c.REQUEST_MODEL} if metric is c.RETIREMENT else set(metric.attributes)
            assert names - {c.INSTANCE_ID} == own
            seen |= names
            continue
        # No response says which models a batch asked for.
        unknown = {c.REQUEST_MODEL} if plain(point.attributes)[c.OPERATION_NAME] == c.BATCH else set()
        assert (ALWAYS - unknown) | tags <= names <= {*c.COMMON_ATTRIBUTES, *metric.attributes, *tags} - unknown
        seen |= names
    assert set(metric.attributes) <= seen


def test_attributes_have_the_values_and_types_that_were_recorded(exported):
    seen: dict[str, set[object]] = {}
    for metric in exported.values():
        for point in points(metric):
            for name, value in plain(point.attributes).items():
                seen.setdefault(name, set()).add(value)
    expected = {name: values for name, values in KNOWN_VALUES.items() if name != c.LEGACY_TOKEN_TYPE}
    assert seen == expected
    assert {name for name, values in seen.items() if any(type(value) is int for value in values)} == {
        c.SERVER_PORT,
        c.STATUS_CODE,
    }


COUNTED_IN_WHOLES = [m for m in c.METRICS if m.kind == "counter" and m.unit != "{USD}"]


@pytest.mark.parametrize("metric", COUNTED_IN_WHOLES, ids=lambda metric: metric.name)
def test_what_is_counted_is_sent_as_integers(exported, metric):
    assert {point.WhichOneof("value") for point in points(exported[metric.name])} == {"as_int"}


@pytest.mark.parametrize(
    "metric", [c.COST, c.CACHE_SAVINGS, c.CACHE_OVERHEAD, c.CACHE_MISSED_COST], ids=lambda metric: metric.name
)
def test_dollars_are_sent_as_doubles(exported, metric):
    assert {point.WhichOneof("value") for point in points(exported[metric.name])} == {"as_double"}


@pytest.mark.parametrize("metric", [c.DURATION, c.CALL_COST], ids=lambda metric: metric.name)
def test_exemplars_lead_to_the_call(export, exported, metric):
    exemplars = [exemplar for point in points(exported[metric.name]) for exemplar in point.exemplars]
    assert exemplars
    assert {(exemplar.trace_id, exemplar.span_id) for exemplar in exemplars} <= export[1]


def test_the_names_of_before_are_sent_only_when_asked_for():
    scope, _ = sent(over_http, legacy=True)
    sent_metrics = {metric.name: metric for metric in scope.metrics}
    assert set(sent_metrics) == {metric.name for metric in (*c.METRICS, *c.LEGACY_METRICS)}
    for metric in c.LEGACY_METRICS:
        assert (sent_metrics[metric.name].unit, sent_metrics[metric.name].WhichOneof("data")) == (
            metric.unit,
            "histogram",
        )
        for point in points(sent_metrics[metric.name]):
            names = set(plain(point.attributes))
            assert tuple(point.explicit_bounds) == metric.buckets
            assert ALWAYS <= names <= {*c.COMMON_ATTRIBUTES, *metric.attributes}
            assert {plain(point.attributes).get(c.LEGACY_TOKEN_TYPE)} <= {"input", "output", None}
