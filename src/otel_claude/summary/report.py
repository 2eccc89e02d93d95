"""Report: gives totals to the user, as a page on stderr and as a JSON file."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TextIO

from .. import files, pricing, redact
from .._diagnostics import log_internal_error
from ..instrumentor import ClaudeInstrumentor
from ..settings import variable
from .json import json_of
from .render import page_of
from .terminal import show
from .totals import Totals
from .variables import JSON

_NO_CALLS: Final = "otel-claude: no calls to Claude were made, and no results of batches were read."
_NOT_MEASURED: Final = (
    "otel-claude: the program loaded the anthropic SDK, but it was not instrumented, so nothing was measured. "
    "`otel-claude doctor` says why."
)


class Report:
    """Where the summary goes to: what the environment names, and a stream; None if the program has no stderr."""

    def __init__(self, environment: Mapping[str, str], stream: TextIO | None) -> None:
        self._file = environment.get(JSON, "").strip()
        self._prices = environment.get(variable("prices"), "").strip()
        self._stream = stream

    def give(self, totals: Totals, process: int | None = None) -> None:
        """Prints the totals of the program, or of one process that outlived it, and writes them if a file is named."""
        table = self._table(None if totals.is_empty else self._prices)
        now = time.time()
        try:
            self._print(totals, table, process, now)
        except Exception:
            log_internal_error("print the summary")
        if self._file:
            path = Path(self._file)
            if process is not None:
                path = path.with_name(f"{path.stem}.{process}{path.suffix}")
            self._write(path, json_of(totals, table=table, now=now))

    def _print(self, totals: Totals, table: str, process: int | None, now: float) -> None:
        if self._stream is not None and not self._stream.closed:
            if totals.is_empty:
                self._stream.write(f"{_why_none()}\n")
            else:
                dimensions = "this program" if process is None else f"process {process}"
                show(page_of(totals, prices=table, dimensions=dimensions, now=now), self._stream)

    def _table(self, path: str | None) -> str:
        """The name of the table that the program's calls were priced with; `""` if none can be read."""
        for own in (path or None, None):
            try:
                return pricing.load(own).name
            except Exception:  # noqa: S112 - who priced the calls has said it
                continue
        return ""

    def _write(self, path: Path, data: dict[str, Any]) -> None:
        """Writes the file as a whole or not at all."""
        try:
            files.write(path, f"{json.dumps(data, indent=2)}\n")
        except OSError as error:
            if self._stream is not None:
                shown = redact.text(str(path))
                self._stream.write(f"otel-claude: the summary could not be written to {shown}: {error.strerror}\n")


def _why_none() -> str:
    if "anthropic" in sys.modules and not ClaudeInstrumentor().is_instrumented_by_opentelemetry:
        return _NOT_MEASURED
    return _NO_CALLS
