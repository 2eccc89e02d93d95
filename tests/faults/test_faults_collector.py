"""A collector that is away, slow, broken or speaks no TLS: calls go on, and what adds up arrives when it is back."""

import threading

import pytest
from faults_measured import instrumented
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from support.api import ARGS
from support.face import Face
from support.server import Server, either
from support.telemetry import Telemetry

NEVER = 3_600_000
COST = 0.001545
"""Of one call, in dollars; by hand in tests/sdk."""


class Chain:
    """A client that is measured, and a reader that exports to the receiver when it is told to."""

    def __init__(self, endpoint, monkeypatch, kind="sync"):
        exporter = OTLPMetricExporter(endpoint=f"{endpoint}/v1/metrics", timeout=1)
        self.reader = PeriodicExportingMetricReader(exporter, export_interval_millis=NEVER)
        self.telemetry = Telemetry([self.reader])
        self._instrumented = instrumented(self.telemetry, monkeypatch)
        self.client = Face(kind, Server(either()), "ours").client

    def __enter__(self):
        next(self._instrumented)
        return self

    def __exit__(self, *_error):
        for _ in self._instrumented:
            pass

    def calls(self, count):
        for _ in range(count):
            assert self.client.messages.create(**ARGS).id == "msg_1"
        assert len(list(self.client.messages.create(**ARGS, stream=True))) == 7

    def export(self):
        self.reader.collect(timeout_millis=2_000)


def arrived(receiver, calls):
    assert receiver.total("claude.client.calls") == calls
    assert receiver.total("claude.client.cost.usd") == pytest.approx(calls * COST, rel=1e-12)
    assert receiver.total("gen_ai.client.inference.usage.output_tokens") == calls * 50
    assert receiver.total("gen_ai.client.inference.duration") == calls


@pytest.mark.parametrize("fault", ["away", "500", "503"])
def test_nothing_that_adds_up_is_lost_while_the_collector_is(receiver, monkeypatch, fault):
    with Chain(receiver.url, monkeypatch) as chain:
        chain.calls(2)
        chain.export()
        arrived(receiver, 3)
        if fault == "away":
            receiver.stop()
        else:
            receiver.status = int(fault)
        chain.calls(3)
        chain.export()
        chain.calls(1)
        arrived(receiver, 3)
        receiver.status = 200
        if fault == "away":
            receiver.start()
        chain.calls(1)
        chain.export()
        arrived(receiver, 11)


def test_calls_do_not_wait_for_a_slow_collector(receiver, monkeypatch):
    with Chain(receiver.url, monkeypatch) as chain:
        chain.calls(1)
        receiver.may_answer.clear()
        exporting = threading.Thread(target=chain.export)
        exporting.start()
        assert receiver.asked.wait(60)
        # The export holds on now, and is let go only after these calls.
        chain.calls(5)
        receiver.may_answer.set()
        exporting.join(60)
        chain.export()
        arrived(receiver, 8)


def test_a_tls_failure(receiver, monkeypatch):
    with Chain(receiver.url.replace("http:", "https:"), monkeypatch) as chain:
        chain.calls(2)
        chain.export()
        assert receiver.total("claude.client.calls") == 0
        assert sum(chain.telemetry.metrics()["claude.client.calls"].values()) == 3
        assert chain.telemetry.warnings == []


def test_spans_go_to_a_collector_that_is_away(receiver, monkeypatch):
    receiver.stop()
    with Chain(receiver.url, monkeypatch) as chain:
        exporter = OTLPSpanExporter(endpoint=f"{receiver.url}/v1/traces", timeout=1)
        processor = BatchSpanProcessor(exporter, schedule_delay_millis=NEVER)
        chain.telemetry.tracer_provider.add_span_processor(processor)
        chain.calls(2)
        processor.force_flush(2_000)
        receiver.start()
        chain.calls(1)
        processor.force_flush(10_000)
        processor.shutdown()
        assert set(receiver.spans) == {"chat claude-sonnet-4-6"}
        assert sum(chain.telemetry.metrics()["claude.client.calls"].values()) == 5


class Stuck(SpanExporter):
    """Takes one batch and keeps it until it is let go."""

    def __init__(self):
        self.go = threading.Event()
        self.taken = 0

    def export(self, spans):
        self.taken += len(spans)
        self.go.wait(60)
        return SpanExportResult.SUCCESS


def test_a_full_queue_of_spans_costs_no_number(receiver, monkeypatch):
    with Chain(receiver.url, monkeypatch) as chain:
        stuck = Stuck()
        processor = BatchSpanProcessor(stuck, max_queue_size=4, max_export_batch_size=2, schedule_delay_millis=1)
        chain.telemetry.tracer_provider.add_span_processor(processor)
        chain.calls(59)
        stuck.go.set()
        processor.shutdown()
        assert stuck.taken < 60, "the queue was never full"
        chain.export()
        arrived(receiver, 60)
        assert chain.telemetry.warnings == []
