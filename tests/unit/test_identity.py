"""Identity: when every metric carries the process's id, what settles it, and what is said of it."""

from __future__ import annotations

import logging
import re
import sys
from types import SimpleNamespace

import pytest
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import Histogram, MeterProvider, NoOpHistogram, NoOpMeterProvider
from opentelemetry.sdk import metrics as sdk
from opentelemetry.sdk import resources
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from prometheus_client import CollectorRegistry, generate_latest
from unit_calls import CLIENT, failed, responded, started, success

from otel_claude import pricing
from otel_claude import semconv as c
from otel_claude.api.headers import RateLimit
from otel_claude.sdk.responses import complete_failed_call
from otel_claude.semconv import agents
from otel_claude.settings import read
from otel_claude.telemetry import instance_id, metrics
from otel_claude.telemetry.attributes import AttributeSets
from otel_claude.telemetry.counters import Increment
from otel_claude.telemetry.instance_id import (
    FIXED,
    GIVEN,
    KEPT,
    NONE,
    NOT_KNOWN,
    PULLED,
    InstanceId,
    cause,
    consumer_of,
    distinguishes_processes,
    fixes,
    this_process,
)
from otel_claude.telemetry.metrics import instruments_of
from otel_claude.telemetry.recorder import Recorder

FIXED_RESOURCE = Resource.create({"service.instance.id": "default.pod.container"})
BARE = Resource({"service.name": "app"})


@pytest.fixture(autouse=True)
def unwarned(monkeypatch):
    monkeypatch.setattr(instance_id, "_warned", set())
    monkeypatch.setattr(metrics, "_warned_of_fork", [])


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


def ids_of(reader):
    """The ids of all points, by metric."""
    data = reader.get_metrics_data()
    return {
        metric.name: {point.attributes.get(c.INSTANCE_ID) for point in metric.data.data_points}
        for resource in (data.resource_metrics if data else ())
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }


def recorder_with(found):
    return Recorder(None, found, pricing.shipped, complete_failed_call=complete_failed_call)


def called(metering, mode="auto"):
    """One call, measured under a mode."""
    found = instruments_of(metering, "", 200, instance_id=mode)
    success(recorder_with(found))
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
    found = ids_of(reader)
    assert {c.CALLS.name, c.COST.name, c.DURATION.name, c.CALL_COST.name} <= set(found)
    assert found == {name: {this_process() if carried else None} for name in found}


@pytest.mark.parametrize(("mode", "carried"), [("auto", True), ("on", True), ("off", False)])
def test_what_prometheus_scrapes_carries_it_also_where_the_resource_tells_processes_apart(
    reader, caplog, mode, carried
):
    registry = CollectorRegistry()
    metering = sdk.MeterProvider([reader, PrometheusMetricReader(registry=registry)], shutdown_on_exit=False)
    with caplog.at_level(logging.INFO, "otel_claude"):
        called(metering, mode)
        scraped = generate_latest(registry).decode()
    found = ids_of(reader)
    assert found == {name: {this_process() if carried else None} for name in found} != {}
    assert (f'claude_instance_id="{this_process()}"' in scraped) == carried
    assert PULLED in caplog.text
    metering.shutdown()


def test_gauges_and_the_numbers_of_agents_carry_it_too(provider, reader):
    metering = provider(FIXED_RESOURCE)
    found = called(metering)
    found.add_agents()
    attributes = found.sets.of(CLIENT, None, "claude-opus-5-5", None, (), agents.INVOKE_AGENT)
    found.agent_counters.add((None, (Increment(agents.AGENT_RESULTS.name, attributes, 1),)))
    found.rate_limits.report(attributes, (RateLimit("requests", limit=100, remaining=60, reset=4e9),))
    got = ids_of(reader)
    assert {c.RATE_LIMIT_LIMIT.name, agents.AGENT_RESULTS.name} <= set(got)
    assert got == {name: {this_process()} for name in got}


def test_the_id_is_twelve_hex_digits_and_another_one_after_a_fork(monkeypatch):
    monkeypatch.setattr(instance_id._Process, "id", this_process())
    first = this_process()
    instance_id.renew_after_fork()
    assert re.fullmatch("[0-9a-f]{12}", first)
    assert re.fullmatch("[0-9a-f]{12}", this_process())
    assert this_process() != first


@pytest.fixture
def exported(monkeypatch):
    """The attributes that are exported for a set by a process of this id, made by one `InstanceId` for all."""
    identity = InstanceId("on", lambda: NOT_KNOWN)

    def of(attributes, process):
        if process != identity.value:
            monkeypatch.setattr(instance_id._Process, "id", process)
            identity.renew_after_fork(withholding=False)
        return identity.attributes_of(attributes)

    return of


def test_attributes_with_an_id_are_made_once_and_anew_for_another_id(exported):
    attributes = AttributeSets(200).of(CLIENT, "m")
    before = dict(attributes.attributes)
    one = exported(attributes, "0" * 12)
    assert one == {**before, c.INSTANCE_ID: "0" * 12}
    assert exported(attributes, "0" * 12) is one
    assert exported(attributes, "1" * 12) == {**before, c.INSTANCE_ID: "1" * 12}
    assert attributes.attributes == before


def test_more_ids_than_other_attributes_may_have_values(exported):
    attributes = AttributeSets(200).of(CLIENT, "m")
    ids = [f"{number:012x}" for number in range(500)]
    assert [exported(attributes, one)[c.INSTANCE_ID] for one in ids] == ids


def test_several_providers_have_what_each_of_them_needs(provider, reader):
    other_reader = InMemoryMetricReader()
    other = sdk.MeterProvider([other_reader], shutdown_on_exit=False)
    called(provider(FIXED_RESOURCE))
    called(other)
    assert ids_of(reader)[c.CALLS.name] == {this_process()}
    assert ids_of(other_reader)[c.CALLS.name] == {None}
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
        found = ids_of(reader)
        assert found == {name: {this_process()} for name in found}
        assert caplog.messages == []
        metrics._clear_after_fork()
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
        metrics._clear_after_fork()
    assert caplog.messages == []


def test_what_was_resolved_stays(provider, reader, caplog):
    metering = provider()
    called(metering)
    ids_of(reader)
    instruments_of(metering, "", 200, instance_id="on")
    assert caplog.messages == [
        "instance_id is 'on', but this meter provider has exported with 'auto', so it keeps that."
    ]
    assert ids_of(reader)[c.CALLS.name] == {None}


def test_before_it_is_resolved_it_can_be_chosen(provider, reader):
    metering = provider()
    instruments_of(metering, "", 200)
    instruments_of(metering, "", 200, instance_id="on")
    called(metering, "on")
    assert ids_of(reader)[c.CALLS.name] == {this_process()}


def test_a_resource_that_fails_leaves_it_exact(provider, reader, monkeypatch, caplog):
    def fails(_attributes):
        raise RuntimeError

    monkeypatch.setattr(instance_id, "distinguishes_processes", fails)
    called(provider())
    assert ids_of(reader)[c.CALLS.name] == {this_process()}
    assert len(caplog.messages) == 1


def test_retries_and_failures_carry_it_too(provider, reader):
    found = instruments_of(provider(FIXED_RESOURCE), "", 200)
    recorder = recorder_with(found)
    call = started(recorder)
    recorder.on_retry(responded(recorder, call, 529), 0.5)
    failed(recorder, call, "529")
    got = ids_of(reader)
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
