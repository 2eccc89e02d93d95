"""promtool, amtool and the Collector read the delivered files, in either style of names."""

from __future__ import annotations

import subprocess

import pytest
import servers

from otel_claude.export import Options, export

RULES = servers.DEPLOY / "prometheus"


def ran(name, *arguments):
    result = subprocess.run([servers.program(name), *map(str, arguments)], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout + result.stderr


@pytest.mark.parametrize("style", ["underscores", "utf8"])
def test_rules_pass_every_lint(stack, tmp_path, style):
    written = export("rules", tmp_path, Options(style))
    said = ran("promtool", "check", "rules", "--lint=all", "--lint-fatal", *written)
    assert said.count("SUCCESS") == 2


@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", ["alerts.yaml", "budgets.yaml", "weekly.yaml"])
def test_alerts_fire_when_they_should_and_only_then(stack, tmp_path, name):
    export("tests", tmp_path)
    assert "SUCCESS" in ran("promtool", "test", "rules", tmp_path / name)


def test_a_wrong_case_would_be_noticed(stack, tmp_path):
    """That the cases can fail: the same file with other words."""
    export("tests", tmp_path)
    text = (tmp_path / "alerts.yaml").read_text()
    kept, _, rest = text.partition("  - name: ")
    first = rest.partition("  - name: ")[0].replace("spent 60.00 USD", "spent 61.00 USD")
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(kept + "  - name: " + first)
    result = subprocess.run([servers.program("promtool"), "test", "rules", wrong], capture_output=True, check=False)
    assert result.returncode == 1


def test_prometheus_reads_its_configuration(stack):
    assert "SUCCESS" in ran("promtool", "check", "config", RULES / "prometheus.yaml")


def test_prometheus_starts_with_the_configuration_for_lgtm(stack, tmp_path):
    # Debian's promtool is of 3.5, and does not know all that the image's Prometheus does.
    with servers.prometheus(tmp_path / "lgtm", RULES / "lgtm.yaml") as store:
        assert len(store.get("rules")["groups"]) == 14


def test_alertmanager_reads_its_configuration(stack):
    assert "SUCCESS" in ran("amtool", "check-config", RULES / "alertmanager.yaml")


@pytest.mark.parametrize(
    "name",
    [
        "collector", "remote-write", "agent", "gateway", "grafana-cloud", "datadog", "new-relic", "honeycomb",
        "azure-monitor", "google-cloud",
    ],
)  # fmt: skip
def test_the_collector_reads_its_configuration(stack, name, monkeypatch):
    for variable in ("GRAFANA_CLOUD_OTLP_ENDPOINT", "GOOGLE_CLOUD_LOCATION", "GOOGLE_CLOUD_CLUSTER"):
        monkeypatch.setenv(variable, "http://localhost")
    ran("otelcol", "validate", "--config", servers.DEPLOY / f"collector/{name}.yaml")
