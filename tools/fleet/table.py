"""What was measured, as tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Json = dict[str, Any]
LIVE = "Live"
_SAME = 0.01
"""By how much samples may differ between fleets: when a rare error happens differs."""
_MOST = 10


def tables(measured: list[Json]) -> str:
    """All of them. Fleets of the same store are compared, the smallest with the others."""
    parts = [_fleet(each) for each in measured]
    for store in dict.fromkeys(each["store"] for each in measured):
        alike = sorted(
            (each for each in measured if each["store"] == store and each["panels"]), key=lambda each: each["pods"]
        )
        parts.extend(_compared(alike[0], other) for other in alike[1:])
    if any("size" in each for each in measured):
        parts.append(_sizes([each for each in measured if "size" in each]))
    return "\n\n".join(parts) + "\n"


def _name(each: Json) -> str:
    return f"{each['pods']} pods, {each['days']:.3g} days, {each['store']}"


def _table(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    names = list(columns)
    lines = [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]
    lines.extend(f"| {' | '.join(str(cell).replace('|', '/') for cell in row)} |" for row in rows)
    return "\n".join(lines)


def _fleet(each: Json) -> str:
    parts = [f"## {_name(each)}"]
    panels = each["panels"]
    if panels:
        late = [row for row in panels if row["slowest"] > row["goal"] or row["error"]]
        late.sort(key=lambda row: -row["slowest"])
        parts.append(f"{len(panels)} answers of panels and variables; {len(late)} over their goal.")
        columns = (
            "dashboard",
            "panel",
            "range",
            "slowest, s",
            "by the clock, s",
            "all targets, s",
            "samples",
            "peak",
            "error",
        )
        if late:
            parts.append(_table(columns, map(_row, late)))
        parts.append(f"The {_MOST} slowest:")
        parts.append(_table(columns, map(_row, sorted(panels, key=lambda row: -row["slowest"])[:_MOST])))
        parts.append("Each dashboard, all its panels one after the other:")
        sums: dict[tuple[str, str], list[float]] = {}
        for row in panels:
            total = sums.setdefault((row["dashboard"], row["range"]), [0, 0])
            for number, key in enumerate(("seconds", "samples")):
                total[number] += row[key]
        parts.append(
            _table(
                ("dashboard", "range", "s", "samples"),
                ((uid, range_, f"{s:.2f}", f"{int(n):,}") for (uid, range_), (s, n) in sums.items()),
            )
        )
        parts.append(
            f"Memory: {_mb(each['memory_at_start'])} at the start, {_mb(each['memory_after_panels'])} after all "
            f"panels, at most {_mb(each['memory_most'])}."
        )
    rules = each["rules"]
    if rules:
        parts.append(f"Rules: {_per_minute(rules):.2f} s a minute.")
        groups: dict[str, list[Json]] = {}
        for rule in rules:
            groups.setdefault(rule["group"], []).append(rule)
        parts.append(
            _table(
                ("group", "rules", "interval, s", "one evaluation, s", "s a minute", "samples read", "series written"),
                (
                    (name, len(of), of[0]["interval"], _sum(of, "execution"), _sum(of, "per_minute"),
                     f"{sum(r['samples'] for r in of):,}", f"{sum(r['series'] for r in of if r['record']):,}")
                    for name, of in groups.items()
                ),
            )
        )  # fmt: skip
        slow = sorted(rules, key=lambda rule: -rule["per_minute"])[:_MOST]
        parts.append(
            _table(
                ("rule", "group", "one evaluation, s", "s a minute", "samples", "error"),
                (
                    (
                        r["rule"],
                        r["group"],
                        f"{r['execution']:.3f}",
                        f"{r['per_minute']:.3f}",
                        f"{r['samples']:,}",
                        r["error"],
                    )
                    for r in slow
                ),
            )
        )
    if agreement := each.get("agreement"):
        parts.append(
            f"What the rules of counters make of the raw series of one slot: {sum(row['series'] for row in agreement)} "
            f"series, {sum(row['differ'] for row in agreement)} of them not as written, the values at most "
            f"{max(row['worst'] for row in agreement):.2e} apart."
        )
    if each["truth"]:
        parts.append("Spend, whole intervals, and how far its parts are from theirs:")
        parts.append(
            _table(("range", "truth, USD", "shown less truth", *each["truth"][0]["parts"]), map(_truth, each["truth"]))
        )
    return "\n\n".join(parts)


def _row(row: Json) -> tuple[object, ...]:
    return (
        row["dashboard"], row["panel"], row["range"], f"{row['slowest']:.2f}", f"{row['clock']:.2f}",
        f"{row['seconds']:.2f}", f"{row['samples']:,}", f"{row['peak']:,}", row["error"][:80],
    )  # fmt: skip


def _truth(row: Json) -> tuple[object, ...]:
    parts = (f"sum {part['total'] - row['shown']:+.2e}, worst {part['worst']:.2e}" for part in row["parts"].values())
    return (row["range"], f"{row['truth']:.6f}", f"{row['shown'] - row['truth']:+.2e}", *parts)


def _compared(small: Json, large: Json) -> str:
    """Panels that read more of the larger fleet, although its sets of labels are the same."""
    key = ("dashboard", "panel", "range")
    before = {(row["dashboard"], row["id"], row["range"]): row for row in small["panels"]}
    rows: list[tuple[object, ...]] = []
    compared = 0
    for row in large["panels"]:
        other = before.get((row["dashboard"], row["id"], row["range"]))
        if other is None or row["panel"].startswith(LIVE) or row["panel"].startswith("variable"):
            continue
        compared += 1
        if abs(row["samples"] - other["samples"]) > _SAME * max(row["samples"], other["samples"]):
            rows.append((*(row[name] for name in key), f"{other['samples']:,}", f"{row['samples']:,}"))
    heading = f"## Samples read, {_name(small)} and {_name(large)}"
    said = f"{compared} answers compared, “{LIVE}” left out; {len(rows)} read more than {_SAME:.0%} more or fewer."
    if not rows:
        return f"{heading}\n\n{said}"
    table = _table((*key, *(f"{each['pods']} pods" for each in (small, large))), rows)
    return f"{heading}\n\n{said}\n\n{table}"


def _sizes(measured: list[Json]) -> str:
    rows: list[tuple[object, ...]] = []
    for each in measured:
        size = each["size"]
        rows.append(
            (
                each["pods"], f"{each['days']:.3g}", f"{size['raw_series']:,}", f"{size['head_series']:,}",
                f"{size['samples_per_second']:,.0f}", f"{size['recorded_per_second']:,.0f}",
                f"{size['bytes_per_sample']:.2f}", _mb(size["memory"]),
                _mb(each["memory_most"]) if each["panels"] else "-",
                f"{_per_minute(each['rules']):.2f}" if each["rules"] else "-",
            )
        )  # fmt: skip
    columns = (
        "pods", "days", "raw series", "series in the head", "samples/s", "of them recorded", "bytes/sample",
        "memory at rest", "memory, most", "rules, s a minute",
    )  # fmt: skip
    return f"## Sizes\n\n{_table(columns, rows)}"


def _per_minute(rules: Iterable[Json]) -> float:
    return sum(rule["per_minute"] for rule in rules)


def _sum(rules: Iterable[Json], key: str) -> str:
    return f"{sum(rule[key] for rule in rules):.3f}"


def _mb(count: float) -> str:
    return f"{count / 2**20:,.0f} MiB"
