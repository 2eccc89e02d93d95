"""What Grafana asks for a dashboard: its variables filled, its steps worked out, its choices looked up."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from otel_claude.promql.queries import LONG
from otel_claude.promql.recorded import HOURS, MINUTES

Json = dict[str, Any]

ALL: Final = {
    "job": ".+", "model": ".*", "key": ".*", "library": ".*", "tag": "claude_tag_feature", "tag_value": ".*",
    "budget": "5000",
}  # fmt: skip
UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_ROUNDED: Final = (
    (1.5, 1), (3.5, 2), (7.5, 5), (12.5, 10), (17.5, 15), (25, 20), (45, 30), (90, 60), (210, 120), (450, 300),
    (750, 600), (1050, 900), (1500, 1200), (2700, 1800), (5400, 3600), (9000, 7200), (16_200, 10_800),
    (32_400, 21_600), (86_400, 43_200), (604_800, 86_400), (1_814_400, 604_800),
)  # fmt: skip
"""Below so many seconds a step is so long: Grafana's `roundInterval`."""
_POINTS: Final = 1000
"""Of a panel that does not say how many."""
_SAMPLED: Final = 60
"""The interval that the data source is told, in seconds."""


@dataclass(frozen=True)
class Question:
    """One request of a panel. `step` 0: of one moment."""

    path: str
    parameters: tuple[tuple[str, Any], ...]


def seconds(written: str) -> int:
    """A length of time with one unit."""
    return int(written[:-1]) * UNITS[written[-1]]


def step(panel: Json, range_: int) -> int:
    """Seconds between the points of a panel."""
    rough = range_ / panel.get("maxDataPoints", _POINTS)
    rounded = next((to for below, to in _ROUNDED if rough < below), 2_592_000)
    return max(rounded, seconds(panel.get("interval", "1s")))


def written(count: int) -> str:
    """Seconds as Grafana writes an interval."""
    for unit in ("d", "h", "m"):
        if count % UNITS[unit] == 0:
            return f"{count // UNITS[unit]}{unit}"
    return f"{count}s"


def filled(text: str, range_: int, every: int) -> str:
    """A query as Grafana sends it."""
    values = {
        **ALL, "__range": written(range_), "__range_s": str(range_), "__interval": written(every),
        "__interval_ms": str(every * 1000), "__rate_interval": written(max(every + _SAMPLED, 4 * _SAMPLED)),
        "level": (HOURS if range_ > LONG else MINUTES).name,
    }  # fmt: skip
    return re.sub(r"\$\{(\w+)\}|\$(\w+)", lambda match: values.get(match[1] or match[2], match[0]), text)


def panels(dashboard: Json) -> Iterator[Json]:
    """Those that ask something."""
    for panel in dashboard["panels"]:
        if panel["type"] != "row":
            yield panel


def questions(panel: Json, range_: int, end: int) -> list[Question]:
    """The requests of a panel for a range that ends then."""
    every = step(panel, range_)
    requests: list[Question] = []
    for target in panel["targets"]:
        query = filled(target["expr"], range_, every)
        if target.get("instant"):
            requests.append(Question("query", (("query", query), ("time", end))))
        else:
            span = (("start", (end - range_) // every * every), ("end", end // every * every), ("step", every))
            requests.append(Question("query_range", (("query", query), *span)))
    return requests


def choices(dashboard: Json, range_: int, end: int) -> Iterator[tuple[str, Question]]:
    """The requests of a dashboard's variables."""
    for variable in dashboard["templating"]["list"]:
        if variable["type"] != "query":
            continue
        query = filled(variable["definition"], range_, _SAMPLED)
        span = (("start", end - range_), ("end", end))
        if match := re.fullmatch(r"label_values\((.*), ([^,]+)\)", query):
            yield variable["name"], Question(f"label/{match[2]}/values", (("match[]", match[1]), *span))
        elif match := re.fullmatch(r"label_names\((.*)\)", query):
            yield variable["name"], Question("labels", (("match[]", match[1]), *span))
        elif match := re.fullmatch(r"query_result\((.*)\)", query):
            yield variable["name"], Question("query", (("query", match[1]), ("time", end)))
