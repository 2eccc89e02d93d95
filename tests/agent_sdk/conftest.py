"""Every test here has a meter provider of its own and the instrumentation on. Needs claude-agent-sdk."""

import asyncio
import gc
import logging
import os
from importlib.util import find_spec

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from conformance import findings
from otel_claude import _diagnostics
from otel_claude.agent_sdk import ClaudeAgentInstrumentor

if find_spec("claude_agent_sdk") is None:
    # `scripts/sdk_matrix.py` has environments that have it: with its program it is too large for everybody's.
    collect_ignore_glob = ["test_agent_*.py"]
else:
    from agent_support import Program

COMMON = {"gen_ai.operation.name": "invoke_agent", "claude.reported_by": "claude_code"}


class Telemetry:
    """A provider that keeps what it is given, and what our logger said."""

    def __init__(self, caplog):
        self.reader = InMemoryMetricReader()
        self.provider = MeterProvider([self.reader], shutdown_on_exit=False)
        self.instrumentor = ClaudeAgentInstrumentor()
        self._caplog = caplog

    def instrument(self, **settings):
        if self.instrumentor.is_instrumented_by_opentelemetry:
            self.instrumentor.uninstrument()
        self.instrumentor.instrument(meter_provider=self.provider, **settings)

    @property
    def warnings(self):
        # Of the test itself, also when its end is looked at: `caplog.records` are of the current phase alone.
        records = self._caplog.get_records("call")
        return [r.getMessage() for r in records if r.name == "otel_claude" and r.levelno >= logging.WARNING]

    def metrics(self):
        """Name → attributes → value."""
        data = self.reader.get_metrics_data()
        return {
            metric.name: {tuple(sorted(point.attributes.items())): point.value for point in metric.data.data_points}
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.data.data_points
        }

    def values(self, name, *labels):
        """A metric's values by these attributes; the rest are what every one has."""
        found = {}
        for key, value in self.metrics().get(name, {}).items():
            attributes = dict(key)
            assert {label: attributes.get(label) for label in COMMON} == COMMON
            place = tuple(attributes.get(label) for label in labels)
            found[place if len(labels) != 1 else place[0]] = value
        return found

    @property
    def tokens(self):
        """Model and type → tokens."""
        return self.values("claude.agent.usage.tokens", "gen_ai.response.model", "claude.token.type")

    @property
    def cost(self):
        """Model → dollars."""
        return self.values("claude.agent.cost.usd", "gen_ai.response.model")

    @property
    def results(self):
        """Error type → results."""
        return self.values("claude.agent.results", "error.type")

    @property
    def uncounted(self):
        """Reason → results."""
        return self.values("claude.agent.results.skipped", "claude.skipped.reason")


@pytest.fixture
def telemetry(monkeypatch, caplog):
    for name in list(os.environ):
        if name.startswith(("ANTHROPIC_", "OTEL_", "CLAUDE_")):
            monkeypatch.delenv(name)
    monkeypatch.setattr(_diagnostics, "_logged", set())
    made = Telemetry(caplog)
    made.instrument()
    yield made
    if made.instrumentor.is_instrumented_by_opentelemetry:
        made.instrumentor.uninstrument()
    wrong = findings(made.reader.get_metrics_data())
    made.provider.shutdown()
    assert wrong == [], "the registry of names says otherwise"


@pytest.fixture
def quiet(telemetry):
    """Our logger says nothing aloud during the test."""
    yield telemetry
    assert telemetry.warnings == []


@pytest.fixture
def program(tmp_path, monkeypatch):
    """A `claude` that says what a test wrote."""
    monkeypatch.setenv("PATH", os.environ["PATH"])
    monkeypatch.setenv("CLAUDE_AGENT_SDK_SKIP_VERSION_CHECK", "1")
    return Program(tmp_path)


@pytest.fixture(scope="session", autouse=True)
def young_heap():
    """Each test collects garbage: what the SDK is made of is no garbage."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
async def settled():
    """The SDK ends in tasks of their own what an application leaves in the middle: they are waited for."""
    yield
    gc.collect()
    for _ in range(1000):
        if len(asyncio.all_tasks()) == 1:
            break
        await asyncio.sleep(0.01)
    gc.collect()
