"""Tables of a run's results, in Markdown that is readable in a terminal too. Pure functions of results."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from .figures import Figure, Rounds, figure
from .fresh import PROGRAMS
from .goals import Goal, Results, above, goals, samples, scaled, times
from .measures import MEASURES, SCALES
from .variants import INSTRUMENTORS, NATIVE, VARIANTS

_PROGRAMS: Final = {
    "nothing": "nothing imported before",
    "opentelemetry": "OpenTelemetry set up",
    "anthropic": "and `anthropic` imported",
}


def report(results: Results) -> str:
    """Everything that was measured."""
    return "\n\n".join(part for part in (_about(results), *_sections(results), _failed(results)) if part)


def rows(head: tuple[str, ...], body: list[tuple[str, ...]]) -> str:
    """A Markdown table in columns; all but the first are numbers."""
    widths = [max(len(line[place]) for line in (head, *body)) for place in range(len(head))]
    rule = ("-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:]))
    lines = [_line(head, widths), f"| {' | '.join(rule)} |", *(_line(line, widths) for line in body)]
    return "\n".join(lines)


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    first, *others = zip(cells, widths, strict=True)
    return f"| {' | '.join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)])} |"


def _about(results: Results) -> str:
    machine, versions = results["machine"], results["versions"]
    told = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
    load = "" if machine["load"] is None else f"; load at the start {machine['load']}"
    return (
        f"Measured on {results['measured']} at commit {results['source']}, in {results['seconds'] / 60:.0f} minutes: "
        f"{_rounds(results)} rounds, {results['generations']} generations of processes.\n"
        f"Machine: {machine['processor']}, {machine['cores']} cores, {machine['memory']} of memory, "
        f"{machine['system']}, {machine['python']}{load}.\n"
        f"Versions: {told}."
    )


def _rounds(results: Results) -> int:
    measured: dict[str, dict[str, Rounds]] = results["samples"]
    return max((len(found) for variants in measured.values() for found in variants.values()), default=0)


def _sections(results: Results) -> Iterator[str]:
    if "fresh" in results:
        yield f"### Goals\n\n{_goals(goals(results))}"
    for per_event, title in ((False, "One call"), (True, "One event of a stream")):
        if measures := [m for m, meant in MEASURES.items() if meant.per_event == per_event and m in results["samples"]]:
            yield f"### {title}: CPU time in µs, and how many times native\n\n{_matrix(results, measures, _absolute)}"
            yield f"### {title}: what is added to native, in µs, with quartiles\n\n{_matrix(results, measures, _added)}"
    if results.get("floor"):
        yield f"### The floor of a `create` in parts, each over and over\n\n{_floor(results['floor'])}"
    if "fresh" in results:
        yield f"### Import and `instrument()`\n\n{_fresh(results)}"
    if "memory" in results:
        yield f"### Memory of one open stream\n\n{_memory(results)}"
    if "scaling" in results:
        yield f"### What otel-claude adds to a `create` in µs, as things become many\n\n{_scaling(results)}"


def _goals(found: list[Goal]) -> str:
    said = {True: "met", False: "missed", None: "not measured"}
    lines = [
        (goal.text, f"at most {goal.limit:g} {goal.unit}".rstrip(), number(goal.value), said[goal.met])
        for goal in found
    ]
    return rows(("goal", "limit", "measured", ""), lines)


def _matrix(results: Results, measures: list[str], cell: Callable[[Results, str, str], str]) -> str:
    lines = [
        (variant.title, *(cell(results, measure, name) for measure in measures))
        for name, variant in VARIANTS.items()
        if any(name in results["samples"][measure] for measure in measures)
    ]
    return rows(("", *(MEASURES[measure].title for measure in measures)), lines)


def _absolute(results: Results, measure: str, name: str) -> str:
    took, over = figure(samples(results, measure, name)), times(results, measure, name)
    if took is None:
        return ""
    return number(took.value / 1e3) + ("" if over is None else f" ({over.value:.2f})")


def _added(results: Results, measure: str, name: str) -> str:
    return "" if name == NATIVE.name else micro(above(results, measure, name), sign="+")


def _floor(parts: dict[str, float]) -> str:
    total = ("all of them", number(sum(parts.values()) / 1e3))
    return rows(("", "µs"), [*((part, number(took / 1e3)) for part, took in parts.items()), total])


def _fresh(results: Results) -> str:
    lines: list[tuple[str, ...]] = []
    for name in INSTRUMENTORS:
        for program in PROGRAMS:
            told = results["fresh"].get(name, {}).get(program)
            if told:
                lines.append(
                    (
                        VARIANTS[name].title.removeprefix("native + "),
                        _PROGRAMS[program],
                        f"{told['import_ns'] / 1e6:.1f}",
                        f"{told['instrument_ns'] / 1e6:.1f}",
                        f"{told['resident'] / 1e6:.1f}",
                        f"{told['allocated'] / 1e6:.1f}",
                        str(told["modules"]),
                        ", ".join(told["heavy"]) or "none",
                    )
                )
    head = ("", "program", "import, ms", "instrument, ms", "resident, MB", "allocated, MB", "modules", "heavy ones")
    return rows(head, lines)


def _memory(results: Results) -> str:
    found = results["memory"]
    lines = [
        (
            VARIANTS[name].title,
            *(f"{told[kind] / 1e3:.1f}" if kind in told else "" for kind in ("allocated", "resident")),
        )
        for name, told in found.items()
    ]
    return rows(("", "allocated, kB", "resident, kB"), lines)


def _scaling(results: Results) -> str:
    found = results["scaling"]
    counts = sorted({count for told in found.values() for count in told}, key=int)
    lines = [
        (title, *(micro(scaled(found.get(over, {}).get(count, {})), sign="+") for count in counts))
        for over, title in SCALES.items()
    ]
    return rows(("", *(f"at {int(count):,}" for count in counts)), lines)


def _failed(results: Results) -> str:
    lines = [f"- {what}: {why.strip().splitlines()[-1]}" for what, why in results["failed"].items()]
    return "### Not measured\n\n" + "\n".join(lines) if lines else ""


def micro(found: Figure | None, *, sign: str = "") -> str:
    """Microseconds, and the quartiles beside them."""
    if found is None:
        return ""
    value, low, high = (number(nanoseconds / 1e3, sign=sign) for nanoseconds in found)
    return f"{value} ({low} to {high})"


def number(value: float | None, *, sign: str = "") -> str:
    """Three digits, or the whole number where it has more."""
    if value is None:
        return ""
    places = 0 if abs(value) >= 100 or isinstance(value, int) else 1 if abs(value) >= 10 else 2
    return f"{value:{sign}.{places}f}"
