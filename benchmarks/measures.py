"""What is measured: each measure by name, with its title. Data alone."""

from __future__ import annotations

from typing import Final, NamedTuple

FEW: Final = 10
MANY: Final = 210
"""Pieces of text in the streams between which the slope is taken."""


class Measure(NamedTuple):
    """One figure: nanoseconds of CPU time for a call, or for an event of a stream."""

    title: str
    per_event: bool = False


MEASURES: Final = {
    "create": Measure("`create`"),
    "create_async": Measure("`create`, async"),
    "stream_call": Measure(f"`create(stream=True)` of {FEW} pieces"),
    "stream_async_call": Measure(f"`create(stream=True)` of {FEW} pieces, async"),
    "helper_call": Measure(f"`messages.stream()` of {FEW} pieces"),
    "stream": Measure("`create(stream=True)`", per_event=True),
    "stream_async": Measure("`create(stream=True)`, async", per_event=True),
    "helper": Measure("`messages.stream()`", per_event=True),
}
TIMES: Final = {"create": 100, "create_async": 100, "stream": 10, "stream_async": 10, "helper": 6}
"""What is run, and how many calls, or long streams beside short ones, one figure is the mean of.

A run of streams gives two measures: its own name's, and that of the short stream as a call.
"""
SCALES: Final = {
    "models": "distinct models",
    "tags": "distinct values of a tag",
    "limits": "distinct rate limits",
    "streams": "open streams",
}
"""What the cost of a call must not grow with."""
COUNTS: Final = (1, 100, 10_000)
QUICK_COUNTS: Final = (1, 100)
