"""docs/start.md, from an empty directory: its commands, its program, and the files that they wrote in real servers."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import time
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import pytest
import servers
import yaml
from panels_in_use import filled
from test_live_chain import PRICES

from otel_claude_demo.simulator import Simulator

pytestmark = [pytest.mark.timeout(120)]

PAGE = (servers.ROOT / "docs/start.md").read_text()
PROGRAMS = Path(sys.executable).parent
FEATURES = "--enable-feature=exemplar-storage"


def blocks(heading, language="sh"):
    """The blocks of code under a heading."""
    part = PAGE if heading is None else PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(rf"```{language}\n(.*?)```", part, re.DOTALL)


def export(heading, folder):
    """Runs the page's `otel-claude` commands, and checks that other commands name files that these wrote."""
    lines = "\n".join(blocks(heading)).replace("\\\n", " ").splitlines()
    for line in (line for line in lines if line.startswith("otel-claude ")):
        subprocess.run(
            [PROGRAMS / "otel-claude", *shlex.split(line)[1:]], cwd=folder, check=True, stdout=subprocess.DEVNULL
        )
    named = re.findall(r"(?<![\w/.-])((?:otel-claude|kubernetes|collector)/[\w./-]+\.yaml)", "\n".join(lines))
    assert named
    assert [name for name in named if not (folder / name).exists()] == []


@contextmanager
def prometheus(folder, config):
    """A real one, on the real clock."""
    (port,) = servers.free_ports(1)
    url = f"http://127.0.0.1:{port}"
    arguments = (
        f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address=127.0.0.1:{port}",
        "--web.enable-otlp-receiver", FEATURES, "--log.level=warn",
    )  # fmt: skip
    with servers.running("prometheus", arguments, f"{url}/-/ready", folder):
        yield servers.Store(url)


@contextmanager
def compose(folder):
    home = folder / "otel-claude"
    with prometheus(folder, home / "prometheus/lgtm.yaml") as store:
        # What the image's own Collector does with metrics.
        config = servers.DEPLOY / "collector/collector.yaml"
        environment = {"METRICS_OTLP_ENDPOINT": f"{store.url}/api/v1/otlp", "TEMPO_ENDPOINT": "127.0.0.1:1"}
        with servers.collector(folder / "collector", config, **environment) as (address, _, _):
            yield store, address, json.loads((home / "grafana/dashboards/otel-claude-usage.json").read_text())


@contextmanager
def kubernetes(folder):
    """Prometheus as the operator configures it of the values, with an Alertmanager."""
    home = folder / "kubernetes"
    spec = yaml.safe_load((home / "kube-prometheus-stack-values.yaml").read_text())["prometheus"]["prometheusSpec"]
    assert f"--enable-feature={','.join(spec['enableFeatures'])}" == FEATURES
    assert spec["enableOTLPReceiver"]
    rules = yaml.safe_load((home / "prometheusrule.yaml").read_text())["spec"]
    (folder / "rules.yaml").write_text(yaml.safe_dump(rules))
    with servers.Webhook() as webhook, servers.alertmanager(folder / "alertmanager", webhook.port) as alertmanager:
        config = {
            "rule_files": ["rules.yaml"],
            "otlp": {
                "promote_resource_attributes": spec["otlp"]["promoteResourceAttributes"],
                "keep_identifying_resource_attributes": spec["otlp"]["keepIdentifyingResourceAttributes"],
            },
            "storage": {"tsdb": {"out_of_order_time_window": spec["tsdb"]["outOfOrderTimeWindow"]}},
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alertmanager}"]}]}]},
        }
        (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
        with prometheus(folder, folder / "prometheus.yaml") as store:
            made = yaml.safe_load((home / "collector.yaml").read_text())["spec"]["config"]
            made["exporters"]["otlp_http/metrics"]["endpoint"] = f"{store.url}/api/v1/otlp"
            text = yaml.safe_dump(made)
            for port, name in ((4317, "OTLP_GRPC_PORT"), (4318, "OTLP_HTTP_PORT"), (13133, "HEALTH_PORT")):
                text = text.replace(f"0.0.0.0:{port}", f"127.0.0.1:${{env:{name}}}")
            text = text.replace("port: 8888", "port: ${env:METRICS_PORT}")
            (folder / "collector.yaml").write_text(text)
            with servers.collector(folder / "collector", folder / "collector.yaml") as (address, _, _):
                # Prometheus finds it some seconds after it is ready.
                deadline = time.monotonic() + 30
                while not store.get("alertmanagers")["activeAlertmanagers"]:
                    assert time.monotonic() < deadline
                    time.sleep(0.2)
                (manifest,) = yaml.safe_load_all((home / "dashboard-otel-claude-usage.yaml").read_text())
                yield store, address, json.loads(manifest["data"]["otel-claude-usage.json"])


@contextmanager
def grafana_cloud(folder):
    """Prometheus' own OTLP endpoint stands for that of the stack: Mimir's series are named alike."""
    (folder / "prometheus.yaml").write_text("rule_files: [rules/*.yaml]\n")
    with prometheus(folder, folder / "prometheus.yaml") as store:
        environment = {"GRAFANA_CLOUD_OTLP_ENDPOINT": f"{store.url}/api/v1/otlp", "GRAFANA_CLOUD_TOKEN": "token"}
        config = folder / "collector/grafana-cloud.yaml"
        with servers.collector(folder / "running", config, **environment) as (address, _, _):
            yield store, address, json.loads((folder / "dashboards/otel-claude-usage.json").read_text())


WAYS = {"Docker compose": compose, "kube-prometheus-stack": kubernetes, "Grafana Cloud": grafana_cloud}


@pytest.mark.parametrize("heading", WAYS)
def test_a_call_of_ones_own_is_on_the_dashboard(stack, tmp_path, heading):
    export(heading, tmp_path)
    (program,) = blocks(None, "python")
    (tmp_path / "hello.py").write_text(program)
    with WAYS[heading](tmp_path) as (store, address, dashboard), Simulator() as simulator:
        call(tmp_path, address, simulator.url)
        queries = {
            panel["title"]: filled(panel["targets"][0]["expr"]) for panel in dashboard["panels"] if "targets" in panel
        }
        store.wait_for(queries["Live: last hour"], 10)
        prices = PRICES["claude-haiku-5-5"]
        (usage,) = [
            row["metric"] | {"value": float(row["value"][1])}
            for row in store.instant('claude_client_calls_total{job="hello"}')
        ]
        assert usage["value"] == 1
        tokens = {
            kind: store.value(f'sum({{__name__="gen_ai_client_inference_usage_{kind}_tokens_total"}})')
            for kind in ("input", "output")
        }
        spent = sum(Fraction(prices[kind]) * int(amount) / 1_000_000 for kind, amount in tokens.items())
        assert store.value(queries["Live: last hour"]) == pytest.approx(float(spent), abs=1e-12)
        # Every rule that records "Spend" and the others is evaluated.
        rules = [rule for group in store.get("rules")["groups"] for rule in group["rules"]]
        assert len(rules) > 50
        assert [rule["lastError"] for rule in rules if rule["health"] == "err"] == []


def call(folder, address, simulated):
    """The page's last three lines, with the addresses of this test."""
    *_, block = [block for block in blocks("Docker compose") if "opentelemetry-instrument" in block]
    exports, command = block.rstrip().rpartition("\n")[::2]
    names = dict(pair.split("=", 1) for pair in shlex.split(exports.replace("export", "")))
    assert names.keys() == {"OTEL_SERVICE_NAME", "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_ENDPOINT"}
    here = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "ANTHROPIC_", "COV"))},
        **names, "OTEL_EXPORTER_OTLP_ENDPOINT": address, "ANTHROPIC_BASE_URL": simulated,
        "ANTHROPIC_API_KEY": "sk-ant-api03-of-a-test", "PATH": f"{PROGRAMS}:{os.environ['PATH']}",
    }  # fmt: skip
    done = subprocess.run(shlex.split(command), cwd=folder, env=here, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Failed to export metrics" not in done.stderr, done.stderr[-2000:]
