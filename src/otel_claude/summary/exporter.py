"""The exporter: keeps what was collected last, and prints it as a summary when the process ends.

One line at most if something of ours fails. Never touches the program's exit code, its standard output, or its files.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator, MutableMapping
from typing import Any, Final, TextIO

from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import (
    Counter,
    Histogram,
    ObservableCounter,
    ObservableGauge,
    ObservableUpDownCounter,
    UpDownCounter,
)
from opentelemetry.sdk.metrics.export import AggregationTemporality, MetricExporter, MetricExportResult, MetricsData

from .._diagnostics import log_internal_error
from ..shutdown import Client, hooks
from ..telemetry.open_calls import end_open_calls
from .from_metrics import totals_of
from .process_group import ProcessGroup
from .report import Report
from .totals import Totals

_KINDS: Final = (Counter, UpDownCounter, Histogram, ObservableCounter, ObservableUpDownCounter, ObservableGauge)


class SummaryMetricExporter(MetricExporter):
    """Prints what the program's calls to Claude cost, at its end.

    `OTEL_METRICS_EXPORTER=claude_summary`; put it before other exporters, so that it does not wait for theirs.
    `OTEL_CLAUDE_SUMMARY_JSON` names a file to write the same to, as JSON.
    """

    def __init__(self, environment: MutableMapping[str, str] = os.environ, stream: TextIO | None = None) -> None:
        super().__init__(preferred_temporality=dict.fromkeys(_KINDS, AggregationTemporality.CUMULATIVE))
        self._environment = environment
        self._stream = stream
        self._pid = os.getpid()
        self._totals = Totals()
        self._terminating = False
        self._printed = False
        self._telling = threading.Lock()
        self._group = ProcessGroup(environment)
        hooks.add(Client(self._prepare, _providers, self._print_once, at_once=True))

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> MetricExportResult:  # noqa: ARG002 - the base class's signature
        """Keeps the totals, and the tightest limit that was ever seen."""
        try:
            self._notice_fork()
            totals = totals_of(metrics_data, time.time())
            totals.tighter(self._totals.limit)
            self._totals = totals
        except Exception:
            log_internal_error("sum up metrics")
            return MetricExportResult.FAILURE
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis: float = 10_000) -> bool:  # noqa: ARG002 - the base class's signature
        """Nothing is ever waiting, but the summary if the process is about to end."""
        if self._terminating:
            self._print_once()
        return True

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:  # noqa: ARG002 - the base class's signature
        """Prints the summary."""
        self._print_once()

    def _notice_fork(self) -> None:
        """In a forked child the totals are its parent's: it starts from nothing, as the counters do."""
        if os.getpid() != self._pid:
            self._pid = os.getpid()
            self._totals = Totals()
            self._printed = False
            self._telling = threading.Lock()

    def _prepare(self) -> None:
        """The process ends without `atexit`: `force_flush` is the last that comes, and ours before other exporters'."""
        self._notice_fork()
        end_open_calls()
        self._terminating = True

    def _print_once(self) -> None:
        try:
            self._notice_fork()
            # Whoever comes second waits until the first has told all: the process ends when it returns.
            with hooks.undisturbed(), self._telling:
                if not self._printed:
                    self._printed = True
                    self._report()
        except Exception:
            log_internal_error("print the summary")

    def _report(self) -> None:
        totals = self._totals
        report = Report(self._environment, self._stream or sys.__stderr__)
        if self._group.is_root:
            report.give(totals.fold(self._group.close()))
        elif not totals.is_empty and not self._group.send_to_root(totals):
            report.give(totals.fold(self._group.close()), process=self._pid)


def _providers() -> Iterator[Any]:
    yield metrics.get_meter_provider()
    yield trace.get_tracer_provider()
