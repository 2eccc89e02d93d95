"""`otel-claude doctor`: each finding, and what it says to type."""

import json
import os
import re
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace

import pytest
from cli_programs import on_terminal
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter

from otel_claude.cli import doctor
from otel_claude.cli.doctor import exporting, others, program, sdk
from otel_claude.patching import Patch
from otel_claude.pricing import shipped
from otel_claude.sdk.patches import PATCHES
from otel_claude.telemetry.conflicts import KNOWN

ROOT = Path(__file__).parents[2]
OFF = "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"
NOW = datetime.fromisoformat(shipped().date).replace(tzinfo=timezone.utc).timestamp() + 86_400


@pytest.fixture(autouse=True)
def versions(monkeypatch):
    """What is installed: as it is, but for what a test changes."""
    changed = {}
    real = sdk.installed
    for module in (sdk, exporting, others, program):
        monkeypatch.setattr(module, "installed", lambda name: changed.get(name, real(name)))
    return changed


def found(now=NOW, **environment):
    return doctor.examine({"OTEL_SERVICE_NAME": "checkout", **environment}, now=now, connect=False)


def wrong(now=NOW, **environment):
    return {finding.subject: finding for finding in found(now, **environment) if finding.wrong}


def test_nothing_is_wrong_where_nothing_is_wrong():
    assert wrong() == {}
    levels = {finding.level for finding in found()}
    assert levels == {"ok", "note"}


def test_every_finding_that_is_wrong_says_what_to_do():
    everything = found(
        now=NOW + 1e8, OTEL_SDK_DISABLED="true", OTEL_PYTHON_DISABLED_INSTRUMENTATIONS="*", OTEL_METRICS_EXPORTER="x",
        OTEL_METRIC_EXPORT_INTERVAL="a", OTEL_CLAUDE_SPANS="maybe", OTEL_CLAUDE_SPAN="off", OTEL_CLAUDE_PRICES="/no",
        OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE="delta", OTEL_CLAUDE_SUMMARY_JSON="/no/x.json",
    )  # fmt: skip
    assert sum(finding.wrong for finding in everything) == 10
    for finding in everything:
        assert not finding.wrong or finding.do


@pytest.mark.parametrize(
    ("version", "environment", "said"),
    [
        ("2.12.0", {}, "2.12.0. It traces itself, and otel-claude adds cost"),
        ("1.14.0", {"ANTHROPIC_OPEN_TELEMETRY": "false"}, "ANTHROPIC_OPEN_TELEMETRY turns its own spans off"),
        ("1.13.0", {}, "1.13.0. It does not trace itself (1.14 does), so otel-claude opens one span per call."),
        ("2.0.0", {"OTEL_CLAUDE_SPANS": "off"}, "OTEL_CLAUDE_SPANS is off"),
    ],
)
def test_who_opens_the_spans(versions, version, environment, said):
    versions["anthropic"] = version
    texts = [finding.text for finding in found(**environment) if finding.subject == "anthropic"]
    assert said in texts[0]


@pytest.mark.parametrize(
    ("version", "level", "said", "do"),
    [
        (None, "error", "The SDK is not installed for ", "pip install 'otel-claude[anthropic]'"),
        ("0.39.0", "error", "version 0.39.0 is not supported", "pip install 'anthropic<3,>=0.40'"),
        ("3.0.0", "error", "version 3.0.0 is not supported", "pip install 'anthropic<3,>=0.40'"),
        ("2.13.0rc1", "warning", "2.13.0rc1 is a pre-release", "Call ClaudeInstrumentor().instrument(skip_dep_check"),
    ],
)  # fmt: skip
def test_versions_of_the_sdk(versions, version, level, said, do):
    versions.update({"anthropic": version, "botocore": None, "litellm": None})
    finding = wrong()["anthropic"]
    assert finding.level == level
    assert said in finding.text
    assert finding.do.startswith(do)


@pytest.mark.parametrize(
    "patch",
    [
        Patch("anthropic._base_client", "SyncAPIClient", "gone", None),
        Patch("anthropic._base_client", "Gone", "gone", None),
        # An inherited one would be patched in the wrong place.
        Patch("anthropic._base_client", "SyncAPIClient", "_should_retry", None),
    ],
)
def test_a_patched_function_that_is_missing(monkeypatch, patch):
    monkeypatch.setattr(sdk, "PATCHES", (*PATCHES, patch))
    finding = wrong()["anthropic"]
    assert f"has no {patch.owner}.{patch.name}, so nothing is measured" in finding.text
    assert finding.do == "pip install --upgrade otel-claude"


def test_an_sdk_that_cannot_be_imported(monkeypatch):
    monkeypatch.setattr(sdk, "import_module", lambda _: 1 / 0)
    assert "cannot be imported (ZeroDivisionError" in wrong()["anthropic"].text


@pytest.mark.parametrize(
    ("version", "level", "said", "do"),
    [
        ((3, 9, 20), "warning", "Python 3.9.20 (", "Use Python 3.10 or newer."),
        ((3, 10, 0), "ok", "Python 3.10.0 (", None),
        ((3, 15, 2), "ok", "Python 3.15.2 (", None),
        ((3, 16, 0), "note", "newer than those that are tested", None),
    ],
)
def test_python(monkeypatch, version, level, said, do):
    monkeypatch.setattr(sdk.sys, "version_info", version)
    (found,) = [finding for finding in sdk.findings({}) if finding.subject == "Python"]
    assert (found.level, found.do) == (level, do)
    assert said in found.text


def test_the_tested_versions_of_python_are_those_of_the_package():
    named = re.findall(r'"Programming Language :: Python :: 3\.(\d+)"', (ROOT / "pyproject.toml").read_text())
    assert ((3, int(named[0])), (3, int(named[-1]))) == sdk._PYTHONS


class Distribution:
    def __init__(self, *names):
        self.entry_points = [type("Point", (), {"name": name, "group": "opentelemetry_instrumentor"}) for name in names]


@pytest.mark.parametrize("other", KNOWN, ids=lambda other: other.package)
@pytest.mark.parametrize(
    ("names", "off", "level", "said"),
    [
        (("anthropic",), "", "warning", "each call has more than one span"),
        (("anthropic",), "anthropic", "ok", "is installed and turned off"),
        (("anthropic", "other"), "anthropic", "warning", "each call has more than one span"),
        (("anthropic",), "otel_claude", "warning", "each call has more than one span"),
        ((), "", "note", "if the program starts it, each call has more than one span"),
    ],
)
def test_other_instrumentations(versions, monkeypatch, other, names, off, level, said):  # noqa: PLR0917 - a table's
    versions[other.package] = "1.2"
    monkeypatch.setattr(others, "distribution", lambda _: Distribution(*names))
    (finding,) = [each for each in found(OTEL_PYTHON_DISABLED_INSTRUMENTATIONS=off) if each.subject == other.package]
    assert finding.level == level
    assert said in finding.text
    assert finding.do == {"warning": f"pip uninstall {other.package}", "note": "Do not start it."}.get(level)


@pytest.mark.parametrize("tool", others._TOOLS, ids=lambda tool: tool.package)
def test_other_tools_that_trace_calls(versions, tool):
    versions[tool.package] = "1.2"
    (finding,) = [each for each in found() if each.subject == tool.package]
    assert (finding.level, finding.do) == ("note", tool.off)
    assert f"1.2 is installed: if the program uses {tool.start}, " in finding.text
    assert ("its tokens count twice" in finding.text) != (f"to {tool.destination} too" in finding.text)


@pytest.mark.parametrize(("value", "level"), [("false", "ok"), ("0", "ok"), ("true", "note")])
def test_a_tool_that_is_turned_off(versions, value, level):
    versions["ddtrace"] = "4.16.0"
    (finding,) = [each for each in found(DD_TRACE_ANTHROPIC_ENABLED=value) if each.subject == "ddtrace"]
    assert finding.level == level


AGENT = "CLAUDE_CODE_ENABLE_TELEMETRY"


@pytest.mark.parametrize(
    ("version", "environment", "level", "said"),
    [
        ("0.2.187", {}, "ok", "0.2.187. What its program reports is counted"),
        ("0.1.0", {AGENT: "0"}, "ok", "0.1.0. What its program reports is counted"),
        ("0.2.187", {AGENT: "1"}, "note", "CLAUDE_CODE_ENABLE_TELEMETRY is on"),
        ("0.2.187", {AGENT: "1", "OTEL_CLAUDE_AGENT_SDK": "on"}, "ok", "is counted"),
        ("0.2.187", {"OTEL_CLAUDE_AGENT_SDK": "off"}, "ok", "is not counted, as you set"),
        ("0.2.187", {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "otel_claude_agent_sdk"}, "ok", "is not counted, as you"),
        ("0.3.0", {}, "warning", "0.3.0 is not supported"),
    ],
)
def test_the_agent_sdk(versions, version, environment, level, said):
    versions["claude-agent-sdk"] = version
    (finding,) = (each for each in found(**environment) if each.subject == "claude-agent-sdk")
    assert finding.level == level
    assert said in finding.text


def test_no_word_of_an_agent_sdk_that_is_not_there(versions):
    versions["claude-agent-sdk"] = None
    assert not [each for each in found() if each.subject == "claude-agent-sdk"]


BESIDE = [
    # package, version, environment, level, what is said
    ("botocore", "1.35.0", {}, "ok", "1.35.0. Calls to Claude on Amazon Bedrock by boto3 are measured."),
    ("botocore", "1.34.9", {}, "warning", "not supported, so calls to Claude on Amazon Bedrock by boto3 are not"),
    ("botocore", "1.44.5", {OFF: "otel_claude_botocore"}, "ok", "are not measured, as you"),
    ("litellm", "1.60.8", {}, "ok", "1.60.8. Calls to Claude by LiteLLM are measured."),
    ("litellm", "1.59.0", {}, "warning", "1.59.0 is not supported, so calls to Claude by LiteLLM are not"),
    ("litellm", "1.110.2", {OFF: "otel_claude_litellm"}, "ok", "are not measured, as you"),
]


@pytest.mark.parametrize(("package", "version", "environment", "level", "said"), BESIDE)
def test_other_libraries(versions, package, version, environment, level, said):
    versions[package] = version
    (finding,) = (each for each in found(**environment) if each.subject == package)
    assert finding.level == level
    assert said in finding.text


@pytest.mark.parametrize("package", ["botocore", "litellm"])
def test_a_program_with_another_library_alone_needs_no_anthropic_sdk(versions, package):
    versions.update({"anthropic": None, "botocore": None, "litellm": None, package: "1.100.0"})
    (finding,) = (each for each in found() if each.subject == "anthropic")
    said = "The SDK is not installed. Calls by boto3 and by LiteLLM do not need it."
    assert finding == ("ok", "anthropic", said, None)


@pytest.mark.parametrize(
    ("url", "said"),
    [("http://user:secret@litellm:4000/x", "litellm"), ("https://api.anthropic.com", None), ("", None), ("x", None)],
)
def test_calls_that_go_to_a_proxy(url, said):
    notes = [each for each in found(ANTHROPIC_BASE_URL=url) if each.subject == "ANTHROPIC_BASE_URL"]
    assert [each.level for each in notes] == (["note"] if said else [])
    for note in notes:
        assert f"sends calls to {said}. If that is a LiteLLM proxy" in note.text
        assert "secret" not in note.text


@pytest.mark.parametrize("name", ["otel_claude", "*"])
def test_turned_off(name):
    finding = wrong(OTEL_PYTHON_DISABLED_INSTRUMENTATIONS=f"flask, {name}")["otel-claude"]
    assert finding.level == "error"
    assert f"names {name}, so nothing is measured" in finding.text


def test_not_installed_as_a_package(monkeypatch):
    monkeypatch.setattr(sdk, "entry_points", lambda **_: [])
    assert wrong()["otel-claude"].do == "pip install otel-claude"


def test_packages_that_are_missing(versions):
    versions["opentelemetry-distro"] = None
    finding = wrong()["OpenTelemetry"]
    assert finding.text.startswith("opentelemetry-distro not installed")
    assert finding.do == "pip install 'otel-claude[otlp]'"


@pytest.mark.parametrize(
    ("environment", "protocol", "endpoint", "configured"),
    [
        ({}, "grpc", "http://localhost:4317", False),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, "http/protobuf", "http://localhost:4318/v1/metrics", False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4317"}, "grpc", "http://c:4317", True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318/", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"},
         "http/protobuf", "http://c:4318/v1/metrics", True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://p/x",
          "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "http/protobuf"}, "http/protobuf", "http://p/x", True),
    ],
)  # fmt: skip
def test_where_metrics_go(environment, protocol, endpoint, configured):
    to = exporting.target(environment)
    assert (to.protocol, to.endpoint, bool(to.variable)) == (protocol, endpoint, configured)


@pytest.mark.parametrize(
    ("protocol", "endpoint", "environment", "tls"),
    [
        ("http/protobuf", "http://c", {}, False),
        ("http/protobuf", "https://c", {}, True),
        ("grpc", "c:4317", {}, True),
        ("grpc", "c:4317", {"OTEL_EXPORTER_OTLP_INSECURE": "True"}, False),
        ("grpc", "c:4317", {"OTEL_EXPORTER_OTLP_INSECURE": "1"}, True),
        ("grpc", "http://c:4317", {}, False),
        ("grpc", "http://c:4317", {"OTEL_EXPORTER_OTLP_INSECURE": "false"}, True),
        ("grpc", "https://c:4317", {"OTEL_EXPORTER_OTLP_INSECURE": "true"}, True),
        ("grpc", "c", {"OTEL_EXPORTER_OTLP_INSECURE": "true", "OTEL_EXPORTER_OTLP_METRICS_INSECURE": "false"}, True),
        ("grpc", "c", {"OTEL_EXPORTER_OTLP_INSECURE": "false", "OTEL_EXPORTER_OTLP_METRICS_INSECURE": "true"}, False),
    ],
)
def test_whether_the_exporter_uses_tls(monkeypatch, protocol, endpoint, environment, tls):
    environment = {
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL": protocol, **environment,
    }  # fmt: skip
    assert exporting.target(environment).tls == tls
    if protocol == "grpc":
        # What the exporter itself decides.
        for name in [name for name in os.environ if name.startswith("OTEL_")]:
            monkeypatch.delenv(name)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        exporter = OTLPMetricExporter()
        assert exporter._insecure != tls
        exporter.shutdown()


BY_HTTP = "export OTEL_EXPORTER_OTLP_METRICS_PROTOCOL=http/protobuf"
HTTP = {"OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "http/protobuf"}


@pytest.mark.parametrize(
    ("environment", "said", "do"),
    [
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://p:9090/api/v1/otlp/v1/metrics"},
         "Prometheus' OTLP endpoint takes HTTP/protobuf only, and the protocol is grpc",
         f"{BY_HTTP} OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://p:9090/api/v1/otlp/v1/metrics"),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "p:9090"}, "Prometheus' OTLP endpoint takes HTTP/protobuf only",
         f"{BY_HTTP} OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://p:9090/api/v1/otlp/v1/metrics"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, "The port 4318 takes HTTP/protobuf only",
         "export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://c:4318"}, "The port 4318 takes HTTP/protobuf only",
         f"{BY_HTTP} OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://c:4318/v1/metrics"),
        ({**HTTP, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4317"}, "4317 is usually gRPC's port",
         "export OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4318"),
        ({**HTTP, "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://p:9090/api/v1/otlp"},
         "is used as it is, and http://p:9090/api/v1/otlp does not end in /v1/metrics",
         "export OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://p:9090/api/v1/otlp/v1/metrics"),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"}, "The protocol is neither grpc nor http/protobuf",
         "export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"),
    ],
)  # fmt: skip
def test_protocol_and_endpoint(environment, said, do):
    finding = wrong(**environment)["OTLP"]
    assert said in finding.text
    assert finding.do == do


@pytest.mark.parametrize(
    "environment",
    [
        {**HTTP, "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://p:9090/api/v1/otlp/v1/metrics"},
        {**HTTP, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4317"},
        {"OTEL_METRICS_EXPORTER": "claude_summary", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://p:9090"},
    ],
)
def test_what_fits_is_right(environment):
    assert wrong(**environment) == {}


def test_traces_and_logs_would_go_to_prometheus_too():
    environment = {
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://p:9090/api/v1/otlp",
    }
    did = [finding.do for finding in found(**environment) if finding.wrong]
    assert did == ["export OTEL_TRACES_EXPORTER=none", "export OTEL_LOGS_EXPORTER=none"]
    assert wrong(**environment, OTEL_TRACES_EXPORTER="none", OTEL_LOGS_EXPORTER="none") == {}


def test_an_exporter_that_is_not_installed(versions):
    assert (
        "No installed package has an exporter of a name in it"
        in wrong(OTEL_METRICS_EXPORTER="datadog")["OTEL_METRICS_EXPORTER"].text
    )
    assert wrong(OTEL_METRICS_EXPORTER="none")["OTEL_METRICS_EXPORTER"].do == "unset OTEL_METRICS_EXPORTER"
    versions["opentelemetry-exporter-otlp-proto-grpc"] = None
    assert wrong()["OTLP"].do == "pip install opentelemetry-exporter-otlp-proto-grpc"


TEMPORALITY = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"
DELTA_TAKEN = "   (Datadog, New Relic, Honeycomb, Azure Monitor: delta)"
AGGREGATION = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION"


@pytest.mark.parametrize(
    ("name", "value", "do"),
    [
        (TEMPORALITY, "delta", f"export {TEMPORALITY}=cumulative{DELTA_TAKEN}"),
        (TEMPORALITY, "LOWMEMORY", f"export {TEMPORALITY}=cumulative{DELTA_TAKEN}"),
        (TEMPORALITY, "cumulative", None),
        (AGGREGATION, "base2_exponential_bucket_histogram", f"unset {AGGREGATION}   (or Prometheus 3.8 or later)"),
        (AGGREGATION, "explicit_bucket_histogram", None),
        ("OTEL_METRIC_EXPORT_INTERVAL", "600000", "export OTEL_METRIC_EXPORT_INTERVAL=60000"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "1m", "export OTEL_METRIC_EXPORT_INTERVAL=60000"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "15000", None),
        ("OTEL_METRIC_EXPORT_INTERVAL", "0", "export OTEL_METRIC_EXPORT_INTERVAL=60000"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "-1", "export OTEL_METRIC_EXPORT_INTERVAL=60000"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "nan", "export OTEL_METRIC_EXPORT_INTERVAL=60000"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "inf", "export OTEL_METRIC_EXPORT_INTERVAL=60000"),
        ("OTEL_SDK_DISABLED", "true", "unset OTEL_SDK_DISABLED"),
        ("OTEL_CLAUDE_TAG_LIMIT", "many", "unset OTEL_CLAUDE_TAG_LIMIT   (or correct it)"),
        ("OTEL_CLAUDE_TAG_LIMITS", "5", "Did you mean OTEL_CLAUDE_TAG_LIMIT?"),
        ("OTEL_CLAUDE_COLOUR", "red", "unset OTEL_CLAUDE_COLOUR"),
        ("OTEL_CLAUDE_SUMMARY_JSON", "/no/folder/x.json", "mkdir -p /no/folder"),
        ("OTEL_CLAUDE_SUMMARY_JSON", "x.json", None),
    ],
)
def test_settings(name, value, do):
    did = [finding.do for finding in found(**{name: value}) if finding.wrong]
    assert did == ([] if do is None else [do])


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "In Grafana's data source: Scrape interval (timeInterval) = 60s"),
        ({"OTEL_METRIC_EXPORT_INTERVAL": "15000"}, "In Grafana's data source: Scrape interval (timeInterval) = 15s"),
        ({"OTEL_METRICS_EXEMPLAR_FILTER": "always_off"}, "unset OTEL_METRICS_EXEMPLAR_FILTER"),
        (
            {"OTEL_RESOURCE_ATTRIBUTES": "service.instance.id=a"},
            "Take service.instance.id out of OTEL_RESOURCE_ATTRIBUTES",
        ),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "c:4317"},
            "If it has no TLS: export OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4317",
        ),
    ],
)
def test_notes(environment, said):
    assert any(
        finding.level == "note" and finding.do and finding.do.startswith(said) for finding in found(**environment)
    )
    assert wrong(**environment) == {}


CONFIG = "OTEL_CONFIG_FILE"


def test_a_configuration_file_that_is_missing():
    finding = wrong(**{CONFIG: "/no/otel.yaml"})[CONFIG]
    assert (finding.level, finding.do) == ("error", f"unset {CONFIG}")
    assert finding.text == "There is no file /no/otel.yaml, so nothing is measured."


def test_a_configuration_file_without_its_package(tmp_path):
    (tmp_path / "otel.yaml").write_text("file_format: '1.0'\n")
    finding = wrong(**{CONFIG: str(tmp_path / "otel.yaml")})[CONFIG]
    assert finding.text == "opentelemetry-configuration is not installed, so nothing is measured."
    assert finding.do == "pip install opentelemetry-configuration"


class RefusedError(Exception):
    pass


@pytest.mark.parametrize(
    ("loaded", "level", "said"),
    [
        (SimpleNamespace(meter_provider=object()), "ok", "alone says where telemetry goes"),
        (SimpleNamespace(meter_provider=None), "error", "has no meter_provider, so metrics go nowhere."),
        (RefusedError("authorization: S3cret99"), "error", "is refused (RefusedError), so nothing is measured."),
    ],
)
def test_a_configuration_file_is_loaded_by_its_package(versions, monkeypatch, tmp_path, loaded, level, said):
    def load(_):
        if isinstance(loaded, Exception):
            raise loaded
        return loaded

    versions["opentelemetry-configuration"] = "0.66b2"
    monkeypatch.setitem(sys.modules, "opentelemetry.configuration", SimpleNamespace(load_config_file=load))
    (tmp_path / "otel.yaml").write_text("")
    (finding,) = [each for each in found(**{CONFIG: str(tmp_path / "otel.yaml")}) if each.subject == CONFIG]
    assert finding.level == level
    assert said in finding.text
    assert "S3cret99" not in str(finding)


@pytest.mark.parametrize(
    ("version", "level", "said", "others"),
    [
        ("1.42.1", "warning", "OpenTelemetry's SDK 1.42.1 does not read it, 1.44 does: the variables count.", True),
        ("1.43.0", "ok", "alone says where telemetry goes", False),
    ],
)
def test_a_configuration_file_and_an_older_sdk(versions, tmp_path, version, level, said, others):
    versions["opentelemetry-sdk"] = version
    (tmp_path / "otel.yaml").write_text("")
    everything = found(**{CONFIG: str(tmp_path / "otel.yaml"), "OTEL_METRICS_EXPORTER": "none"})
    (finding,) = [each for each in everything if each.subject == CONFIG]
    assert finding.level == level
    assert said in finding.text
    assert any(each.subject == "OTEL_METRICS_EXPORTER" for each in everything) == others


def test_with_a_configuration_file_the_variables_are_not_looked_at(versions, monkeypatch, tmp_path):
    versions["opentelemetry-configuration"] = "0.66b2"
    loaded = SimpleNamespace(meter_provider=object())
    monkeypatch.setitem(sys.modules, "opentelemetry.configuration", SimpleNamespace(load_config_file=lambda _: loaded))
    (tmp_path / "otel.yaml").write_text("")
    environment = {
        CONFIG: str(tmp_path / "otel.yaml"), "OTEL_METRICS_EXPORTER": "none", "OTEL_METRIC_EXPORT_INTERVAL": "0",
        "OTEL_SERVICE_NAME": "", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://p:9090", "OTEL_PROPAGATORS": "b3",
        "OTEL_CLAUDE_BAGGAGE_TAGS": "tenant", "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "delta",
    }  # fmt: skip
    assert wrong(**environment) == {}
    asked = doctor.examine(environment, now=NOW, connect=True)
    assert not [finding for finding in asked if finding.subject == "OTLP"]


ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4317"}


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({**ENDPOINT, "OTEL_SERVICE_NAME": "checkout"}, True),
        ({**ENDPOINT, "OTEL_SERVICE_NAME": ""}, False),
        ({**ENDPOINT, "OTEL_SERVICE_NAME": " "}, False),
        ({**ENDPOINT, "OTEL_SERVICE_NAME": "", "OTEL_RESOURCE_ATTRIBUTES": "a=b, service.name=x"}, True),
        ({**ENDPOINT, "OTEL_SERVICE_NAME": "", "OTEL_RESOURCE_ATTRIBUTES": "service.name=,a=b"}, False),
        ({**ENDPOINT, "OTEL_SERVICE_NAME": "", "OTEL_RESOURCE_ATTRIBUTES": "my.service.name=x"}, False),
        ({"OTEL_METRICS_EXPORTER": "prometheus", "OTEL_SERVICE_NAME": ""}, False),
        # Nothing is exported to anybody who would have to tell services apart.
        ({"OTEL_SERVICE_NAME": ""}, True),
        ({**ENDPOINT, "OTEL_METRICS_EXPORTER": "none", "OTEL_SERVICE_NAME": ""}, True),
    ],
)
def test_a_service_without_a_name(environment, named):
    finding = wrong(**environment).get("OTEL_SERVICE_NAME")
    assert (finding is None) == named
    assert finding is None or finding.do == "export OTEL_SERVICE_NAME=your-service"


@pytest.mark.parametrize(
    ("propagators", "do"),
    [
        (None, None),
        ("tracecontext,baggage", None),
        ("tracecontext, baggage", None),
        ("tracecontext", "export OTEL_PROPAGATORS=tracecontext,baggage"),
        ("none", "export OTEL_PROPAGATORS=tracecontext,baggage"),
    ],
)
@pytest.mark.parametrize("tags", ["", "tenant"])
def test_tags_of_baggage_that_is_not_propagated(propagators, do, tags):
    given = {"OTEL_CLAUDE_BAGGAGE_TAGS": tags, **({} if propagators is None else {"OTEL_PROPAGATORS": propagators})}
    finding = wrong(**given).get("OTEL_PROPAGATORS")
    assert (finding and finding.do) == (do if tags else None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_METRICS_EXPORTER", "none,otlp"),
        ("OTEL_TRACES_EXPORTER", "zipkin"),
        ("OTEL_TRACES_EXPORTER", "otlp,none"),
        ("OTEL_LOGS_EXPORTER", "loki"),
        ("OTEL_PROPAGATORS", "tracecontext,b3"),
        ("OTEL_PYTHON_ID_GENERATOR", "xray"),
        ("OTEL_PYTHON_CONFIGURATOR", "ours"),
        ("OTEL_METRICS_EXEMPLAR_FILTER", "sometimes"),
    ],
)
def test_what_no_package_has_keeps_all_from_being_measured(name, value):
    environment = {name: value, "OTEL_SERVICE_NAME": "checkout"}
    finding = wrong(**environment)[name]
    assert finding.level == "error"
    assert finding.text.endswith("so nothing is measured.")
    # As it is.
    program = "from opentelemetry import metrics; print(type(metrics.get_meter_provider()).__name__)"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    quiet = {"OTEL_TRACES_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "console"}
    code = f"from opentelemetry.instrumentation.auto_instrumentation import initialize; initialize(); {program}"
    done = subprocess.run(
        [sys.executable, "-c", code], env={**kept, **quiet, **environment}, capture_output=True, text=True, check=False
    )
    assert "\nMeterProvider\n" not in f"\n{done.stdout}"


@pytest.mark.parametrize("name", ["OTEL_TRACES_EXPORTER", "OTEL_LOGS_EXPORTER", "OTEL_PROPAGATORS"])
def test_none_is_no_package(name):
    assert wrong(**{name: "none"}) == {}


@pytest.mark.parametrize("given", ["Authorization: Basic abc", "=x", "a=b,c", "x=line%0Abreak", "a b=c"])
def test_headers_that_are_none(given):
    name = "OTEL_EXPORTER_OTLP_HEADERS"
    finding = wrong(**{name: given})[name]
    assert finding.level == "error"
    assert given not in str(finding)
    assert wrong(**{name: "authorization=Basic%20abc,x-tenant=a b=c,"}) == {}


def test_certificates_that_are_missing(tmp_path):
    (tmp_path / "ca.pem").write_text("")
    there, missing = str(tmp_path / "ca.pem"), str(tmp_path / "no.pem")
    settings = {
        "OTEL_EXPORTER_OTLP_CERTIFICATE": there, "OTEL_EXPORTER_OTLP_CLIENT_KEY": missing,
        "OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE": missing,
    }  # fmt: skip
    found = wrong(OTEL_EXPORTER_OTLP_ENDPOINT="https://c:4317", **settings)
    assert sorted(found) == ["OTEL_EXPORTER_OTLP_CLIENT_KEY", "OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE"]
    assert found["OTEL_EXPORTER_OTLP_CLIENT_KEY"].text == f"There is no file {missing}."
    # Nobody reads them.
    assert wrong(OTEL_EXPORTER_OTLP_ENDPOINT="http://c:4317", **settings) == {}


NEWER = "pip install --upgrade opentelemetry-sdk opentelemetry-distro"
FIXES = {"OTEL_RESOURCE_ATTRIBUTES": "service.name=app,service.instance.id=pod"}


@pytest.mark.parametrize(
    ("version", "environment", "level", "said", "do"),
    [
        ("1.45.2", {}, "ok", "OpenTelemetry's SDK draws service.instance.id for each process, forked ones too.", None),
        ("1.44.0", {"OTEL_CLAUDE_INSTANCE_ID": "on"}, "ok", "OpenTelemetry's SDK draws service.instance.id", None),
        ("1.44.0", {"OTEL_CLAUDE_INSTANCE_ID": "off"}, "ok", "OpenTelemetry's SDK draws service.instance.id", None),
        ("1.43.1", {}, "note", "OpenTelemetry's SDK 1.43 leaves a forked process", NEWER),
        ("1.42.1", {}, "note", "The resource has no service.instance.id.", NEWER),
        ("1.45.2", FIXES, "note", "OTEL_RESOURCE_ATTRIBUTES fixes service.instance.id",
         "Take service.instance.id out of OTEL_RESOURCE_ATTRIBUTES, if you can"),
        ("1.45.2", {**FIXES, "OTEL_CLAUDE_INSTANCE_ID": "off"}, "warning",
         "OTEL_RESOURCE_ATTRIBUTES fixes service.instance.id", "unset OTEL_CLAUDE_INSTANCE_ID"),
        ("1.43.0", {"OTEL_CLAUDE_INSTANCE_ID": "off"}, "warning", "OpenTelemetry's SDK 1.43 leaves a forked process",
         "unset OTEL_CLAUDE_INSTANCE_ID"),
        ("1.30.0", {"OTEL_CLAUDE_INSTANCE_ID": "false"}, "warning", "The resource has no service.instance.id.",
         "unset OTEL_CLAUDE_INSTANCE_ID"),
    ],
)  # fmt: skip
def test_what_tells_processes_apart(versions, version, environment, level, said, do):
    versions["opentelemetry-sdk"] = version
    (finding,) = [each for each in found(**environment) if each.subject == "Processes"]
    assert (finding.level, finding.do) == (level, do)
    assert finding.text.startswith(said)
    lost, carried = "is off, so what processes spend", "So every metric carries claude.instance.id"
    assert (lost in finding.text, carried in finding.text) == (level == "warning", level == "note")


def test_the_price_table_grows_old():
    assert wrong(NOW + 59 * 86_400) == {}
    finding = wrong(NOW + 60 * 86_400)["Prices"]
    assert "61 days old" in finding.text
    assert finding.do == "pip install --upgrade otel-claude"


def test_models_that_the_sdk_knows_and_the_table_does_not(monkeypatch):
    monkeypatch.setattr(program, "_models_of_sdk", lambda: ["claude-opus-5", "claude-next-1", "claude-next-2"])
    assert "no price here: claude-next-1, claude-next-2." in wrong()["Prices"].text


def test_models_that_the_sdk_names_and_that_are_retired(monkeypatch):
    monkeypatch.setattr(program, "_models_of_sdk", lambda: ["claude-2.1", "claude-opus-5", "claude-3-5-sonnet-latest"])
    assert wrong() == {}
    (finding,) = [each for each in found() if each.subject == "Prices" and each.level == "note"]
    assert finding.text.endswith("are retired and have no price here: claude-2.1, claude-3-5-sonnet-latest.")
    assert finding.do is None


def test_every_model_of_the_installed_sdk_is_looked_at():
    models = program._models_of_sdk()
    assert len(models) > 10
    assert all(name.startswith("claude-") for name in models)


def test_a_price_file(tmp_path):
    path = tmp_path / "own.json"
    path.write_text('{"name": "acme"}')
    text = next(f.text for f in found(OTEL_CLAUDE_PRICES=str(path)) if f.subject == "OTEL_CLAUDE_PRICES")
    assert f"merged over the shipped prices as {shipped().date}+acme" in text
    path.write_text('{"modles": {}, "discounts": 3}')  # codespell:ignore modles
    finding = wrong(OTEL_CLAUDE_PRICES=str(path))["OTEL_CLAUDE_PRICES"]
    assert finding.level == "error"
    assert "has 2 mistakes" in finding.text


def test_settings_that_were_changed_are_shown():
    text = next(finding.text for finding in found(OTEL_CLAUDE_TAG_LIMIT="7") if finding.subject == "OTEL_CLAUDE_*")
    assert text == "tag_limit = 7"


def test_it_asks_only_the_endpoint_that_was_configured(monkeypatch):
    asked = []
    monkeypatch.setattr(
        doctor, "probe", lambda target, _: asked.append(target.endpoint) or doctor.Finding("ok", "", "")
    )
    doctor.examine({}, now=NOW, connect=True)
    doctor.examine({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4317"}, now=NOW, connect=False)
    doctor.examine(
        {"OTEL_METRICS_EXPORTER": "console", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c"}, now=NOW, connect=True
    )
    assert asked == []
    doctor.examine({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4317"}, now=NOW, connect=True)
    assert asked == ["http://c:4317"]


def test_the_command(otel_claude, monkeypatch):
    monkeypatch.setattr("time.time", lambda: NOW)
    code, out, err = otel_claude("doctor")
    assert (code, err) == (0, "")
    assert out.startswith("ok      Python: otel-claude ")
    assert out.endswith("\nNothing is wrong.\n")
    monkeypatch.setenv("OTEL_CLAUDE_PRICE", "x")
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    code, out, _ = otel_claude("doctor")
    assert code == 1
    assert "warning OTEL_CLAUDE_PRICE: There is no such setting.\n        -> Did you mean OTEL_CLAUDE_PRICES?\n" in out
    assert out.endswith("\n1 error and 1 warning.\n")


def test_json(otel_claude, monkeypatch):
    monkeypatch.setattr("time.time", lambda: NOW)
    monkeypatch.setenv("OTEL_CLAUDE_PRICE", "x")
    code, out, _ = otel_claude("doctor", "--json")
    data = json.loads(out)
    assert code == 1
    assert data["counts"] == {"error": 0, "warning": 1, "note": 3, "ok": 9}
    warning = next(row for row in data["findings"] if row["level"] == "warning")
    assert warning == {
        "level": "warning", "subject": "OTEL_CLAUDE_PRICE", "text": "There is no such setting.",
        "do": "Did you mean OTEL_CLAUDE_PRICES?",
    }  # fmt: skip


def test_on_a_terminal():
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    environment |= {"COLUMNS": "80", "TERM": "dumb", "WEB_CONCURRENCY": "2"}
    environment["OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"] = "http://prometheus.example:9090/api/v1/otlp/v1/metrics"
    code, said = on_terminal(["doctor", "--offline"], environment)
    lines = said.splitlines()
    assert code == 1
    assert lines[0].startswith("ok      Python: otel-claude")
    assert "error   OTLP: Prometheus' OTLP endpoint takes HTTP/protobuf only, and the" in [
        line.rstrip() for line in lines
    ]
    # What is to be typed is not broken.
    (command,) = [line for line in lines if len(line) > 80]
    assert command == (
        f"        {BY_HTTP} OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://prometheus.example:9090/api/v1/otlp/v1/metrics"
    )
