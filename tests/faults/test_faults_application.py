"""What the application itself gets wrong stays its own: its exceptions, its clock, its hooks."""

import time

import pytest
from faults_measured import instrumented
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, PeriodicExportingMetricReader
from opentelemetry.sdk.trace.sampling import Sampler
from support.api import ARGS, KEY, RESET
from support.face import BASE_URL, Face
from support.library import TRACINGS, anthropic, http
from support.server import Server, either, plain
from support.telemetry import Telemetry

from otel_claude.telemetry.metrics import _by_provider

CALLS = "claude.client.calls"
DURATION = "gen_ai.client.inference.duration"


class TheirsError(Exception):
    """The application's own."""


def theirs(*_args, **_kwargs):
    raise TheirsError


@pytest.mark.parametrize("hook", ["request", "response"])
def test_a_hook_of_the_http_client_that_raises(telemetry, hook):
    transport = http.Client(transport=http.MockTransport(plain()), event_hooks={hook: [theirs]})
    client = anthropic.Anthropic(api_key=KEY, base_url=BASE_URL, http_client=transport, max_retries=1)
    # The SDK takes any failure of its HTTP client for a lost connection.
    with pytest.raises(anthropic.APIConnectionError) as raised:
        client.messages.create(**ARGS)
    assert isinstance(raised.value.__cause__, TheirsError)
    ((key, count),) = telemetry.metrics()[CALLS].items()
    assert (count, dict(key)["error.type"]) == (1, "connection_error")
    assert telemetry.warnings == []


@pytest.mark.parametrize("tracing", TRACINGS)
def test_a_body_of_a_loop_that_raises(telemetry, tracing):
    client = Face("sync", Server(either()), tracing).client

    def read():
        with client.messages.stream(**ARGS) as helper:
            for _ in helper:
                theirs()

    with pytest.raises(TheirsError):
        read()
    ((key, count),) = telemetry.metrics()[CALLS].items()
    assert (count, "error.type" in dict(key)) == (1, False)
    assert len(telemetry.spans) == 1


class Broken(Sampler):
    def should_sample(self, *_args, **_kwargs):
        raise TheirsError

    def get_description(self):
        return "broken"


def test_a_sampler_that_raises(monkeypatch):
    for kept in instrumented(Telemetry(sampler=Broken()), monkeypatch):
        client = Face("sync", Server(either()), "ours").client
        assert client.messages.create(**ARGS).id == "msg_1"
        assert len(list(client.messages.create(**ARGS, stream=True))) == 7
        assert sum(kept.metrics()[CALLS].values()) == 2


@pytest.mark.parametrize("tracing", TRACINGS)
def test_a_span_processor_that_raises_at_the_end(telemetry, tracing):
    telemetry.recorded.on_end = theirs
    client = Face("sync", Server(either()), tracing).client
    assert client.messages.create(**ARGS).id == "msg_1"
    assert len(list(client.messages.create(**ARGS, stream=True))) == 7
    assert sum(telemetry.metrics()[CALLS].values()) == 2


def test_an_exporter_that_raises(monkeypatch):
    class Exporter(MetricExporter):
        def export(self, *_args, **_kwargs):
            theirs()
            return MetricExportResult.FAILURE

        def force_flush(self, *_args):
            return True

        def shutdown(self, *_args, **_kwargs):
            pass

    reader = PeriodicExportingMetricReader(Exporter(), export_interval_millis=3_600_000)
    for kept in instrumented(Telemetry([reader]), monkeypatch):
        client = Face("sync", Server(either()), "ours").client
        client.messages.create(**ARGS)
        reader.collect()
        client.messages.create(**ARGS)
        assert sum(kept.metrics()[CALLS].values()) == 2


@pytest.mark.parametrize("jump", [-86_400 * 365, -3_600, 3_600, 86_400 * 365 * 50])
@pytest.mark.parametrize("streams", [False, True])
def test_a_clock_that_jumps_during_a_call(telemetry, monkeypatch, jump, streams):
    real, jumped = time.time, [0]
    monkeypatch.setattr(time, "time", lambda: real() + jumped[0])

    def answer(request):
        jumped[0] = jump
        return either()(request)

    client = Face("sync", Server(answer), "ours").client
    result = client.messages.create(**ARGS, stream=streams)
    if streams:
        list(result)
    metrics = telemetry.metrics()
    assert sum(metrics[CALLS].values()) == 1
    assert sum(metrics["claude.client.cost.usd"].values()) == pytest.approx(0.001545)
    (point,) = telemetry.points(DURATION)
    # No matter how long the machine took: it was neither before its beginning nor an hour.
    assert 0 < point.sum < 3_000
    assert telemetry.warnings == []


@pytest.mark.parametrize("now", [0.0, 1.0, -1.0, 253_402_300_799.0, 1e18])
def test_a_clock_that_is_nowhere(telemetry, monkeypatch, now):
    """A machine without a battery begins in 1970."""
    monkeypatch.setattr(time, "time", lambda: now)
    client = Face("sync", Server(either()), "ours").client
    client.messages.create(**ARGS)
    metrics = telemetry.metrics()
    assert sum(metrics[CALLS].values()) == 1
    assert sum(metrics["gen_ai.client.inference.usage.output_tokens"].values()) == 50
    assert ("claude.client.cost.usd" in metrics) != ("claude.client.unpriced" in metrics)
    assert telemetry.warnings == []


def test_limits_when_the_clock_jumps(telemetry):
    limits = _by_provider[telemetry.meter_provider].rate_limits
    now = [RESET - 60.0]
    limits._clock = lambda: now[0]
    client = Face("sync", Server(plain()), "ours").client
    remaining = "claude.client.rate_limit.remaining"

    def shown():
        return [list(telemetry.metrics().get(remaining, {}).values())]

    client.messages.create(**ARGS)
    assert shown() == [[40]]
    now[0] -= 7_200
    assert shown() == [[40]], "set back: it is still not full"
    now[0] += 7_200 + 61
    assert shown() == [[]], "its time has passed"
    now[0] -= 3_600
    assert shown() == [[]], "what has expired does not come back by itself"
    client.messages.create(**ARGS)
    assert shown() == [[40]]
