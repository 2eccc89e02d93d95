"""The demo, as it is run in CI: without a terminal, exporting over OTLP, and live (which is a simulator here)."""

import io
import subprocess
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from otel_claude import pricing
from otel_claude.cli import main
from otel_claude_demo.bound import bound
from otel_claude_demo.rates import TOKEN_TYPES, WEB_SEARCH, Way, cost
from otel_claude_demo.services.processes import SERVICES
from otel_claude_demo.services.steps import LIVE_TOKENS, SCENARIO
from otel_claude_demo.simulator import HEADER

COMMAND = [sys.executable, "-m", "otel_claude.cli", "demo"]


def steps(name):
    return import_module(f"otel_claude_demo.services.{name}").STEPS


def demo(environment, *options):
    return subprocess.run(
        [*COMMAND, *options],
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
    )


@pytest.fixture
def collector():
    """The metrics that arrive over OTLP/HTTP, by service."""
    arrived = {}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.path == "/v1/metrics":
                note(ExportMetricsServiceRequest.FromString(body))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    def note(request):
        for resource in request.resource_metrics:
            names = {each.key: each.value.string_value for each in resource.resource.attributes}
            metrics = arrived.setdefault(names["service.name"], set())
            metrics.update(metric.name for scope in resource.scope_metrics for metric in scope.metrics)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", arrived
        server.shutdown()
        thread.join()


def test_simulated(environment, collector):
    endpoint, arrived = collector
    otlp = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}
    # What a shell may have set for other programs does no harm.
    lost = {
        "ANTHROPIC_BASE_URL": "http://127.0.0.1:9",
        "ANTHROPIC_AUTH_TOKEN": "x",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "OTEL_SDK_DISABLED": "true",
    }
    done = demo({**environment, **otlp, **lost}, "--seconds", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Measured = served: " in done.stdout
    assert f"Exported over OTLP too, to {endpoint}" in done.stdout
    for text in (done.stdout, done.stderr):
        assert [character for character in text if not character.isprintable() and character != "\n"] == []
    for name in SERVICES:
        assert [step.says for step in steps(name) if f"{name}: {step.says}\n" not in done.stdout] == []
        assert "claude.client.cost.usd" in arrived[name]
    for said in (
        "results of batches",
        "overloaded 2",
        "credit_balance 1",
        "rate_limit 1",
        "incomplete_stream",
        "web search",
        "net +$",
    ):
        assert said in done.stderr


@pytest.mark.heavy
def test_live_costs_less_than_it_says(environment, simulator):
    done = demo(environment, "--live", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    most = bound(pricing.shipped(), at=time.time())
    assert f"This makes up to {most.calls} calls to {simulator.url}" in done.stdout
    simulator.stop()
    used, pico = Counter(), 0
    for total in simulator.served.totals():
        amounts = {name: getattr(total, name) for name in TOKEN_TYPES} | {WEB_SEARCH: total.web_searches}
        way = Way(total.model, total.service_tier, total.speed, total.inference_geo)
        pico += sum(cost(pricing.shipped(), way, amounts, at=time.time()).values())
        used.update(amounts, calls=total.answers, prompt=sum(amounts[name] for name in TOKEN_TYPES[:4]))
    assert 0 < used["calls"] <= most.calls
    assert 0 < used["prompt"] <= most.input
    assert 0 < used["output"] <= most.output
    assert 0 < used[WEB_SEARCH] <= most.searches
    assert 0 < pico <= most.pico
    assert all(record.used["output_tokens"] <= LIVE_TOKENS for record in simulator.served if record.used)
    assert not any(record.scenario for record in simulator.served)


@pytest.mark.parametrize(
    ("key", "options", "said"),
    [
        (" ", ["--yes"], "--live calls the real API: set ANTHROPIC_API_KEY to your key first"),
        ("sk-ant-api03-x", [], "there is nobody to ask whether to spend that: add --yes"),
    ],
)
def test_live_asks(monkeypatch, capsys, key, options, said):
    # Nobody answers there: if it called without asking, that would be told.
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("ANTHROPIC_API_KEY", key)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with pytest.raises(SystemExit) as ended:
        main(["demo", "--live", *options])
    assert (ended.value.code, capsys.readouterr().err) == (2, f"otel-claude: {said}\n")


def test_the_header_is_the_simulators():
    assert SCENARIO == HEADER
