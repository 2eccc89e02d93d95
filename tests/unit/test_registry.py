"""The registry of names for OpenTelemetry's weaver: its form, and that it has what the tables have and no more."""

from __future__ import annotations

import json
from types import SimpleNamespace

import jsonschema
import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

import yaml_files
from conformance import INHERITED, ROOT, UPSTREAM, Registry, findings, levels, registry, script
from otel_claude import semconv as c
from otel_claude.semconv import agents, organization
from otel_claude.version import __version__

FOLDER = ROOT / "deploy" / "semconv"
DATA = yaml_files.load((FOLDER / "registry.yaml").read_text())
MANIFEST = yaml_files.load((FOLDER / "manifest.yaml").read_text())
TABLE = (
    *c.METRICS, *c.LEGACY_METRICS, *agents.SESSION_METRICS, *agents.AGENT_METRICS, *organization.ORGANIZATION_METRICS,
)  # fmt: skip


def closed(required, **optional):
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **optional},
        "additionalProperties": False,
    }


TEXT = {"type": "string", "minLength": 1}
NAME = {"type": "string", "pattern": r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$"}
STABILITY = {"enum": ["stable", "development", "alpha", "beta", "release_candidate"]}
PRIMITIVES = ["boolean", "int", "double", "string", "any"]
ARRAYS = [f"{kind}[]" for kind in PRIMITIVES if kind != "any"]
MEMBER = closed({"id": TEXT, "value": TEXT, "stability": STABILITY})
TYPE = {
    "anyOf": [
        {"enum": [*PRIMITIVES, *ARRAYS, *(f"template[{kind}]" for kind in (*PRIMITIVES, *ARRAYS))]},
        closed({"members": {"type": "array", "items": MEMBER, "minItems": 1}}),
    ]
}
LEVEL = {"anyOf": [{"enum": ["required", "recommended", "opt_in"]}, closed({"conditionally_required": TEXT})]}
REFERENCES = {"type": "array", "items": closed({"ref": NAME, "requirement_level": LEVEL}), "minItems": 1}
COMMON = {"brief": TEXT, "stability": STABILITY, "attributes": REFERENCES}
SIGNAL = {**COMMON, "requirement_level": {"enum": ["recommended", "opt_in"]}}
DEPRECATED = closed({"reason": {"enum": ["obsoleted", "uncategorized"]}, "note": TEXT})
FORM = closed(
    {
        "file_format": {"const": "definition/2"},
        "imports": closed({}, metrics={"type": "array"}, entities={"type": "array"}),
        "attributes": {
            "type": "array",
            "items": closed(
                {"key": NAME, "type": TYPE, "brief": TEXT, "stability": STABILITY}, examples={"type": "array"}
            ),
        },
        "metrics": {
            "type": "array",
            "items": closed(
                {"name": NAME, "instrument": {"enum": ["counter", "gauge", "histogram"]}, "unit": TEXT, **SIGNAL},
                deprecated=DEPRECATED,
            ),
        },
        "metric_refinements": {"type": "array", "items": closed({"id": NAME, "ref": NAME, **COMMON})},
        "spans": {
            "type": "array",
            "items": closed({"type": NAME, "kind": {"const": "client"}, "name": closed({"note": TEXT}), **SIGNAL}),
        },
        "events": {"type": "array", "items": closed({"name": NAME, **SIGNAL})},
    }
)
"""What weaver 0.26 reads of such a file, as far as ours has it (its semconv.schema.v2.json)."""


def test_the_form_is_weavers():
    jsonschema.validate(DATA, FORM)


def test_the_manifest_names_the_registry_and_those_it_needs():
    assert {
        "name": "otel-claude",
        "description": "What otel-claude emits beside the GenAI conventions.",
        "schema_url": f"https://otel-claude.invalid/schemas/{__version__}",
        "stability": "development",
        "dependencies": [
            {
                "schema_url": "https://opentelemetry.io/schemas/1.44.0",
                "registry_path": "https://github.com/open-telemetry/semantic-conventions.git@v1.44.0[model]",
            },
            {
                "schema_url": c.SCHEMA_URL,
                "registry_path": "https://github.com/open-telemetry/semantic-conventions-genai.git"
                "@06ec68e722c45a7218e23ea1bc1339fe4e21ecae[model]",
            },
        ],
    } == MANIFEST


@pytest.mark.parametrize("name", ["manifest.yaml", "registry.yaml"])
def test_the_files_are_what_the_script_writes(name):
    text = script().files()[name]
    assert (FOLDER / name).read_text() == text, "run `make dashboards`"
    assert (ROOT / "src/otel_claude/deploy_files/semconv" / name).read_text() == text, "run `make dashboards`"


def test_what_is_written_is_what_is_read():
    assert script().registry() == DATA


def test_each_metric_of_the_tables_is_there_once_and_no_other():
    defined = [metric["name"] for metric in DATA["metrics"]] + [each["ref"] for each in DATA["metric_refinements"]]
    assert sorted(defined) == sorted(metric.name for metric in TABLE)
    assert {each["ref"] for each in DATA["metric_refinements"]} == set(INHERITED)


@pytest.mark.parametrize("metric", TABLE, ids=lambda metric: metric.name)
def test_a_metric_is_what_its_table_says(metric):
    kind, unit, allowed = Registry(DATA).metrics[metric.name]
    assert (kind, unit) == (metric.kind, metric.unit)
    texts = {each.get("name", each.get("ref")): each["brief"] for each in DATA["metrics"] + DATA["metric_refinements"]}
    assert texts[metric.name] == metric.description
    common = set() if metric in organization.ORGANIZATION_METRICS else set(c.COMMON_ATTRIBUTES)
    if metric in c.TAG_METRICS or metric is c.RETIREMENT:
        common = {c.INSTANCE_ID} | ({c.PROVIDER_NAME, c.REQUEST_MODEL} if metric is c.RETIREMENT else set())
    tags = {"claude.tag"} if metric.tags or metric.kind == "histogram" else set()
    assert set(allowed) == common | set(metric.attributes) | tags


def test_what_is_refined_gets_only_attributes_that_are_not_the_conventions():
    for refined in DATA["metric_refinements"]:
        assert refined["id"] == f"claude.{refined['ref']}"
        assert not set(levels(refined)) & set(UPSTREAM)


def test_each_attribute_is_defined_here_or_by_opentelemetry_and_used():
    signals = [*DATA["metrics"], *DATA["metric_refinements"], *DATA["spans"], *DATA["events"]]
    used = {name for signal in signals for name in levels(signal)}
    inherited = {name for _, _, *more in INHERITED.values() for name in more}
    keys = [attribute["key"] for attribute in DATA["attributes"]]
    assert len(keys) == len(set(keys))
    assert not set(keys) & set(UPSTREAM)
    assert used | inherited == set(keys) | set(UPSTREAM)
    for signal in signals:
        references = [reference["ref"] for reference in signal["attributes"]]
        assert len(references) == len(set(references))


def test_each_name_of_the_tables_is_an_attribute_of_the_registry():
    names = {
        value
        for module in (c.attributes, agents, organization)
        for name, value in vars(module).items()
        if isinstance(value, str) and name.isupper() and value.startswith(("claude.", "anthropic."))
    }
    unknown = {name for name in names if registry().key(name) is None}
    assert unknown == {c.ATTEMPT_EVENT}


def test_examples_are_of_the_attributes_type():
    for attribute in DATA["attributes"]:
        if attribute["type"] in ("string", "template[string]"):
            assert attribute["examples"], attribute["key"]
            assert all(type(example) is str for example in attribute["examples"]), attribute["key"]


CALL = {"claude.client.library": "anthropic", "gen_ai.operation.name": "chat"}
WRONG = [
    ("claude.client.calls", "counter", "{call}", {**CALL}, []),
    ("claude.client.calls", "counter", "{call}", {**CALL, "claude.tag.a.b": "c"}, []),
    ("claude.client.calls", "counter", "{call}", {**CALL, "server.port": "443"}, ["server.port = '443'"]),
    ("claude.client.calls", "counter", "{call}", {**CALL, "claude.tag.a": 1}, ["claude.tag.a = 1"]),
    ("claude.client.calls", "counter", "{call}", {**CALL, "claude.new": "a"}, ["has claude.new"]),
    ("claude.client.calls", "counter", "{call}", {"error.type": "a"}, ["lacks gen_ai.operation.name"]),
    ("claude.client.calls", "counter", "{calls}", CALL, ["claude.client.calls is a Sum in {calls}"]),
    ("claude.client.calls", "gauge", "{call}", CALL, ["claude.client.calls is a Gauge in {call}"]),
    ("claude.client.calls", "updowncounter", "{call}", CALL, ["claude.client.calls is a Sum in {call}"]),
    ("claude.client.new", "counter", "{call}", {}, ["claude.client.new is a Sum in {call}"]),
    ("claude.client.cost.usd", "counter", "{USD}", {**CALL, "claude.cost.type": "tea"}, ["claude.cost.type = 'tea'"]),
    ("claude.client.cost.usd", "counter", "{USD}", {**CALL, "claude.cost.type": "_other"}, []),
]  # fmt: skip


@pytest.mark.parametrize(("name", "kind", "unit", "attributes", "wrong"), WRONG)
def test_what_is_emitted_otherwise_is_found(name, kind, unit, attributes, wrong):
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    meter = provider.get_meter(c.SCOPE, schema_url=c.SCHEMA_URL)
    if kind == "gauge":
        meter.create_gauge(name, unit).set(1, attributes)
    else:
        made = meter.create_counter(name, unit) if kind == "counter" else meter.create_up_down_counter(name, unit)
        made.add(1, attributes)
    found = findings(reader.get_metrics_data())
    provider.shutdown()
    assert len(found) == len(wrong)
    assert all(text in finding for text, finding in zip(wrong, found, strict=True))


SPAN = {"claude.cost.status": "exact", "gen_ai.operation.name": "chat", "http.request.method": "POST"}


def span_of(scope, attributes, *events, schema=c.SCHEMA_URL):
    made = SimpleNamespace(name=scope, schema_url=schema)
    name = "anthropic.messages.create"
    return SimpleNamespace(name=name, instrumentation_scope=made, attributes=attributes, events=events)


@pytest.mark.parametrize(
    ("scope", "attributes", "wrong"),
    [
        ("otel_claude", SPAN, []),
        ("otel_claude", {**SPAN, "claude.rate_limit.unified_5h.limit": 1, "claude.cost.input.usd": 0.1}, []),
        ("otel_claude", {**SPAN, "claude.cost.input.usd": 1}, ["claude.cost.input.usd = 1"]),
        ("otel_claude", {**SPAN, "gen_ai.new": 1}, ["gen_ai.new"]),
        ("com.anthropic.sdk.python", {**SPAN, "gen_ai.new": 1}, ["gen_ai.new"]),
        ("another", {**SPAN, "gen_ai.new": 1}, []),
        ("another", {**SPAN, "claude.cost.status": "dear"}, ["claude.cost.status = 'dear'"]),
        ("another", {"claude.new": 1}, ["claude.new"]),
        ("otel_claude", {**SPAN, "claude.cost.status": "dear"}, ["claude.cost.status = 'dear'"]),
        ("otel_claude", dict([*SPAN.items()][::2]), ["lacks gen_ai.operation.name"]),
        ("another", {"gen_ai.new": 1}, []),
    ],
)
def test_a_span_that_is_otherwise_is_found(scope, attributes, wrong):
    found = findings(None, [span_of(scope, attributes)])
    assert len(found) == len(wrong)
    assert all(text in finding for text, finding in zip(wrong, found, strict=True))


def test_an_event_that_is_otherwise_is_found():
    event = SimpleNamespace(name="claude.attempt", attributes={"claude.attempt.number": 1, "claude.attempt.delay": 1})
    assert findings(None, [span_of("otel_claude", SPAN, event)]) == ["claude.attempt has claude.attempt.delay = 1"]


def test_a_scope_of_ours_without_its_schema_is_found():
    assert findings(None, [span_of("otel_claude", SPAN, schema="")]) == ["a scope has the schema ''"]
    assert findings(None, [span_of("another", SPAN, schema="")]) == []


def test_each_attribute_of_a_calls_span_and_event_is_in_a_golden_file():
    """Which are what real calls emitted. Those that no file has are in tests of their own."""
    spans, events = set(), set()
    for path in (ROOT / "tests" / "golden").glob("*.json"):
        telemetry = json.loads(path.read_text())["telemetry"]
        for span in (*telemetry.get("ours", ()), *telemetry.get("native", ())):
            if c.COST_STATUS in span["attributes"]:
                spans |= {registry().key(name) for name in span["attributes"]}
            for event in span.get("events", ()):
                events |= set(event["attributes"])
    elsewhere = {c.CONVERSATION_ID, c.REQUEST_TEMPERATURE, c.REQUEST_TOP_P, c.REQUEST_TOP_K, "url.query"}
    assert spans == set(registry().span) - elsewhere
    assert events == set(registry().events[c.ATTEMPT_EVENT])
