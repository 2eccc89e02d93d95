"""One span per call, also where OpenTelemetry's own instrumentation of botocore opens one."""

import pytest

otel = pytest.importorskip("opentelemetry.instrumentation.botocore")

from bedrock_client import make_client  # noqa: E402 - only where it is installed
from bedrock_server import error  # noqa: E402 - only where it is installed
from botocore.exceptions import ClientError  # noqa: E402
from test_bedrock_calls import OPERATIONS, REGIONAL, TOKENS, converse  # noqa: E402

from otel_claude.botocore import ClaudeBotocoreInstrumentor  # noqa: E402


@pytest.fixture(params=["before ours", "after ours"])
def both(request, measured):
    """Their instrumentation with ours, in both orders of patching."""
    ours, theirs = ClaudeBotocoreInstrumentor(), otel.BotocoreInstrumentor()
    providers = {"tracer_provider": measured.tracer_provider, "meter_provider": measured.meter_provider}
    if request.param == "before ours":
        ours.uninstrument()
        theirs.instrument(tracer_provider=measured.tracer_provider)
        ours.instrument(**providers)
    else:
        theirs.instrument(tracer_provider=measured.tracer_provider)
    yield measured
    if request.param == "before ours":
        ours.uninstrument()
        theirs.uninstrument()
        ours.instrument(**providers)
    else:
        theirs.uninstrument()


@pytest.mark.parametrize(("operation", "answer", "streams"), OPERATIONS)
def test_their_span_is_enriched(both, server, operation, answer, streams):
    server.answers = [error(503, "ServiceUnavailableException"), answer]
    operation(make_client(server))
    assert both.tokens() == TOKENS
    assert both.usd() == REGIONAL
    (span,) = both.spans
    assert span.instrumentation_scope.name.startswith("opentelemetry.instrumentation.botocore")
    assert round(span.attributes["gen_ai.usage.cost.amount"], 12) == REGIONAL
    assert span.attributes["claude.cost.status"] == "exact"


def test_their_span_of_an_error(both, server):
    server.answers = [error(400, "ValidationException")]
    with pytest.raises(ClientError):
        converse(make_client(server))
    assert both.calls() == {("ValidationException", None): 1}
    (span,) = both.spans
    assert span.instrumentation_scope.name.startswith("opentelemetry.instrumentation.botocore")
