"""What the delivered files of Kubernetes, the Collector and Prometheus say, as data."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import yaml_files

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
VALUES = "kube-prometheus-stack-values.yaml"
"""The one file of the folder that is no manifest, but values of a Helm chart."""


def read(name):
    """The one document of a file. What the environment can change has its default."""
    text = (DEPLOY / name).read_text()
    return yaml_files.load(re.sub(r"\$\{env:\w+:-([^}]*)\}", r"\1", text))


@cache
def objects():
    """All manifests. Nobody changes them."""
    return [
        each for path in sorted(KUBERNETES.glob("*.yaml")) if path.name != VALUES
        for each in yaml_files.load_all(path.read_text())
    ]  # fmt: skip


def of_kind(kind):
    return [each for each in objects() if each["kind"] == kind]


def port(address):
    return int(address.rpartition(":")[2])


def receives(config):
    """The ports on which a Collector takes OTLP."""
    return {port(each["endpoint"]) for each in config["receivers"]["otlp"]["protocols"].values()}


def metrics_port(config):
    """The port on which a Collector says something of itself."""
    (reader,) = config["service"]["telemetry"]["metrics"]["readers"]
    return int(reader["pull"]["exporter"]["prometheus"]["port"])


def collector_pod():
    """The pod that the OpenTelemetry Operator makes of the Collector, as its source (internal/manifests) has it.

    Labels and the name of the port of metrics are the operator's. Probes ask the health_check extension.
    """
    (made,) = of_kind("OpenTelemetryCollector")
    spec, config = made["spec"], made["spec"]["config"]
    health = {"httpGet": {"path": "/", "port": port(config["extensions"]["health_check"]["endpoint"])}}
    container = {
        "name": "otc-container",
        "image": spec["image"],
        "resources": spec["resources"],
        "securityContext": spec["securityContext"],
        "livenessProbe": spec["livenessProbe"] | health,
        "readinessProbe": spec["readinessProbe"] | health,
        "ports": [
            {"name": "metrics", "containerPort": metrics_port(config)},
            *({"name": f"port-{number}", "containerPort": number} for number in sorted(receives(config))),
        ],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"{made['metadata']['name']}-collector",
            "labels": {
                "app.kubernetes.io/name": f"{made['metadata']['name']}-collector",
                "app.kubernetes.io/component": "opentelemetry-collector",
                "app.kubernetes.io/managed-by": "opentelemetry-operator",
            },
        },
        "spec": {"securityContext": spec["podSecurityContext"], "containers": [container]},
    }


def pods():
    """All pods, by the name of what makes them."""
    made = {each["metadata"]["name"]: each["spec"]["template"] for each in of_kind("Deployment")}
    made |= {each["metadata"]["name"]: each["spec"]["jobTemplate"]["spec"]["template"] for each in of_kind("CronJob")}
    collector = collector_pod()
    return made | {collector["metadata"]["name"]: collector}
