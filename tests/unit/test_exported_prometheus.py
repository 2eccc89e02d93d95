"""What the Python Prometheus exporter exposes has the names and labels of the METRICS table."""

from __future__ import annotations

import re

import pytest
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from unit_everything import record_everything
from unit_telemetry import recorder_of

from otel_claude import semconv as c
from otel_claude.semconv import prometheus_label

SUFFIXES = {"counter": ("",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}
SCOPE_LABELS = {"otel_scope_name", "otel_scope_version", "otel_scope_schema_url"}
TAG_LABELS = {"claude_tag_feature", "claude_tag_tenant"}


def exposed(*, legacy):
    registry = CollectorRegistry()
    reader = PrometheusMetricReader(disable_target_info=True, registry=registry)
    metering = MeterProvider([reader], shutdown_on_exit=False)
    recorder, _ = recorder_of(TracerProvider(shutdown_on_exit=False), metering, legacy=legacy)
    record_everything(recorder)
    text = generate_latest(registry).decode()
    metering.shutdown()
    return list(text_string_to_metric_families(text))


@pytest.fixture(scope="module")
def families():
    return exposed(legacy=False)


def exposed_name(metric):
    """The exporter (opentelemetry-exporter-prometheus 0.66b2) leaves out the `_ratio` that Prometheus adds for `1`."""
    return metric.prometheus.removesuffix("_ratio")


def series(metrics):
    return {exposed_name(metric) + suffix for metric in metrics for suffix in SUFFIXES[metric.kind]}


def test_the_series_are_those_of_the_table_and_no_other(families):
    assert {sample.name for family in families for sample in family.samples} == series(c.METRICS)


def test_the_series_of_before_are_there_only_when_asked_for():
    names = {sample.name for family in exposed(legacy=True) for sample in family.samples}
    assert names == series(c.METRICS) | series(c.LEGACY_METRICS)


@pytest.mark.parametrize("metric", c.METRICS, ids=lambda metric: metric.prometheus)
def test_a_family_has_its_kind_its_text_and_its_labels(families, metric):
    name = exposed_name(metric)
    name = name.removesuffix("_total") if metric.kind == "counter" else name
    (family,) = [family for family in families if family.name == name]
    assert (family.type, family.documentation) == (metric.kind, metric.description)
    labels = {label for sample in family.samples for label in sample.labels} - SCOPE_LABELS - {"le"}
    tags = TAG_LABELS if metric.tags else set()
    common = (c.INSTANCE_ID,) if metric in c.TAG_METRICS else c.COMMON_ATTRIBUTES
    assert labels - tags <= {prometheus_label(name) for name in (*common, *metric.attributes)}
    assert {prometheus_label(name) for name in metric.attributes} | tags <= labels


EXPECTED = {
    c.DURATION: "gen_ai_client_inference_duration_seconds",
    c.CALL_INPUT_TOKENS: "gen_ai_client_inference_operation_input_tokens",
    c.INPUT_TOKENS: "gen_ai_client_inference_usage_input_tokens_total",
    c.CALL_COST: "claude_client_call_cost_usd",
    c.COST: "claude_client_cost_usd_total",
    c.CACHE_SAVINGS: "claude_client_cache_savings_usd_total",
    c.CACHE_OVERHEAD: "claude_client_cache_overhead_usd_total",
    c.CACHE_MISSED_TOKENS: "claude_client_cache_missed_input_tokens_total",
    c.CACHE_MISSED_COST: "claude_client_cache_missed_usd_total",
    c.CACHE_DIAGNOSES: "claude_client_cache_diagnoses_total",
    c.RETIREMENT: "claude_client_model_retirement_timestamp_seconds",
    c.UNPRICED: "claude_client_unpriced_total",
    c.CALLS: "claude_client_calls_total",
    c.ATTEMPTS: "claude_client_attempts_total",
    c.RETRY_DELAY: "claude_client_retry_delay_seconds",
    c.RATE_LIMIT_REMAINING: "claude_client_rate_limit_remaining",
    c.RATE_LIMIT_UTILIZATION: "claude_client_rate_limit_utilization_ratio",
    c.RATE_LIMIT_RESET: "claude_client_rate_limit_reset_seconds",
    c.SERVER_TOOL_CALLS: "claude_client_server_tool_requests_total",
    c.BATCH_RESULTS: "claude_client_batch_results_total",
    c.BATCH_REQUESTS: "claude_client_batch_requests",
    c.TAG_VALUES: "claude_client_tag_values",
    c.TAG_CHANGES: "claude_client_tag_changes_total",
}


@pytest.mark.parametrize(("metric", "name"), EXPECTED.items(), ids=EXPECTED.values())
def test_the_designs_names(metric, name):
    assert metric.prometheus == name


@pytest.mark.parametrize("metric", [*c.METRICS, *c.LEGACY_METRICS], ids=lambda metric: metric.name)
def test_names_units_and_buckets_are_well_formed(metric):
    assert re.fullmatch(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+", metric.name)
    assert metric.unit in ("s", "1") or re.fullmatch(r"\{[A-Za-z]+\}", metric.unit)
    assert (metric.kind == "histogram") == bool(metric.buckets)
    assert list(metric.buckets) == sorted(set(metric.buckets))
    assert metric.description.endswith(".")
    assert not set(metric.attributes) & set(c.COMMON_ATTRIBUTES)
