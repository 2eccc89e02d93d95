"""Measures programs of another client library than the anthropic SDK, beside other instrumentations of it.

Each variant has a process of its own, and in each round all of them are measured one after the other.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from .asking import Asked, NoAnswerError
from .environments import make
from .figures import Rounds, added, figure, ratio
from .table import micro, number, rows


class Variant(NamedTuple):
    """One way to run the program: its environment, and the module and the class of what is switched on."""

    title: str
    environment: str
    instrumentor: tuple[str, str] | None = None


def run(
    module: str, variants: dict[str, Variant], runs: dict[str, int], project: Path, *, seconds: float, generations: int
) -> str:
    """Measures, and gives the table.

    Args:
        module: Of the workers: run with the name of a variant, it answers questions.
        variants: `bare` is what the others are compared with.
        runs: What is run, and how many calls one figure is the mean of.
        project: The checkout that is measured.
        seconds: How long the rounds last.
        generations: How often all processes are made anew.
    """
    pythons = {name: make(name) for name in {variant.environment for variant in variants.values()}}
    samples: dict[str, dict[str, Rounds]] = {run: {name: [] for name in variants} for run in runs}
    failed: dict[str, str] = {}
    for _ in range(generations):
        with ExitStack() as stack:
            workers = {
                name: stack.enter_context(Asked(name, pythons[variant.environment], project, module))
                for name, variant in variants.items()
            }
            for name, worker in workers.items():  # all of them have begun, and are warm, before the first round
                for measure, times in runs.items():
                    _asked(worker, name, measure, times, failed)
            until = time.monotonic() + seconds / generations
            while time.monotonic() < until:
                for measure, times in runs.items():
                    for name, worker in workers.items():
                        samples[measure][name].append(_asked(worker, name, measure, times, failed))
    return _table(variants, samples, failed)


def _asked(worker: Asked, name: str, measure: str, times: int, failed: dict[str, str]) -> float | None:
    if name in failed:
        return None
    try:
        return worker.ask("measure", run=measure, times=times)["ns"]
    except NoAnswerError as error:
        failed[name] = str(error)
        return None


def _table(variants: dict[str, Variant], samples: dict[str, dict[str, Rounds]], failed: dict[str, str]) -> str:
    lines: list[tuple[str, ...]] = []
    for name, variant in variants.items():
        cells: list[str] = []
        for found in samples.values():
            took, over = figure(found[name]), figure(ratio(found[name], found["bare"]))
            cells.append("" if took is None or over is None else f"{number(took.value / 1e3)} ({over.value:.2f})")
            cells.append("" if name == "bare" else micro(figure(added(found[name], found["bare"])), sign="+"))
        lines.append((variant.title, *cells))
    head = [cell for measure in samples for cell in (f"`{measure}`, µs (times)", "added, µs, with quartiles")]
    count = len(next(iter(samples.values()))["bare"])
    told = [f"- {name}: {why.strip().splitlines()[-1]}" for name, why in failed.items()]
    return "\n".join([f"{count} rounds.", "", rows(("", *head), lines), *told])
