"""A fleet of any size, written into a Prometheus and measured there.

    python tools/fleet write FOLDER --pods 500 --days 30      history, truth and plan of a fleet (minutes)
    python tools/fleet measure FOLDER                         every panel, rule and number on real Prometheus
    python tools/fleet measure FOLDER --store victoria-metrics
    python tools/fleet table FOLDER...                        what was measured, as Markdown

Needs Go and `scripts/stack` (STACK_CACHE names another folder of servers). The same seed and end give the same fleet.

What is written: raw cost of all days and every other raw metric of the last hours (`--raw-hours`), each process once a
minute; what the recording rules would have recorded of all days. Agents and sessions are in one cell of each service,
and one `otel-claude organization` reports all days. Pods are replaced daily, restart once in ten days, one service is
made of jobs of twelve minutes, and the store was away for 45 minutes and for five hours. The calls of the whole fleet
do not depend on the number of pods, so that fleets of any size with as many label sets record the same. The last one to
three hours are in Prometheus' head, as they would be.

For VictoriaMetrics write a fleet with `--only-cost`: raw cost and calls are imported, and panels that read other
metrics answer empty.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import measure
import table
from plan import Wanted, plan
from store import Store, prometheus, victoria_metrics, writer

from otel_claude.promql.queries import STORES

Json = dict[str, Any]
VICTORIA = "victoria-metrics"


def main(arguments: Sequence[str] | None = None) -> None:
    """Writes, measures or shows."""
    parser = argparse.ArgumentParser("fleet", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    write = commands.add_parser("write", help="write a fleet's history")
    write.add_argument("folder", type=Path)
    write.add_argument("--pods", type=int, default=50)
    write.add_argument("--days", type=float, default=30)
    write.add_argument("--end", type=int, default=int(time.time()) // 60 * 60, help="seconds since the epoch")
    write.add_argument("--seed", type=int, default=1)
    write.add_argument("--label-sets", type=int, default=768, help="of cost, without those of processes")
    write.add_argument("--calls", type=float, default=3000, help="of the whole fleet in a minute")
    write.add_argument("--raw-hours", type=float, default=6, help="of raw series that are not cost")
    write.add_argument("--no-gaps", action="store_true", help="the store was never away")
    write.add_argument("--only-cost", action="store_true", help="raw cost and calls of all days, no other metric")
    measured = commands.add_parser("measure", help="measure on a real server")
    measured.add_argument("folder", type=Path)
    measured.add_argument("--store", choices=STORES, default=STORES[0])
    measured.add_argument("--ranges", default=",".join(measure.RANGES))
    measured.add_argument("--dashboards", default="", help="their uids, with commas; else all")
    measured.add_argument("--size", action="store_true", help="measure sizes and rules, no panels")
    shown = commands.add_parser("table", help="show what was measured")
    shown.add_argument("folders", type=Path, nargs="+")
    chosen = parser.parse_args(arguments)
    {"write": _write, "measure": _measure, "table": _table}[chosen.command](chosen)


def _write(chosen: argparse.Namespace) -> None:
    folder: Path = chosen.folder
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / "data").exists():
        raise SystemExit(f"{folder / 'data'} is there already: give another folder")
    wanted = Wanted(
        chosen.pods, chosen.days, chosen.end, chosen.seed, chosen.label_sets, chosen.calls, chosen.raw_hours,
        not chosen.no_gaps, chosen.only_cost,
    )  # fmt: skip
    (folder / "plan.json").write_text(json.dumps(plan(wanted)))
    began = time.monotonic()
    _run_writer(folder, "-out", str(folder / "data"), "-truth", str(folder / "truth.json"))
    print(f"written in {time.monotonic() - began:.0f} s")


def _measure(chosen: argparse.Namespace) -> None:
    folder: Path = chosen.folder
    ranges: list[str] = [] if chosen.size else chosen.ranges.split(",")
    only = [uid for uid in chosen.dashboards.split(",") if uid]
    if chosen.store == VICTORIA:
        imported = (folder / "victoria").exists()
        with victoria_metrics(folder) as store:
            if not imported:
                _import(store, folder)
            found = measure.measure(store, folder, chosen.store, ranges, only)
    else:
        with prometheus(folder) as store:
            at_rest, sizes = store.memory(), measure.size(store, folder)
            found = measure.measure(store, folder, chosen.store, ranges, only)
            found["size"] = {**sizes, "memory": at_rest}
    (folder / f"measured-{chosen.store}.json").write_text(json.dumps(found, indent=1))
    print(table.tables([found]))


def _import(store: Store, folder: Path) -> None:
    began = time.monotonic()
    _run_writer(folder, "-victoria", store.url)
    store.flush()
    print(f"imported in {time.monotonic() - began:.0f} s")


def _run_writer(folder: Path, *arguments: str) -> None:
    subprocess.run([str(writer()), "-plan", str(folder / "plan.json"), *arguments], check=True)  # noqa: S603 - our own


def _table(chosen: argparse.Namespace) -> None:
    files = [file for folder in chosen.folders for file in sorted(folder.glob("measured-*.json"))]
    print(table.tables([json.loads(file.read_text()) for file in files]))


if __name__ == "__main__":
    main()
