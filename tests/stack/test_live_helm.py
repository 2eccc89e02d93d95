"""Helm takes the chart, which renders what deploy/kubernetes has, and Kubernetes takes what it renders."""

from __future__ import annotations

import copy
import json
import subprocess
from functools import cache

import manifests
import pytest
import servers
import yaml
from test_live_manifests import validated

from otel_claude.export import Options, export
from otel_claude.version import __version__

CHART = servers.DEPLOY / "helm/otel-claude"
OURS = {"app.kubernetes.io/instance", "app.kubernetes.io/version", "app.kubernetes.io/part-of"}
LABELS = {*OURS, "app.kubernetes.io/managed-by", "helm.sh/chart"}
"""What the chart adds to the labels of each object, beside its name."""
ELSEWHERE = "organization.endpoint=https://otlp.example.com/otlp,networkPolicy.endpoint=null"


def helm(*arguments):
    return subprocess.run([servers.program("helm"), *arguments], capture_output=True, text=True, check=False)


@cache
def rendered(*values, chart=CHART):
    """All objects. Nobody changes them."""
    done = helm("template", "claude", chart, "--namespace", "apps", *(f"--set={each}" for each in values))
    assert done.returncode == 0, done.stderr
    return [each for each in yaml.safe_load_all(done.stdout) if each]


def named(objects):
    return {(each["kind"], each["metadata"]["name"]): each for each in objects}


def test_the_chart_has_no_fault(stack):
    done = helm("lint", "--strict", CHART)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stdout


def test_a_chart_from_an_installed_package_renders_the_same(stack, tmp_path):
    export("helm", tmp_path, Options())
    assert rendered(chart=tmp_path) == rendered()


def test_it_renders_the_manifests_of_kubernetes_with_labels_of_helm_and_the_image_of_the_release(stack):
    chart = named(copy.deepcopy(rendered()))
    kinds = ("ConfigMap", "Deployment", "NetworkPolicy", "PrometheusRule")
    delivered = named(copy.deepcopy([each for kind in kinds for each in manifests.of_kind(kind)]))
    others = {("Deployment", "support-chat"), ("NetworkPolicy", "otel-claude-collector")}  # an example; the Collector's
    others |= {(kind, "otel-claude-weekly-report") for kind in ("ConfigMap", "NetworkPolicy")}  # a CronJob beside it
    assert chart.keys() == delivered.keys() - others
    for key, made in chart.items():
        wanted = delivered[key]
        labels = made["metadata"].pop("labels")
        assert labels.keys() >= LABELS
        assert labels["app.kubernetes.io/name"] == made["metadata"]["name"]
        further = {name: text for name, text in labels.items() if name not in {*LABELS, "app.kubernetes.io/name"}}
        assert further == wanted["metadata"].pop("labels", {})
        if made["kind"] == "Deployment":
            (container,) = made["spec"]["template"]["spec"]["containers"]
            assert container.pop("image") == f"ghcr.io/otel-claude/otel-claude:{__version__}"
            assert container.pop("imagePullPolicy") == "IfNotPresent"
            del wanted["spec"]["template"]["spec"]["containers"][0]["image"]
        if made["kind"] == "ConfigMap":
            for each in (made, wanted):
                each["data"] = {name: json.loads(text) for name, text in each["data"].items()}
        assert made == wanted, key


@pytest.mark.parametrize(
    ("value", "left_out"),
    [
        ("organization.enabled=false", {"Deployment", "NetworkPolicy"}),
        ("networkPolicy.enabled=false", {"NetworkPolicy"}),
        ("rules.enabled=false", {"PrometheusRule"}),
        ("dashboards.enabled=false", {"ConfigMap"}),
    ],
)
def test_each_part_can_be_left_out(stack, value, left_out):
    every = {each["kind"] for each in rendered()}
    assert every - {each["kind"] for each in rendered(value)} == left_out


@pytest.mark.parametrize(
    ("values", "ports", "to"),
    [
        ((), 4318, True),
        (("organization.endpoint=http://collector:4000",), 4000, True),
        ((ELSEWHERE,), 443, False),
        (("organization.endpoint=http://collector",), 80, True),
        (("organization.endpoint=http://[fd00::1]:4318",), 4318, True),
    ],
)
def test_the_network_policy_allows_the_port_of_the_endpoint(stack, values, ports, to):
    policy = named(rendered(*values))["NetworkPolicy", "otel-claude-organization"]
    first, second = policy["spec"]["egress"]
    assert first["ports"] == [{"port": ports}]
    assert ("to" in first) is to
    assert {each["port"] for each in second["ports"]} == {443, 53}


def test_values_reach_the_pod(stack):
    digest = "sha256:" + "1" * 64
    values = (
        "organization.adminKey.secret=s,organization.adminKey.key=k,organization.exportInterval=300000",
        f"organization.image.repository=registry.example.com/claude,organization.image.tag=v2,organization.image.digest={digest}",
        "organization.env[0].name=HTTPS_PROXY,organization.env[0].value=http://proxy:3128",
        "organization.podLabels.team=finance,organization.podAnnotations.note=x,organization.nodeSelector.disk=ssd",
        "organization.tolerations[0].key=spot,organization.imagePullSecrets[0].name=pull",
    )
    template = named(rendered(*values))["Deployment", "otel-claude-organization"]["spec"]["template"]
    (container,) = template["spec"]["containers"]
    assert container["image"] == f"registry.example.com/claude:v2@{digest}"
    assert container["env"] == [
        {"name": "ANTHROPIC_ADMIN_KEY", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
        {"name": "OTEL_EXPORTER_OTLP_ENDPOINT", "value": "http://otel-claude-collector:4318"},
        {"name": "OTEL_METRIC_EXPORT_INTERVAL", "value": "300000"},
        {"name": "HTTPS_PROXY", "value": "http://proxy:3128"},
    ]
    assert template["metadata"]["labels"] == {"team": "finance", "app.kubernetes.io/name": "otel-claude-organization"}
    assert template["metadata"]["annotations"] == {"note": "x"}
    assert template["spec"]["nodeSelector"] == {"disk": "ssd"}
    assert template["spec"]["tolerations"] == [{"key": "spot"}]
    assert template["spec"]["imagePullSecrets"] == [{"name": "pull"}]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("organization.adminKey.sercet=x", "'sercet' not allowed"),
        ("organization.adminKey.secret=", "/organization/adminKey/secret"),
        ("organization.endpoint=collector:4318", "/organization/endpoint"),
        ("organization.image.digest=sha256:1", "/organization/image/digest"),
        ("rule.enabled=false", "'rule' not allowed"),
    ],
)
def test_a_value_that_is_not_accepted_is_named(stack, value, said):
    done = helm("template", "claude", CHART, f"--set={value}")
    assert done.returncode == 1
    assert said in done.stderr


@pytest.mark.parametrize("values", [(), (ELSEWHERE, "organization.podLabels.team=finance")], ids=["plain", "elsewhere"])
def test_kubernetes_takes_what_it_renders(stack, values, tmp_path):
    for (kind, name), made in named(rendered(*values)).items():
        path = tmp_path / f"{kind}-{name}.yaml"
        path.write_text(yaml.safe_dump(made))
        done = validated(path)
        assert done.returncode == 0, done.stdout + done.stderr
