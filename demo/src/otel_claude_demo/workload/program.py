"""The workload's command line: one service, or all of them with a simulator of their own."""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Final

from ..simulator import Pace, Simulator
from .acts import LIMITS, SERVICES, client, round_of
from .agents import AGENTS, run_agents
from .tally import Tally

EVERY: Final = (*SERVICES, AGENTS)
"""All services by name."""


def run(service: str, url: str, rounds: int, pause: float, seed: int) -> Tally:
    """Runs a service for some rounds; 0: for ever."""
    tally, dice = Tally(), random.Random(seed)  # noqa: S311 - a play of chance, no secret
    done = 0
    with client(service, url) as calling:
        while not rounds or done < rounds:
            round_of(service, calling, tally, dice, every=done == 0)
            done += 1
            time.sleep(pause)
        SERVICES[service][0][0](calling, tally, dice)  # so that what is reported last is an answer
    return tally


def main(arguments: Sequence[str] | None = None) -> int:
    """One service against a running simulator, or all of them with a simulator of their own."""
    parser = argparse.ArgumentParser(prog="python -m otel_claude_demo.workload", description="A simulated workload.")
    parser.add_argument("--service", choices=EVERY, help="one service; all of them if not given")
    parser.add_argument("--url", default="", help="a running simulator")
    parser.add_argument("--rounds", type=int, default=0, help="how often to do everything; 0: for ever")
    parser.add_argument("--pause", type=float, default=2.0, help="seconds between rounds")
    parser.add_argument("--seed", type=int, default=1, help="of the play of chance")
    chosen = parser.parse_args(arguments)
    if chosen.service:
        how = (chosen.url, chosen.rounds, chosen.pause, chosen.seed)
        tally = run_agents(*how) if chosen.service == AGENTS else run(chosen.service, *how)
        print(json.dumps(vars(tally)))  # noqa: T201 - what it is asked for
        return 0
    with Simulator(limits=LIMITS, pace=Pace(0.4, 400.0)) as simulator:
        return _all(simulator.url, chosen.rounds, chosen.pause)


def _all(url: str, rounds: int, pause: float) -> int:
    # What the script `opentelemetry-instrument` does, wherever it is installed.
    instrumented = "from opentelemetry.instrumentation.auto_instrumentation import run; run()"
    program = [sys.executable, "-c", instrumented, sys.executable]
    own = ["-m", "otel_claude_demo.workload", "--url", url, "--rounds", str(rounds), "--pause", str(pause)]
    children = [
        subprocess.Popen([*program, *own, "--service", service], env={**os.environ, "OTEL_SERVICE_NAME": service})  # noqa: S603
        for service in EVERY
    ]
    try:
        return max(child.wait() for child in children)
    except KeyboardInterrupt:
        return 0
    finally:
        for child in children:
            child.terminate()
