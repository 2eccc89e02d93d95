"""What a real Collector sends to backends beyond Prometheus, with the delivered configurations: the dollars in it.

The backends are services of others: here a receiver takes what is sent to them, and adds up as they say that they do.
"""

from __future__ import annotations

import gzip
import json
import time
from collections import defaultdict

import google_monitoring
import pytest
import servers
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from test_live_chain import Way, workload

from listening import Listening, Quiet
from otel_claude import semconv as c

pytestmark = [pytest.mark.timeout(240)]

COLLECTOR = servers.DEPLOY / "collector"
DELTA, CUMULATIVE = 1, 2
KEY = "a-key-of-a-test"
ONE_SERVICE = {"OTEL_SERVICE_NAME": "checkout"}
"""All processes are one service's: nothing but a process's own id tells their series apart."""


class Backend(Listening):
    """Keeps what is posted: path, headers and body."""

    def __init__(self):
        received = self.received = []

        class Handler(Quiet):
            def do_POST(self):  # noqa: N802 - http.server's name
                body = self.posted()
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                received.append((self.path, self.headers, body))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

        super().__init__(Handler)

    def points(self):
        """Of each sum in OTLP that came: name, temporality, resource, attributes, point."""
        for path, _, body in list(self.received):
            if path.endswith("/v1/metrics"):
                for of in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                    for metric in (each for scope in of.scope_metrics for each in scope.metrics):
                        for point in metric.sum.data_points:
                            yield (
                                metric.name, metric.sum.aggregation_temporality, texts(of.resource.attributes),
                                texts(point.attributes), point,
                            )  # fmt: skip


def texts(attributes):
    return {each.key: each.value.string_value or str(each.value.int_value) for each in attributes}


def number(point):
    return point.as_double if point.HasField("as_double") else point.as_int


def run(way, address, folder, temporality="delta"):
    more = {"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": temporality, **ONE_SERVICE}
    workload(way, f"{address}/v1/metrics", folder, 8, **more)


def all_calls(way):
    return sum(tally["calls"] for tally in way.tallies.values())


def wait_until(arrived, expected, seconds=30):
    deadline = time.monotonic() + seconds
    while arrived() < expected and time.monotonic() < deadline:
        time.sleep(0.2)
    assert arrived() == expected


def last_write(backend, name):
    """What Datadog keeps: of each second and set of tags the last point, resource attributes being tags."""
    kept = {}
    for metric, temporality, resource, attributes, point in backend.points():
        if metric == name:
            assert temporality == DELTA
            tags = frozenset({**resource, **attributes}.items())
            kept[tags, point.time_unix_nano // 1_000_000_000] = number(point)
    return kept


@pytest.mark.parametrize("temporality", ["delta", "cumulative"])
def test_datadog_keeps_every_dollar_and_no_series_of_a_process(stack, tmp_path, temporality):
    way = Way("datadog", None, time.time())
    with Backend() as datadog:
        environment = {"DATADOG_METRICS_ENDPOINT": f"{datadog.url}/v1/metrics", "DD_API_KEY": KEY}
        with servers.collector(tmp_path / "collector", COLLECTOR / "datadog.yaml", **environment) as (address, _, _):
            run(way, address, tmp_path, temporality)
            wait_until(lambda: sum(last_write(datadog, c.CALLS.name).values()), all_calls(way))
        headers = datadog.received[0][1]
        assert headers["dd-api-key"] == KEY
        assert json.loads(headers["dd-otel-metric-config"]) == {"resource_attributes_as_tags": True}
        kept = last_write(datadog, c.COST.name)
        assert sum(kept.values()) == pytest.approx(float(way.spent), abs=1e-9)
        keys = {key for tags, _ in kept for key, _ in tags}
        assert {"service.name", "collector", c.RESPONSE_MODEL, c.COST_TYPE, "claude.tag.feature"} <= keys
        assert not keys & {"service.instance.id", c.INSTANCE_ID, "process.pid", "telemetry.sdk.version"}


def test_without_the_sums_datadog_would_lose_dollars(stack, tmp_path):
    """That the test above can fail: the same points, from processes that nothing tells apart."""
    way = Way("datadog", None, time.time())
    named = (COLLECTOR / "datadog.yaml").read_text()
    plain = tmp_path / "plain.yaml"
    plain.write_text(named.replace(", transform/sums]", "]").replace(", groupbyattrs", ""))
    with Backend() as datadog:
        environment = {"DATADOG_METRICS_ENDPOINT": f"{datadog.url}/v1/metrics", "DD_API_KEY": KEY}
        with servers.collector(tmp_path / "collector", plain, **environment) as (address, _, _):
            run(way, address, tmp_path)
            sent = lambda: sum(number(p) for name, *_, p in datadog.points() if name == c.CALLS.name)  # noqa: E731
            wait_until(sent, all_calls(way))
        assert sum(last_write(datadog, c.COST.name).values()) < 0.9 * float(way.spent)


@pytest.mark.parametrize(
    ("name", "variables", "header", "temporality"),
    [
        ("new-relic", ("NEW_RELIC_OTLP_ENDPOINT", "NEW_RELIC_LICENSE_KEY"), "api-key", "delta"),
        ("honeycomb", ("HONEYCOMB_OTLP_ENDPOINT", "HONEYCOMB_API_KEY"), "x-honeycomb-team", "cumulative"),
    ],
)
def test_new_relic_and_honeycomb_get_every_dollar_as_deltas(stack, tmp_path, name, variables, header, temporality):
    """Also of an application whose temporality was forgotten."""
    way = Way("delta", None, time.time())
    with Backend() as backend:
        environment = dict(zip(variables, (backend.url, KEY), strict=True))
        with servers.collector(tmp_path / "collector", COLLECTOR / f"{name}.yaml", **environment) as (address, _, _):
            run(way, address, tmp_path, temporality)
            sent = lambda: sum(number(p) for name, *_, p in backend.points() if name == c.CALLS.name)  # noqa: E731
            wait_until(sent, all_calls(way))
        assert {headers[header] for _, headers, _ in backend.received} == {KEY}
        found = [each for each in backend.points() if each[0] == c.COST.name]
        assert {each[1] for each in found} == {DELTA}
        assert sum(number(each[-1]) for each in found) == pytest.approx(float(way.spent), abs=1e-9)
        # Each process has its own series.
        assert len({each[2]["service.instance.id"] for each in found}) == len(way.tallies)


def test_grafana_cloud_gets_sums_with_the_token(stack, tmp_path):
    way = Way("grafana cloud", None, time.time())
    with Backend() as cloud:
        environment = {"GRAFANA_CLOUD_OTLP_ENDPOINT": f"{cloud.url}/otlp", "GRAFANA_CLOUD_TOKEN": KEY}
        with servers.collector(tmp_path / "collector", COLLECTOR / "grafana-cloud.yaml", **environment) as (
            address,
            _,
            _,
        ):
            run(way, address, tmp_path, "cumulative")

            def newest(name):
                found = {}
                for metric, temporality, resource, attributes, point in cloud.points():
                    if metric == name:
                        assert temporality == CUMULATIVE
                        found[frozenset({**resource, **attributes}.items())] = number(point)
                return sum(found.values())

            wait_until(lambda: newest(c.CALLS.name), all_calls(way))
        assert {headers["authorization"] for _, headers, _ in cloud.received} == {f"Basic {KEY}"}
        assert {path for path, _, _ in cloud.received} == {"/otlp/v1/metrics"}
        assert newest(c.COST.name) == pytest.approx(float(way.spent), abs=1e-9)


def test_azure_monitor_gets_every_dollar_as_rows(stack, tmp_path):
    way = Way("azure monitor", None, time.time())
    with Backend() as azure:
        connection = f"InstrumentationKey=00000000-0000-0000-0000-000000000000;IngestionEndpoint={azure.url}/"
        environment = {"APPLICATIONINSIGHTS_CONNECTION_STRING": connection}
        config = COLLECTOR / "azure-monitor.yaml"
        with servers.collector(tmp_path / "collector", config, **environment) as (address, _, _):
            run(way, address, tmp_path)

            def rows(name):
                lines = [line for _, _, body in list(azure.received) for line in body.splitlines() if line]
                found = [(each["tags"], each["data"]["baseData"]) for each in map(json.loads, lines)]
                return [
                    (tags, data, metric) for tags, data in found for metric in data["metrics"] if metric["name"] == name
                ]

            wait_until(lambda: sum(metric["value"] for *_, metric in rows(c.CALLS.name)), all_calls(way), 60)
        spent = rows(c.COST.name)
        assert sum(metric["value"] for *_, metric in spent) == pytest.approx(float(way.spent), abs=1e-9)
        assert {tags["ai.cloud.role"] for tags, _, _ in spent} == {"checkout"}
        assert {c.RESPONSE_MODEL, c.COST_TYPE, "claude.tag.feature"} <= {
            key for _, data, _ in spent for key in data["properties"]
        }
        # A histogram's row has its sum and count, and no buckets.
        (*_, one), *_ = rows(c.CALL_COST.name)
        assert {"value", "count", "min", "max"} <= one.keys()


def test_google_cloud_gets_sums_under_the_names_of_prometheus(stack, tmp_path):
    way = Way("google cloud", None, time.time())
    with google_monitoring.monitoring() as (address, received):
        local = tmp_path / "local.yaml"
        metric = {"endpoint": address, "use_insecure": True}
        local.write_text(json.dumps({"exporters": {"googlemanagedprometheus": {"metric": metric}}}))
        environment = {
            "GOOGLE_CLOUD_PROJECT": "ours", "GOOGLE_CLOUD_LOCATION": "europe-west1", "GOOGLE_CLOUD_CLUSTER": "shop",
        }  # fmt: skip
        config = COLLECTOR / "google-cloud.yaml"
        with servers.collector(tmp_path / "collector", config, beside=[local], **environment) as (otlp, _, _):
            run(way, otlp, tmp_path, "cumulative")

            def newest(name):
                """By instance, the newest value of each series."""
                found = defaultdict(float)
                for series in list(received):
                    if series.metric.type == f"prometheus.googleapis.com/{name}/counter":
                        assert series.kind == google_monitoring.CUMULATIVE
                        resource = {label.key: label.value for label in series.resource.labels}
                        assert (resource["location"], resource["cluster"], resource["job"]) == (
                            "europe-west1", "shop", "checkout",
                        )  # fmt: skip
                        labels = frozenset((label.key, label.value) for label in series.metric.labels)
                        for point in series.points:
                            found[resource["instance"], labels] = point.value.double or point.value.int64
                return found

            wait_until(lambda: sum(newest("claude_client_calls_total").values()), all_calls(way))
        spent = newest("claude_client_cost_usd_total")
        assert sum(spent.values()) == pytest.approx(float(way.spent), abs=1e-9)
        assert len({instance for instance, _ in spent}) == len(way.tallies)


def test_fewer_series_have_the_same_dollars(stack, tmp_path):
    """Beside collector.yaml, into a real Prometheus: with the file and without it."""
    found = {}
    for name, beside in (("all", ()), ("fewer", (COLLECTOR / "fewer-series.yaml",))):
        way = Way(name, None, time.time())
        with servers.prometheus(tmp_path / name, servers.DEPLOY / "prometheus/prometheus.yaml", options=None) as store:
            environment = {"METRICS_OTLP_ENDPOINT": f"{store.url}/api/v1/otlp", "TEMPO_ENDPOINT": "127.0.0.1:1"}
            folder, config = tmp_path / f"{name}-collector", COLLECTOR / "collector.yaml"
            with servers.collector(folder, config, beside=beside, **environment) as (address, _, _):
                run(way, address, tmp_path, "cumulative")
                store.wait_for(f"sum(claude_client_calls_total) == {all_calls(way)}")
            assert store.value("sum(claude_client_cost_usd_total)") == pytest.approx(float(way.spent), abs=1e-9)
            found[name] = store.value('count({__name__=~"claude_client_.+|gen_ai_.+"})')
            keys = store.instant("count by (claude_api_key_hint) (claude_client_cost_usd_total)")
            assert {"claude_api_key_hint" in row["metric"] for row in keys} == {name == "all"}
    assert found["fewer"] < 0.8 * found["all"]
