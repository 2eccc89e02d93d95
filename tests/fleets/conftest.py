"""Each fleet runs once, beside the tests and in the order in which they want it; all write to one Prometheus."""

from __future__ import annotations

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml

HERE = Path(__file__).parent
# The servers are started as the tests of the stack start them.
sys.path[:0] = [str(HERE.parents[1] / "scripts"), str(HERE.parent / "stack"), str(HERE)]

LIVE = "1" in {os.environ.get("STACK_TESTS"), os.environ.get("FLEET_TESTS")}
# They need real servers: a part runs with `make test-stack`, the whole with `make test-fleets`.
collect_ignore_glob = [] if LIVE else ["test_*"]

if LIVE:
    import servers
    from environments import make
    from fleets_running import ENVIRONMENTS, Destination, Run
    from fleets_table import COMPLETE, INCOMPLETE, environments
    from fleets_ways import EXAMPLES, TARGETS

PROMETHEUS_NAMES = {"sourceLabels": "source_labels", "targetLabel": "target_label"}
"""Of what the Prometheus Operator writes in its own way."""
AT_ONCE = 3
"""Fleets. A part of the time of each is waiting."""


def configuration(targets):
    """Prometheus', as it is delivered. It scrapes what a folder's files say, as the example's ServiceMonitor has it."""
    _, monitor = yaml.safe_load_all((EXAMPLES / "servicemonitor.yaml").read_text())
    (relabelings,) = {json.dumps(each["metricRelabelings"]) for each in monitor["spec"]["endpoints"]}
    delivered = yaml.safe_load((servers.DEPLOY / "prometheus/prometheus.yaml").read_text())
    delivered["scrape_configs"].append(
        {
            "job_name": "fleets",
            "scrape_interval": "1s",
            "file_sd_configs": [{"files": [f"{targets}/*.json"]}],
            "metric_relabel_configs": [
                {PROMETHEUS_NAMES.get(name, name): value for name, value in each.items()}
                for each in json.loads(relabelings)
            ],
        }
    )
    return yaml.safe_dump(delivered, sort_keys=False)


@pytest.fixture(scope="session")
def destination(tmp_path_factory):
    """Prometheus, and a Collector before it that makes delta cumulative."""
    if not (servers.CACHE / "bin/otelcol").exists():
        pytest.fail(f"{servers.CACHE} has no servers: run scripts/stack")
    root = tmp_path_factory.mktemp("fleets")
    with ExitStack() as open_:
        (root / TARGETS).mkdir()
        config = root / "prometheus.yaml"
        config.write_text(configuration(root / TARGETS))
        store = open_.enter_context(servers.prometheus(root / "prometheus", config))
        otlp = f"{store.url}/api/v1/otlp"
        address, _, _ = open_.enter_context(
            servers.collector(root / "collector", HERE / "delta.yaml", METRICS_OTLP_ENDPOINT=otlp)
        )
        endpoints = {"cumulative": f"{otlp}/v1/metrics", "delta": f"{address}/v1/metrics"}
        yield Destination(store, endpoints, root)


@pytest.fixture(scope="session")
def begun(request, destination):
    """The runs that the chosen tests want, begun."""
    cases = COMPLETE | INCOMPLETE
    wanted = [item.callspec.params["run"] for item in request.session.items
              if item.path.parent == HERE and hasattr(item, "callspec")]  # fmt: skip
    for environment in sorted({each for name in wanted for each in environments(cases[name])}):
        make(servers.ROOT / f"requirements/fleets/{environment}.txt", ENVIRONMENTS / environment)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {name: pool.submit(Run, cases[name], destination) for name in dict.fromkeys(wanted)}
        pool.shutdown(cancel_futures=True)


@pytest.fixture
def run(request, begun):
    return begun[request.param].result()
