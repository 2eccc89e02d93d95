"""Bedrock and Google Cloud, through their own clients."""

from __future__ import annotations

from contextlib import closing

import anthropic
import boto3
import pytest
from anthropic import AnthropicBedrock, AnthropicFoundry, AnthropicVertex, AsyncAnthropicBedrock, AsyncAnthropicVertex
from botocore.config import Config
from botocore.eventstream import EventStreamBuffer
from botocore.exceptions import EventStreamError

from otel_claude_demo.simulator.eventstream import chunk

ASK = {"max_tokens": 500, "messages": [{"role": "user", "content": "Hello"}]}
BEDROCK = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
VERTEX = "claude-sonnet-4-5@20250929"
RESOLVED = "claude-sonnet-4-5-20250929"
PLAY = {"extra_headers": {"x-simulator-scenario": "output=25"}}
KEYS = {"aws_secret_key": "s", "aws_access_key": "AKIA", "aws_region": "us-east-1"}
PROJECT = {"project_id": "p", "region": "us-east5", "access_token": "t"}


@pytest.fixture
def bedrock(shared):
    with AnthropicBedrock(base_url=shared.url, **KEYS) as client:
        yield client


@pytest.fixture(params=["", "/v1"])
def vertex(shared, request):
    with AnthropicVertex(base_url=shared.url + request.param, **PROJECT) as client:
        yield client


def checked(message, shared, prefix: str, platform: str) -> None:
    assert (message.model, message.usage.output_tokens) == (RESOLVED, 25)
    assert message.id.startswith(prefix)
    record = shared.served[-1]
    assert (record.platform, record.usage, record.outcome) == (platform, message.usage.to_dict(), "finished")


def test_bedrock_plain_and_stream(bedrock, shared):
    plain = bedrock.messages.create(model=BEDROCK, **ASK, **PLAY)
    checked(plain, shared, "msg_bdrk_01", "bedrock")
    with bedrock.messages.stream(model=BEDROCK, **ASK, **PLAY) as stream:
        checked(stream.get_final_message(), shared, "msg_bdrk_01", "bedrock")
    assert shared.served[-1].key_hint == ""
    with bedrock.beta.messages.stream(model=BEDROCK, **ASK, **PLAY) as stream:
        assert stream.get_final_message().usage.output_tokens == 25


def test_bedrock_has_no_limits_and_counts_in_headers(bedrock):
    headers = bedrock.messages.with_raw_response.create(model=BEDROCK, **ASK, **PLAY).headers
    assert not [name for name in headers if name.startswith("anthropic-")]
    assert headers["x-amzn-bedrock-output-token-count"] == "25"
    assert headers["x-simulated"] == "otel-claude"


def test_bedrock_models_may_be_arns_and_have_scenarios(bedrock):
    arn = "arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0"
    message = bedrock.messages.create(model=f"{arn}+output=3", **ASK)
    assert (message.model, message.usage.output_tokens) == (RESOLVED, 3)


def test_bedrock_errors(bedrock):
    once = bedrock.with_options(max_retries=0)
    for scenario, kind in (("rate_limit", anthropic.RateLimitError), ("overloaded", anthropic.ServiceUnavailableError)):
        with pytest.raises(kind) as raised:
            once.messages.create(model=BEDROCK, **ASK, extra_headers={"x-simulator-scenario": scenario})
        assert set(raised.value.body) == {"message"}
        assert raised.value.response.headers["x-amzn-errortype"].endswith("Exception")
    with pytest.raises(anthropic.APIStatusError, match="Overloaded"):
        list(
            once.messages.create(
                model=BEDROCK, **ASK, stream=True, extra_headers={"x-simulator-scenario": "stream_error"}
            )
        )


def test_frames_are_what_amazon_s_own_decoder_accepts():
    buffer = EventStreamBuffer()
    buffer.add_data(chunk({"type": "ping"}) + chunk({"type": "message_stop", "text": "é" * 300}))
    frames = list(buffer)  # checks both checksums
    assert [frame.headers[":event-type"] for frame in frames] == ["chunk", "chunk"]


async def test_async_bedrock_and_vertex(shared):
    async with AsyncAnthropicBedrock(base_url=shared.url, **KEYS) as client:
        events = [event async for event in await client.messages.create(model=BEDROCK, **ASK, stream=True, **PLAY)]
        assert events[-2].usage.output_tokens == 25
    async with (
        AsyncAnthropicVertex(base_url=shared.url, **PROJECT) as client,
        client.messages.stream(model=VERTEX, **ASK, **PLAY) as stream,
    ):
        checked(await stream.get_final_message(), shared, "msg_vrtx_01", "vertex")


def test_vertex_plain_stream_and_count(vertex, shared):
    checked(vertex.messages.create(model=VERTEX, **ASK, **PLAY), shared, "msg_vrtx_01", "vertex")
    with vertex.messages.stream(model=VERTEX, **ASK, **PLAY) as stream:
        checked(stream.get_final_message(), shared, "msg_vrtx_01", "vertex")
    assert vertex.messages.count_tokens(model=VERTEX, messages=ASK["messages"]).input_tokens == 2
    headers = vertex.messages.with_raw_response.create(model=VERTEX, **ASK).headers
    assert not [name for name in headers if name.startswith("anthropic-")]


def test_vertex_errors_have_anthropic_s_envelope(vertex):
    with pytest.raises(anthropic.OverloadedError) as raised:
        vertex.with_options(max_retries=0).messages.create(model=f"{VERTEX}+overloaded", **ASK)
    assert raised.value.type == "overloaded_error"
    assert raised.value.request_id.startswith("req_vrtx_")


def test_foundry_uses_the_plain_wire(shared):
    with AnthropicFoundry(base_url=shared.url, api_key="k") as client:
        message = client.messages.create(model="my-claude-deployment", **ASK, **PLAY)
    assert (message.model, message.usage.output_tokens) == ("my-claude-deployment", 25)
    assert message.usage.inference_geo == "not_available"


@pytest.fixture
def boto(shared):
    return boto3.client(
        "bedrock-runtime", region_name="us-east-1", endpoint_url=shared.url, aws_access_key_id="a",
        aws_secret_access_key="s", config=Config(retries={"total_max_attempts": 2, "mode": "standard"}),
    )  # fmt: skip


CACHED = [{"text": "A long text. " * 900}, {"cachePoint": {"type": "default", "ttl": "1h"}}]
TOOL = {"toolSpec": {"name": "count", "inputSchema": {"json": {"type": "object", "properties": {}}}}}
CONVERSE = {"system": CACHED, "messages": [{"role": "user", "content": [{"text": "Hello"}]}]}


def test_converse_plain_and_stream(boto, shared):
    plain = boto.converse(modelId=f"{BEDROCK}+output=25", **CONVERSE)
    assert plain["output"]["message"]["content"][0]["text"].startswith("[simulated]")
    assert plain["stopReason"] == "end_turn"
    used = plain["usage"]
    assert (used["outputTokens"], used["cacheDetails"]) == (25, [{"ttl": "1h", "inputTokens": 2925}])
    assert used["totalTokens"] == used["inputTokens"] + 25 + 2925
    events = list(boto.converse_stream(modelId=BEDROCK, **CONVERSE)["stream"])
    assert [*events[0], *events[-2], *events[-1]] == ["messageStart", "messageStop", "metadata"]
    assert events[-1]["metadata"]["usage"]["cacheReadInputTokens"] == 2925
    record = shared.served[-1]
    assert (record.model, record.outcome, record.used["cache_read_input_tokens"]) == (RESOLVED, "finished", 2925)


def test_converse_uses_tools(boto):
    asked = {**CONVERSE, "toolConfig": {"tools": [TOOL], "toolChoice": {"any": {}}}}
    answer = boto.converse(modelId=BEDROCK, **asked)
    (block,) = answer["output"]["message"]["content"]
    assert (answer["stopReason"], block["toolUse"]["name"]) == ("tool_use", "count")
    result = {"toolResult": {"toolUseId": block["toolUse"]["toolUseId"], "content": [{"text": "7"}]}}
    asked["messages"] = [*asked["messages"], answer["output"]["message"], {"role": "user", "content": [result]}]
    assert boto.converse(modelId=BEDROCK, **asked)["stopReason"] == "end_turn"


def test_converse_retries_and_fails(boto, shared):
    boto.converse(modelId=f"{BEDROCK}+overloaded=1", **CONVERSE)
    assert [(record.status, record.attempt) for record in shared.served.records()[-2:]] == [(503, 0), (200, 1)]
    # botocore leaves the connection of a stream that fails to the garbage collector, which warns in a later test.
    stream = boto.converse_stream(modelId=f"{BEDROCK}+stream_error", **CONVERSE)["stream"]
    with pytest.raises(EventStreamError, match="Overloaded"), closing(stream):
        list(stream)
