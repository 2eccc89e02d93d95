"""One span per call, also where another instrumentation opens one: each of them, with ours, in both orders.

`botocore` is OpenTelemetry's own; the others are OpenInference's, Traceloop's and OpenLIT's. What is not installed is
skipped: the matrix of SDKs has all of them.
"""

import json
from importlib import import_module

import botocore.client
import pytest
from bedrock_client import make_client
from botocore.exceptions import ClientError
from test_bedrock_calls import (
    ASKED,
    BODY,
    CONVERSED,
    MESSAGE,
    OPERATIONS,
    READS,
    REGIONAL,
    SONNET,
    TOKENS,
    converse_stream,
    invoke,
    invoke_stream,
)

from bedrock_server import error, message
from otel_claude.botocore import ClaudeBotocoreInstrumentor

OURS = "otel_claude"
OTHERS = {
    "botocore": ("opentelemetry.instrumentation.botocore", "BotocoreInstrumentor"),
    "OpenInference": ("openinference.instrumentation.bedrock", "BedrockInstrumentor"),
    "Traceloop": ("opentelemetry.instrumentation.bedrock", "BedrockInstrumentor"),
    "OpenLIT": ("openlit.instrumentation.bedrock", "BedrockInstrumentor"),
}
"""The scopes of their spans begin with these modules."""
WITHOUT_COST = {("Traceloop", invoke_stream), ("Traceloop", converse_stream)}
"""Their span is not current while the request is made: it is left alone."""
OPEN_NONE = {("OpenLIT", invoke), ("OpenLIT", invoke_stream)}
"""They open no span, so it is ours."""
LOST = {("OpenLIT", converse_stream, "success"), ("OpenInference", converse_stream, "error")}
"""They open a span and never end it, with or without us (OpenLIT 1.45.0, OpenInference 0.1.61)."""


@pytest.fixture(params=OTHERS)
def other(request):
    pytest.importorskip(OTHERS[request.param][0])
    return request.param


@pytest.fixture(params=["before ours", "after ours"])
def both(request, measured, other, monkeypatch):
    """Another instrumentation with ours, in both orders of patching."""
    module, kind = OTHERS[other]
    ours, theirs = ClaudeBotocoreInstrumentor(), getattr(import_module(module), kind)()
    providers = {"tracer_provider": measured.tracer_provider, "meter_provider": measured.meter_provider}
    options = {"tracer_provider": measured.tracer_provider, "skip_dep_check": True}
    if other == "OpenLIT":  # What its `init()` sets; it takes no provider, and takes nothing out again.
        monkeypatch.setattr("openlit._config.OpenlitConfig.metrics_dict", {}, raising=False)
        monkeypatch.setattr("opentelemetry.trace._TRACER_PROVIDER", measured.tracer_provider)
        creator = botocore.client.ClientCreator
        monkeypatch.setattr(creator, "create_client", creator.create_client)
        options["disable_metrics"] = True
    if request.param == "before ours":
        ours.uninstrument()
        theirs.instrument(**options)
        ours.instrument(**providers)
    else:
        theirs.instrument(**options)
    yield measured
    if request.param == "before ours":
        ours.uninstrument()
        theirs.uninstrument()
        ours.instrument(**providers)
    else:
        theirs.uninstrument()


def test_a_span_of_ours_says_the_sampling_that_converse_was_asked_for(measured, server, client):
    server.answers = [message(CONVERSED)]
    config = {"maxTokens": 64, "temperature": 1, "topP": 0.5, "stopSequences": ["planted"]}
    client.converse(modelId=SONNET, messages=ASKED, inferenceConfig=config, additionalModelRequestFields={"top_k": 40})
    (span,) = measured.spans
    said = {name: value for name, value in span.attributes.items() if name.startswith("gen_ai.request.")}
    assert said == {
        "gen_ai.request.model": SONNET,
        "gen_ai.request.max_tokens": 64,
        "gen_ai.request.temperature": 1.0,
        "gen_ai.request.top_p": 0.5,
        "gen_ai.request.top_k": 40,
    }
    assert type(said["gen_ai.request.temperature"]) is float
    assert span.attributes["gen_ai.response.finish_reasons"] == ("end_turn",)
    assert "planted" not in str(dict(span.attributes))


def scope(other, operation):
    """What the scope of the one span begins with."""
    return OURS if (other, operation) in OPEN_NONE else OTHERS[other][0]


@pytest.mark.parametrize(("operation", "answer", "streams"), OPERATIONS)
def test_a_call_has_one_span(both, server, other, operation, answer, streams):
    server.answers = [error(503, "ServiceUnavailableException"), answer]
    operation(make_client(server))
    assert both.tokens() == TOKENS
    assert both.usd() == REGIONAL
    assert both.calls() == {(None, "end_turn"): 1}
    if (other, operation, "success") in LOST:
        assert both.spans == []
        return
    (span,) = both.spans
    assert span.instrumentation_scope.name.startswith(scope(other, operation))
    if (other, operation) in WITHOUT_COST:
        assert "gen_ai.usage.cost.amount" not in span.attributes
    else:
        assert round(span.attributes["gen_ai.usage.cost.amount"], 12) == REGIONAL
        assert span.attributes["claude.cost.status"] == "exact"


@pytest.mark.parametrize(("operation", "answer", "streams"), OPERATIONS)
def test_an_error_has_one_span(both, server, other, operation, answer, streams):
    server.answers = [error(400, "ValidationException")]
    with pytest.raises(ClientError):
        operation(make_client(server))
    assert both.calls() == {("ValidationException", None): 1}
    if (other, operation, "error") in LOST:
        assert both.spans == []
        return
    (span,) = both.spans
    assert span.instrumentation_scope.name.startswith(scope(other, operation))


@pytest.mark.parametrize("way", ["read", "in pieces"])
def test_a_body_that_the_other_has_read_is_read_by_the_application_too(both, server, way):
    server.answers = [message(MESSAGE)]
    body = make_client(server).invoke_model(modelId=SONNET, body=BODY)["body"]
    assert json.loads(READS[way](body)) == MESSAGE
    del body
    assert both.tokens() == TOKENS
    assert both.unpriced() == {}
