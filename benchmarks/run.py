"""Runs the benchmarks: `make bench`.

make bench                          everything, about 8 minutes on an idle machine
make bench ARGS="--quick"           about a minute, for a first look
make bench ARGS="--bedrock"         what a call of boto3 costs, in one or two minutes
make bench ARGS="--litellm"         what a call of LiteLLM costs
make bench ARGS="--docs"            measures nothing: writes docs/performance.md from the latest figures
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from . import bedrock, extras, litellm_calls
from .environments import CACHE, ROOT, NotMadeError, make
from .machine import about
from .measures import COUNTS, QUICK_COUNTS, TIMES
from .page import write
from .rounds import Bench, learn, rounds
from .table import report
from .variants import FLOOR, NATIVE, OURS, VARIANTS

LATEST = CACHE / "latest.json"
PART = CACHE / "part.json"
"""Of a quick run, or of one of a part: the figures of the last whole run stay for `--docs`."""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="less of everything")
    parser.add_argument("--bedrock", action="store_true", help="measure calls of boto3, and nothing else")
    parser.add_argument("--litellm", action="store_true", help="measure calls of LiteLLM, and nothing else")
    parser.add_argument("--docs", action="store_true", help="write docs/performance.md, and measure nothing")
    parser.add_argument("--json", type=Path, help="write the figures to this file too; with --docs, read them from it")
    parser.add_argument(
        "--project", type=Path, default=ROOT, help="measure the src of this checkout (default: this one)"
    )
    parser.add_argument("--only", type=_among(TIMES), help=f"only these, and nothing else: {','.join(TIMES)}")
    parser.add_argument("--variants", type=_among(VARIANTS), help=f"only these: {','.join(VARIANTS)}")
    parser.add_argument("--seconds", type=float, help="how long the rounds last")
    parser.add_argument("--generations", type=int, help="how often all processes are made anew")
    return parser.parse_args()


def _among(known: Any) -> Any:
    def names(text: str) -> list[str]:
        given = text.split(",")
        if unknown := set(given) - set(known):
            raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))} is none of {', '.join(known)}")
        return given

    return names


def measure(given: argparse.Namespace) -> dict[str, Any]:
    """Everything that was asked for."""
    began = time.monotonic()
    names: list[str] = given.variants or list(VARIANTS)
    bench = environments(given.project.resolve(), names)
    results = about(bench)
    learnt = learn(bench) if FLOOR.name in bench.alive(names) else None
    if given.only is None:
        step(began, "imports, in fresh processes")
        few = [name for name in names if not given.quick or name in (NATIVE.name, OURS.name)]
        results["fresh"] = extras.fresh(bench, few, times=2 if given.quick else 5)
        step(began, "memory")
        results["memory"] = extras.memory(bench, few)
        step(began, "scaling")
        counts = QUICK_COUNTS if given.quick else COUNTS
        results["scaling"] = extras.scaling(bench, counts, times=2 if given.quick else 12)
        results["floor"] = extras.parts(bench, learnt) if learnt is not None else {}
    seconds = given.seconds or (15 if given.quick else 330)
    generations = given.generations or (1 if given.quick else 6)
    step(began, f"rounds, for {seconds:.0f} s")
    results["samples"] = rounds(
        bench, names, given.only or list(TIMES), learnt, seconds=seconds, generations=generations
    )
    results |= {"generations": generations, "seconds": time.monotonic() - began, "failed": bench.failed}
    results["whole"] = not (given.quick or given.only or given.variants)
    return results


def environments(project: Path, names: list[str]) -> Bench:
    """The environments of these variants. Those that cannot be made have failed."""
    bench = Bench(project, {}, {})
    for name in names:
        environment = VARIANTS[name].environment
        try:
            if environment not in bench.pythons:
                bench.pythons[environment] = make(environment)
        except NotMadeError as error:
            bench.failed[name] = f"its environment cannot be made: {error}"
    return bench


def step(began: float, what: str) -> None:
    print(f"{time.monotonic() - began:5.0f} s: {what}", file=sys.stderr, flush=True)


def main() -> None:
    given = arguments()
    if given.docs:
        write(json.loads((given.json or LATEST).read_text(encoding="utf-8")))
        return
    if given.bedrock or given.litellm:
        library = bedrock if given.bedrock else litellm_calls
        print(library.run(given.project.resolve(), seconds=given.seconds or 90, generations=given.generations or 3))
        return
    results = measure(given)
    print(report(results))
    CACHE.mkdir(parents=True, exist_ok=True)
    for file in (LATEST if results["whole"] else PART, given.json):
        if file is not None:
            file.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    if broken := {NATIVE.name, OURS.name, FLOOR.name} & results["failed"].keys():
        sys.exit(f"not measured: {', '.join(sorted(broken))}")


if __name__ == "__main__":
    main()
