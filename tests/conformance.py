"""What the registry of names says, held against what was emitted: names, units, kinds, types, values, requirements."""

import importlib.util
import sys
from functools import cache
from pathlib import Path

from otel_claude import semconv as c

ROOT = Path(__file__).parents[1]
UPSTREAM = {
    "gen_ai.operation.name": "string",
    "gen_ai.provider.name": "string",
    "gen_ai.request.model": "string",
    "gen_ai.request.max_tokens": "int",
    "gen_ai.request.stream": "boolean",
    "gen_ai.request.reasoning.level": "string",
    "gen_ai.request.temperature": "double",
    "gen_ai.request.top_p": "double",
    "gen_ai.request.top_k": "int",
    "gen_ai.output.type": "string",
    "gen_ai.conversation.id": "string",
    "gen_ai.conversation.compacted": "boolean",
    "gen_ai.response.id": "string",
    "gen_ai.response.model": "string",
    "gen_ai.response.finish_reasons": "string[]",
    "gen_ai.response.time_to_first_chunk": "double",
    "gen_ai.usage.input_tokens": "int",
    "gen_ai.usage.output_tokens": "int",
    "gen_ai.usage.cache_read.input_tokens": "int",
    "gen_ai.usage.cache_write.input_tokens": "int",
    "gen_ai.usage.reasoning.output_tokens": "int",
    "gen_ai.token.modality": "string",
    "gen_ai.tool.name": "string",
    "gen_ai.agent.id": "string",
    "gen_ai.agent.name": "string",
    "error.type": "string",
    "http.request.method": "string",
    "http.request.resend_count": "int",
    "http.response.status_code": "int",
    "http.route": "string",
    "server.address": "string",
    "server.port": "int",
    "url.full": "string",
    "url.path": "string",
    "url.query": "string",
    "url.scheme": "string",
}
"""The attributes of OpenTelemetry's registries (GenAI main of 2026-10-07, core 1.44.0) that are emitted."""
_OF_GENAI = (
    "gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model", "gen_ai.response.model",
    "server.address", "server.port",
)  # fmt: skip
_TOKENS = "gen_ai.client.inference"
INHERITED = {
    f"{_TOKENS}.duration": ("histogram", "s", "error.type"),
    f"{_TOKENS}.time_to_first_chunk": ("histogram", "s"),
    f"{_TOKENS}.operation.input_tokens": ("histogram", "{token}", "error.type"),
    f"{_TOKENS}.operation.output_tokens": ("histogram", "{token}", "error.type"),
    f"{_TOKENS}.usage.input_tokens": ("counter", "{token}", "gen_ai.token.modality"),
    f"{_TOKENS}.usage.output_tokens": ("counter", "{token}", "gen_ai.token.modality"),
    f"{_TOKENS}.usage.cache_read.input_tokens": ("counter", "{token}", "gen_ai.token.modality"),
    f"{_TOKENS}.usage.cache_write.input_tokens": ("counter", "{token}", "gen_ai.token.modality"),
    f"{_TOKENS}.usage.reasoning.output_tokens": ("counter", "{token}", "gen_ai.token.modality"),
}
"""The metrics of the GenAI registry that are refined: kind, unit, and what they have beside the attributes of all."""
_SCHEMA = f"a scope has the schema {c.SCHEMA_URL!r}"
_OURS = ("claude.", "gen_ai.usage.cost.")
_KINDS = {"Sum": "counter", "Gauge": "gauge", "Histogram": "histogram", "ExponentialHistogram": "histogram"}
_TYPES = {
    "string": (str,),
    "int": (int,),
    "double": (float,),
    "boolean": (bool,),
    "template[string]": (str,),
    "template[double]": (int, float),
}


@cache
def script():
    """`scripts/registry.py`: what it writes is what is committed, as a test says."""
    spec = importlib.util.spec_from_file_location("registry_script", ROOT / "scripts" / "registry.py")
    made = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = made
    spec.loader.exec_module(made)
    return made


class Registry:
    """Looks names up, as a live check does."""

    def __init__(self, data):
        self.attributes = {attribute["key"]: attribute["type"] for attribute in data["attributes"]}
        self.templates = {key for key, kind in self.attributes.items() if "template" in kind}
        self.metrics = {
            metric["name"]: (metric["instrument"], metric["unit"], levels(metric)) for metric in data["metrics"]
        }
        for refined in data["metric_refinements"]:
            kind, unit, *more = INHERITED[refined["ref"]]
            inherited = dict.fromkeys((*_OF_GENAI, *more), "recommended")
            self.metrics[refined["ref"]] = (kind, unit, {**inherited, **levels(refined)})
        (span,) = data["spans"]
        self.span = levels(span)
        self.events = {event["name"]: levels(event) for event in data["events"]}

    def key(self, name):
        """The attribute that it is, or the template that it is made of. None: it has no such name."""
        if name in self.attributes or name in UPSTREAM:
            return name
        return next((key for key in self.templates if name.startswith(f"{key}.")), None)

    def about(self, where, attributes, allowed, *, whole=True):
        """What is wrong with the attributes of a point, a span or an event; those of it that are ours if not whole."""
        for name, value in attributes.items():
            key = self.key(name)
            if key not in allowed:
                yield f"{where} has {name}"
            elif not _fits(self.attributes.get(key) or UPSTREAM[key], value):
                yield f"{where} has {name} = {value!r}"
        for key, level in allowed.items():
            if whole and level == "required" and key not in attributes:
                yield f"{where} lacks {key}"


def levels(signal):
    return {reference["ref"]: reference["requirement_level"] for reference in signal["attributes"]}


def _fits(kind, value):
    if kind == "string[]":
        return isinstance(value, tuple) and all(type(each) is str for each in value)
    if isinstance(kind, dict):
        return value == c.OTHER or value in [member["value"] for member in kind["members"]]
    return type(value) in _TYPES[kind]


@cache
def registry():
    return Registry(script().registry())


def findings(data, spans=()):
    """What is emitted otherwise than the registry says: of `MetricsData`, and of spans that ended."""
    scopes = [each.scope for each in _scopes(data)] + [span.instrumentation_scope for span in spans]
    schemas = {f"a scope has the schema {s.schema_url!r}" for s in scopes if s.name == c.SCOPE} - {_SCHEMA}
    return sorted({*schemas, *_of_metrics(data), *_of_spans(spans)})


def _scopes(data):
    resources = data.resource_metrics if data else ()
    return [scope for resource in resources for scope in resource.scope_metrics if scope.scope.name == c.SCOPE]


def metrics_of(data):
    """The metrics of our scope."""
    return [metric for scope in _scopes(data) for metric in scope.metrics]


def _of_metrics(data):
    known = registry()
    for metric in metrics_of(data):
        kind, unit, allowed = known.metrics.get(metric.name, (None, None, {}))
        falls = not getattr(metric.data, "is_monotonic", True)
        if falls or (_KINDS[type(metric.data).__name__], metric.unit) != (kind, unit):
            yield f"{metric.name} is a {type(metric.data).__name__} in {metric.unit}"
        for point in metric.data.data_points:
            yield from known.about(metric.name, point.attributes, allowed)


def _of_spans(spans):
    """Of ours, of the SDK's own of a call, and of others' to which something of ours was added."""
    known = registry()
    for span in spans:
        scope = span.instrumentation_scope.name
        attributes = dict(span.attributes)
        native = scope.startswith(c.NATIVE_SCOPE) and span.name == "anthropic.messages.create"
        # Of no call, or another's, or a failure of ours left its start or its end without a description.
        whole = (native or scope == c.SCOPE) and {c.COST_STATUS, c.HTTP_METHOD} <= attributes.keys()
        if not whole:
            attributes = {name: value for name, value in attributes.items() if name.startswith(_OURS)}
        if native:
            # The SDK before 2.6 writes what the response says, of whatever type.
            attributes = {
                name: value
                for name, value in attributes.items()
                if name.startswith(_OURS) or name not in UPSTREAM or _fits(UPSTREAM[name], value)
            }
        yield from known.about(span.name, attributes, known.span, whole=whole)
        for event in span.events:
            if event.name.startswith("claude."):
                yield from known.about(event.name, event.attributes, known.events[event.name])
