"""Providers of every kind: sampling, exemplars, several readers, none at all, one that is set later."""

import pytest
from opentelemetry import trace
from opentelemetry.sdk.metrics import Counter, Histogram, ObservableCounter
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased
from support.expected import ABORTED, PLAIN, STREAM
from support.face import Face
from support.server import Server, plain, stream
from support.shapes import ARGS
from support.telemetry import Telemetry, plain_metrics
from support.watching import watched

from otel_claude import ClaudeInstrumentor

DELTA = dict.fromkeys((Counter, ObservableCounter, Histogram), AggregationTemporality.DELTA)


async def create(client, **more):
    return await client.wait(client.client.messages.create(**ARGS, **more))


@pytest.mark.parametrize("sampler", [ALWAYS_OFF, ParentBased(ALWAYS_OFF)], ids=["off", "parent"])
async def test_unsampled_traces_have_metrics(kind, tracing, monkeypatch, sampler):
    for telemetry in watched(Telemetry(sampler=sampler), monkeypatch):
        client = Face(kind, Server(plain()), tracing)
        await create(client)
        assert telemetry.metrics() == PLAIN.metrics()
        assert telemetry.spans == []
        assert telemetry.warnings == []


async def test_unsampled_streams_have_metrics(kind, tracing, monkeypatch):
    for telemetry in watched(Telemetry(sampler=ALWAYS_OFF), monkeypatch):
        client = Face(kind, Server(stream()), tracing)
        async with client.inside(await create(client, stream=True)) as opened:
            await client.take(opened, 4)
        await client.resolve()
        assert telemetry.metrics() == ABORTED.metrics()
        assert telemetry.warnings == []


@pytest.mark.parametrize("streams", [False, True])
async def test_exemplars_point_to_the_calls_span(telemetry, face, tracing, streams, quiet):
    client = face(stream() if streams else plain())
    if streams:
        await client.take(await create(client, stream=True))
    else:
        await create(client)
    context = telemetry.span.context
    points = telemetry.points("gen_ai.client.inference.duration", "claude.client.call.cost.usd")
    assert len(points) == 2
    for point in points:
        (exemplar,) = point.exemplars
        assert (exemplar.trace_id, exemplar.span_id) == (context.trace_id, context.span_id)


async def test_readers_of_both_temporalities(kind, monkeypatch):
    delta = InMemoryMetricReader(preferred_temporality=DELTA)
    for telemetry in watched(Telemetry([delta]), monkeypatch):
        client = Face(kind, Server(plain()))
        once = PLAIN.metrics()
        counters = [name for name in once if "usage" in name or name.endswith((".usd", ".calls", ".attempts"))]
        for round_ in (1, 2, 3):
            await create(client)
            every, new = telemetry.metrics(), telemetry.metrics(delta)
            for name in counters:
                for key, value in once[name].items():
                    assert new[name][key] == pytest.approx(value, rel=1e-12)
                    assert every[name][key] == pytest.approx(
                        tuple(part * round_ for part in value) if isinstance(value, tuple) else value * round_
                    )
        assert "claude.client.calls" not in plain_metrics(delta.get_metrics_data()) or not any(
            telemetry.metrics(delta)["claude.client.calls"].values()
        )


async def test_sums_are_exact(telemetry, kind, quiet):
    client = Face(kind, Server(plain()))
    for _ in range(100):
        await create(client)
    costs = telemetry.metrics()["claude.client.cost.usd"]
    assert sum(costs.values()) == pytest.approx(100 * 0.001545, rel=1e-15)
    ((_, exact),) = [(k, v) for k, v in costs.items() if dict(k)["claude.cost.type"] == "output"]
    assert exact == 0.075


async def test_without_any_provider(kind, tracing, monkeypatch):
    for telemetry in watched(Telemetry(), monkeypatch):
        ClaudeInstrumentor().uninstrument()
        monkeypatch.setattr(trace, "_TRACER_PROVIDER", None)
        monkeypatch.setattr("otel_claude.telemetry.metrics._of_global", [])
        ClaudeInstrumentor().instrument()
        client = Face(kind, Server(plain(), stream()), tracing)
        assert (await create(client)).id == "msg_1"
        assert len(await client.take(await create(client, stream=True))) == 7
        await client.resolve()
        assert telemetry.warnings == []
        assert telemetry.metrics() == {}


async def test_tracer_provider_of_ones_own(telemetry, kind, quiet):
    ClaudeInstrumentor().uninstrument()
    other = Telemetry()
    ClaudeInstrumentor().instrument(meter_provider=telemetry.meter_provider, tracer_provider=other.tracer_provider)
    await create(Face(kind, Server(plain())))
    assert telemetry.spans == []
    assert other.span.name.startswith("chat ")
    other.meter_provider.shutdown()


async def test_two_meter_providers_are_two_sums(telemetry, kind, quiet):
    other = Telemetry()
    await create(Face(kind, Server(plain())))
    ClaudeInstrumentor().uninstrument()
    ClaudeInstrumentor().instrument(meter_provider=other.meter_provider)
    await create(Face(kind, Server(stream())), stream=False)
    for kept in (telemetry, other):
        assert list(kept.metrics()["claude.client.calls"].values()) == [1]
    other.meter_provider.shutdown()


async def test_a_dropped_stream_is_settled_by_the_next_call(telemetry, kind, quiet):
    client = Face(kind, Server(stream(), plain()))
    opened = await create(client, stream=True)
    del opened
    await client.resolve()
    await create(client)
    assert len(telemetry.spans) == 2
    assert sum(telemetry.metrics()["claude.client.calls"].values()) == 2


async def test_same_metrics_for_native_and_ours(telemetry, kind, quiet):
    assert set(STREAM.metrics()) == set(PLAIN.metrics()) | {"gen_ai.client.inference.time_to_first_chunk"}
