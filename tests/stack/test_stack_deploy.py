"""The deployment files: they parse, what they name exists, and they agree with each other and with docs/deploy.md."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from otel_claude.semconv import claude_code as cc
from otel_claude_demo.workload import EVERY, main

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
GUIDE = (ROOT / "docs/deploy.md").read_text()
# Helm's templates are no YAML before they are rendered: test_live_helm.py
YAML = sorted([*(p for p in DEPLOY.rglob("*.yaml") if p.parent.name != "templates"), DEPLOY / "grafana/.lint"])


@pytest.mark.parametrize("path", YAML, ids=lambda path: str(path.relative_to(DEPLOY)))
def test_yaml_parses(path):
    text = path.read_text()
    assert all(yaml.safe_load_all(text))
    # No address of a package index or mirror, and no path of somebody's machine.
    assert not re.search(r"pypi\.|npmjs|proxy\.golang|debian\.org|/home/|/root/|/work/", text)


def test_compose_binds_what_exists():
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    for volume in services["lgtm"]["volumes"]:
        source = volume.split(":")[0]
        assert not source.startswith(".") or (DEPLOY / source).exists(), source
    assert services["lgtm"]["image"] == "grafana/otel-lgtm:0.31.0"
    for port in services["lgtm"]["ports"]:
        assert port.startswith("127.0.0.1:")
    build = services["workload"]["build"]
    assert (DEPLOY / build["context"] / "pyproject.toml").is_file()
    assert "COPY . /src" in build["dockerfile_inline"]


def test_compose_runs_a_workload_that_exists():
    workload = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["workload"]
    assert workload["command"][:3] == ["python", "-m", "otel_claude_demo.workload"]
    with pytest.raises(SystemExit) as ended:
        main([*workload["command"][3:], "--service", "no such service"])
    assert ended.value.code == 2
    assert len(EVERY) == 4


def test_home_dashboard_and_provider_are_where_compose_puts_them():
    lgtm = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["lgtm"]
    (folder,) = [v.split(":")[1] for v in lgtm["volumes"] if "grafana/dashboards" in v]
    home = lgtm["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home.startswith(folder)
    assert (DEPLOY / "grafana/dashboards" / home.rpartition("/")[2]).is_file()
    (provider,) = yaml.safe_load((DEPLOY / "grafana/provider.yaml").read_text())["providers"]
    assert provider["options"]["path"] == folder


def test_kubernetes_rules_are_the_rules():
    rules = yaml.safe_load((DEPLOY / "kubernetes/prometheusrule.yaml").read_text())
    assert rules["kind"] == "PrometheusRule"
    assert "release" in rules["metadata"]["labels"]
    groups = [
        group
        for kind in ("recording", "alerts")
        for group in yaml.safe_load((DEPLOY / f"prometheus/rules/otel-claude-{kind}.yaml").read_text())["groups"]
    ]
    assert rules["spec"]["groups"] == groups


@pytest.mark.parametrize("path", sorted((DEPLOY / "grafana/dashboards").glob("*.json")), ids=lambda path: path.stem)
def test_kubernetes_dashboards_are_the_dashboards(path):
    config = yaml.safe_load((DEPLOY / f"kubernetes/dashboard-{path.stem}.yaml").read_text())
    assert config["metadata"]["labels"] == {"grafana_dashboard": "1"}
    assert json.loads(config["data"][path.name]) == json.loads(path.read_text())
    # A ConfigMap holds a mebibyte; applied by kubectl, a quarter of it.
    assert len(config["data"][path.name]) < 250_000


@pytest.mark.parametrize("name", ["agent", "collector", "gateway", "remote-write"])
def test_collector_uses_what_it_defines(name):
    config = yaml.safe_load((DEPLOY / f"collector/{name}.yaml").read_text())
    for pipeline in config["service"]["pipelines"].values():
        assert pipeline["processors"] == ["memory_limiter", "batch"]
        for kind in ("receivers", "processors", "exporters"):
            assert set(pipeline[kind]) <= set(config[kind])
    used = {name for p in config["service"]["pipelines"].values() for name in p["exporters"]}
    assert used == set(config["exporters"])


@pytest.mark.parametrize("name", ["collector", "gateway"])
def test_a_queue_on_disk_is_of_an_exporter_that_is_there(name):
    """The second file's lists replace the first one's."""
    config, more = (yaml.safe_load((DEPLOY / f"collector/{each}.yaml").read_text()) for each in (name, "queue-on-disk"))
    assert more["exporters"].keys() <= config["exporters"].keys()
    extensions = set(config["service"]["extensions"]) | more["extensions"].keys()
    assert set(more["service"]["extensions"]) == extensions
    assert all(each["sending_queue"]["storage"] in extensions for each in more["exporters"].values())


@pytest.mark.parametrize("more", [None, "scraped", "events"])
def test_the_collector_for_claude_code_uses_what_it_defines(more):
    """A second file's maps are merged into the first one's, and its lists take their place."""
    config = yaml.safe_load((DEPLOY / "collector/claude-code.yaml").read_text())
    if more is not None:
        added = yaml.safe_load((DEPLOY / f"collector/claude-code-{more}.yaml").read_text())
        for kind in ("processors", "exporters"):
            config[kind] |= added.get(kind, {})
        config["service"]["pipelines"] |= added["service"]["pipelines"]
    pipelines = config["service"]["pipelines"]
    for pipeline in pipelines.values():
        assert set(pipeline["receivers"]) <= {"otlp", "signal_to_metrics"}
        assert set(pipeline["processors"]) <= config["processors"].keys()
        assert set(pipeline["exporters"]) <= config["exporters"].keys() | config["connectors"].keys()
    # Deltas are marked, and sums are not.
    assert ("transform/delta" in pipelines["metrics/out"]["processors"]) == (more != "scraped")


def test_the_collector_for_claude_code_makes_what_is_recorded():
    made = yaml.safe_load((DEPLOY / "collector/claude-code.yaml").read_text())["connectors"]["signal_to_metrics"]
    labels = {}
    for each in (*made["datapoints"], *made["logs"]):
        labels.setdefault(each["name"], set()).update(attribute["key"] for attribute in each["attributes"])
    recorded = {metric.name: set(metric.attributes) for metric in cc.CLAUDE_CODE_METRICS}
    assert {name: keys for name, keys in labels.items() if name in recorded} == recorded
    assert labels.keys() - recorded.keys() == set(cc.PASSED_ON)
    assert not any("session" in key for keys in labels.values() for key in keys)


def test_paths_in_the_guide_exist():
    for name in re.findall(r"deploy/[\w./-]*\w", GUIDE):
        assert (ROOT / name).exists(), name
    for name in re.findall(r"\]\((?!http)([^)#]+)", GUIDE):
        assert (ROOT / "docs" / name).exists(), name


def test_panels_and_variables_in_the_guide_exist():
    dashboards = [json.loads(path.read_text()) for path in (DEPLOY / "grafana/dashboards").glob("*.json")]
    titles = {panel["title"] for dashboard in dashboards for panel in dashboard["panels"]}
    titles |= {dashboard["title"] for dashboard in dashboards}
    named = set(re.findall(r'"([A-Z][^"]+)"', re.sub(r"```.*?```", "", GUIDE, flags=re.DOTALL)))
    named -= {"Tag", "OpenTelemetry", "Spend by ...", "Live"}
    assert named - titles == set()
    labels = {v["label"] for v in dashboards[0]["templating"]["list"]}
    assert {"Tag", "Value of the tag"} <= labels


def test_recorded_series_in_the_guide_exist():
    recording = (DEPLOY / "prometheus/rules/otel-claude-recording.yaml").read_text()
    recorded = (ROOT / "docs/recording.md").read_text()
    named = re.findall(r"claude:\w+:\w+", GUIDE + recorded)
    assert len(named) >= 9
    for name in named:
        assert f'record: "{name}"' in recording, name
