"""Many threads, and several processes: over all of them together, each call is counted once."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from bedrock_client import make_client
from test_bedrock_calls import (
    CONVERSE_EVENTS,
    CONVERSED,
    EVENTS,
    MESSAGE,
    REGIONAL,
    SONNET,
    TOKENS,
    converse,
    converse_stream,
    invoke,
    invoke_stream,
)

from bedrock_server import error, message, stream

HERE = Path(__file__).parent
ANSWERS = {
    "invoke": message(MESSAGE),
    "invoke-with-response-stream": stream(*EVENTS),
    "converse": message(CONVERSED),
    "converse-stream": stream(*CONVERSE_EVENTS),
    "messages": message(MESSAGE),
}
OPERATIONS = (invoke, invoke_stream, converse, converse_stream)
THREADS, CALLS = 16, 8
LIST = REGIONAL / 1.1


def answer(path, headers):
    """What each operation is answered with; botocore's first attempt is refused where the header says so."""
    del headers
    return ANSWERS[path.partition("?")[0].rpartition("/")[2]]


def refused_first(path, headers):
    if headers["amz-sdk-request"].startswith("attempt=1"):
        return error(503, "ServiceUnavailableException")
    return answer(path, headers)


@pytest.mark.parametrize("mode", ["legacy", "standard", "adaptive"])
def test_threads_share_a_client_that_retries(measured, server, monkeypatch, mode):
    monkeypatch.setattr("botocore.retryhandler.delay_exponential", lambda *_, **__: 0.01)
    server.answer_to = refused_first
    client = make_client(server, retries={"total_max_attempts": 3, "mode": mode}, max_pool_connections=THREADS)

    def work(number):
        for turn in range(CALLS):
            OPERATIONS[(number + turn) % 4](client)

    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(work, range(THREADS)))
    total = THREADS * CALLS
    assert measured.calls() == {(None, "end_turn"): total}
    assert measured.attempts() == {("retried", "overloaded"): total, ("success", None): total}
    assert measured.tokens() == tuple(total * count for count in TOKENS)
    assert measured.usd() == pytest.approx(total * REGIONAL, abs=1e-9)
    assert measured.unpriced() == {}
    assert len(measured.spans) == total
    assert sum(count for _, (count, _) in measured.points("gen_ai.client.inference.duration")) == total


@pytest.mark.filterwarnings("ignore:The model:DeprecationWarning")
def test_the_anthropic_sdk_in_the_same_process(measured, server):
    """Its client for Bedrock signs with botocore, and makes no call with it."""
    anthropic = pytest.importorskip("anthropic")
    from otel_claude import ClaudeInstrumentor  # noqa: PLC0415 - only where the SDK is

    server.answer_to = answer
    theirs = ClaudeInstrumentor()
    theirs.instrument(tracer_provider=measured.tracer_provider, meter_provider=measured.meter_provider)
    asked = {"max_tokens": 10, "messages": [{"role": "user", "content": "x"}]}
    try:
        client = make_client(server)
        keys = {"aws_access_key": "a", "aws_secret_key": "s", "aws_region": "us-east-1"}
        with (
            anthropic.AnthropicBedrock(base_url=server.url, **keys) as bedrock,
            anthropic.Anthropic(base_url=server.url, api_key="sk-ant-x") as direct,
            ThreadPoolExecutor(6) as threads,
        ):
            uses = [lambda use=use: use(client) for use in OPERATIONS]
            uses.append(lambda: bedrock.messages.create(model=SONNET, **asked))
            uses.append(lambda: direct.messages.create(model="claude-sonnet-4-5-20250929", **asked))
            list(threads.map(lambda use: [use() for _ in range(5)], uses))
    finally:
        theirs.uninstrument()
    by_library = ("claude.client.library", "gen_ai.provider.name")
    assert measured.by("claude.client.calls", *by_library) == {
        ("botocore", "aws.bedrock"): 20,
        ("anthropic", "aws.bedrock"): 5,
        ("anthropic", "anthropic"): 5,
    }
    assert measured.by("claude.client.cost.usd", *by_library) == {
        ("botocore", "aws.bedrock"): pytest.approx(20 * REGIONAL),
        ("anthropic", "aws.bedrock"): pytest.approx(5 * REGIONAL),
        ("anthropic", "anthropic"): pytest.approx(5 * LIST),
    }
    assert measured.tokens() == tuple(30 * count for count in TOKENS)
    assert len(measured.spans) == 30


@pytest.fixture
def receiver():
    """A Collector's part: the last value of each series, whichever process sent it."""
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
    pytest.importorskip("opentelemetry.distro")
    sys.path.insert(0, str(HERE.parent / "faults"))
    import faults_receiver  # noqa: PLC0415 - it needs the exporter's protocol
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest  # noqa: PLC0415

    class Series(faults_receiver.Receiver):
        series: dict = {}  # noqa: RUF012 - replaced below

        def _metrics(self, body):
            for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                of = sorted((pair.key, str(pair.value)) for pair in resource.resource.attributes)
                for metric in (metric for scope in resource.scope_metrics for metric in scope.metrics):
                    for point in getattr(metric, metric.WhichOneof("data")).data_points:
                        key = metric.name, str(of), faults_receiver._key(point)
                        self.series[key] = faults_receiver._value(point)

        def sum(self, name):
            return sum(value for (metric, *_), value in self.series.items() if metric == name)

    with Series() as made:
        made.series = {}
        yield made


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.parametrize(("way", "processes"), [("fork", 3), ("spawn", 1), ("pool", 3), ("prefork", 3)])
def test_processes(server, receiver, way, processes):
    server.answer_to = answer
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "AWS_", "PYTHON"))}
    done = subprocess.run(
        [Path(sys.executable).with_name("opentelemetry-instrument"), sys.executable, HERE / "programs" / "forking.py",
         way, server.url],
        env={
            **kept, "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parent)]),
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "OTEL_LOGS_EXPORTER": "none",
        },
        check=False, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert (done.returncode, "otel_claude" in done.stderr) == (0, False), done.stderr
    calls = 4 * (2 + processes)  # of the program before and after, and of each process
    assert len(server.paths) == calls
    assert receiver.sum("claude.client.calls") == calls
    assert receiver.sum("claude.client.attempts") == calls
    assert receiver.sum("gen_ai.client.inference.usage.output_tokens") == calls * TOKENS[1]
    assert receiver.sum("claude.client.cost.usd") == pytest.approx(calls * REGIONAL)
    assert receiver.sum("gen_ai.client.inference.duration") == calls
    assert receiver.spans == [f"chat {SONNET}"] * calls
