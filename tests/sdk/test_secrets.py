"""No prompt, no completion, no tool argument and no credential is in anything that we export or log."""

import logging

import pytest
from support import api
from support.face import Face
from support.library import anthropic, http
from support.server import Server, either, plain, refused, stream
from support.shapes import ARGS

PLANTED = (api.PROMPT, api.COMPLETION, api.COMPLETION[8:], api.ARGUMENT, api.KEY, api.KEY[20:60], api.TOKEN,
           api.TOKEN[14:50])  # fmt: skip


def exported(telemetry):
    """Everything: spans with their events, metrics with exemplars, and what our logger said at any level."""
    for span in telemetry.spans:
        yield span.to_json()
    data = telemetry.reader.get_metrics_data()
    yield data.to_json()
    for resource in data.resource_metrics:
        yield repr(resource)
    for record in telemetry.logs.records:
        if record.name.startswith("otel_claude"):
            yield logging.Formatter().format(record)


def tool_use():
    return {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"secret": api.ARGUMENT}}


async def exercise(client):
    args = {
        **ARGS,
        "system": api.PROMPT,
        "stop_sequences": [api.PROMPT],
        "metadata": {"user_id": api.PROMPT},
        "tools": [{"name": "f", "description": api.PROMPT, "input_schema": {"type": "object"}}],
    }
    await client.wait(client.client.messages.create(**args))
    await client.take(await client.wait(client.client.messages.create(**args, stream=True)))
    async with client.inside(client.client.messages.stream(**args)) as helper:
        await client.take(helper.text_stream, 1)
    raw = await client.wait(client.client.messages.with_raw_response.create(**args))
    await client.wait(raw.parse())


CREDENTIALS = {"key": {"api_key": api.KEY}, "token": {"auth_token": api.TOKEN, "api_key": None}}


@pytest.mark.parametrize("credential", CREDENTIALS)
async def test_nothing_planted_comes_out(telemetry, kind, tracing, credential, quiet):
    body = api.message(content=[{"type": "text", "text": api.COMPLETION}, tool_use()])
    client = Face(kind, Server(either(body=body)), tracing, **CREDENTIALS[credential])
    await exercise(client)
    said = refused(400, "invalid_request_error", f"messages: {api.PROMPT} {api.TOKEN}")
    client = Face(kind, Server(said), tracing, **CREDENTIALS[credential])
    with pytest.raises(anthropic.BadRequestError):
        await exercise(client)
    listed = [*api.events()[:4], api.error("api_error", api.COMPLETION)]
    client = Face(kind, Server(stream(listed)), tracing, **CREDENTIALS[credential])
    with pytest.raises(anthropic.APIStatusError):
        await client.take(await client.wait(client.client.messages.create(**ARGS, stream=True)))

    def quoting(_request):
        raise http.ConnectError(api.PROMPT)

    client = Face(kind, Server(quoting), tracing, max_retries=1, **CREDENTIALS[credential])
    with pytest.raises(anthropic.APIConnectionError):
        await exercise(client)
    found = [(secret, text[:200]) for text in exported(telemetry) for secret in PLANTED if secret in text]
    assert found == []
    assert any(api.HINT in text for text in exported(telemetry)) == (credential == "key")


async def test_secrets_in_wrong_places(telemetry, kind, tracing):
    """A model, a stop reason or a header of unusual length or alphabet becomes no label."""
    body = api.message(model=api.COMPLETION * 20, stop_reason=f"a\n{api.COMPLETION}")
    client = Face(kind, Server(plain(body, headers={**api.IDENTITY, "request-id": "r" * 900})), tracing)
    await client.wait(client.client.messages.create(**ARGS))
    data = telemetry.reader.get_metrics_data().to_json()
    assert api.COMPLETION not in data
    assert api.COMPLETION not in " ".join(telemetry.warnings)


@pytest.mark.parametrize("header", ["X-Api-Key", "x-api-key", "Authorization"])
async def test_credentials_of_one_request(telemetry, kind, tracing, header, quiet):
    client = Face(kind, Server(plain()), tracing)
    value = api.TOKEN if header != "Authorization" else f"Bearer {api.TOKEN}"
    await client.wait(client.client.messages.create(**ARGS, extra_headers={header: value}))
    assert not [text for text in exported(telemetry) for secret in PLANTED if secret in text]
    assert not any("claude.api_key.hint" in text for text in exported(telemetry))
