"""Programs that post to the Messages API with httpx itself, where `OTEL_CLAUDE_HTTPX` says that they are measured."""

import asyncio
import contextvars
import gc
import json

import httpx
import pytest
from messages_api import EVENTS, GATEWAYS, LIST, MESSAGE, REGIONAL, SONNET, TOKENS, answer, events, refused
from opentelemetry.instrumentation.utils import suppress_instrumentation

import bedrock_server as aws
from bedrock_server import Answer
from otel_claude import tags
from otel_claude.litellm import ClaudeLiteLLMInstrumentor, patches
from otel_claude.litellm import requests as sent

BODY = {"model": SONNET, "max_tokens": 10, "messages": [{"role": "user", "content": "x"}]}
PLACE = "/v1/projects/p/locations/us-east5/publishers/anthropic/models/claude-sonnet-4-5@20250929"
MODEL = f"/model/us.anthropic.{SONNET}-v1%3A0"
BEDROCK_BODY = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 10, "messages": []}
KEY = "sk-ant-api03-R2D2" + "x" * 90 + "igAA"


@pytest.fixture
def settings():
    return {"httpx": True}


def post(server, path="/v1/messages", body=BODY, **options):
    with httpx.Client() as client:
        return client.post(server.url + path, json=body, **options)


def read_stream(server, path="/v1/messages", body=BODY):
    with httpx.Client() as client, client.stream("POST", server.url + path, json={**body, "stream": True}) as response:
        return list(response.iter_lines())


def apost(server):
    async def main():
        async with httpx.AsyncClient() as client:
            return await client.post(f"{server.url}/v1/messages", json=BODY)

    return asyncio.run(main())


def aread_stream(server):
    async def main():
        async with (
            httpx.AsyncClient() as client,
            client.stream("POST", f"{server.url}/v1/messages", json={**BODY, "stream": True}) as response,
        ):
            return [piece async for piece in response.aiter_bytes()]

    return asyncio.run(main())


CONVERSED = {
    "output": {"message": {"role": "assistant", "content": [{"text": "hi"}]}}, "stopReason": "end_turn",
    "usage": {
        "inputTokens": 11, "outputTokens": 264, "totalTokens": 2303, "cacheReadInputTokens": 1000,
        "cacheWriteInputTokens": 1028,
        "cacheDetails": [{"ttl": "5m", "inputTokens": 1000}, {"ttl": "1h", "inputTokens": 28}],
    },
}  # fmt: skip
CALLS = [
    pytest.param(post, answer(), False, LIST, id="post"),
    pytest.param(read_stream, events(*EVENTS), True, LIST, id="stream"),
    pytest.param(apost, answer(), False, LIST, id="post, async"),
    pytest.param(aread_stream, events(*EVENTS), True, LIST, id="stream, async"),
    pytest.param(lambda server: post(server, f"{PLACE}:rawPredict"), answer(), False, REGIONAL, id="Vertex AI"),
    pytest.param(
        lambda server: read_stream(server, f"{PLACE}:streamRawPredict"), events(*EVENTS), True, REGIONAL,
        id="Vertex AI, stream",
    ),
    pytest.param(
        lambda server: post(server, f"{MODEL}/invoke", BEDROCK_BODY), answer(), False, REGIONAL, id="InvokeModel"
    ),
    pytest.param(
        lambda server: read_stream(server, f"{MODEL}/invoke-with-response-stream", BEDROCK_BODY),
        aws.stream(*map(aws.chunk, EVENTS)), True, REGIONAL, id="InvokeModelWithResponseStream",
    ),
    pytest.param(
        lambda server: post(server, f"{MODEL}/converse", {"messages": []}), answer(CONVERSED), False, REGIONAL,
        id="Converse",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("use", "said", "streams", "dollars"), CALLS)
def test_a_call(measured, server, use, said, streams, dollars):
    server.answers = [said]
    assert use(server)
    assert measured.tokens() == TOKENS
    assert measured.usd() == dollars
    assert measured.unpriced() == {}
    assert measured.calls() == {(None, "end_turn"): 1}
    assert measured.attempts() == {("success", None): 1}
    assert len(measured.points("gen_ai.client.inference.time_to_first_chunk")) == streams
    (span,) = measured.spans
    assert span.name == f"chat {span.attributes['gen_ai.request.model']}"
    assert span.attributes["claude.cost.status"] == "exact"
    ((attributes, _),) = measured.points("claude.client.calls")
    assert attributes["claude.client.library"] == "httpx"


def test_the_limits_and_the_key(measured, server):
    server.answers = [answer()]
    post(server, headers={"x-api-key": KEY})
    ((attributes, remaining),) = measured.points("claude.client.rate_limit.remaining")
    assert (attributes["claude.rate_limit.name"], remaining) == ("requests", 49)
    assert attributes["claude.api_key.hint"] == "sk-ant-api03-R2D...igAA"
    (span,) = measured.spans
    assert span.attributes["anthropic.request.id"] == "req_1"
    assert KEY not in span.to_json()


def test_tags(measured, server):
    server.answers = [answer()]
    with tags(feature="search"):
        post(server)
    assert measured.by("claude.client.calls", "claude.tag.feature") == {"search": 1}


def test_what_it_is_within_is_the_parent(measured, server):
    server.answers = [answer()]
    with measured.tracer_provider.get_tracer("app").start_as_current_span("outer"):
        post(server)
    inner, outer = measured.spans
    assert inner.parent.span_id == outer.context.span_id


LEFT = [
    pytest.param(next, id="after a line"),
    pytest.param(lambda lines: [next(lines) for _ in range(9)], id="after the first delta"),
]


@pytest.mark.parametrize("take", LEFT)
def test_a_stream_that_is_left_is_a_lower_bound(measured, server, take):
    server.answers = [Answer(200, [*(events(*EVENTS[:3]).body), b": more\n\n"], events().headers)]
    with (
        httpx.Client() as client,
        client.stream("POST", f"{server.url}/v1/messages", json={**BODY, "stream": True}) as r,
    ):
        take(r.iter_lines())
    assert measured.tokens()[0] == 2039
    assert measured.unpriced() == {"incomplete_stream": 1}
    assert measured.calls() == {(None, None): 1}


def test_a_stream_that_is_cut(measured, server):
    server.answers = [events(*EVENTS[:3], cut=True)]
    with pytest.raises(httpx.RemoteProtocolError):
        read_stream(server)
    assert measured.calls() == {("connection_error", None): 1}
    assert measured.unpriced() == {"incomplete_stream": 1}


def test_a_stream_that_ends_without_a_stop_reason(measured, server):
    server.answers = [events(*EVENTS[:3])]
    read_stream(server)
    assert measured.unpriced() == {"incomplete_stream": 1}
    assert measured.tokens()[0] == 2039


@pytest.mark.parametrize("read", [read_stream, aread_stream])
@pytest.mark.parametrize("name", GATEWAYS)
def test_a_stream_of_a_gateway(measured, server, read, name):
    said, call, unpriced, dollars = GATEWAYS[name]
    server.answers = [events(*said)]
    read(server)
    assert measured.calls() == {call: 1}
    assert measured.unpriced() == unpriced
    if dollars is not None:
        assert measured.usd() == dollars


def test_a_call_ends_with_the_stop_reason(measured, server):
    """LiteLLM up to 1.90 reads no further, and closes nothing."""
    server.answers = [events(*EVENTS)]
    with httpx.Client() as client:
        response = client.send(client.build_request("POST", f"{server.url}/v1/messages", json=BODY), stream=True)
        for line in response.iter_lines():
            if "message_delta" in line and line.startswith("data"):
                break
        assert measured.calls() == {(None, "end_turn"): 1}
        assert measured.usd() == LIST
        response.close()
    assert measured.calls() == {(None, "end_turn"): 1}


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_response_that_is_dropped(measured, server):
    server.answers = [events(*EVENTS[:3])]
    with httpx.Client() as client:
        response = client.send(client.build_request("POST", f"{server.url}/v1/messages", json=BODY), stream=True)
        del response
        gc.collect()
        assert sum(measured.calls().values()) == 1


def test_a_message_of_a_response_that_is_read_later(measured, server):
    server.answers = [answer()]
    with httpx.Client() as client:
        response = client.send(client.build_request("POST", f"{server.url}/v1/messages", json=BODY), stream=True)
        assert json.loads(response.read()) == MESSAGE
        assert type(response) is httpx.Response
    assert (measured.tokens(), measured.usd()) == (TOKENS, LIST)


def test_bytes_that_nobody_decodes(measured, server):
    server.answers = [events(*EVENTS)]
    with (
        httpx.Client() as client,
        client.stream("POST", f"{server.url}/v1/messages", json={**BODY, "stream": True}) as r,
    ):
        assert b"".join(r.iter_raw())
    assert measured.unpriced() == {"unread_body": 1}


ERRORS = [
    # status, the error's type, what blocked it
    (429, "rate_limit_error", "rate_limit"),
    (529, "overloaded_error", "overloaded"),
    (400, "invalid_request_error", None),
    (500, "api_error", None),
]


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(("status", "kind", "blocked"), ERRORS)
def test_an_error(measured, server, status, kind, blocked, streamed):
    server.answers = [refused(status, kind)]
    (read_stream if streamed else post)(server)
    assert measured.calls() == {(kind, None): 1}
    assert measured.attempts() == {("failed", blocked): 1}
    assert (measured.usd(), measured.unpriced()) == (0, {})
    (span,) = measured.spans
    assert span.attributes["error.type"] == kind
    assert span.status.status_code.name == "ERROR"


def test_an_error_that_nobody_reads(measured, server):
    server.answers = [refused(503, "api_error")]
    with httpx.Client() as client, client.stream("POST", f"{server.url}/v1/messages", json=BODY) as response:
        assert response.status_code == 503
    assert measured.calls() == {("503", None): 1}


@pytest.mark.parametrize(
    "said", [aws.error(429, "ThrottlingException"), aws.error(429, "ThrottlingException:http://x")]
)
def test_an_error_of_bedrock(measured, server, said):
    server.answers = [said]
    post(server, f"{MODEL}/converse")
    assert measured.calls() == {("ThrottlingException", None): 1}
    assert measured.attempts() == {("failed", "rate_limit"): 1}


def test_an_error_within_a_stream(measured, server):
    server.answers = [events(*EVENTS[:3], {"type": "error", "error": {"type": "overloaded_error", "message": "no"}})]
    read_stream(server)
    assert measured.calls() == {("overloaded_error", None): 1}
    assert measured.attempts() == {("failed", "overloaded"): 1}


def test_an_error_within_a_stream_of_bedrock(measured, server):
    server.answers = [aws.stream(*map(aws.chunk, EVENTS[:3]), aws.failure("throttlingException", "slow down"))]
    read_stream(server, f"{MODEL}/invoke-with-response-stream", BEDROCK_BODY)
    assert measured.calls() == {("ThrottlingException", None): 1}
    assert measured.tokens()[0] == 2039


def test_a_hook_that_raises(measured, server):
    server.answers = [refused(429, "rate_limit_error")]

    def read_and_raise(response):
        response.read()
        response.raise_for_status()

    for hook, kind in ((httpx.Response.raise_for_status, "429"), (read_and_raise, "rate_limit_error")):
        with httpx.Client(event_hooks={"response": [hook]}) as client, pytest.raises(httpx.HTTPStatusError):
            client.post(f"{server.url}/v1/messages", json=BODY)
        assert measured.calls()[kind, None] == 1
    assert (measured.usd(), measured.unpriced()) == (0, {})


def test_a_request_that_is_cancelled(measured, server, caplog):
    server.answers = [answer()]

    async def main():
        async with httpx.AsyncClient() as client:
            sent = client.post(f"{server.url}/v1/messages", json=BODY)
            sent.send(None)  # until it waits for the connection
            contextvars.copy_context().run(sent.close)

    asyncio.run(main())
    assert measured.calls() == {(None, None): 1}
    assert measured.unpriced() == {"no_response": 1}
    assert [record for record in caplog.records if record.name.startswith("opentelemetry")] == []


def test_no_connection_costs_nothing(measured):
    with httpx.Client() as client, pytest.raises(httpx.ConnectError):
        client.post("http://127.0.0.1:9/v1/messages", json=BODY)
    assert measured.calls() == {("connection_error", None): 1}
    assert (measured.usd(), measured.unpriced()) == (0, {})


def test_no_answer_may_be_billed(measured, server):
    server.answers = [events(cut=True)._replace(body=b"", headers={"content-length": "10"})]
    with httpx.Client(timeout=0.2) as client, pytest.raises(httpx.HTTPError):
        client.post(f"{server.url}/v1/messages", json=BODY)
    assert measured.unpriced() == {"no_response": 1}


NOT_MESSAGES = {
    "a list": b"[1]",
    "HTML": b"<html>",
    "nothing": b"",
    "an error": b'{"type":"error","error":{"type":"x"}}',
}


@pytest.mark.parametrize("use", [post, read_stream])
@pytest.mark.parametrize("body", NOT_MESSAGES.values(), ids=NOT_MESSAGES)
def test_a_body_that_is_no_message(measured, server, body, use):
    server.answers = [answer(body)]
    use(server)
    assert measured.unpriced() == {"invalid_response": 1}
    assert measured.calls() == {("invalid_response", None): 1}


def test_a_message_without_usage(measured, server):
    server.answers = [answer({name: value for name, value in MESSAGE.items() if name != "usage"})]
    post(server)
    assert measured.unpriced() == {"no_usage": 1}


def test_an_unknown_model(measured, server):
    server.answers = [answer({**MESSAGE, "model": "claude-unheard-9"})]
    post(server)
    assert measured.tokens() == TOKENS
    assert measured.unpriced() == {"unknown_model": 1}
    assert len(measured.warnings()) == 1


OTHERS = [
    ("GET", "/v1/messages", BODY),
    ("POST", "/v1/messages/count_tokens", BODY),
    ("POST", "/v1/messages/batches", BODY),
    ("POST", "/v1/chat/completions", BODY),
    ("POST", "/v1/projects/p/locations/l/publishers/google/models/gemini-3:rawPredict", BODY),
    ("POST", "/v1/projects/p/locations/l/publishers/anthropic/models/count-tokens:rawPredict", BODY),
    ("POST", "/model/amazon.nova-pro-v1%3A0/converse", {"messages": []}),
    ("POST", "/model/us.meta.llama4-v1%3A0/invoke", {"prompt": "x"}),
    ("POST", f"{MODEL}/count-tokens", BODY),
]


@pytest.mark.parametrize(("method", "path", "body"), OTHERS)
def test_other_requests_are_none_of_ours(measured, server, method, path, body):
    server.answers = [answer()]
    with httpx.Client() as client:
        client.build_request(method, server.url + path, json=body)
        if method == "POST":
            client.post(server.url + path, json=body)
    assert (measured.points("claude.client.calls"), measured.spans) == ([], [])


@pytest.mark.parametrize("use", [post, read_stream])
@pytest.mark.parametrize(("model", "calls"), [(SONNET, 1), ("kimi-k3", 0), (None, 0)])
def test_an_alias_is_judged_by_the_answer(measured, server, use, model, calls):
    said = {**MESSAGE, "model": model}
    start = {"type": "message_start", "message": {**EVENTS[0]["message"], "model": model}}
    server.answers = [answer(said) if use is post else events(start, *EVENTS[1:])]
    use(server, body={**BODY, "model": "our-model"})
    assert sum(measured.calls().values()) == calls
    assert measured.usd() == calls * LIST


def test_an_alias_whose_answer_says_nothing_is_not_counted(measured, server):
    server.answers = [refused(500, "api_error")]
    post(server, body={**BODY, "model": "our-model"})
    assert measured.calls() == {}


def test_a_body_that_can_be_read_once_is_sent_as_it_is(measured, server):
    server.answers = [answer()]
    with httpx.Client() as client:
        said = client.post(f"{server.url}/v1/messages", content=iter([json.dumps(BODY).encode()]))
    assert said.json() == MESSAGE
    assert measured.tokens() == TOKENS


def test_suppressed(measured, server):
    server.answers = [answer()]
    with suppress_instrumentation():
        post(server)
    assert measured.calls() == {}


def test_an_exception_of_ours_is_not_the_applications(measured, server, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError

    server.answers = [answer()]
    for owner, name in ((patches, "target_of"), (patches, "parse_request"), (patches, "on_body"), (sent, "_decoded")):
        with monkeypatch.context() as broke:
            broke.setattr(owner, name, broken)
            assert post(server).json() == MESSAGE
    assert len(measured.warnings()) >= 3
    for owner, name in ((patches, "observe_body"), (patches, "client_info")):
        server.answers = [events(*EVENTS)]
        with monkeypatch.context() as broke:
            broke.setattr(owner, name, broken)
            assert len(read_stream(server)) == 18
    measured.warnings()


def test_uninstrumented_it_is_httpx_as_it_was(measured, server):
    ours = httpx.Client.send
    ClaudeLiteLLMInstrumentor().uninstrument()
    assert httpx.Client.send is ours.__wrapped__
    server.answers = [answer()]
    post(server)
    assert measured.calls() == {}
    ClaudeLiteLLMInstrumentor().instrument(httpx=True)


def test_without_the_setting_other_programs_are_none_of_ours(measured, server):
    ClaudeLiteLLMInstrumentor().uninstrument()
    ClaudeLiteLLMInstrumentor().instrument(meter_provider=measured.meter_provider)
    server.answers = [answer()]
    post(server)
    assert measured.calls() == {}


def test_threads_at_once(measured, server):
    server.answers = [answer()]

    async def many():
        async with httpx.AsyncClient() as client:
            await asyncio.gather(*(client.post(f"{server.url}/v1/messages", json=BODY) for _ in range(8)))

    asyncio.run(many())
    assert measured.calls() == {(None, "end_turn"): 8}
    assert measured.usd() == round(8 * LIST, 12)
