"""What the SDK's own test suite found: each a failure of ours, contained or seen, made small."""

import pytest
from opentelemetry.sdk.trace import sampling
from support.face import Face
from support.server import Server, plain
from support.shapes import ARGS
from support.telemetry import Telemetry
from support.watching import watched

from otel_claude import runtime
from otel_claude import semconv as c
from otel_claude.telemetry.recorder import Recorder


class OthersError(Exception):
    """A mistake of the application's, or of another library's."""


def broken(*_args, **_kwargs):
    raise OthersError


def count(telemetry, name):
    return sum(telemetry.metrics().get(name, {}).values())


class BrokenSampler(sampling.Sampler):
    def should_sample(self, *args, **kwargs):
        raise OthersError

    def get_description(self):
        return "broken"


@pytest.fixture
def telemetry_without_samples(monkeypatch):
    yield from watched(Telemetry(sampler=BrokenSampler()), monkeypatch)


async def create(kind, tracing):
    client = Face(kind, Server(plain()), tracing)
    assert (await client.wait(client.client.messages.create(**ARGS))).id == "msg_1"
    await client.resolve()


# test_open_telemetry.py::TestTracingFailures::test_disabled_spans_call_nothing_of_opentelemetry


async def test_a_call_whose_span_cannot_be_opened_is_counted_and_not_left_open(
    telemetry_without_samples, kind, tracing
):
    await create(kind, tracing)
    assert count(telemetry_without_samples, c.CALLS.name) == 1
    assert count(telemetry_without_samples, c.ATTEMPTS.name) == 1


async def test_a_call_whose_span_cannot_be_found_is_counted(telemetry, kind, tracing, monkeypatch):
    monkeypatch.setattr(Recorder, "_adopt_native_span", broken)
    await create(kind, tracing)
    assert count(telemetry, c.CALLS.name) == 1
    assert count(telemetry, c.ATTEMPTS.name) == 1


# test_open_telemetry.py::TestTracingFailures::test_global_tracer_provider_that_cannot_be_loaded_leaves_…


async def test_a_call_is_counted_if_the_global_provider_cannot_be_loaded(quiet, kind, monkeypatch):
    asked = []

    def not_installed():
        asked.append(True)
        raise StopIteration

    monkeypatch.setattr(runtime.trace, "get_tracer_provider", not_installed)
    await create(kind, "ours")
    await create(kind, "ours")
    assert count(quiet, c.CALLS.name) == 2
    assert len(asked) == 1, "OpenTelemetry logs each time"
