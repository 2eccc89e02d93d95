"""Kubernetes takes the manifests; the Collector takes its configurations, and says what runbooks name."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.request

import manifests
import pytest
import servers
import yaml
from test_stack_manifests import COLLECTORS

# Of the OpenTelemetry Operator's own kinds there is no schema here: its pod and its configuration are looked at below.
OWN = {"collector.yaml", "instrumentation.yaml", manifests.VALUES}
FILES = [
    *sorted(path for path in manifests.KUBERNETES.glob("*.yaml") if path.name not in OWN),
    manifests.ROOT / "examples/running/servicemonitor.yaml",
]


def validated(path):
    command = [servers.program("kubectl-validate"), "--local-crds", servers.CACHE / "crds", path]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_kubernetes_takes_a_manifest(stack, path):
    done = validated(path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_kubernetes_takes_the_pod_of_the_collector(stack, tmp_path):
    made = tmp_path / "pod.yaml"
    made.write_text(yaml.safe_dump(manifests.collector_pod()))
    assert validated(made).returncode == 0


def test_a_wrong_field_would_be_seen(stack, tmp_path):
    made = tmp_path / "wrong.yaml"
    made.write_text((manifests.KUBERNETES / "organization.yaml").read_text().replace("runAsNonRoot", "runAsNoRoot"))
    assert "runAsNoRoot" in validated(made).stderr


def configurations(folder):
    """All that can be given to the Collector, alone and together."""
    delivered = servers.DEPLOY / "collector"
    kubernetes = folder / "kubernetes.yaml"
    (made,) = manifests.of_kind("OpenTelemetryCollector")
    kubernetes.write_text(yaml.safe_dump(made["spec"]["config"]))
    queue = delivered / "queue-on-disk.yaml"
    return [(kubernetes,), *((delivered / f"{name}.yaml", queue) for name in ("collector", "gateway"))]


def test_the_collector_reads_what_is_given_together(stack, tmp_path, monkeypatch):
    monkeypatch.setenv("QUEUE_FOLDER", str(tmp_path / "queue"))
    for files in configurations(tmp_path):
        command = [servers.program("otelcol"), "validate", *(f"--config={file}" for file in files)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_scrapes_what_the_collector_and_itself_say(stack, tmp_path):
    """A store that refuses: the Collector counts what it could not send."""
    metrics, nobody = servers.free_ports(2)
    delivered = servers.DEPLOY / "prometheus/prometheus.yaml"
    with servers.prometheus(tmp_path / "prometheus", delivered, scraped=metrics, options=None) as store:
        refusing = {"METRICS_OTLP_ENDPOINT": f"{store.url}/nowhere", "TEMPO_ENDPOINT": f"127.0.0.1:{nobody}"}
        config = servers.DEPLOY / "collector/collector.yaml"
        with servers.collector(tmp_path / "collector", config, metrics, **refusing) as (address, _, _):
            send(address)
            for name in COLLECTORS:
                store.wait_for(f'{name}{{job="otel-collector"}}')
            store.wait_for('otelcol_exporter_send_failed_metric_points{exporter="otlp_http/metrics"} > 0')
        store.wait_for('prometheus_tsdb_retention_limit_seconds{job="prometheus"} > 0')


def send(address):
    point = {"timeUnixNano": str(time.time_ns()), "asDouble": 1}
    total = {"name": "sent", "sum": {"aggregationTemporality": 2, "isMonotonic": True, "dataPoints": [point]}}
    body = json.dumps({"resourceMetrics": [{"scopeMetrics": [{"metrics": [total]}]}]}).encode()
    request = urllib.request.Request(f"{address}/v1/metrics", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=5):
        pass
