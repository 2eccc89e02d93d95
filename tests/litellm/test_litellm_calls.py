"""What LiteLLM sends to Claude, by every way in, of every provider, against a local server."""

import asyncio
import sys
from importlib.metadata import version
from types import ModuleType

import pytest

litellm = pytest.importorskip("litellm", exc_type=ImportError)

from litellm.llms.vertex_ai.vertex_llm_base import VertexBase  # noqa: E402
from messages_api import EVENTS, LIST, MESSAGE, REGIONAL, SONNET, TOKENS, answer, events  # noqa: E402

import bedrock_server as aws  # noqa: E402 - only where it is

pytestmark = pytest.mark.filterwarnings("ignore")  # LiteLLM's own, and those of what it leaves open
VERSION = tuple(map(int, version("litellm").split(".")[:2]))
ASK = [{"role": "user", "content": "x"}]
BEDROCK = f"us.anthropic.{SONNET}-v1:0"
CONVERSE_USAGE = {
    "inputTokens": 11, "outputTokens": 264, "totalTokens": 2303, "cacheReadInputTokens": 1000,
    "cacheWriteInputTokens": 1028,
    "cacheDetails": [{"ttl": "5m", "inputTokens": 1000}, {"ttl": "1h", "inputTokens": 28}],
}  # fmt: skip
CONVERSED = {
    "output": {"message": {"role": "assistant", "content": [{"text": "hi"}]}},
    "stopReason": "end_turn", "usage": CONVERSE_USAGE, "metrics": {"latencyMs": 1},
}  # fmt: skip
CONVERSE_EVENTS = [
    aws.event("messageStart", {"role": "assistant"}),
    aws.event("contentBlockDelta", {"delta": {"text": "hi"}, "contentBlockIndex": 0}),
    aws.event("contentBlockStop", {"contentBlockIndex": 0}),
    aws.event("messageStop", {"stopReason": "end_turn"}),
    aws.event("metadata", {"usage": CONVERSE_USAGE, "metrics": {"latencyMs": 1}}),
]


@pytest.fixture(autouse=True)
def credentials(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_REGION_NAME", "us-east-1")
    # Up to 1.90 it is asked only whether this can be imported.
    vertexai = ModuleType("vertexai")
    vertexai.preview = vertexai
    monkeypatch.setitem(sys.modules, "vertexai", vertexai)
    monkeypatch.setattr(VertexBase, "_ensure_access_token", lambda *_, **__: ("token", "project"))

    async def token(*_, **__):
        return "token", "project"

    monkeypatch.setattr(VertexBase, "_ensure_access_token_async", token)


def anthropic(server):
    return {"model": f"anthropic/{SONNET}", "api_base": server.url, "api_key": "sk-ant-api03-R2D2" + "x" * 90 + "igAA"}


def azure(server):
    return {"model": f"azure_ai/{SONNET}", "api_base": f"{server.url}/anthropic", "api_key": "key"}


def vertex(server):
    place = "v1/projects/p/locations/us-east5/publishers/anthropic/models/claude-sonnet-4-5@20250929"
    return {
        "model": "vertex_ai/claude-sonnet-4-5@20250929", "api_base": f"{server.url}/{place}", "vertex_project": "p",
        "vertex_location": "us-east5",
    }  # fmt: skip


def converse(server):
    return {"model": f"bedrock/converse/{BEDROCK}", "aws_bedrock_runtime_endpoint": server.url}


def invoke(server):
    return {"model": f"bedrock/invoke/{BEDROCK}", "aws_bedrock_runtime_endpoint": server.url}


def complete(**asked):
    return litellm.completion(messages=ASK, max_tokens=10, **asked)


def complete_stream(**asked):
    return list(litellm.completion(messages=ASK, max_tokens=10, stream=True, **asked))


async def acomplete(**asked):
    return await litellm.acompletion(messages=ASK, max_tokens=10, **asked)


async def acomplete_stream(**asked):
    return [each async for each in await litellm.acompletion(messages=ASK, max_tokens=10, stream=True, **asked)]


def respond(**asked):
    return litellm.responses(input="x", max_output_tokens=10, **asked)


async def messages(**asked):
    return await litellm.anthropic.messages.acreate(messages=ASK, max_tokens=10, **asked)


async def messages_stream(**asked):
    opened = await litellm.anthropic.messages.acreate(messages=ASK, max_tokens=10, stream=True, **asked)
    return [each async for each in opened]


def router(**asked):
    made = litellm.Router([{"model_name": "claude", "litellm_params": asked}], num_retries=0)
    return made.completion(model="claude", messages=ASK, max_tokens=10)


async def arouter(**asked):
    made = litellm.Router([{"model_name": "claude", "litellm_params": asked}], num_retries=0)
    return await made.acompletion(model="claude", messages=ASK, max_tokens=10)


LOOP = asyncio.new_event_loop()
"""LiteLLM keeps its clients, and in some versions one of a loop that is closed."""


def run(use, **asked):
    made = use(**asked)
    return LOOP.run_until_complete(made) if asyncio.iscoroutine(made) else made


PLAIN = answer()
STREAM = events(*EVENTS)
FRAMES = aws.stream(*(aws.chunk(event) for event in EVENTS))
# provider, its answer and its stream, dollars, `gen_ai.provider.name`, route
PROVIDERS = {
    anthropic: (PLAIN, STREAM, LIST, "anthropic", "/v1/messages"),
    azure: (PLAIN, STREAM, LIST, "anthropic", "/v1/messages"),
    vertex: (PLAIN, STREAM, REGIONAL, "gcp.vertex_ai", "/publishers/anthropic/models/{model}:"),
    converse: (aws.message(CONVERSED), aws.stream(*CONVERSE_EVENTS), REGIONAL, "aws.bedrock", "/model/{modelId}/conv"),
    invoke: (aws.message(MESSAGE), FRAMES, REGIONAL, "aws.bedrock", "/model/{modelId}/invoke"),
}
USES = {
    complete: False, complete_stream: True, acomplete: False, acomplete_stream: True, respond: False, messages: False,
    messages_stream: True, router: False, arouter: False,
}  # fmt: skip
NEWER = {azure: (1, 80), invoke: (1, 75), respond: (1, 75), messages: (1, 75), messages_stream: (1, 75)}
"""What LiteLLM has since, of these models: before, azure_ai is sent as OpenAI does."""
CALLS = [
    pytest.param(provider, use, id=f"{provider.__name__}-{use.__name__}")
    for provider in PROVIDERS
    for use in USES
    if provider is anthropic or use in (complete, complete_stream, acomplete, acomplete_stream)
]


@pytest.mark.parametrize(("provider", "use"), CALLS)
def test_a_call(measured, server, provider, use):
    whole, stream, dollars, name, route = PROVIDERS[provider]
    if (since := NEWER.get(provider) or NEWER.get(use)) and since > VERSION:
        pytest.skip("not in this version")
    server.answers = [stream if USES[use] else whole]
    assert run(use, **provider(server))
    assert len(server.paths) == 1
    assert measured.tokens() == TOKENS
    assert measured.usd() == dollars
    assert measured.unpriced() == {}
    assert measured.calls() == {(None, "end_turn"): 1}
    assert measured.attempts() == {("success", None): 1}
    assert len(measured.points("gen_ai.client.inference.time_to_first_chunk")) == USES[use]
    (span,) = measured.spans
    said = dict(span.attributes)
    assert span.name == f"chat {said['gen_ai.request.model']}"
    assert said["http.route"].startswith(route)
    assert said["gen_ai.provider.name"] == name
    assert (said["gen_ai.usage.input_tokens"], said["gen_ai.usage.output_tokens"]) == (2039, 264)
    assert said["claude.cost.status"] == "exact"
    assert round(said["gen_ai.usage.cost.amount"], 12) == dollars
    ((attributes, _),) = measured.points("claude.client.calls")
    assert attributes["claude.client.library"] == "litellm"
    assert attributes["server.address"] == "127.0.0.1"
