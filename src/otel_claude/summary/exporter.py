"""The exporter: keeps what was collected last, and prints it as a summary when the process ends.

One line at most if something of ours fails. Never touches the program's exit code, its standard output, or its files.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any, Final, TextIO

from opentelemetry import metrics, trace
from opentelemetry.sdk import metrics as sdk
from opentelemetry.sdk.metrics.export import AggregationTemporality, MetricExporter, MetricExportResult, MetricsData

from .. import files, pricing, redact
from .._diagnostics import log_internal_error
from ..instrumentor import ClaudeInstrumentor
from ..settings import variable
from ..shutdown import Client, hooks
from ..telemetry.open_calls import end_open_calls
from . import JSON
from .from_metrics import totals_of
from .json import json_of
from .process_group import ProcessGroup
from .render import page_of, show
from .totals import Totals

_COUNTERS: Final = (sdk.Counter, sdk.UpDownCounter, sdk.ObservableCounter, sdk.ObservableUpDownCounter)
_KINDS: Final = (*_COUNTERS, sdk.Histogram, sdk.ObservableGauge)
_NO_CALLS: Final = "otel-claude: no calls to Claude were made, and no results of batches were read.\n"
_NOT_MEASURED: Final = (
    "otel-claude: the program loaded the anthropic SDK, but it was not instrumented, so nothing was measured. "
    "`otel-claude doctor` says why.\n"
)


class SummaryMetricExporter(MetricExporter):
    """Prints what the program's calls to Claude cost, at its end.

    `OTEL_METRICS_EXPORTER=claude_summary`; put it before other exporters, so that it does not wait for theirs.
    `OTEL_CLAUDE_SUMMARY_JSON` names a file to write the same to, as JSON.
    """

    def __init__(self, environment: MutableMapping[str, str] = os.environ, stream: TextIO | None = None) -> None:
        super().__init__(preferred_temporality=dict.fromkeys(_KINDS, AggregationTemporality.CUMULATIVE))
        self._environment = environment
        self._stream = stream
        self._terminating = False
        self._begin()
        self._group = ProcessGroup(environment)
        hooks.add(Client(self._prepare, _providers, self._print_once, at_once=True))

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._totals = Totals()
        self._printed = False
        self._printing = threading.Lock()

    def _notice_fork(self) -> None:
        """In a forked child the totals are its parent's: it starts from nothing, as the counters do."""
        if os.getpid() != self._pid:
            self._begin()

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

    def _prepare(self) -> None:
        """The process ends without `atexit`: `force_flush` is the last that comes, and ours before other exporters'."""
        self._notice_fork()
        end_open_calls()
        self._terminating = True

    def _print_once(self) -> None:
        try:
            self._notice_fork()
            # Whoever comes second waits until the first has told all: the process ends when it returns.
            with hooks.undisturbed(), self._printing:
                if not self._printed:
                    self._printed = True
                    totals = self._totals
                    if self._group.is_root or not (totals.is_empty or self._group.send_to_root(totals)):
                        report(
                            totals.fold(self._group.close()),
                            self._environment,
                            self._stream or sys.__stderr__,
                            process=None if self._group.is_root else self._pid,
                        )
        except Exception:
            log_internal_error("print the summary")


def _providers() -> Iterator[Any]:
    yield metrics.get_meter_provider()
    yield trace.get_tracer_provider()


def report(
    totals: Totals, environment: MutableMapping[str, str], stream: TextIO | None, process: int | None = None
) -> None:
    """Gives the totals of the program, or of one process that outlived it, to the user.

    As a page on the stream (None: the program has no stderr), and as the JSON file that the environment names.
    """
    table = _price_table(environment.get(variable("prices"), "").strip()) if not totals.is_empty else _price_table("")
    now = time.time()
    try:
        if stream is not None and not stream.closed:
            if totals.is_empty:
                missed = "anthropic" in sys.modules and not ClaudeInstrumentor().is_instrumented_by_opentelemetry
                stream.write(_NOT_MEASURED if missed else _NO_CALLS)
            else:
                of = "this program" if process is None else f"process {process}"
                show(page_of(totals, prices=table, dimensions=of, now=now), stream)
    except Exception:
        log_internal_error("print the summary")
    if not (file := environment.get(JSON, "").strip()):
        return
    path = Path(file)
    if process is not None:
        path = path.with_name(f"{path.stem}.{process}{path.suffix}")
    try:
        files.write(path, f"{json.dumps(json_of(totals, table=table, now=now), indent=2)}\n")
    except OSError as error:
        if stream is not None:
            stream.write(
                f"otel-claude: the summary could not be written to {redact.text(str(path))}: {error.strerror}\n"
            )


def _price_table(path: str) -> str:
    """The name of the table that the program's calls were priced with; `""` if none can be read."""
    for own in (path or None, None):
        try:
            return pricing.load(own).name
        except Exception:  # noqa: S112 - who priced the calls has said it
            continue
    return ""
