"""A process that measures one variant: it reads questions, a JSON object in each line, and answers each with one.

    {"do": "measure", "measure": "create", "times": 100}  ->  {"ns": 523417.0}

Questions are the methods of `Worker`. An answer with `error` says that nothing was measured, and why.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import traceback
from importlib import import_module
from importlib.metadata import version
from typing import Any

from . import floor
from .program import Program
from .telemetry import Telemetry
from .variants import INSTRUMENTORS, VARIANTS, Variant

_WARM_UP = 3
"""Calls before each measurement; before the first of its kind, as many as are measured."""


class Worker:
    """One variant of the program, with its telemetry."""

    def __init__(self, variant: Variant) -> None:
        self._variant = variant
        self._telemetry = Telemetry()
        self._program = Program(native=variant.native)
        self._warm: set[str] = set()
        if variant.instrumented in INSTRUMENTORS:
            _instrument(variant.instrumented)

    def versions(self, names: list[str]) -> dict[str, Any]:
        """The versions of what is installed."""
        return {name: version(name) for name in names}

    def learn(self) -> dict[str, Any]:
        """What the floor is, learnt from ours; asked of the variant without it."""
        calls = {"message": lambda: self._program.create(1), "message_delta": lambda: self._program.read_few(1)}
        return floor.learn(self._telemetry, calls, lambda: _instrument("ours"))

    def floor(self, learnt: dict[str, Any]) -> dict[str, Any]:
        """Switches the floor on."""
        floor.install(learnt)
        return {}

    def measure(self, measure: str, times: int) -> dict[str, Any]:
        """Nanoseconds of CPU time for a call, or for an event of a stream."""
        run = self._program.measures[measure]
        gc.collect()  # What was left behind before is not this measure's to clear up.
        run(_WARM_UP if measure in self._warm else times)
        self._warm.add(measure)
        took = run(times)
        self._telemetry.collect()
        return {"ns": took}


def _instrument(name: str) -> None:
    module, kind = INSTRUMENTORS[name]
    instrumentor = getattr(import_module(module), kind)()
    instrumentor.instrument()
    if not instrumentor.is_instrumented_by_opentelemetry:
        raise RuntimeError(f"{module} refused this environment")


def main() -> None:
    """Answers until there are no more questions."""
    # What libraries print must not come between answers.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    worker: Worker | None = None
    for line in sys.stdin:
        try:
            worker = worker or Worker(VARIANTS[sys.argv[1]])
            asked = json.loads(line)
            answer = getattr(worker, asked.pop("do"))(**asked)
        except Exception:  # noqa: BLE001 - whatever a variant does is its own, and is told
            answer = {"error": traceback.format_exc()}
        print(json.dumps(answer), file=out, flush=True)


if __name__ == "__main__":
    main()
