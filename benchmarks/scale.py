"""Calls with many distinct models, tags, limits, or beside many open streams: does one cost more?"""

from __future__ import annotations

from importlib import import_module
from itertools import cycle
from time import thread_time_ns
from typing import Any

from . import api
from .program import Program

_LIMITS_TOLD = 4
"""In one answer, as the first-party API does."""


class Scale:
    """Calls of a program with `count` distinct ones of a kind, in turn. The kinds are those of `measures.SCALES`."""

    def __init__(self, program: Program, over: str, count: int) -> None:
        self._program = program
        self._models = [api.MODEL]
        self._tags = [""]
        self._tagged: Any = None
        self._held: list[Any] = []
        answers = [api.plain(number) for number in range(api.KINDS)]
        if over == "models":
            # A dated id is priced like the model itself, and is distinct in every label.
            self._models = [f"{api.MODEL}-{_date(number)}" for number in range(count)]
            # As many distinct ones as with the other kinds, of however few models: in step with what is asked.
            turns = range(max(count, api.KINDS // count * count))
            answers = [api.plain(number, model=self._models[number % count]) for number in turns]
        elif over == "limits":
            names = [f"{number}-tokens" for number in range(max(count, _LIMITS_TOLD))]
            told = [names[first : first + _LIMITS_TOLD] for first in range(0, len(names), _LIMITS_TOLD)]
            answers = [api.plain(number, limits=tuple(four)) for number, four in enumerate(told)]
        elif over == "tags":
            # Imported here alone: no other measure has ours in its process without need.
            self._tagged = import_module("otel_claude").tags
            self._tags = [f"tenant-{number}" for number in range(count)]
        elif over == "streams":
            self._held = [program.open_stream() for _ in range(count)]
        else:
            raise ValueError(over)
        program.transport.answers(answers)
        self._next = cycle([({**api.ASKED, "model": m}, t) for m in self._models for t in self._tags])

    def create(self, times: int) -> float:
        """Nanoseconds of one `create`, within tags of the application's if it has some."""
        create: Any = self._program.client.messages.create
        tagged = self._tagged
        began = thread_time_ns()
        for _ in range(times):
            asked, tenant = next(self._next)
            if tagged is None:
                create(**asked)
            else:
                with tagged(tenant=tenant):
                    create(**asked)
        return (thread_time_ns() - began) / times


def _date(number: int) -> str:
    """The number-th of days that a model id can have, 31 to each month."""
    months, day = divmod(number, 31)
    years, month = divmod(months, 12)
    return f"{2000 + years}{month + 1:02}{day + 1:02}"
