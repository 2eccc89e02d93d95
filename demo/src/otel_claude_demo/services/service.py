"""One service of the demo: `python -m otel_claude_demo.services.service chat <until> [live]`.

Does its steps in order, then again until the time is over, and says on stdout what it is doing. Live, it does those
that the real API can be asked for, once.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import sys
import time
from collections.abc import Sequence
from importlib import import_module
from itertools import chain, cycle

from .processes import LIVE
from .steps import Desk, Step


def main(arguments: Sequence[str]) -> None:
    """The service that the arguments name, until the time they say, in seconds since the epoch."""
    name, until, *rest = arguments
    steps: Sequence[Step] = import_module(f"{__package__}.{name}").STEPS
    asyncio.run(_work(name, steps, Desk(live=LIVE in rest), float(until)))


async def _work(name: str, steps: Sequence[Step], desk: Desk, until: float) -> None:
    if desk.live:
        todo, again = [step for step in steps if step.most is not None], iter(())
    else:
        todo, again = steps, cycle([step for step in steps if not step.once])
    async with desk.async_client:
        for number, step in enumerate(chain(todo, again)):
            if number >= len(todo) and time.time() >= until:
                break
            report(name, step.says)
            done = step.act(desk)
            if inspect.isawaitable(done):
                await done
    desk.client.close()


def report(*words: str) -> None:
    """One line on stdout, in one write: several processes share it."""
    os.write(sys.stdout.fileno(), ("\t".join(words) + "\n").encode())


if __name__ == "__main__":
    main(sys.argv[1:])
