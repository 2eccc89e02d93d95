"""What is measured once in processes of its own: imports, memory, and how the cost of a call grows."""

from __future__ import annotations

import json
import subprocess
from contextlib import ExitStack
from statistics import median
from typing import Any, Final

from .asking import NoAnswerError
from .environments import ROOT, environment
from .fresh import PROGRAMS
from .measures import SCALES
from .rounds import Bench, Learnt
from .variants import AGAIN, FLOOR, INSTRUMENTORS, NATIVE, OURS, VARIANTS

Fresh = dict[str, dict[str, dict[str, Any]]]
"""By instrumentation and program, what `fresh` told: medians."""
Scaling = dict[str, dict[str, dict[str, list[float]]]]
"""Nanoseconds of a `create` by kind, count and variant, one for each round."""
_OPEN: Final = 400
"""Open streams of which the memory of one is the mean."""
_CREATES: Final = 100


def fresh(bench: Bench, names: list[str], *, times: int) -> Fresh:
    """Import and `instrument()` of each instrumentation, in fresh processes.

    What of it is OpenTelemetry's own, in a program that has imported nothing, is asked of ours alone.
    """
    found: Fresh = {}
    for name in INSTRUMENTORS:
        if name in bench.alive(names):
            programs = PROGRAMS if name == OURS.name else PROGRAMS[1:]
            found[name] = {program: _fresh(bench, name, program, times) for program in programs}
    return found


def parts(bench: Bench, learnt: Learnt) -> dict[str, float]:
    """Nanoseconds of each of the floor's calls by itself, over and over."""
    with bench.start(FLOOR) as worker:
        return bench.ask(f"{FLOOR.name}, in parts", worker, "parts", work=learnt["message"]) or {}


def _fresh(bench: Bench, name: str, program: str, times: int) -> dict[str, Any]:
    command = [bench.pythons[VARIANTS[name].environment], "-m", "benchmarks.fresh", name, program]

    def once(*more: str) -> dict[str, Any]:
        done = subprocess.run(
            [*command, *more],
            check=False,
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=environment(bench.project),
            timeout=60,
        )
        if done.returncode:
            raise NoAnswerError(done.stderr[-2000:])
        return json.loads(done.stdout)

    try:
        once()  # The first compiles.
        told = [once() for _ in range(times)]
        medians = {
            key: median(one[key] for one in told) for key in ("import_ns", "instrument_ns", "wall_ns", "resident")
        }
        return {**told[0], **medians, "allocated": once("--trace")["allocated"]}
    except (NoAnswerError, subprocess.TimeoutExpired) as error:
        bench.failed[f"{name}, imported"] = str(error)
        return {}


def memory(bench: Bench, names: list[str]) -> dict[str, dict[str, float]]:
    """Bytes of one open stream by variant: allocated by Python, and of the process."""
    found: dict[str, dict[str, float]] = {}
    for name in bench.alive([name for name in names if name not in (AGAIN.name, FLOOR.name)]):
        for kind, traced in (("allocated", True), ("resident", False)):
            with bench.start(VARIANTS[name]) as worker:
                told = bench.ask(f"{name}, memory", worker, "memory", count=_OPEN, traced=traced)
            if told is not None:
                found.setdefault(name, {})[kind] = told["bytes"]
    return found


def scaling(bench: Bench, counts: tuple[int, ...], *, times: int) -> Scaling:
    """What a `create` costs with one, many and very many of each kind, natively and with ours."""
    found: Scaling = {}
    for over in SCALES:
        with ExitStack() as stack:
            names = bench.alive([NATIVE.name, OURS.name])
            workers = {name: stack.enter_context(bench.start(VARIANTS[name])) for name in names}
            for count in counts:
                for name, worker in workers.items():
                    bench.ask(f"{name}, {over}", worker, "scale", over=over, count=count)
                for _ in range(times):
                    for name, worker in workers.items():
                        told = bench.ask(f"{name}, {over}", worker, "create", times=_CREATES)
                        if told is not None:
                            found.setdefault(over, {}).setdefault(str(count), {}).setdefault(name, []).append(
                                told["ns"]
                            )
    return found
