"""Exponential histograms, which Prometheus stores as native ones: rules record them, and the same panels show them."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import servers
from panels_in_use import CALLS, filled, targets

from otel_claude import semconv as c
from otel_claude.promql.names import NameTranslator
from otel_claude.promql.queries import Queries
from otel_claude.promql.recorded import HISTOGRAMS, increase_name
from otel_claude_demo.simulator import Pace, Simulator
from otel_claude_demo.workload.acts import LIMITS

QUERIES = Queries(NameTranslator())
KEPT = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "ANTHROPIC_", "COV"))}


@pytest.mark.timeout(120)
def test_panels_of_histograms_show_native_ones(stack, tmp_path):
    with (
        servers.prometheus(tmp_path / "store", servers.DEPLOY / "prometheus/prometheus.yaml") as store,
        Simulator(limits=LIMITS, pace=Pace(0.05)) as simulator,
    ):
        environment = KEPT | {
            "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": f"{store.url}/api/v1/otlp/v1/metrics",
            "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION": "base2_exponential_bucket_histogram",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "OTEL_METRIC_EXPORT_INTERVAL": "1000",
            "OTEL_LOGS_EXPORTER": "none", "OTEL_TRACES_EXPORTER": "none", "OTEL_SERVICE_NAME": "code-agent",
        }  # fmt: skip
        started = time.time()
        command = [
            Path(sys.executable).parent / "opentelemetry-instrument", sys.executable, "-m", "otel_claude_demo.workload",
            "--url", simulator.url, "--service", "code-agent", "--rounds", "10", "--pause", "0.2",
        ]  # fmt: skip
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=90)
        assert ran.returncode == 0, ran.stderr[-2000:]
        store.recorded(QUERIES)
        assert store.instant(f"{c.DURATION.prometheus}_bucket") == []
        for metric in HISTOGRAMS:
            # As many as were measured, once each.
            raw = store.value(f"sum(histogram_count({metric.prometheus}))")
            recorded = f"histogram_count(sum(sum_over_time({increase_name(metric, '5m')}[1h])))"
            assert store.value(recorded) == raw > 0
            assert store.value(QUERIES.count(metric, "1h")) == raw
        empty = [
            (panel["title"], target["refId"])
            for uid, panel, target in targets(of=CALLS)
            # Advice is of a hundred calls and more.
            if uid != "otel-claude-savings"
            and "histogram_quantile" in target["expr"]
            and not numbers(store, target, started)
        ]
        assert empty == []


def numbers(store, target, started):
    expression = filled(target["expr"], job="code-agent")
    if target["instant"]:
        found = [row["value"][1] for row in store.instant(expression)]
    else:
        found = [value for row in store.over_time(expression, started, time.time() + 10) for _, value in row["values"]]
    return [number for number in map(float, found) if math.isfinite(number)]
