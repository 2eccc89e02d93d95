"""The rounds: every measure of every variant in turn, each variant in a process of its own.

In each round every variant is measured right after the others, so what the machine does meanwhile meets all of them,
and figures are compared within their round. A few times all processes are made anew: where a process has its memory is
chance, and makes a few per cent of speed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, NamedTuple

from .asking import Asked, NoAnswerError
from .variants import FLOOR, NATIVE, VARIANTS, Variant

TIMES: Final = {"create": 100, "create_async": 100, "stream": 10, "stream_async": 10, "helper": 6}
"""How many calls one figure is the mean of, or how many pairs of streams."""
Samples = dict[str, dict[str, list[float | None]]]
"""Nanoseconds by measure and variant, one for each round; None where a variant failed."""


class Bench(NamedTuple):
    """What is measured: the sources of a checkout, in these environments' interpreters. `failed` has whys."""

    project: Path
    pythons: dict[str, Path]
    failed: dict[str, str]

    def start(self, variant: Variant) -> Asked:
        """A process of a variant."""
        return Asked(variant.name, self.pythons[variant.environment], self.project)

    def alive(self, names: list[str]) -> list[str]:
        """Those of these variants that have not failed."""
        return [name for name in names if name not in self.failed]


def rounds(bench: Bench, names: list[str], measures: list[str], *, seconds: float, generations: int) -> Samples:
    """Measures until the time is over, in so many generations of processes, of which each has a round at least."""
    samples: Samples = {measure: {name: [] for name in names} for measure in measures}
    learnt = _learnt(bench) if FLOOR.name in bench.alive(names) else None
    began = time.monotonic()
    for generation in range(generations):
        with ExitStack() as stack:
            workers: dict[str, Asked] = {}
            for name in bench.alive(names):
                workers[name] = stack.enter_context(bench.start(VARIANTS[name]))
            if FLOOR.name in workers and learnt is not None:
                workers[FLOOR.name].ask("floor", learnt=learnt)
            until = began + seconds * (generation + 1) / generations
            for number in _until(until):
                _round(bench, workers, samples, number)
    return samples


def _learnt(bench: Bench) -> dict[str, Any] | None:
    try:
        with bench.start(NATIVE) as worker:
            return worker.ask("learn")
    except NoAnswerError as error:
        bench.failed[FLOOR.name] = str(error)
        return None


def _until(end: float) -> Iterator[int]:
    number = 0
    while number == 0 or time.monotonic() < end:
        yield number
        number += 1


def _round(bench: Bench, workers: dict[str, Asked], samples: Samples, number: int) -> None:
    # Another one begins each round: whoever comes after a heavy one finds other caches.
    names = list(workers)
    for measure, found in samples.items():
        place = max(map(len, found.values()))
        for name in names[number % len(names) :] + names[: number % len(names)]:
            if name in bench.failed:
                continue
            try:
                took = workers[name].ask("measure", measure=measure, times=TIMES[measure])["ns"]
            except NoAnswerError as error:
                bench.failed[name] = f"{measure}: {error}"
                continue
            found[name] += [None] * (place - len(found[name])) + [took]
