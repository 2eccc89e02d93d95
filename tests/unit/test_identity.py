"""Identity: when every metric carries the process's id, what settles it, and what is said of it."""

from __future__ import annotations

import logging
import re
import sys
from types import SimpleNamespace

import pytest
from opentelemetry.metrics import Histogram, MeterProvider, NoOpHistogram, NoOpMeterProvider
from opentelemetry.sdk import metrics as sdk
from opentelemetry.sdk import resources
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from otel_claude.identity import (
    FIXED,
    GIVEN,
    KEPT,
    NONE,
    NOT_KNOWN,
    cause,
    consumer_of,
    distinguishes_processes,
    fixes,
    this_process,
)
from unit_calls import CALLER, answered, begun, success

from otel_claude import identity, pricing
from otel_claude import semconv as c
from otel_claude.api import Limit
from otel_claude.semconv import agents
from otel_claude.settings import read
from otel_claude.telemetry import metrics as instruments
from otel_claude.telemetry.attributes import Group, Labeller
from otel_claude.telemetry.metrics import instruments_of
from otel_claude.telemetry.recorder import Recorder

FIXED_RESOURCE = Resource.create({"service.instance.id": "default.pod.container"})
BARE = Resource({"service.name": "app"})


@pytest.fixture(autouse=True)
def untold(monkeypatch):
    monkeypatch.setattr(identity, "_told", set())
    monkeypatch.setattr(instruments, "_told", [])


@pytest.fixture
def reader():
    return InMemoryMetricReader()


@pytest.fixture
def provider(reader):
    made = []

    def make(resource=None):
        made.append(sdk.MeterProvider([reader], resource, shutdown_on_exit=False))
        return made[-1]

    yield make
    for one in made:
        one.shutdown()


def marks(reader):
    """The ids of all points, by metric."""
    data = reader.get_metrics_data()
    return {
        metric.name: {point.attributes.get(c.INSTANCE_ID) for point in metric.data.data_points}
        for resource in (data.resource_metrics if data else ())
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }


def called(metering, mode="auto"):
    """One call, measured under a mode."""
    found = instruments_of(metering, "", Labeller(200), instance_id=mode)
    success(Recorder(None, found, pricing.shipped, legacy=False))
    return found


@pytest.mark.parametrize(
    ("resource", "mode", "carried"),
    [
        (None, "auto", False),
        (None, "on", True),
        (None, "off", False),
        (FIXED_RESOURCE, "auto", True),
        (FIXED_RESOURCE, "on", True),
        (FIXED_RESOURCE, "off", False),
        (BARE, "auto", True),
        (BARE, "on", True),
        (BARE, "off", False),
    ],
)
def test_when_every_metric_carries_it(provider, reader, resource, mode, carried):
    called(provider(resource), mode)
    found = marks(reader)
    assert {c.CALLS.name, c.COST.name, c.DURATION.name, c.CALL_COST.name} <= set(found)
    assert found == {name: {this_process() if carried else None} for name in found}


def test_gauges_and_the_numbers_of_agents_carry_it_too(provider, reader):
    metering = provider(FIXED_RESOURCE)
    found = called(metering)
    found.add_agents()
    labels = found.labels.of(CALLER, None, "claude-opus-5-5", None, (), agents.INVOKE_AGENT)
    found.reports.post(((labels.cells(Group((agents.AGENT_RESULTS.name, ()))), (1,)),))
    found.limits.seen(labels, (Limit("requests", limit=100, remaining=60, reset=4e9),))
    got = marks(reader)
    assert {c.RATE_LIMIT_LIMIT.name, agents.AGENT_RESULTS.name} <= set(got)
    assert got == {name: {this_process()} for name in got}


def test_the_id_is_twelve_hex_digits_and_another_one_after_a_fork(monkeypatch):
    monkeypatch.setattr(identity._Process, "id", this_process())
    first = this_process()
    identity.forked()
    assert re.fullmatch("[0-9a-f]{12}", first)
    assert re.fullmatch("[0-9a-f]{12}", this_process())
    assert this_process() != first


def test_labels_with_an_id_are_made_once_and_anew_for_another_id():
    labels = Labeller(200).of(CALLER, "m", None, None, ())
    one = labels.marked("0" * 12)
    assert one == {**labels.attributes, c.INSTANCE_ID: "0" * 12}
    assert labels.marked("0" * 12) is one
    assert labels.marked("1" * 12)[c.INSTANCE_ID] == "1" * 12


def test_more_ids_than_other_labels_may_have_values():
    labels = Labeller(200).of(CALLER, "m", None, None, ())
    ids = [f"{number:012x}" for number in range(500)]
    assert [labels.marked(one)[c.INSTANCE_ID] for one in ids] == ids


def test_several_providers_have_what_each_of_them_needs(provider, reader):
    other_reader = InMemoryMetricReader()
    other = sdk.MeterProvider([other_reader], shutdown_on_exit=False)
    called(provider(FIXED_RESOURCE))
    called(other)
    assert marks(reader)[c.CALLS.name] == {this_process()}
    assert marks(other_reader)[c.CALLS.name] == {None}
    other.shutdown()


class Foreign(MeterProvider):
    """A provider of another implementation, whose resource cannot be read: the SDK's, wrapped."""

    def __init__(self, provider):
        self._provider = provider

    def get_meter(self, *arguments, **named):
        meter = self._provider.get_meter(*arguments, **named)
        create = meter.create_histogram

        class Wrapped(Histogram):
            def __init__(self, *arguments, **named):
                self._wrapped = create(*arguments, **named)

            def record(self, amount, attributes=None, context=None):
                self._wrapped.record(amount, attributes, context)

        meter.create_histogram = Wrapped
        return meter


def test_a_provider_of_another_implementation_cannot_be_read_so_it_is_needed(provider, reader, caplog):
    foreign = Foreign(provider())
    with caplog.at_level(logging.INFO, "otel_claude"):
        called(foreign)
        found = marks(reader)
        assert found == {name: {this_process()} for name in found}
        assert caplog.messages == []
        instruments._forked()
    (said,) = caplog.messages
    assert said == (
        "This process was forked, and its OpenTelemetry SDK is not one that otel-claude knows. What the parent's "
        "histograms had before the fork is exported from here too, and counts twice."
    )


def test_instruments_that_wrap_the_sdks(provider):
    real = provider().get_meter("m").create_histogram("h")
    consumer = real._measurement_consumer
    assert consumer_of(real) is consumer
    assert consumer_of(SimpleNamespace(_instrument=real)) is consumer
    assert consumer_of(SimpleNamespace(_real_instrument=real)) is consumer
    assert consumer_of(SimpleNamespace(_real_instrument=None)) is NOT_KNOWN
    assert consumer_of(NoOpHistogram("h")) is NOT_KNOWN
    assert consumer_of(SimpleNamespace()) is None


def test_where_nothing_is_measured_nothing_is_said(caplog):
    metering = NoOpMeterProvider()
    with caplog.at_level(logging.INFO, "otel_claude"):
        called(metering, "off")
        instruments._forked()
    assert caplog.messages == []


def test_what_was_settled_stays(provider, reader, caplog):
    metering = provider()
    called(metering)
    marks(reader)
    instruments_of(metering, "", Labeller(200), instance_id="on")
    assert caplog.messages == [
        "instance_id is 'on', but this meter provider has exported with 'auto', so it keeps that."
    ]
    assert marks(reader)[c.CALLS.name] == {None}


def test_before_it_is_settled_it_can_be_chosen(provider, reader):
    metering = provider()
    instruments_of(metering, "", Labeller(200))
    instruments_of(metering, "", Labeller(200), instance_id="on")
    called(metering, "on")
    assert marks(reader)[c.CALLS.name] == {this_process()}


def test_a_resource_that_fails_leaves_it_exact(provider, reader, monkeypatch, caplog):
    def fails(_attributes):
        raise RuntimeError

    monkeypatch.setattr(identity, "tells_processes_apart", fails)
    called(provider())
    assert marks(reader)[c.CALLS.name] == {this_process()}
    assert len(caplog.messages) == 1


def test_retries_and_failures_carry_it_too(provider, reader):
    found = instruments_of(provider(FIXED_RESOURCE), "", Labeller(200))
    recorder = Recorder(None, found, pricing.shipped, legacy=False)
    call = begun(recorder)
    attempt = answered(call, 529)
    attempt.delay = 0.5
    recorder.retried(attempt)
    call.failed("529")
    got = marks(reader)
    assert {c.DURATION.name, c.RETRY_DELAY.name, c.ATTEMPTS.name} <= set(got)
    assert got == {name: {this_process()} for name in got}


# What a resource says.


def test_only_an_id_that_the_sdk_drew_in_this_process_tells_it_apart(monkeypatch):
    drawn = resources.ServiceInstanceIdResourceDetector().detect().attributes["service.instance.id"]
    assert distinguishes_processes({"service.instance.id": drawn})
    assert distinguishes_processes(Resource.create({}).attributes)
    assert not distinguishes_processes({"service.instance.id": "default.pod.container"})
    assert not distinguishes_processes({})
    # Another process drew it. What is drawn now is put back, for resources that live as long as the tests.
    monkeypatch.setattr(resources, "_service_instance_id", drawn)
    monkeypatch.setattr(resources, "_service_instance_id_pid", -1)
    assert not distinguishes_processes({"service.instance.id": drawn})


def test_the_sdk_before_1_44_tells_nothing_apart(monkeypatch):
    class Detector:
        def detect(self):
            return Resource({"service.instance.id": "drawn"})

    monkeypatch.setattr(resources, "ServiceInstanceIdResourceDetector", Detector)
    assert not distinguishes_processes({"service.instance.id": "drawn"})
    assert cause({"service.instance.id": "drawn"}, {}) == KEPT
    monkeypatch.delattr(resources, "ServiceInstanceIdResourceDetector")
    assert not distinguishes_processes({"service.instance.id": "drawn"})
    assert cause({}, {}) == NONE
    monkeypatch.delitem(sys.modules, "opentelemetry.sdk.resources")
    assert not distinguishes_processes({"service.instance.id": "drawn"})


@pytest.mark.parametrize(
    ("variable", "fixed"),
    [
        ("service.instance.id=a", True),
        ("service.name=app, service.instance.id = a.b.c", True),
        ("service.name=app,my.service.instance.id=a", False),
        ("service.name=service.instance.id", False),
        ("", False),
    ],
)
def test_what_fixes_an_id(variable, fixed):
    assert fixes({"OTEL_RESOURCE_ATTRIBUTES": variable}) == fixed
    assert cause({"service.instance.id": "a"}, {"OTEL_RESOURCE_ATTRIBUTES": variable}) == (FIXED if fixed else GIVEN)


@pytest.mark.parametrize(
    ("given", "mode"),
    [("AUTO", "auto"), ("on", "on"), ("true", "on"), ("off", "off"), ("0", "off"), ("sometimes", "auto")],
)
def test_the_setting(given, mode, caplog):
    assert read({}, {"OTEL_CLAUDE_INSTANCE_ID": given}).instance_id == mode
    assert read({"instance_id": given}, {}).instance_id == mode
    assert len(caplog.messages) == 2 * (given == "sometimes")
