"""The same of aiobotocore, where it is installed: the SDK matrix of boto3 has it."""

import asyncio
import json

import pytest

aiobotocore = pytest.importorskip("aiobotocore.session")

from aiobotocore.config import AioConfig  # noqa: E402 - only where it is
from test_bedrock_calls import ASKED, BODY, CONVERSE_EVENTS, CONVERSED, EVENTS, MESSAGE, REGIONAL, SONNET, TOKENS  # noqa: E402

from bedrock_server import error, message, stream  # noqa: E402
from otel_claude.litellm import ClaudeLiteLLMInstrumentor  # noqa: E402


async def invoke(client):
    answer = await client.invoke_model(modelId=SONNET, body=BODY)
    return json.loads(await answer["body"].read())


async def invoke_in_a_block(client):
    answer = await client.invoke_model(modelId=SONNET, body=BODY)
    async with answer["body"] as body:
        return json.loads(await body.read())


async def invoke_in_pieces(client):
    answer = await client.invoke_model(modelId=SONNET, body=BODY)
    return json.loads(b"".join([piece async for piece in answer["body"].iter_chunks(10)]))


async def invoke_stream(client):
    answer = await client.invoke_model_with_response_stream(modelId=SONNET, body=BODY)
    return [each async for each in answer["body"]]


async def converse(client):
    return await client.converse(modelId=SONNET, messages=ASKED)


async def converse_stream(client):
    answer = await client.converse_stream(modelId=SONNET, messages=ASKED)
    return [each async for each in answer["stream"]]


def run(server, use, **options):
    async def main():
        session = aiobotocore.get_session()
        config = AioConfig(retries={"total_max_attempts": 3, "mode": "standard"}, **options)
        async with session.create_client(
            "bedrock-runtime", region_name="us-east-1", endpoint_url=server.url, aws_access_key_id="test",
            aws_secret_access_key="test", config=config,
        ) as client:  # fmt: skip
            return await use(client)

    return asyncio.run(main())


OPERATIONS = [
    pytest.param(invoke, message(MESSAGE), id="InvokeModel"),
    pytest.param(invoke_in_a_block, message(MESSAGE), id="InvokeModel, in a block"),
    pytest.param(invoke_in_pieces, message(MESSAGE), id="InvokeModel, in pieces"),
    pytest.param(invoke_stream, stream(*EVENTS), id="InvokeModelWithResponseStream"),
    pytest.param(converse, message(CONVERSED), id="Converse"),
    pytest.param(converse_stream, stream(*CONVERSE_EVENTS), id="ConverseStream"),
]


@pytest.mark.parametrize(("operation", "answer"), OPERATIONS)
def test_an_operation(measured, server, operation, answer):
    server.answers = [error(503, "ServiceUnavailableException"), answer]
    assert run(server, operation)
    assert measured.tokens() == TOKENS
    assert measured.usd() == REGIONAL
    assert measured.calls() == {(None, "end_turn"): 1}
    assert measured.attempts() == {("retried", "overloaded"): 1, ("success", None): 1}
    assert [span.name for span in measured.spans] == [f"chat {SONNET}"]


def test_many_at_once(measured, server):
    server.answers = [message(CONVERSED)]

    async def many(client):
        return await asyncio.gather(*(converse(client) for _ in range(8)))

    assert len(run(server, many)) == 8
    assert measured.calls() == {(None, "end_turn"): 8}
    assert measured.usd() == round(8 * REGIONAL, 12)


def test_a_stream_that_is_left(measured, server):
    server.answers = [stream(*EVENTS)]

    async def leave(client):
        answer = await client.invoke_model_with_response_stream(modelId=SONNET, body=BODY)
        async for _ in answer["body"]:
            break
        answer["body"].close()

    run(server, leave)
    assert measured.unpriced() == {"incomplete_stream": 1}


def test_an_error(measured, server):
    server.answers = [error(400, "ValidationException")]
    with pytest.raises(Exception, match="ValidationException"):
        run(server, converse)
    assert measured.calls() == {("ValidationException", None): 1}


HTTPX = [
    pytest.param(invoke, message(MESSAGE), id="InvokeModel"),
    pytest.param(invoke_in_a_block, message(MESSAGE), id="InvokeModel, in a block"),
    pytest.param(converse, message(CONVERSED), id="Converse"),
]


@pytest.fixture
def httpx_session():
    """aiobotocore's other way to send requests, where it and httpx or httpx2 are."""
    module = pytest.importorskip("aiobotocore.httpxsession")
    if module.httpx is None:
        pytest.skip("httpx is not installed")
    return module.HttpxSession


@pytest.mark.filterwarnings("ignore:aiobotocore's httpx backend:DeprecationWarning")
@pytest.mark.parametrize(("operation", "answer"), HTTPX)
def test_an_operation_over_httpx(measured, server, httpx_session, operation, answer):
    server.answers = [error(503, "ServiceUnavailableException"), answer]
    assert run(server, operation, http_session_cls=httpx_session)
    assert measured.tokens() == TOKENS
    assert measured.usd() == REGIONAL
    assert measured.calls() == {(None, "end_turn"): 1}
    assert measured.attempts() == {("retried", "overloaded"): 1, ("success", None): 1}


@pytest.fixture
def any_httpx(measured):
    """Every program of httpx is measured too."""
    pytest.importorskip("httpx")
    instrumentor = ClaudeLiteLLMInstrumentor()
    instrumentor.instrument(
        tracer_provider=measured.tracer_provider, meter_provider=measured.meter_provider, httpx=True
    )
    yield
    instrumentor.uninstrument()


@pytest.mark.usefixtures("any_httpx")
@pytest.mark.filterwarnings("ignore:aiobotocore's httpx backend:DeprecationWarning")
@pytest.mark.parametrize(("operation", "answer"), HTTPX)
def test_an_operation_over_httpx_is_one_call_where_all_of_httpx_is_measured(
    measured, server, httpx_session, operation, answer
):
    server.answers = [answer]
    assert run(server, operation, http_session_cls=httpx_session)
    assert measured.usd() == REGIONAL
    assert measured.calls() == {(None, "end_turn"): 1}
    assert len(measured.spans) == 1


async def close_at_once(client):
    answer = await client.invoke_model(modelId=SONNET, body=BODY)
    async with answer["body"]:
        pass


@pytest.mark.filterwarnings("ignore:aiobotocore's httpx backend:DeprecationWarning")
def test_a_body_over_httpx_that_nobody_reads(measured, server, httpx_session):
    server.answers = [message(MESSAGE)]
    run(server, close_at_once, http_session_cls=httpx_session)
    assert measured.unpriced() == {"unread_body": 1}


@pytest.mark.filterwarnings("ignore:aiobotocore's httpx backend:DeprecationWarning")
@pytest.mark.parametrize(("operation", "answer"), [(invoke_stream, EVENTS), (converse_stream, CONVERSE_EVENTS)])
def test_streams_over_httpx_are_not_read_by_aiobotocore(measured, server, httpx_session, operation, answer):
    server.answers = [stream(*answer)]

    def failure():
        try:
            run(server, operation, http_session_cls=httpx_session)
        except Exception as error:  # noqa: BLE001 - of httpx or httpx2
            return str(error)

    assert "without having called `read" in failure()
    assert measured.collected(1) == 1
    assert measured.unpriced() == {"incomplete_stream": 1}
