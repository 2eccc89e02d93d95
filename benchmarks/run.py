"""Runs the benchmarks: `make bench`."""

from __future__ import annotations

import argparse
from pathlib import Path

from .environments import ROOT, NotMadeError, make
from .figures import added, figure, ratio
from .rounds import TIMES, Bench, rounds
from .variants import VARIANTS


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument("--project", type=Path, default=ROOT, help="the checkout whose src is measured; this one")
    parser.add_argument("--only", default=",".join(TIMES), help="measures, separated by commas")
    parser.add_argument("--variants", default=",".join(VARIANTS), help="variants, separated by commas")
    parser.add_argument("--seconds", type=float, default=360, help="how long the rounds last")
    parser.add_argument("--generations", type=int, default=6, help="how often all processes are made anew")
    given = parser.parse_args()
    names, measures = given.variants.split(","), given.only.split(",")
    bench = Bench(given.project.resolve(), {}, {})
    for name in names:
        environment = VARIANTS[name].environment
        try:
            bench.pythons[environment] = make(environment)
        except NotMadeError as error:
            bench.failed[name] = str(error)
    samples = rounds(bench, names, measures, seconds=given.seconds, generations=given.generations)
    for measure, found in samples.items():
        print(f"\n{measure}, microseconds of CPU time" + f" ({len(found[names[0]])} rounds)")
        for name, values in found.items():
            if (now := figure(values)) is None:
                print(f"  {name:14} failed: {bench.failed.get(name)}")
                continue
            above, times = figure(added(values, found["native"])), figure(ratio(values, found["native"]))
            assert above is not None
            assert times is not None
            print(
                f"  {name:14} {now.value / 1e3:9.2f}   over native {above.value / 1e3:+8.2f} "
                f"[{above.low / 1e3:+.2f} {above.high / 1e3:+.2f}]   x{times.value:.3f}"
            )


if __name__ == "__main__":
    main()
