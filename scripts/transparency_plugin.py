"""A pytest plugin for the SDK's own test suite: writes what came of each test, and turns our instrumentation on.

Loaded by scripts/transparency.py, which reads what is written. The mode is in the environment:

- `bare`: nothing of ours, and nothing of OpenTelemetry's, is imported.
- `providers`: a tracer and a meter provider, as an application has them; nothing of ours.
- `auto`, `off`: the same, and the instrumentation, with this value of `OTEL_CLAUDE_SPANS`. In `auto` the suite does not
  see what enriches a span of the SDK's; all else about the span is as it was exported.
- `metrics`: `auto` without a tracer provider.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import traceback
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import pytest

MODE: Final = os.environ["OTEL_CLAUDE_TRANSPARENCY_MODE"]
OUT: Final = Path(os.environ["OTEL_CLAUDE_TRANSPARENCY_OUT"])
OURS: Final = ("claude.", "gen_ai.usage.cost.")
"""What every attribute and event starts with that we put on a span of the SDK's."""
COLLECT_EVERY_MS: Final = 250
WORSE: Final = ("passed", "xfailed", "xpassed", "skipped", "failed")

_outcomes: dict[str, str] = {}
_totals: dict[str, Any] = {}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """A test's outcome is that of the worst of its phases."""
    outcome = str(report.outcome)
    if hasattr(report, "wasxfail"):
        outcome = "xpassed" if outcome == "passed" else "xfailed"
    known = _outcomes.get(report.nodeid, WORSE[0])
    _outcomes[report.nodeid] = max(known, outcome, key=WORSE.index)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Writes the outcomes where all are known, and in each process what was measured in it."""
    if not hasattr(session.config, "workerinput"):
        (OUT / "outcomes.json").write_text(json.dumps(_outcomes))
    if _totals:
        (OUT / f"totals-{os.getpid()}.json").write_text(json.dumps(_measured()))
    if MODE == "bare" and "otel_claude" in sys.modules:
        raise RuntimeError("something imported otel_claude in the bare run")


class _Logged(set[Any]):
    """Stands for what `contained` has told: nothing, so that it tells each failure, and each is written down here."""

    def __contains__(self, _item: object) -> bool:
        return False

    def add(self, item: Any) -> None:
        _write_failure(item[0], _told_of(sys.exc_info()[1]))


def _told_of(error: BaseException | None) -> str:
    """The exception and its frames, without their lines of code.

    Python 3.11 parses those to mark a place in them, and fails if two threads do: "AST constructor recursion depth
    mismatch", in whatever the other was doing.
    """
    frames = traceback.walk_tb(error.__traceback__ if error else None)
    places = [f"  {frame.f_code.co_filename}:{line} in {frame.f_code.co_name}" for frame, line in frames]
    return "\n".join([repr(error), *places, ""])


def _write_failure(hop: str, trace: str) -> None:
    failure = {"test": os.environ.get("PYTEST_CURRENT_TEST", "(no test)"), "hop": hop, "traceback": trace}
    with (OUT / "failures.jsonl").open("a") as file:
        file.write(json.dumps(failure) + "\n")


def _install_providers() -> Any:
    """Real providers, set as an application sets them, that keep nothing. Metrics are collected meanwhile."""
    from opentelemetry import metrics, trace  # noqa: PLC0415 - the bare run imports none of this
    from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415
    from opentelemetry.sdk.metrics.export import (  # noqa: PLC0415
        InMemoryMetricReader,
        MetricExporter,
        MetricExportResult,
        PeriodicExportingMetricReader,
    )
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult  # noqa: PLC0415

    class NoSpans(SpanExporter):
        def export(self, spans: Any) -> SpanExportResult:
            _totals["spans"] += len(spans)
            return SpanExportResult.SUCCESS

    class NoMetrics(MetricExporter):
        def export(self, *_args: Any, **_kwargs: Any) -> MetricExportResult:
            _totals["collections"] += 1
            return MetricExportResult.SUCCESS

        def force_flush(self, *_args: Any, **_kwargs: Any) -> bool:
            return True

        def shutdown(self, *_args: Any, **_kwargs: Any) -> None:
            pass

    class Reader(PeriodicExportingMetricReader):
        """Goes on after a failure, which would end its thread: a test makes functions of OpenTelemetry raise."""

        def collect(self, timeout_millis: float = 10_000) -> None:
            try:
                super().collect(timeout_millis)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is written down
                _write_failure("was collected", _told_of(error))

    _totals.update(spans=0, collections=0)
    if MODE != "metrics":
        tracer_provider = TracerProvider()
        tracer_provider.add_span_processor(SimpleSpanProcessor(NoSpans()))
        trace.set_tracer_provider(tracer_provider)
    reader = InMemoryMetricReader()
    periodic = Reader(NoMetrics(), export_interval_millis=COLLECT_EVERY_MS)
    metrics.set_meter_provider(MeterProvider([reader, periodic]))
    return reader


def _instrument() -> None:
    from otel_claude import ClaudeInstrumentor, _diagnostics  # noqa: PLC0415 - the bare run imports none of this

    if not isinstance(_diagnostics._logged, set):  # noqa: SLF001 - the one place that every contained failure passes
        raise TypeError("_diagnostics._logged is no set any more: this plugin would miss contained failures")
    _diagnostics._logged = _Logged()  # noqa: SLF001
    ClaudeInstrumentor().instrument(spans="off" if MODE == "off" else "auto")


def _hide_ours() -> None:
    """Whoever reads a span sees it without what is ours: the rest has to be what the SDK's tests expect."""
    from opentelemetry.sdk.trace import ReadableSpan  # noqa: PLC0415 - the bare run imports none of this

    def attributes(span: Any) -> Any:
        known = span._attributes  # noqa: SLF001 - what the property that this replaces returns
        if known is None:
            return None
        _totals["hidden"] += sum(name.startswith(OURS) for name in known)
        return MappingProxyType({name: value for name, value in known.items() if not name.startswith(OURS)})

    def events(span: Any) -> Any:
        return tuple(event for event in span._events if not event.name.startswith(OURS))  # noqa: SLF001

    _totals["hidden"] = 0
    ReadableSpan.attributes = property(attributes)  # type: ignore[method-assign,assignment]
    ReadableSpan.events = property(events)  # type: ignore[method-assign,assignment]


def _watch_metrics() -> None:
    """A callback of ours that raises shows in OpenTelemetry's own log."""
    import logging  # noqa: PLC0415

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            trace = self.format(record)
            if "otel_claude" in trace or "claude." in trace:
                _write_failure(f"made {record.name} log", trace)

    logging.getLogger("opentelemetry.sdk").addHandler(Handler(logging.WARNING))


def _measured() -> dict[str, Any]:
    """What this process measured: calls, attempts, and the calls that were never ended."""
    told = dict(_totals)
    data = _reader.get_metrics_data()
    for resource in data.resource_metrics if data else ():
        for metric in (metric for scope in resource.scope_metrics for metric in scope.metrics):
            if metric.name in ("claude.client.calls", "claude.client.attempts"):
                points: Any = metric.data.data_points
                told[metric.name.rpartition(".")[2]] = sum(point.value for point in points)
    if MODE != "providers":
        from otel_claude.telemetry.open_calls import open_calls  # noqa: PLC0415 - the bare run imports none of this

        gc.collect()
        told["open"] = len(open_calls)
    return told


if MODE != "bare":
    _reader = _install_providers()
if MODE in ("auto", "off", "metrics"):
    _instrument()
    _watch_metrics()
if MODE in ("auto", "metrics"):
    _hide_ours()
