"""The four operations of `bedrock-runtime`, by a real boto3 client against a local server."""

import gc
import io
import json

import pytest
from bedrock_client import make_client
from botocore.exceptions import ClientError, EndpointConnectionError, EventStreamError, ParamValidationError
from botocore.response import StreamingBody
from botocore.stub import Stubber
from opentelemetry.instrumentation.utils import suppress_instrumentation
from urllib3.exceptions import ProtocolError

from bedrock_server import Answer, chunk, error, event, failure, message, stream

SONNET = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
GLOBAL = "global.anthropic.claude-sonnet-4-5-20250929-v1:0"
ASKED = [{"role": "user", "content": [{"text": "x"}]}]
BODY = json.dumps({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 10, "messages": []})
CONVERSE_USAGE = {
    "inputTokens": 11, "outputTokens": 264, "totalTokens": 2303, "cacheReadInputTokens": 1000,
    "cacheWriteInputTokens": 1028,
    "cacheDetails": [{"ttl": "5m", "inputTokens": 1000}, {"ttl": "1h", "inputTokens": 28}],
}  # fmt: skip
USAGE = {
    "input_tokens": 11, "output_tokens": 264, "cache_read_input_tokens": 1000, "cache_creation_input_tokens": 1028,
    "cache_creation": {"ephemeral_5m_input_tokens": 1000, "ephemeral_1h_input_tokens": 28},
}  # fmt: skip
TOKENS = (2039, 264, 1000, 1000, 28)
REGIONAL = round((11 * 3 + 264 * 15 + 1000 * 0.30 + 1000 * 3.75 + 28 * 6) * 1.1e-6, 12)
"""USD: list price of Sonnet 4.5, and 10 % more for a geography (pricing page, 2026-11)."""
CONVERSED = {
    "output": {"message": {"role": "assistant", "content": [{"text": "hi"}]}},
    "stopReason": "end_turn", "usage": CONVERSE_USAGE, "metrics": {"latencyMs": 1},
}  # fmt: skip
MESSAGE = {
    "id": "msg_bdrk_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5-20250929",
    "content": [{"type": "text", "text": "hi"}], "stop_reason": "end_turn", "usage": USAGE,
}  # fmt: skip
EVENTS = [
    chunk(
        {"type": "message_start", "message": {**MESSAGE, "stop_reason": None, "usage": {**USAGE, "output_tokens": 1}}}
    ),
    chunk({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
    chunk({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hi"}}),
    chunk({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 264}}),
    chunk({"type": "message_stop", "amazon-bedrock-invocationMetrics": {"inputTokenCount": 9, "outputTokenCount": 9}}),
]
CONVERSE_EVENTS = [
    event("messageStart", {"role": "assistant"}),
    event("contentBlockDelta", {"delta": {"text": "hi"}, "contentBlockIndex": 0}),
    event("contentBlockStop", {"contentBlockIndex": 0}),
    event("messageStop", {"stopReason": "end_turn"}),
    event("metadata", {"usage": CONVERSE_USAGE, "metrics": {"latencyMs": 1}}),
]


left_open = pytest.mark.filterwarnings("ignore:.*:pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
"""botocore leaves the connection of a stream that fails or that nobody closes to the garbage collector, which warns."""


def invoke(client, model=SONNET):
    return json.loads(client.invoke_model(modelId=model, body=BODY)["body"].read())


def invoke_stream(client, model=SONNET):
    return list(client.invoke_model_with_response_stream(modelId=model, body=BODY)["body"])


def converse(client, model=SONNET):
    return client.converse(modelId=model, messages=ASKED)


def converse_stream(client, model=SONNET):
    return list(client.converse_stream(modelId=model, messages=ASKED)["stream"])


OPERATIONS = [
    pytest.param(invoke, message(MESSAGE), False, id="InvokeModel"),
    pytest.param(invoke_stream, stream(*EVENTS), True, id="InvokeModelWithResponseStream"),
    pytest.param(converse, message(CONVERSED), False, id="Converse"),
    pytest.param(converse_stream, stream(*CONVERSE_EVENTS), True, id="ConverseStream"),
]


@pytest.mark.parametrize(("operation", "answer", "streams"), OPERATIONS)
def test_an_operation(measured, server, client, operation, answer, streams):
    server.answers = [answer]
    assert operation(client)
    assert measured.tokens() == TOKENS
    assert measured.usd() == REGIONAL
    assert measured.unpriced() == {}
    assert measured.calls() == {(None, "end_turn"): 1}
    assert measured.attempts() == {("success", None): 1}
    assert len(measured.points("gen_ai.client.inference.time_to_first_chunk")) == streams
    (span,) = measured.spans
    said = dict(span.attributes)
    assert span.name == f"chat {SONNET}"
    assert said["http.route"].startswith("/model/{modelId}/")
    assert said["gen_ai.provider.name"] == "aws.bedrock"
    assert (said["gen_ai.usage.input_tokens"], said["gen_ai.usage.output_tokens"]) == (2039, 264)
    assert said["claude.cost.status"] == "exact"
    assert round(said["gen_ai.usage.cost.amount"], 12) == REGIONAL
    ((attributes, _),) = measured.points("claude.client.calls")
    assert attributes["claude.client.library"] == "botocore"
    assert attributes["server.address"] == "127.0.0.1"


@pytest.mark.parametrize(("operation", "answer", "streams"), OPERATIONS)
def test_a_global_profile_costs_list_price(measured, server, client, operation, answer, streams):
    server.answers = [answer]
    operation(client, GLOBAL)
    assert measured.usd() == pytest.approx(REGIONAL / 1.1)
    assert measured.unpriced() == {}


@pytest.mark.parametrize(("operation", "answer", "streams"), OPERATIONS)
def test_retries_are_attempts_of_one_call(measured, server, client, operation, answer, streams):
    server.answers = [error(503, "ServiceUnavailableException"), error(429, "ThrottlingException"), answer]
    operation(client)
    assert measured.calls() == {(None, "end_turn"): 1}
    assert measured.attempts() == {("retried", "overloaded"): 1, ("retried", "rate_limit"): 1, ("success", None): 1}
    assert measured.usd() == REGIONAL
    ((_, (count, seconds)),) = measured.points("claude.client.retry.delay")
    assert count == 2
    assert 0 < seconds < 10
    assert [e.name for e in measured.spans[0].events] == ["claude.attempt", "claude.attempt"]


FAILURES = [
    (400, "ValidationException", None),
    (403, "AccessDeniedException", None),
    (429, "ThrottlingException", "rate_limit"),
    (400, "ServiceQuotaExceededException", "rate_limit"),
    (429, "ModelNotReadyException", "overloaded"),
    (500, "InternalServerException", None),
    (408, "ModelTimeoutException", None),
]


@pytest.mark.parametrize(("status", "code", "blocked"), FAILURES)
@pytest.mark.parametrize(("operation", "answer", "streams"), OPERATIONS)
def test_an_error(measured, server, operation, answer, streams, status, code, blocked):  # noqa: PLR0913, PLR0917 - two tables
    server.answers = [error(status, code)]
    client = make_client(server, retries={"total_max_attempts": 1})
    with pytest.raises(ClientError):
        operation(client)
    assert measured.calls() == {(code, None): 1}
    assert measured.attempts() == {("failed", blocked): 1}
    assert (measured.tokens(), measured.usd(), measured.unpriced()) == ((0, 0, 0, 0, 0), 0, {})
    (span,) = measured.spans
    assert span.status.status_code.name == "ERROR"
    assert span.attributes["error.type"] == code


@pytest.mark.parametrize("operation", [invoke, converse])
def test_other_vendors_are_not_counted(measured, server, client, operation):
    server.answers = [message(CONVERSED)]
    operation(client, "amazon.nova-lite-v1:0") if operation is converse else client.invoke_model(
        modelId="amazon.nova-lite-v1:0", body="{}"
    )["body"].read()
    assert measured.points("claude.client.calls") == []
    assert measured.spans == []


def test_arguments_that_are_not_valid_are_no_call(measured, server, client):
    with pytest.raises(ParamValidationError):
        client.converse(modelId=SONNET, messages="no")
    assert (measured.points("claude.client.calls"), measured.spans) == ([], [])


def test_a_stub_is_no_call(measured, server, client):
    with Stubber(client) as stubber:
        usage = {name: count for name, count in CONVERSE_USAGE.items() if not name.startswith("cache")}
        stubber.add_response("converse", {**CONVERSED, "usage": usage})  # in the words of the oldest version
        converse(client)
    assert (measured.points("claude.client.calls"), measured.spans) == ([], [])


def read_in_pieces(body):
    return b"".join(iter(lambda: body.read(7), b""))


def read_exactly(body):
    return body.read(len(json.dumps(MESSAGE)))


def read_into(body):
    buffer, read = bytearray(50), b""
    while count := body.readinto(buffer):
        read += bytes(buffer[:count])
    return read


def in_a_block(body):
    with body as raw:
        return raw.read()


READS = {
    "read": lambda body: body.read(),
    "in pieces": read_in_pieces,
    "exactly": read_exactly,
    "iter_chunks": lambda body: b"".join(body.iter_chunks(10)),
    "iter_lines": lambda body: b"".join(body.iter_lines()),
    "iteration": b"".join,
    "readlines": lambda body: b"".join(body.readlines()),
    "readinto": read_into,
    "with": in_a_block,
    "TextIOWrapper": lambda body: io.TextIOWrapper(body).read().encode(),
    "BufferedReader": lambda body: io.BufferedReader(body).read(),
}


@pytest.mark.parametrize("way", READS)
def test_the_ways_of_reading_a_body(measured, server, client, way):
    if not hasattr(StreamingBody, "readinto") and way in ("readinto", "TextIOWrapper", "BufferedReader"):
        pytest.skip("botocore has it since 1.36")
    read = READS[way]
    server.answers = [message(MESSAGE)]
    body = client.invoke_model(modelId=SONNET, body=BODY)["body"]
    assert type(body).__name__ == "StreamingBody"
    assert json.loads(read(body)) == MESSAGE
    assert measured.tokens() == TOKENS
    assert measured.usd() == REGIONAL
    assert measured.calls() == {(None, "end_turn"): 1}


COUNTS = {
    "x-amzn-bedrock-input-token-count": "11",
    "x-amzn-bedrock-output-token-count": "264",
    "x-amzn-bedrock-cache-read-input-token-count": "1000",
}


@pytest.mark.parametrize("leave", ["close", "drop", "close after a piece"])
def test_a_body_that_nobody_reads_is_counted_by_its_headers(measured, server, client, leave):
    server.answers = [message(MESSAGE, **COUNTS)]
    body = client.invoke_model(modelId=SONNET, body=BODY)["body"]
    if leave == "close after a piece":
        body.read(3)
    if leave != "drop":
        body.close()
    del body
    assert measured.tokens() == (1011, 264, 1000, 0, 0)
    assert measured.usd() == round((11 * 3 + 264 * 15 + 1000 * 0.30) * 1.1e-6, 12)
    assert measured.unpriced() == {}


def test_a_body_without_counts_that_nobody_reads_says_so(measured, server, client):
    server.answers = [message(MESSAGE)]
    client.invoke_model(modelId=SONNET, body=BODY)["body"].close()
    assert measured.unpriced() == {"unread_body": 1}
    assert sum(measured.calls().values()) == 1


def test_a_guardrail_answers_without_usage(measured, server, client):
    said = {
        "type": "message",
        "content": [{"type": "text", "text": "no"}],
        "amazon-bedrock-guardrailAction": "INTERVENED",
    }
    server.answers = [message(said, **COUNTS)]
    invoke(client)
    assert measured.tokens() == (1011, 264, 1000, 0, 0)
    assert measured.unpriced() == {}


NOT_MESSAGES = {
    "a list": b"[1]",
    "HTML": b"<html>",
    "nothing": b"",
    "an error": b'{"type":"error","error":{"type":"x"}}',
}


@pytest.mark.parametrize("body", NOT_MESSAGES.values(), ids=NOT_MESSAGES)
def test_a_body_that_is_no_message(measured, server, client, body):
    server.answers = [Answer(200, body, {"content-type": "application/json"})]
    client.invoke_model(modelId=SONNET, body=BODY)["body"].read()
    assert measured.unpriced() == {"invalid_response": 1}
    assert measured.calls() == {("invalid_response", None): 1}


START, *BLOCK, DELTA, STOP = EVENTS
OUTPUT = {"output_tokens": 264}
UNFINISHED = {
    "no stop reason": ([chunk({"type": "message_delta", "delta": {}, "usage": OUTPUT}), STOP], {}, REGIONAL),
    "no message_delta": ([STOP], {"missing_counts": 1}, None),
    "nothing after the text": ([], {"incomplete_stream": 1}, None),
    "a delta of no input": (
        [chunk({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {**OUTPUT, "input_tokens": 0}}),
         STOP],
        {}, REGIONAL,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", UNFINISHED)
def test_a_stream_that_ends_in_another_way(measured, server, client, name):
    said, unpriced, dollars = UNFINISHED[name]
    server.answers = [stream(START, *BLOCK, *said)]
    list(client.invoke_model_with_response_stream(modelId=SONNET, body=BODY)["body"])
    assert {error for error, _ in measured.calls()} == {None}
    assert measured.unpriced() == unpriced
    if dollars is not None:
        assert measured.usd() == dollars


def test_a_stream_that_is_left_is_a_lower_bound(measured, server, client):
    server.answers = [stream(*EVENTS)]
    events = client.invoke_model_with_response_stream(modelId=SONNET, body=BODY)["body"]
    next(iter(events))
    events.close()
    assert measured.tokens() == (2039, 0, 1000, 1000, 28)
    assert measured.usd() == round((11 * 3 + 1000 * 0.30 + 1000 * 3.75 + 28 * 6) * 1.1e-6, 12)
    assert measured.unpriced() == {"incomplete_stream": 1}


@left_open
def test_a_stream_that_is_dropped_is_a_lower_bound(measured, server, client):
    server.answers = [stream(*EVENTS)]
    events = client.invoke_model_with_response_stream(modelId=SONNET, body=BODY)["body"]
    next(iter(events))
    del events
    gc.collect()
    assert measured.unpriced() == {"incomplete_stream": 1}


@left_open
def test_an_error_within_a_stream(measured, server, client):
    server.answers = [stream(*EVENTS[:3], failure("throttlingException", "slow down"))]
    with pytest.raises(EventStreamError):
        invoke_stream(client)
    assert measured.calls() == {("ThrottlingException", None): 1}
    assert measured.tokens() == (2039, 0, 1000, 1000, 28)


def test_a_stream_that_is_cut(measured, server, client):
    server.answers = [stream(*EVENTS[:3], cut=True)]
    with pytest.raises(ProtocolError):
        invoke_stream(client)
    assert measured.calls() == {("connection_error", None): 1}
    assert measured.unpriced() == {"incomplete_stream": 1}


@left_open
def test_converse_left_before_its_usage_has_no_counts(measured, server, client):
    server.answers = [stream(*CONVERSE_EVENTS)]
    for each in client.converse_stream(modelId=SONNET, messages=ASKED)["stream"]:
        if "messageStop" in each:
            break
    gc.collect()
    assert measured.usd() == 0
    assert sum(measured.unpriced().values()) == 1


def test_a_guardrail_that_intervened(measured, server, client):
    server.answers = [message({**CONVERSED, "stopReason": "guardrail_intervened"})]
    converse(client)
    assert measured.calls() == {(None, "guardrail_intervened"): 1}
    assert measured.usd() == REGIONAL


UNPRICED = [
    ({"serviceTier": {"type": "priority"}}, "priority_tier"),
    ({"serviceTier": {"type": "flex"}}, "unknown_service_tier"),
    ({"performanceConfig": {"latency": "optimized"}}, "unknown_speed"),
]


@pytest.mark.parametrize(("served", "reason"), UNPRICED)
def test_how_it_was_served(measured, server, client, served, reason):
    server.answers = [message({**CONVERSED, **served})]
    converse(client)
    assert measured.unpriced() == {reason: 1}


@pytest.mark.parametrize(
    "served", [{"serviceTier": {"type": "default"}}, {"performanceConfig": {"latency": "standard"}}]
)
def test_served_as_usual(measured, server, client, served):
    server.answers = [message({**CONVERSED, **served})]
    converse(client)
    assert (measured.usd(), measured.unpriced()) == (REGIONAL, {})


PROFILE = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abcdef123456"
IDS = [
    ("anthropic.claude-sonnet-4-5-20250929-v1:0", {"unknown_endpoint": 1}),
    ("eu.anthropic.claude-sonnet-4-5-20250929-v1:0", {}),
    ("arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0", {}),
    (PROFILE, {"unknown_endpoint": 1}),
]


@pytest.mark.parametrize(("model", "reasons"), IDS)
def test_forms_of_model_ids(measured, server, client, model, reasons):
    server.answers = [message(MESSAGE)]
    invoke(client, model)
    assert measured.tokens() == TOKENS
    assert measured.unpriced() == reasons


def test_converse_with_an_application_profile_is_an_unknown_model(measured, server, client):
    server.answers = [message(CONVERSED)]
    converse(client, PROFILE)
    assert measured.tokens() == TOKENS
    assert measured.unpriced() == {"unknown_model": 1}
    (warning,) = measured.warnings()
    assert PROFILE in warning


def test_no_connection_costs_nothing(measured, server):
    client = make_client(server, retries={"total_max_attempts": 1})
    client.meta.events.register(
        "before-send.bedrock-runtime", lambda request, **_: setattr(request, "url", "http://127.0.0.1:9/")
    )
    with pytest.raises(EndpointConnectionError):
        converse(client)
    assert measured.calls() == {("connection_error", None): 1}
    assert (measured.usd(), measured.unpriced()) == (0, {})


@pytest.mark.parametrize(("operation", "answer", "streams"), OPERATIONS)
@pytest.mark.parametrize("step", ["observe_body", "observe_stream", "OPERATIONS"])
def test_a_failure_of_ours_reaches_nobody(measured, server, client, monkeypatch, operation, answer, streams, step):  # noqa: PLR0913, PLR0917 - two tables
    server.answers = [answer]
    with suppress_instrumentation():
        expected = operation(client)
    monkeypatch.setattr(f"otel_claude.botocore.patches.{step}", None)
    assert operation(client) == expected
    fails = (
        step == "OPERATIONS" or (operation is invoke and step == "observe_body") or (streams and step != "observe_body")
    )
    assert bool(measured.warnings()) == fails
    if step == "OPERATIONS":
        assert measured.calls() == {}
        return
    assert sum(measured.calls().values()) == 1
    if fails:
        assert sum(measured.unpriced().values()) == 1
    else:
        assert measured.usd() == REGIONAL
