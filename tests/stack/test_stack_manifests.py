"""Every name, port and path in a delivered file meets another's; pods and units have few rights."""

from __future__ import annotations

import copy
import os
import re
import shlex
import shutil
import subprocess
import sys

import manifests
import pytest
import yaml
from manifests import DEPLOY, KUBERNETES, ROOT, of_kind, pods, read
from test_stack_dashboards import SERIES, selectors

from otel_claude.promql.names import OTHER_SERIES, RETENTION
from otel_claude_demo.simulator import Organization, Simulator

PODS = pods()
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
# Addresses of servers that are the user's: no delivered file makes them.
YOURS = {
    "alertmanager:9093", "localhost:9095", "mimir:8080", "prometheus:9090", "tempo:3200", "tempo:4317",
    "tempo.monitoring:3200", "tempo.monitoring:4317", "victoria-metrics:8428",
}  # fmt: skip
# Where a delivered configuration of the Collector is expected to run, and which one.
SERVES = {
    "localhost:4318": "collector/collector.yaml", "otel-gateway:4317": "collector/gateway.yaml",
    "otel-collector:8888": "collector/collector.yaml",
}  # fmt: skip


def addresses(text):
    """All `host:port` of a file, but for those that it listens on."""
    found = re.findall(r"(?<![\w@.\"/-])(?:https?://)?([a-z][\w.-]*:\d{4,5})(?!\d|:\d)", text.replace('"', " "))
    return {each for each in found if not each.startswith("python:")}


def written(pattern="**/*"):
    """Each file that an address can be in."""
    return [path for path in sorted(DEPLOY.glob(pattern)) if path.suffix in {".yaml", ".service", ".tf"}]


@pytest.mark.parametrize("path", written(), ids=lambda path: str(path.relative_to(DEPLOY)))
def test_every_address_is_one_that_something_delivered_serves_or_that_is_yours(path):
    served = set()
    for collector in of_kind("OpenTelemetryCollector"):
        host = f"{collector['metadata']['name']}-collector"
        served |= {f"{host}:{port}" for port in manifests.receives(collector["spec"]["config"])}
    # Helm names the service of Prometheus after the release, in whose name the chart's is.
    (release,) = releases()
    served |= {f"{release}-prometheus.monitoring:9090"}
    for name, service in read("compose.yaml")["services"].items():
        served |= {f"{name}:{port.rpartition(':')[2]}" for port in service.get("ports", ())}
    for address, config in SERVES.items():
        made = read(config)
        assert manifests.port(address) in {*manifests.receives(made), manifests.metrics_port(made)}
    scraped = read("collector/claude-code-scraped.yaml")["exporters"]["prometheus/claude_code"]["endpoint"]
    served |= {f"otel-claude-code:{scraped.rpartition(':')[2]}"}
    # Prometheus' own, where it scrapes itself and where a unit asks it.
    served |= {"localhost:9090", "localhost:3000"}
    assert addresses(path.read_text()) - served - YOURS - SERVES.keys() == set()


def test_an_address_that_nothing_serves_would_be_seen():
    assert addresses("endpoint: http://collector-collector:4318/x") == {"collector-collector:4318"}
    assert addresses('targets: ["otel-collector:8888"], image: a/b:0.159.0, bind 0.0.0.0:4317') == {
        "otel-collector:8888"
    }  # fmt: skip


def releases():
    """The names of Helm releases that labels speak of."""
    labels = [each["metadata"].get("labels", {}) for each in manifests.objects()]
    return {each["release"] for each in labels if "release" in each}


def test_what_prometheus_loads_has_one_release():
    assert releases() == {"kube-prometheus-stack"}
    for kind in ("PrometheusRule", "PodMonitor"):
        assert all("release" in each["metadata"]["labels"] for each in of_kind(kind))


def matches(selector, labels):
    assert set(selector) <= {"matchLabels"}
    return selector.get("matchLabels", {}).items() <= labels.items()


def test_selectors_meet_the_labels_of_pods():
    for deployment in of_kind("Deployment"):
        assert matches(deployment["spec"]["selector"], deployment["spec"]["template"]["metadata"]["labels"])
    for each in (*of_kind("NetworkPolicy"), *of_kind("PodMonitor")):
        selector = each["spec"].get("podSelector") or each["spec"]["selector"]
        chosen = [name for name, pod in PODS.items() if matches(selector, pod["metadata"]["labels"])]
        assert chosen == [each["metadata"]["name"]]


def test_the_pod_monitor_asks_a_port_that_the_pod_has():
    (monitor,) = of_kind("PodMonitor")
    names = {port["name"] for port in PODS["otel-claude-collector"]["spec"]["containers"][0]["ports"]}
    assert {each["port"] for each in monitor["spec"]["podMetricsEndpoints"]} <= names


def allowed(policy, direction):
    return {port["port"] for rule in policy["spec"][direction] for port in rule["ports"]}


def test_network_policies_allow_what_is_needed_and_no_more():
    policies = {each["metadata"]["name"]: each for each in of_kind("NetworkPolicy")}
    assert policies.keys() == {"otel-claude-collector", "otel-claude-organization", "otel-claude-weekly-report"}
    assert all(each["spec"]["policyTypes"] == ["Ingress", "Egress"] for each in policies.values())
    (collector,) = of_kind("OpenTelemetryCollector")
    config = collector["spec"]["config"]
    own = policies["otel-claude-collector"]
    assert allowed(own, "ingress") == {*manifests.receives(config), manifests.metrics_port(config)}
    sent = {int(re.search(r":(\d{4})", each["endpoint"])[1]) for each in config["exporters"].values()}
    assert allowed(own, "egress") == {*sent, 53}
    own = policies["otel-claude-organization"]
    assert "ingress" not in own["spec"]
    assert allowed(own, "egress") == {manifests.port(endpoint("organization")), 443, 53}
    own = policies["otel-claude-weekly-report"]
    assert "ingress" not in own["spec"]
    (asked,) = [each for each in report_command() if each.startswith("--prometheus=")]
    assert allowed(own, "egress") == {manifests.port(asked), 443, 53}
    # The webhook is where nobody knows; Prometheus is in a namespace.
    (to,) = [rule["to"] for rule in own["spec"]["egress"] if "to" in rule]
    (namespace,) = to[0]["namespaceSelector"]["matchLabels"].values()
    assert f".{namespace}:" in asked


def report_command():
    return PODS["otel-claude-weekly-report"]["spec"]["containers"][0]["command"]


def test_the_weekly_report_runs_the_script_with_the_webhook_from_a_mounted_secret():
    spec = PODS["otel-claude-weekly-report"]["spec"]
    (container,) = spec["containers"]
    mounts = {each["name"]: each for each in container["volumeMounts"]}
    volumes = {each["name"]: each for each in spec["volumes"]}
    assert mounts.keys() == volumes.keys()
    assert all(each["readOnly"] for each in mounts.values())
    (script,) = [
        each for each in of_kind("ConfigMap") if each["metadata"]["name"] == volumes["script"]["configMap"]["name"]
    ]
    assert script["data"] == {"weekly_report.py": (DEPLOY / "systemd/weekly_report.py").read_text()}
    command = report_command()
    assert command[:2] == ["python", f"{mounts['script']['mountPath']}/weekly_report.py"]
    text = (KUBERNETES / "weekly-report.yaml").read_text()
    ((secret, key),) = re.findall(r"kubectl create secret generic (\S+) --from-literal=([^=\s]+)=", text)
    assert volumes["webhook"]["secret"] == {"secretName": secret, "defaultMode": 0o440}
    assert f"--webhook-file={mounts['webhook']['mountPath']}/{key}" in command
    assert "env" not in container


def test_the_weekly_report_is_posted_once():
    (job,) = of_kind("CronJob")
    assert (job["spec"]["schedule"], job["spec"]["timeZone"]) == ("0 6 * * 1", "Etc/UTC")
    assert job["spec"]["concurrencyPolicy"] == "Forbid"
    assert PODS["otel-claude-weekly-report"]["spec"]["restartPolicy"] == "Never"
    (timer,) = re.findall(
        r"^OnCalendar=(.*)$", (DEPLOY / "systemd/otel-claude-weekly-report.timer").read_text(), re.MULTILINE
    )
    assert timer == "Mon *-*-* 06:00:00 UTC"


def environment(name):
    (deployment,) = [each for each in of_kind("Deployment") if each["metadata"]["name"].endswith(name)]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return {each["name"]: each for each in container["env"]}


def endpoint(name):
    return environment(name)["OTEL_EXPORTER_OTLP_ENDPOINT"]["value"]


@pytest.mark.parametrize("name", ["application", "organization"])
def test_secrets_are_those_that_the_file_says_how_to_make(name):
    text = (KUBERNETES / f"{name}.yaml").read_text()
    made = re.findall(r"kubectl create secret generic (\S+) --from-literal=([^=\s]+)=", text)
    asked = [each["valueFrom"]["secretKeyRef"] for each in environment(name.replace("application", "chat")).values()
             if "valueFrom" in each]  # fmt: skip
    assert [(each["name"], each["key"]) for each in asked] == made


@pytest.mark.parametrize("name", PODS)
def test_pods_are_restricted_and_have_requests_limits_and_probes(name):
    """The Pod Security Standard "restricted", as kubernetes.io has it in 2026-11."""
    spec = PODS[name]["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] > 0
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
    volumes = {volume["name"]: volume for volume in spec.get("volumes", ())}
    kinds = {"name", "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected",
             "secret"}  # fmt: skip
    assert all(volume.keys() <= kinds for volume in volumes.values())
    for container in spec["containers"]:
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert context["readOnlyRootFilesystem"] is True
        assert container["resources"]["requests"].keys() == {"cpu", "memory"}
        assert "memory" in container["resources"]["limits"]
        assert {mount["name"] for mount in container.get("volumeMounts", ())} <= volumes.keys()
        ports = {port["name"]: port["containerPort"] for port in container.get("ports", ())}
        # What serves nothing cannot be asked.
        assert ("livenessProbe" in container) == ("readinessProbe" in container) == bool(ports)
        asked = {probe["httpGet"]["port"] for key, probe in container.items() if key.endswith("Probe")}
        assert {port for port in asked if isinstance(port, str)} <= ports.keys()


def test_the_collector_of_the_operator_is_configured_as_the_other_one():
    (made,) = of_kind("OpenTelemetryCollector")
    ours, theirs = read("collector/collector.yaml"), copy.deepcopy(made["spec"]["config"])
    for config in (ours, theirs):
        for exporter in config["exporters"].values():
            exporter["endpoint"] = "their own"
    assert theirs == ours
    (version,) = re.findall(r"^COLLECTOR=(\S+)", (ROOT / "scripts/stack").read_text(), re.MULTILINE)
    assert made["spec"]["image"].endswith(f"-contrib:{version}")


def test_a_late_batch_is_tried_for_less_than_prometheus_takes_it():
    windows = [
        read("prometheus/prometheus.yaml")["storage"]["tsdb"]["out_of_order_time_window"],
        read(f"kubernetes/{manifests.VALUES}")["prometheus"]["prometheusSpec"]["tsdb"]["outOfOrderTimeWindow"],
    ]
    tried = [
        read(f"collector/{name}.yaml")["exporters"]["otlp_http/metrics"]["retry_on_failure"]["max_elapsed_time"]
        for name in ("collector", "gateway")
    ]
    assert (set(windows), set(tried)) == ({"30m"}, {"20m"})  # fmt: skip


def test_the_interval_of_data_sources_is_that_of_the_exports():
    """Shorter, and rates are empty; longer, and they are coarser than they could be."""
    (instrumentation,) = of_kind("Instrumentation")
    exports = {each["name"]: each["value"] for each in instrumentation["spec"]["python"]["env"]}
    milliseconds = {
        exports["OTEL_METRIC_EXPORT_INTERVAL"], environment("organization")["OTEL_METRIC_EXPORT_INTERVAL"]["value"]
    }  # fmt: skip
    grafana = read(f"kubernetes/{manifests.VALUES}")["grafana"]["sidecar"]["datasources"]
    sources = read("grafana/datasource.yaml")["datasources"]
    assert milliseconds == {"60000"}
    assert {grafana["defaultDatasourceScrapeInterval"], sources[0]["jsonData"]["timeInterval"]} == {"60s"}


def test_exemplars_lead_to_a_data_source_that_is_there():
    sources = read("grafana/datasource.yaml")["datasources"]
    (destination,) = sources[0]["jsonData"]["exemplarTraceIdDestinations"]
    assert destination["datasourceUid"] in {each["uid"] for each in sources}
    grafana = read(f"kubernetes/{manifests.VALUES}")["grafana"]
    destination = grafana["sidecar"]["datasources"]["exemplarTraceIdDestinations"]
    assert destination["datasourceUid"] in {each["uid"] for each in grafana["additionalDataSources"]}
    assert destination["traceIdLabelName"] == "trace_id"


def test_grafana_looks_for_the_label_of_the_dashboards():
    sidecar = read(f"kubernetes/{manifests.VALUES}")["grafana"]["sidecar"]["dashboards"]
    for config in of_kind("ConfigMap"):
        if not any(name.endswith(".json") for name in config["data"]):
            continue
        assert config["metadata"]["labels"] == {sidecar["label"]: sidecar["labelValue"]}


def test_compose_names_services_volumes_and_mounts_that_are_there():
    made = read("compose.yaml")
    mounted = {}
    for service in made["services"].values():
        assert set(service.get("depends_on", ())) <= made["services"].keys()
        for volume in service.get("volumes", ()):
            source, target = volume.split(":")[:2]
            mounted[target] = source
            assert source.startswith("./") or source in made["volumes"]
    assert set(made["volumes"]) <= set(mounted.values())
    # The rules are looked for beside the configuration.
    (rules,) = read("prometheus/lgtm.yaml")["rule_files"]
    assert mounted["/otel-lgtm/prometheus.yaml"] == "./prometheus/lgtm.yaml"
    assert mounted[f"/otel-lgtm/{rules.partition('/')[0]}"] == "./prometheus/rules"
    for name in ("lgtm", "prometheus"):
        (rules,) = read(f"prometheus/{name}.yaml")["rule_files"]
        assert len(list((DEPLOY / "prometheus").glob(rules))) == 2


# Units


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.stem)
def test_units_name_the_same_program_and_key(unit):
    text = unit.read_text()
    first = text if "install -m 600" in text else UNITS[0].read_text()
    (venv,) = re.findall(r"python3 -m venv (\S+)", UNITS[0].read_text())
    assert set(re.findall(r"python3 -m venv (\S+)", text)) <= {venv}
    (key,) = re.findall(r"install -m 600 /dev/stdin (\S+)", first)
    (command,) = re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE)
    assert set(re.findall(r"([^\s=]+/bin)/(?:otel-claude|python)\b", command)) == {f"{venv}/bin"}
    assert re.findall(r"^LoadCredential=\S+:(\S+)$", text, re.MULTILINE) == [key]
    for script, place in re.findall(r"install -m 644 (\S+) (\S+)", text):
        assert (unit.parent / script).is_file()
        assert place in command


def test_a_timer_starts_a_unit_that_is_there():
    for timer in (DEPLOY / "systemd").glob("*.timer"):
        assert timer.with_suffix(".service") in UNITS


@pytest.mark.process
@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.stem)
@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not there")
def test_units_have_no_rights_that_they_do_not_need(unit):
    """At most 3 of 10; what systemd cannot say without running it is an error of its own."""
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=30", "--no-pager", unit]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-500:] + done.stderr


@pytest.mark.process
@pytest.mark.parametrize(
    ("unit", "said", "code"),
    [(UNITS[0], "exporting to http://", 0), (UNITS[1], "cannot tell: Prometheus at http://", 2)],
)
def test_the_command_of_a_unit_runs_with_the_key_from_the_credential(unit, said, code, tmp_path):
    (line,) = re.findall(r"^ExecStart=(.*)$", unit.read_text(), re.MULTILINE)
    line = line.replace("%%", "%").replace("/opt/otel-claude/bin", f"{sys.prefix}/bin")
    line = line.replace("${CREDENTIALS_DIRECTORY}", str(tmp_path))  # which systemd does
    (tmp_path / "admin-key").write_text("sk-ant-admin01-" + "A" * 80)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("ANTHROPIC_", "OTEL_"))}
    # The simulator is no Prometheus: it is asked, and what it says is refused.
    with Simulator(organization=Organization()) as simulator:
        own = {
            "CREDENTIALS_DIRECTORY": str(tmp_path), "ANTHROPIC_BASE_URL": simulator.url,
            "OTEL_EXPORTER_OTLP_ENDPOINT": simulator.url,
        }  # fmt: skip
        command = shlex.split(line.replace("http://localhost:9090", simulator.url))
        with subprocess.Popen(command, env=clean | own, stderr=subprocess.PIPE, text=True) as process:
            assert said in process.stderr.readline()
            if unit == UNITS[0]:  # the other one ends by itself
                process.terminate()
            assert process.wait(30) == code


# Runbooks and metrics


def kept():
    """What a delivered configuration keeps of what Prometheus and the Collector say of themselves."""
    jobs = {each["job_name"] for each in read("prometheus/prometheus.yaml")["scrape_configs"]}
    found = {RETENTION} if "prometheus" in jobs else set()
    scraped = {"otel-collector"} <= jobs and of_kind("PodMonitor")
    configs = [read(f"collector/{name}.yaml") for name in ("agent", "collector", "gateway", "remote-write")]
    if scraped and all(manifests.metrics_port(config) == 8888 for config in configs):
        found |= COLLECTORS
    return found


# Seen in Prometheus 3.14, which scraped a Collector 0.159 (test_live_manifests.py).
COLLECTORS = {
    "otelcol_exporter_send_failed_metric_points", "otelcol_exporter_queue_size", "otelcol_exporter_queue_capacity",
}  # fmt: skip


def test_every_metric_of_a_runbook_is_one_that_a_delivered_configuration_keeps():
    text = (ROOT / "docs/runbooks.md").read_text()
    named = set(re.findall(r"(?<![\w:./-])(?:claude|gen_ai|otelcol|prometheus)_[a-z_]+[a-z](?![\w./-])", text))
    assert {RETENTION, "otelcol_exporter_send_failed_metric_points", "claude_client_calls_total"} <= named
    assert named - {*SERIES, *OTHER_SERIES} - kept() == set()
    assert RETENTION in kept()


def test_no_query_names_a_job():
    """Under the operator it is `<namespace>/<service>`: what is written for one without would find nothing."""
    expressions = [
        rule["expr"] for path in (DEPLOY / "prometheus/rules").glob("*.yaml")
        for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]
    ]  # fmt: skip
    assert len(expressions) > 100
    for expression in expressions:
        assert not jobs_named(expression)
    assert jobs_named('sum(a{job="x"}) > 0') == ["x"]


def jobs_named(expression):
    return [m.value for s in selectors(expression) for m in s.matchers.matchers if m.name == "job"]


def test_pages_that_explain_job_name_the_operators_form():
    for page in ("deploy", "configuration", "tags", "organization", "runbooks"):
        assert "<namespace>/<service>" in (ROOT / f"docs/{page}.md").read_text(), page
