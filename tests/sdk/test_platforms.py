"""The clients of every platform: provider, model, tokens, one span."""

import pytest
from support import api
from support.eventstream import frame
from support.face import Face
from support.library import NEWEST, VERSION, anthropic, http
from support.server import Chunks, Server, plain, stream, throttled

AWS = {"aws_access_key": "a", "aws_secret_key": "b", "aws_region": "eu-west-1"}
AZURE = "https://there.services.ai.azure.com/anthropic"
PLATFORMS = {
    "AnthropicBedrock": (AWS, "aws.bedrock", "bedrock-runtime.eu-west-1.amazonaws.com"),
    "AnthropicBedrockMantle": (AWS, "aws.bedrock", None),
    "AnthropicVertex": (
        {"region": "europe-west1", "project_id": "p", "access_token": "t"}, "gcp.vertex_ai", None,
    ),
    "AnthropicFoundry": ({"api_key": "k", "base_url": AZURE}, "anthropic", "there.services.ai.azure.com"),
    "AnthropicAWS": ({**AWS, "workspace_id": "wrkspc_1"}, "anthropic", None),
    "AnthropicGoogleCloud": (
        {"project": "p", "location": "global", "workspace_id": "wrkspc_1", "skip_auth": True}, "anthropic", None,
    ),
}  # fmt: skip
MODELS = {"AnthropicBedrock": "anthropic.claude-sonnet-4-6", "AnthropicVertex": "claude-sonnet-4-6@20260217"}


def bedrock_stream(_request):
    chunks = [frame(event) for event in api.events() if event != api.PING]
    return http.Response(
        200, headers={"content-type": "application/vnd.amazon.eventstream", **api.HEADERS}, stream=Chunks(chunks)
    )


def client_of(name, kind, tracing, *replies):
    if not hasattr(anthropic, name):
        assert VERSION < NEWEST
        pytest.skip(f"anthropic {VERSION} has no {name}")
    return Face(kind, Server(*replies), tracing, cls=name, **PLATFORMS[name][0])


def check(telemetry, name, tracing, *, attempts=1):
    provider, address = PLATFORMS[name][1:]
    span = telemetry.span
    model = MODELS.get(name, api.MODEL)
    assert span.name == ("anthropic.messages.create" if tracing == "native" else f"chat {model}")
    assert span.attributes["gen_ai.provider.name"] == provider
    assert span.attributes["gen_ai.request.model"] == model
    assert span.attributes["gen_ai.usage.input_tokens"] == 1110
    assert span.attributes["gen_ai.usage.output_tokens"] == 50
    assert span.attributes["gen_ai.usage.cost.amount"] > 0
    metrics = telemetry.metrics()
    assert sum(metrics["claude.client.attempts"].values()) == attempts
    usage = "gen_ai.client.inference.usage"
    for metric, tokens in (("input_tokens", 1110), ("output_tokens", 50), ("cache_read.input_tokens", 1000)):
        ((key, value),) = metrics[f"{usage}.{metric}"].items()
        labels = dict(key)
        assert value == tokens
        assert labels["gen_ai.provider.name"] == provider
        assert labels["gen_ai.request.model"] == model
        assert labels["gen_ai.response.model"] == api.MODEL
        assert labels["server.address"] == span.attributes["server.address"]
        assert labels["server.port"] == span.attributes["server.port"] == 443
        assert address in (None, labels["server.address"])
        assert "claude.api_key.hint" not in labels
    assert {dict(k)["claude.cache.ttl"]: v for k, v in metrics[f"{usage}.cache_write.input_tokens"].items()} == {
        "5m": 60, "1h": 40,
    }  # fmt: skip


def args(name):
    return {**api.ARGS, "model": MODELS.get(name, api.MODEL)}


@pytest.mark.parametrize("name", PLATFORMS)
async def test_create(telemetry, kind, tracing, name, quiet):
    client = client_of(name, kind, tracing, plain())
    await client.wait(client.client.messages.create(**args(name)))
    check(telemetry, name, tracing)


@pytest.mark.parametrize("name", PLATFORMS)
async def test_create_after_429(telemetry, kind, tracing, name, quiet):
    client = client_of(name, kind, tracing, throttled(), plain())
    await client.wait(client.client.messages.create(**args(name)))
    check(telemetry, name, tracing, attempts=2)


@pytest.mark.parametrize("name", PLATFORMS)
async def test_create_beta(telemetry, kind, tracing, name, quiet):
    client = client_of(name, kind, tracing, plain())
    await client.wait(client.client.beta.messages.create(**args(name)))
    check(telemetry, name, tracing)


@pytest.mark.parametrize("name", PLATFORMS)
async def test_stream(telemetry, kind, tracing, name, quiet):
    client = client_of(name, kind, tracing, bedrock_stream if name == "AnthropicBedrock" else stream())
    await client.take(await client.wait(client.client.messages.create(**args(name), stream=True)))
    check(telemetry, name, tracing)


@pytest.mark.parametrize("name", PLATFORMS)
async def test_helper(telemetry, kind, tracing, name, quiet):
    client = client_of(name, kind, tracing, bedrock_stream if name == "AnthropicBedrock" else stream())
    if not hasattr(client.client.messages, "stream"):
        pytest.skip(f"{name} has no stream() in anthropic {VERSION}")
    async with client.inside(client.client.messages.stream(**args(name))) as helper:
        await client.wait(helper.get_final_message())
    check(telemetry, name, tracing)
