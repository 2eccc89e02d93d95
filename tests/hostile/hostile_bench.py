"""The same answer read twice: by the bare SDK, and by the instrumented one, whose metrics are told."""

import gc
import os
from contextlib import suppress

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from support.api import ARGS, KEY
from support.face import BASE_URL
from support.library import anthropic, http
from support.telemetry import plain_metrics

from otel_claude import ClaudeInstrumentor, _diagnostics
from otel_claude.telemetry import fork
from otel_claude.telemetry.metrics import _by_provider
from otel_claude.telemetry.open_calls import open_calls

USAGE = "gen_ai.client.inference.usage."
CALLS = "claude.client.calls"
COST = "claude.client.cost.usd"
UNPRICED = "claude.client.unpriced"
TOKEN_TYPES = ("input_tokens", "output_tokens", "cache_read.input_tokens", "cache_write.input_tokens")


class Bench:
    """`bare(answer)` and `seen(answer)`: what came of it, and for the latter `metrics` afterwards."""

    def __init__(self, monkeypatch=None):
        self._patch = monkeypatch
        self.spans = InMemorySpanExporter()
        self.reader = InMemoryMetricReader()
        self.meters = MeterProvider([self.reader], shutdown_on_exit=False)
        tracing = TracerProvider(shutdown_on_exit=False)
        tracing.add_span_processor(SimpleSpanProcessor(self.spans))
        self._settings = {"meter_provider": self.meters, "tracer_provider": tracing}
        self.answer = None
        transport = http.MockTransport(self._reply)
        self.client = anthropic.Anthropic(api_key=KEY, base_url=BASE_URL, http_client=http.Client(transport=transport),
                                          max_retries=0)  # fmt: skip

    def __enter__(self):
        if self._patch is not None:
            for name in list(os.environ):
                if name.startswith(("OTEL_", "ANTHROPIC_")):
                    self._patch.delenv(name)
            self._patch.setattr(_diagnostics, "_logged", set())
        return self

    def __exit__(self, *_error):
        self.meters.shutdown()
        open_calls.clear()

    def instrument(self, **settings):
        ClaudeInstrumentor().instrument(**self._settings, **settings)

    def bare(self, answer, **more):
        """What the bare SDK gives or raises."""
        return self._outcome(answer, more)

    def seen(self, answer, **more):
        """The same, instrumented. Nothing of ours may have failed on the way, and nothing may stay open."""
        self.forget()
        self.instrument()
        try:
            outcome = self._outcome(answer, more)
            gc.collect(0)
            self.collect()
        finally:
            ClaudeInstrumentor().uninstrument()
        assert _diagnostics._logged == set(), "a hop of ours failed"
        assert not open_calls, "a call was never ended"
        return outcome

    def collect(self):
        self.metrics = plain_metrics(self.reader.get_metrics_data())

    def forget(self):
        """Starts from zero, without the time that new providers take."""
        self.spans.clear()
        if (instruments := _by_provider.get(self.meters)) is not None:
            instruments.counters.clear()
            instruments.rate_limits.clear()
            assert fork.drop(instruments._consumer())

    def total(self, name):
        """The sum of a metric, None where it has no points."""
        points = self.metrics.get(name)
        return None if not points else sum(points.values())

    def tokens(self):
        return {name: self.total(USAGE + name) for name in TOKEN_TYPES}

    def labels(self):
        """Every value of every attribute that is a string."""
        return {
            value for points in self.metrics.values() for key in points for _, value in key if isinstance(value, str)
        }

    def _reply(self, request):
        return self.answer(request)

    def _outcome(self, answer, more):
        self.answer = answer
        try:
            result = self.client.messages.create(**ARGS, **more)
            if more.get("stream"):
                return "events", [dumped(event) for event in result]
        except Exception as error:  # noqa: BLE001 - of whatever kind: both runs must give the same
            return "error", (type(error).__name__, str(error)[:300])
        return "answer", dumped(result)


def dumped(model):
    """A value that can be compared, though the model may hold anything."""
    with suppress(Exception):
        return repr(model.to_dict())
    return repr(model)
