"""The rounds: every measure of every variant in turn, each variant in a process of its own.

In each round the variants are measured right after each other, so what the machine does meanwhile meets all of them,
and figures are compared within their round. A few times all processes are made anew: where a process has its memory is
chance, and makes a few per cent of speed.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, NamedTuple

from . import floor
from .asking import Asked, NoAnswerError
from .measures import TIMES
from .variants import COMPARED, FLOOR, NATIVE, OURS, VARIANTS, Variant

_ALL_EVERY: Final = 3
"""Rounds. One of so many measures every variant; the others those that goals compare."""
Samples = dict[str, dict[str, list[float | None]]]
"""Nanoseconds by measure and variant, one for each round; None where a variant failed."""

Learnt = dict[str, Any]
"""The floor of each shape of call, by what tells its usage."""


class Bench(NamedTuple):
    """What is measured: the sources of a checkout, by the interpreters of its environments.

    `failed` says of what was not measured why, by variant, or by variant and what it was.
    """

    project: Path
    pythons: dict[str, Path]
    failed: dict[str, str]

    def start(self, variant: Variant) -> Asked:
        """A process of a variant."""
        return Asked(variant.name, self.pythons[variant.environment], self.project)

    def ask(self, what: str, worker: Asked, do: str, **question: Any) -> dict[str, Any] | None:
        """What a worker answers; None if it does not, or if `what` has failed before. Then it has failed."""
        if what in self.failed:
            return None
        try:
            return worker.ask(do, **question)
        except NoAnswerError as error:
            self.failed[what] = f"{do}: {error}"
            return None

    def alive(self, names: list[str]) -> list[str]:
        """Those of these variants that have not failed."""
        return [name for name in names if name not in self.failed]


def rounds(
    bench: Bench, names: list[str], runs: list[str], learnt: Learnt | None, *, seconds: float, generations: int
) -> Samples:
    """Measures until the time is over, in so many generations of processes, each of one round at least."""
    samples: Samples = {}
    began, done = time.monotonic(), 0
    for generation in range(generations):
        with ExitStack() as stack:
            workers = {name: stack.enter_context(bench.start(VARIANTS[name])) for name in bench.alive(names)}
            if FLOOR.name in workers:
                bench.ask(FLOOR.name, workers[FLOOR.name], "floor", work=learnt)
            until = began + seconds * (generation + 1) / generations
            first = done
            while bench.alive(list(workers)) and (done == first or time.monotonic() < until):
                _round(bench, workers, runs, samples, done)
                done += 1
    return samples


def learn(bench: Bench) -> Learnt | None:
    """What the floor is, from what ours does to native tracing."""
    try:
        with bench.start(NATIVE) as native, bench.start(OURS) as ours:
            return {
                kind: floor.learnt(native.ask("tells", run=run), ours.ask("tells", run=run))
                for kind, run in floor.CALLS.items()
            }
    except (NoAnswerError, ValueError) as error:
        bench.failed[FLOOR.name] = str(error)
        return None


def _round(bench: Bench, workers: dict[str, Asked], runs: list[str], samples: Samples, number: int) -> None:
    for run in runs:
        # What goals compare is measured more often: their limits are near what is measured.
        names = [name for name in workers if number % _ALL_EVERY == 0 or name in COMPARED[run]]
        # Another one begins each round: whoever comes after a heavy one finds other caches.
        begins = number % len(names) if names else 0
        for name in names[begins:] + names[:begins]:
            told = bench.ask(name, workers[name], "measure", run=run, times=TIMES[run])
            for measure, took in (told or {}).items():
                found = samples.setdefault(measure, {}).setdefault(name, [])
                found += [None] * (number - len(found)) + [took]
