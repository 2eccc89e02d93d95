"""What LiteLLM sends to Claude, by every way in, of every provider, against a local server."""

import asyncio
import contextlib
import sys
from importlib.metadata import version
from types import ModuleType

import pytest

litellm = pytest.importorskip("litellm", exc_type=ImportError)

from litellm.llms.custom_httpx.http_handler import HTTPHandler  # noqa: E402
from litellm.llms.vertex_ai.vertex_llm_base import VertexBase  # noqa: E402
from messages_api import EVENTS, LIST, MESSAGE, REGIONAL, SONNET, TOKENS, answer, events, refused  # noqa: E402

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


def test_the_limits_and_the_key(measured, server):
    server.answers = [PLAIN]
    complete(**anthropic(server))
    ((attributes, remaining),) = measured.points("claude.client.rate_limit.remaining")
    assert (attributes["claude.rate_limit.name"], remaining) == ("requests", 49)
    assert attributes["claude.api_key.hint"] == "sk-ant-api03-R2D...igAA"


def test_another_user_agent(measured, server, monkeypatch):
    if VERSION < (1, 90):
        pytest.skip("not in this version")
    monkeypatch.setenv("LITELLM_USER_AGENT", "our-agent/1")
    client = HTTPHandler()
    server.answers = [PLAIN]
    complete(client=client, **anthropic(server))
    assert measured.calls() == {(None, "end_turn"): 1}


@pytest.mark.parametrize("use", [complete, acomplete])
def test_an_error(measured, server, use):
    server.answers = [refused(400, "invalid_request_error")]
    with pytest.raises(litellm.BadRequestError):
        run(use, **anthropic(server))
    assert measured.calls() == {("invalid_request_error", None): 1}
    assert measured.attempts() == {("failed", None): 1}
    assert (measured.usd(), measured.unpriced()) == (0, {})


@pytest.mark.parametrize("use", [complete_stream, acomplete_stream])
def test_an_error_of_a_stream(measured, server, use):
    server.answers = [refused(429, "rate_limit_error")]
    with pytest.raises(litellm.RateLimitError):
        run(use, **anthropic(server))
    assert measured.calls() == {("rate_limit_error", None): 1}
    assert measured.attempts() == {("failed", "rate_limit"): 1}


@pytest.mark.parametrize("use", [complete_stream, acomplete_stream])
def test_an_error_within_a_stream(measured, server, use):
    server.answers = [events(*EVENTS[:3], {"type": "error", "error": {"type": "overloaded_error", "message": "no"}})]
    with contextlib.suppress(Exception):  # Not every version raises.
        run(use, **anthropic(server))
    assert measured.calls() == {("overloaded_error", None): 1}
    assert measured.tokens()[0] == 2039


def test_a_retry_is_a_call_of_its_own(measured, server):
    server.answers = [refused(529, "overloaded_error"), PLAIN]
    complete(num_retries=1, **anthropic(server))
    assert measured.calls() == {("overloaded_error", None): 1, (None, "end_turn"): 1}
    assert measured.attempts() == {("failed", "overloaded"): 1, ("success", None): 1}
    assert (measured.tokens(), measured.usd()) == (TOKENS, LIST)
    assert len(measured.spans) == len(server.paths) == 2


def routed(server, **options):
    """A router over two deployments, and what it falls back to."""
    names = {"claude": anthropic(server), "spare": converse(server)}
    models = [{"model_name": name, "litellm_params": asked} for name, asked in names.items()]
    return litellm.Router(models, retry_after=0, **options)


@pytest.mark.parametrize("asynchronous", [False, True])
def test_the_retry_of_a_router(measured, server, asynchronous):
    server.answers = [refused(529, "overloaded_error"), PLAIN]
    made = routed(server, num_retries=1)
    asked = {"model": "claude", "messages": ASK, "max_tokens": 10}
    run(made.acompletion if asynchronous else made.completion, **asked)
    assert measured.calls() == {("overloaded_error", None): 1, (None, "end_turn"): 1}
    assert (measured.usd(), len(server.paths)) == (LIST, 2)


def test_the_fallback_of_a_router(measured, server):
    server.answers = [refused(500, "api_error"), aws.message(CONVERSED)]
    made = routed(server, num_retries=0, fallbacks=[{"claude": ["spare"]}])
    made.completion(model="claude", messages=ASK, max_tokens=10)
    models = measured.by("claude.client.calls", "gen_ai.provider.name", "error.type")
    assert models == {("anthropic", "api_error"): 1, ("aws.bedrock", None): 1}
    assert (measured.usd(), len(server.paths)) == (REGIONAL, 2)


def test_a_stream_that_is_left(measured, server):
    server.answers = [events(*EVENTS[:3])]
    opened = litellm.completion(messages=ASK, max_tokens=10, stream=True, **anthropic(server))
    next(iter(opened))
    del opened
    server.answers = [PLAIN]
    complete(**anthropic(server))  # Until then LiteLLM keeps what is left.
    assert measured.collected(2) == 2
    assert measured.unpriced() == {"incomplete_stream": 1}


@pytest.mark.parametrize("use", [complete_stream, acomplete_stream])
def test_a_stream_that_is_cut(measured, server, use):
    server.answers = [events(*EVENTS[:3], cut=True)]
    with contextlib.suppress(Exception):  # Of httpx; over aiohttp some versions end as if it were whole.
        run(use, **anthropic(server))
    assert measured.unpriced() == {"incomplete_stream": 1}
    assert measured.tokens()[0] == 2039


@pytest.mark.parametrize("body", [b"<html>", b"[1]", b""])
def test_a_body_that_is_no_message(measured, server, body):
    server.answers = [answer(body)]
    with pytest.raises(Exception, match=r".*"):
        complete(**anthropic(server))
    assert measured.unpriced() == {"invalid_response": 1}
    assert measured.calls() == {("invalid_response", None): 1}


def test_what_needs_no_request_is_no_call(measured):
    litellm.completion(model=f"anthropic/{SONNET}", messages=ASK, mock_response="hi")
    assert (measured.calls(), measured.spans) == ({}, [])


def test_other_vendors_are_none_of_ours(measured, server):
    server.answers = [answer({"choices": [{"message": {"role": "assistant", "content": "hi"}}]})]
    with contextlib.suppress(Exception):
        complete(model="openai/gpt-5", api_base=server.url, api_key="sk-x")
    with contextlib.suppress(Exception):
        complete(model="bedrock/converse/us.amazon.nova-pro-v1:0", aws_bedrock_runtime_endpoint=server.url)
    assert server.paths
    assert (measured.calls(), measured.spans) == ({}, [])


def test_many_at_once(measured, server):
    server.answers = [PLAIN]

    async def many():
        await asyncio.gather(*(acomplete(**anthropic(server)) for _ in range(8)))

    LOOP.run_until_complete(many())
    assert measured.calls() == {(None, "end_turn"): 8}
    assert measured.usd() == round(8 * LIST, 12)
