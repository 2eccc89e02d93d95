"""With `OTEL_CLAUDE_HTTPX` the SDK's calls are counted once, as the SDK's: those before 1.0 send with httpx too."""

import pytest
from support.check import check
from support.expected import PLAIN, STREAM
from support.server import plain, stream
from support.shapes import ARGS

from otel_claude.litellm import ClaudeLiteLLMInstrumentor

pytest.importorskip("httpx", reason="from 1.0 on the SDK sends with httpx2")


@pytest.fixture(autouse=True)
def measured_too(telemetry):
    instrumentor = ClaudeLiteLLMInstrumentor()
    instrumentor.instrument(httpx=True, meter_provider=telemetry.meter_provider)
    yield
    instrumentor.uninstrument()


async def test_a_call(telemetry, face, tracing):
    client = face(plain())
    await client.wait(client.client.messages.create(**ARGS))
    check(telemetry, PLAIN, tracing)


async def test_a_stream(telemetry, face, tracing):
    client = face(stream())
    opened = await client.wait(client.client.messages.create(**ARGS, stream=True))
    await client.take(opened)
    check(telemetry, STREAM, tracing)
