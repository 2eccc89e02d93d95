"""Application inference profiles: the user's price file says what an ARN stands for, and by which endpoint."""

import json

import pytest
from bedrock_client import make_client
from test_bedrock_calls import GLOBAL, OPERATIONS, PROFILE, REGIONAL, SONNET, TOKENS

from otel_claude.botocore import ClaudeBotocoreInstrumentor

LIST = round(REGIONAL / 1.1, 12)
STANDS_FOR = {
    "a geography": (SONNET, REGIONAL, {}),
    "global": (GLOBAL, LIST, {}),
    "a model of no endpoint": ("claude-sonnet-4-5", LIST, {"unknown_endpoint": 1}),
}
"""What the alias says, the dollars, and what is not known."""
ARNS = {name: f"{PROFILE[:-12]}{number:012}" for number, name in enumerate(STANDS_FOR)}


@pytest.fixture
def priced(measured, tmp_path):
    """With a price file that has all of them, each with an endpoint of its own."""
    file = tmp_path / "prices.json"
    file.write_text(json.dumps({"aliases": {ARNS[name]: model for name, (model, *_) in STANDS_FOR.items()}}))
    instrumentor = ClaudeBotocoreInstrumentor()
    instrumentor.uninstrument()
    instrumentor.instrument(
        tracer_provider=measured.tracer_provider, meter_provider=measured.meter_provider, prices=str(file)
    )
    return measured


@pytest.mark.parametrize("name", STANDS_FOR)
@pytest.mark.parametrize(("operation", "answer", "streams"), OPERATIONS)
def test_what_a_profile_costs(priced, server, operation, answer, streams, name):
    _, dollars, unknown = STANDS_FOR[name]
    server.answers = [answer]
    operation(make_client(server), ARNS[name])
    assert priced.tokens() == TOKENS
    assert priced.usd() == pytest.approx(dollars, abs=1e-12)
    assert priced.unpriced() == unknown
    (span,) = priced.spans
    assert span.name == f"chat {ARNS[name]}"


def test_profiles_of_one_program_have_their_own_endpoints(priced, server):
    client = make_client(server)
    for operation, answer, _ in (parameters.values for parameters in OPERATIONS):
        for arn in ARNS.values():
            server.answers = [answer]
            operation(client, arn)
    by_model = priced.by("claude.client.cost.usd", "gen_ai.request.model")
    assert by_model == {
        ARNS[name]: pytest.approx(4 * dollars, abs=1e-12) for name, (_, dollars, _) in STANDS_FOR.items()
    }
