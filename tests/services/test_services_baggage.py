"""A gateway says once whose request it is; what the service behind it spends on Claude carries it, with no code there.

Real processes under `opentelemetry-instrument`: FastAPI → httpx → FastAPI → the Messages API (the simulator).
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from otel_claude import semconv as c
from otel_claude_demo.simulator import Simulator

HERE = Path(__file__).parent
SERVICE = Path(__file__).parents[2] / "examples/fastapi_app.py"
KEY = "sk-ant-api03-R2D" + "x" * 80 + "igAA"
ASKED = [("acme", "ask"), ("globex", "ask"), ("acme", "stream"), ("acme", "ask"), ("globex", "stream")] * 2
CHAT = "anthropic.messages.create"


class Process:
    """A program under `opentelemetry-instrument`; at its end, the telemetry that it wrote to its output."""

    def __init__(self, program, folder, simulator, **variables):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.name = variables["OTEL_SERVICE_NAME"]
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANTHROPIC_", "OTEL_"))}
        environment = {
            **kept,
            "ANTHROPIC_BASE_URL": simulator.url,
            "ANTHROPIC_API_KEY": KEY,
            "OTEL_TRACES_EXPORTER": "console",
            "OTEL_METRICS_EXPORTER": "console",
            "OTEL_LOGS_EXPORTER": "none",
            "PORT": str(self.port),
            **variables,
        }
        self.out, self.errors = folder / f"{self.name}.out", folder / f"{self.name}.err"
        instrument = [sys.executable, "-c", "from opentelemetry.instrumentation.auto_instrumentation import run; run()"]
        with self.out.open("wb") as out, self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [*instrument, sys.executable, program], env=environment, stdout=out, stderr=errors
            )

    def ready(self):
        deadline = time.monotonic() + 30
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            assert self.process.poll() is None, self.errors.read_text()
            assert time.monotonic() < deadline, self.errors.read_text()
            time.sleep(0.02)

    def interrupt(self):
        # Once: uvicorn takes a second one for impatience, and cancels what is being shut down.
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)

    def wait(self):
        try:
            self.process.wait(20)
        finally:
            self.process.kill()
            self.process.wait()

    @property
    def written(self):
        """Every span and every collection of metrics: JSON documents one after the other."""
        text, decoder, place, found = self.out.read_text(), json.JSONDecoder(), 0, []
        while (place := text.find("{", place)) >= 0:
            document, place = decoder.raw_decode(text, place)
            found.append(document)
        return found

    @property
    def spans(self):
        return [document for document in self.written if "context" in document]

    @property
    def points(self):
        """The last collection: (metric's name, attributes, point), of ours alone."""
        last = [document for document in self.written if "resource_metrics" in document][-1]
        return [
            (metric["name"], point["attributes"], point)
            for resource in last["resource_metrics"]
            for scope in resource["scope_metrics"]
            if scope["scope"]["name"] == c.SCOPE
            for metric in scope["metrics"]
            for point in metric["data"]["data_points"]
        ]


@pytest.fixture(scope="module")
def services(tmp_path_factory):
    """All of them after their work: the gateway, a service that takes the tags, and one that was not told to."""
    folder = tmp_path_factory.mktemp("services")
    with Simulator() as simulator:
        processes = {
            name: Process(program, folder, simulator, OTEL_SERVICE_NAME=name, **variables)
            for name, program, variables in (
                ("gateway", HERE / "programs/gateway.py", {}),
                ("assistant", SERVICE, {"OTEL_CLAUDE_BAGGAGE_TAGS": "tenant,feature"}),
                ("untold", SERVICE, {}),
            )
        }
        try:
            for process in processes.values():
                process.ready()
            with httpx.Client(base_url=f"http://127.0.0.1:{processes['gateway'].port}", timeout=30) as client:

                def ask(asked, port=processes["assistant"].port):
                    tenant, path = asked
                    question = {"question": f"What does {tenant} sell?"}
                    answer = client.post(f"/{port}/{path}", json=question, headers={"x-tenant": tenant})
                    assert answer.status_code == 200, answer.text
                    assert answer.text

                with ThreadPoolExecutor(4) as pool:
                    list(pool.map(ask, ASKED))
                ask(ASKED[0], processes["untold"].port)
        finally:
            for process in processes.values():
                process.interrupt()
            for process in processes.values():
                process.wait()
    for process in processes.values():
        said = process.errors.read_text()
        assert "Traceback" not in said, (process.name, said)
    return processes


def tagged(attributes):
    return {name: value for name, value in attributes.items() if name.startswith(c.TAG_PREFIX)}


def test_every_metric_of_the_service_behind_carries_the_tags(services):
    points = services["assistant"].points
    assert {name for name, _, _ in points} >= {c.COST.name, c.CALLS.name, c.DURATION.name, c.INPUT_TOKENS.name}
    untagged = {metric.name for metric in c.METRICS if not metric.tags}
    for name, attributes, _ in points:
        found = tagged(attributes)
        if name in untagged:
            assert found == {}, name
        else:
            assert found.keys() == {"claude.tag.tenant", "claude.tag.feature"}, name
            assert (found["claude.tag.tenant"], found["claude.tag.feature"]) in ASKED, name


def test_each_call_is_counted_for_its_own_tenant(services):
    calls = Counter()
    for name, attributes, point in services["assistant"].points:
        if name == c.CALLS.name:
            calls[attributes["claude.tag.tenant"], attributes["claude.tag.feature"]] += point["value"]
    assert calls == Counter(ASKED)


def test_the_span_carries_them_in_the_trace_that_the_gateway_began(services):
    chats = [span for span in services["assistant"].spans if span["name"] == CHAT]
    found = Counter(
        (span["attributes"]["claude.tag.tenant"], span["attributes"]["claude.tag.feature"]) for span in chats
    )
    assert found == Counter(ASKED)
    begun = {span["context"]["trace_id"] for span in services["gateway"].spans if span["parent_id"] is None}
    traces = {span["context"]["trace_id"] for span in chats}
    assert len(traces) == len(ASKED)
    assert traces <= begun


def test_a_service_that_was_not_told_takes_nothing_from_baggage(services):
    points = services["untold"].points
    assert {name for name, _, _ in points} >= {c.COST.name, c.CALLS.name}
    assert {name for _, attributes, _ in points for name in tagged(attributes)} == set()
    (chat,) = [span for span in services["untold"].spans if span["name"] == CHAT]
    assert tagged(chat["attributes"]) == {}


def test_what_was_not_named_is_nowhere(services):
    for process in services.values():
        assert "not-for-telemetry" not in process.out.read_text()


def test_the_gateway_itself_spends_nothing(services):
    assert services["gateway"].spans
    assert '"otel_claude"' not in services["gateway"].out.read_text()
