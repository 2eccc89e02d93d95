"""A fresh process that imports an instrumentation and switches it on, once: `python -m benchmarks.fresh NAME PROGRAM`.

`PROGRAM` is what the process has done before: `nothing`; `opentelemetry`: it has real providers, as under
`opentelemetry-instrument`; `anthropic`: that, and it has imported the SDK. Prints one JSON object. With `--trace`
Python's allocations are traced, which makes everything slower, so times are to be taken without.
"""

from __future__ import annotations

import json
import os
import sys
import tracemalloc
from importlib import import_module
from pathlib import Path
from time import perf_counter_ns, thread_time_ns
from typing import Final

from .variants import INSTRUMENTORS

PROGRAMS: Final = ("nothing", "opentelemetry", "anthropic")
HEAVY: Final = ("anthropic", "pydantic", "opentelemetry.sdk")
"""What an instrumentation must not import by itself."""


def resident() -> int:
    """Bytes of memory that this process has. 0 where the system does not say (it is no Linux)."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") if statm.exists() else 0


def _prepare(program: str) -> None:
    if program == "nothing":
        return
    import_module("benchmarks.telemetry").Telemetry()
    # What `opentelemetry-instrument` itself imports.
    import_module("opentelemetry.instrumentation.instrumentor")
    if program == "anthropic":
        import_module("anthropic")


def main() -> None:
    """Measure, and print."""
    name, program = sys.argv[1:3]
    module, kind = INSTRUMENTORS[name]
    _prepare(program)
    before, held = set(sys.modules), resident()
    if "--trace" in sys.argv:
        tracemalloc.start()
    times = [(thread_time_ns(), perf_counter_ns())]
    instrumentor = getattr(import_module(module), kind)
    times.append((thread_time_ns(), perf_counter_ns()))
    instrumentor().instrument()
    times.append((thread_time_ns(), perf_counter_ns()))
    imported = set(sys.modules) - before
    told = {
        "import_ns": times[1][0] - times[0][0],
        "instrument_ns": times[2][0] - times[1][0],
        "wall_ns": times[2][1] - times[0][1],
        "resident": resident() - held,
        "allocated": tracemalloc.get_traced_memory()[0] if tracemalloc.is_tracing() else None,
        "modules": len(imported),
        "heavy": [heavy for heavy in HEAVY if heavy in imported],
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
