"""Other instrumentations of the SDK: no further span of ours, one warning, and all metrics."""

import importlib.util
import sys
import types

import pytest
from opentelemetry import context
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor
from support.expected import PLAIN
from support.face import Face
from support.library import VERSION
from support.server import Server, either, plain
from support.shapes import ARGS

from otel_claude.telemetry.conflicts import KNOWN

REAL = "opentelemetry.instrumentation.genai.anthropic"


async def create(client, **more):
    return await client.wait(client.client.messages.create(**ARGS, **more))


@pytest.fixture
def conflict(monkeypatch, request):
    """An instrumentor under the name of another package's. It opens no span itself."""
    other = request.param
    single = type(other.instrumentor, (BaseInstrumentor,), {
        "_instrument": lambda *_args, **_kwargs: None,
        "_uninstrument": lambda *_args, **_kwargs: None,
        "instrumentation_dependencies": lambda _self: (),
    })  # fmt: skip
    module = types.ModuleType(other.module)
    setattr(module, other.instrumentor, single)
    monkeypatch.setitem(sys.modules, other.module, module)
    instrumentor = single()
    yield other, instrumentor
    if instrumentor.is_instrumented_by_opentelemetry:
        instrumentor.uninstrument()


every = pytest.mark.parametrize("conflict", KNOWN, indirect=True, ids=lambda other: other.package)


@every
async def test_no_span_of_ours_beside_it(telemetry, kind, conflict):
    other, instrumentor = conflict
    instrumentor.instrument()
    client = Face(kind, Server(plain()))
    await create(client)
    await create(client)
    assert telemetry.spans == []
    (warning,) = telemetry.warnings
    assert f"Uninstall {other.package}" in warning
    assert telemetry.metrics()["claude.client.calls"] == dict.fromkeys(PLAIN.metrics()["claude.client.calls"], 2)


@every
async def test_silent_while_it_is_off(telemetry, kind, tracing, conflict, quiet):
    await create(Face(kind, Server(plain()), tracing))
    assert len(telemetry.spans) == 1
    instrumentor = conflict[1]
    instrumentor.instrument()
    instrumentor.uninstrument()
    await create(Face(kind, Server(plain()), tracing))
    assert len(telemetry.spans) == 2


@every
async def test_the_sdks_own_span_is_still_enriched(telemetry, kind, tracing, conflict):
    if tracing != "native":
        pytest.skip("there is none")
    conflict[1].instrument()
    await create(Face(kind, Server(plain()), tracing))
    assert telemetry.span.attributes["claude.cost.status"] == "exact"
    assert len(telemetry.warnings) == 1


async def test_an_outer_inference_of_util_genai(telemetry, kind):
    token = context.attach(context.set_value("opentelemetry.genai.client.inference.context", object()))
    try:
        await create(Face(kind, Server(plain())))
    finally:
        context.detach(token)
    assert telemetry.spans == []
    assert list(telemetry.metrics()["claude.client.calls"].values()) == [1]
    assert len(telemetry.warnings) == 1


def installed():
    try:
        return importlib.util.find_spec(REAL) is not None
    except ModuleNotFoundError:
        return False


@pytest.mark.skipif(not installed(), reason=f"opentelemetry-instrumentation-genai-anthropic is not in {VERSION}'s env")
@pytest.mark.filterwarnings("ignore")
async def test_the_official_instrumentation(telemetry, kind, tracing):
    from opentelemetry.instrumentation.genai.anthropic import AnthropicInstrumentor  # noqa: PLC0415 - if installed

    official = AnthropicInstrumentor()
    official.instrument(tracer_provider=telemetry.tracer_provider, skip_dep_check=True)
    try:
        client = Face(kind, Server(either()), tracing)
        await create(client)
        await client.take(await create(client, stream=True))
        await client.resolve()
    finally:
        official.uninstrument()
    assert not [span for span in telemetry.spans if span.instrumentation_scope.name == "otel_claude"]
    theirs = [span for span in telemetry.spans if "genai" in span.instrumentation_scope.name]
    assert len(theirs) == 2
    assert len(telemetry.warnings) == 1
    assert sum(telemetry.metrics()["claude.client.calls"].values()) == 2
