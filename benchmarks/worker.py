"""A process that measures one variant: it reads questions, a JSON object in each line, and answers each with one.

    {"do": "measure", "run": "create", "times": 100}  ->  {"create": 523417.0}

Questions are the methods of `Worker`. An answer with `error` says that nothing was measured, and why.
"""

from __future__ import annotations

import gc
import tracemalloc
from importlib import import_module
from importlib.metadata import version
from typing import Any

from . import floor
from .asking import answer_questions
from .fresh import resident
from .measures import TIMES
from .program import Program
from .scale import Scale
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

    def tells(self, run: str) -> dict[str, Any]:
        """What one call of a run tells: the attributes of its span, and its records in histograms."""
        records = self._telemetry.records_of(lambda: self._program.once(run))
        return {"attributes": self._telemetry.span_of(lambda: self._program.once(run)), "records": records}

    def floor(self, work: dict[str, Any]) -> dict[str, Any]:
        """Switches the floor on."""
        floor.install(work)
        return {}

    def parts(self, work: dict[str, Any]) -> dict[str, Any]:
        """Nanoseconds of each of the floor's calls, by itself."""
        return floor.parts(work)

    def measure(self, run: str, times: int) -> dict[str, Any]:
        """Nanoseconds of CPU time by measure, of one of `measures.TIMES`."""
        gc.collect()  # What was left behind before is not this run's to clear up.
        self._program.run(run, _WARM_UP if run in self._warm else times)
        self._warm.add(run)
        took = self._program.run(run, times)
        self._telemetry.collect()
        return took

    def scale(self, over: str, count: int) -> dict[str, Any]:
        """Makes so many distinct ones known, as in `measures.SCALES`, and goes on with them in turn."""
        self._scale = Scale(self._program, over, count)
        self._scale.create(count)
        self._telemetry.collect()
        return {}

    def create(self, times: int) -> dict[str, Any]:
        """Nanoseconds of CPU time of a `create` with those of `scale`."""
        # Clearing up goes through everything there is. The next calls find the processor's caches full of that.
        gc.collect()
        self._scale.create(_WARM_UP)
        took = self._scale.create(times)
        self._telemetry.collect()
        return {"ns": took}

    def memory(self, count: int, *, traced: bool) -> dict[str, Any]:
        """Bytes for each of so many open streams: what Python has allocated, or what the process is larger by."""
        for run, times in TIMES.items():
            self._program.run(run, times // 5)
        if traced:
            tracemalloc.start()
        held = [self._program.open_stream() for _ in range(_WARM_UP)]
        gc.collect()
        before = tracemalloc.get_traced_memory()[0] if traced else resident()
        held += [self._program.open_stream() for _ in range(count)]
        gc.collect()
        after = tracemalloc.get_traced_memory()[0] if traced else resident()
        return {"bytes": (after - before) / (len(held) - _WARM_UP)}


def _instrument(name: str) -> None:
    module, kind = INSTRUMENTORS[name]
    instrumentor = getattr(import_module(module), kind)()
    instrumentor.instrument()
    if not instrumentor.is_instrumented_by_opentelemetry:
        raise RuntimeError(f"{module} refused this environment")


if __name__ == "__main__":
    answer_questions(lambda name: Worker(VARIANTS[name]))
