"""The goals of speed, and what a run's results say of each. Pure functions of results."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from .figures import Figure, Rounds, added, figure, ratio
from .measures import MEASURES, SCALES
from .variants import FLOOR, NATIVE, OFFICIAL, OURS

Results = dict[str, Any]
_MICRO: Final = 1e3
_MILLI: Final = 1e6


class Goal(NamedTuple):
    """A number that must not be above its limit. None: it was not measured."""

    text: str
    limit: float
    unit: str
    value: float | None

    @property
    def met(self) -> bool | None:
        """Whether it is; None if nobody knows."""
        return None if self.value is None else self.value <= self.limit


def goals(results: Results) -> list[Goal]:
    """Every goal, with what was measured."""
    return [*_calls(results), *_events(results), *_imports(results), *_scaling(results)]


def samples(results: Results, measure: str, variant: str) -> Rounds:
    """What was measured, round by round."""
    return results.get("samples", {}).get(measure, {}).get(variant, [])


def above(results: Results, measure: str, variant: str, base: str = NATIVE.name) -> Figure | None:
    """Nanoseconds that a variant adds to another."""
    return figure(added(samples(results, measure, variant), samples(results, measure, base)))


def times(results: Results, measure: str, variant: str, base: str = NATIVE.name) -> Figure | None:
    """How many times another variant's time it takes."""
    return figure(ratio(samples(results, measure, variant), samples(results, measure, base)))


def above_floor(results: Results, measure: str) -> float | None:
    """How many times what the floor adds to native tracing ours adds to it."""
    ours, floor = above(results, measure, OURS.name), above(results, measure, FLOOR.name)
    return None if ours is None or floor is None or floor.value <= 0 else ours.value / floor.value


def _calls(results: Results) -> Iterator[Goal]:
    for measure, name in (("create", "`create`"), ("create_async", "`create`, async")):
        official = times(results, measure, OURS.name, OFFICIAL.name)
        yield Goal(f"{name}: native + otel-claude over native + official", 1.0, "times", _in(1, official))
        yield Goal(f"{name}: what is added, over the floor", 1.9, "times", above_floor(results, measure))
    for measure in ("stream_call", "stream_async_call"):
        name = MEASURES[measure].title
        yield Goal(f"{name}: what is added, over the floor", 2.5, "times", above_floor(results, measure))


def _events(results: Results) -> Iterator[Goal]:
    for measure, name in (
        ("stream", "`create(stream=True)`"),
        ("stream_async", "`create(stream=True)`, async"),
        ("helper", "`messages.stream()`"),
    ):
        yield Goal(f"{name}: added for an event", 1, "µs", _in(_MICRO, above(results, measure, OURS.name)))


def _imports(results: Results) -> Iterator[Goal]:
    told = results.get("fresh", {}).get(OURS.name, {})
    under, empty = told.get("opentelemetry"), told.get("nothing")
    spent = (under["import_ns"] + under["instrument_ns"]) / _MILLI if under else None
    yield Goal("import and `instrument()`, where `anthropic` is never imported", 15, "ms", spent)
    heavy = len(empty["heavy"]) if empty else None
    yield Goal("of `anthropic`, pydantic and the OpenTelemetry SDK, it imports", 0, "of them", heavy)


def _scaling(results: Results) -> Iterator[Goal]:
    for over, title in SCALES.items():
        counts = results.get("scaling", {}).get(over, {})
        costs = [cost for cost in (scaled(counts[count]) for count in counts) if cost is not None]
        most = max(counts, key=int) if counts else "10000"
        grown = costs[-1].value / costs[0].value if len(costs) > 1 and costs[0].value > 0 else None
        yield Goal(f"what a `create` costs at {int(most):,} {title}, over at 1", 1.25, "times", grown)


def scaled(rounds: dict[str, Rounds]) -> Figure | None:
    """Nanoseconds that ours adds to a `create`, at one count."""
    return figure(added(rounds.get(OURS.name, []), rounds.get(NATIVE.name, [])))


def _in(unit: float, found: Figure | None) -> float | None:
    return None if found is None else found.value / unit
