"""The options by which commands choose a period, what of it they look at, and the store that has its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Annotated, TypeVar

from ..pricing import shipped
from ..prometheus import IncompleteDataError, Prometheus
from ..promql.names import NameTranslator
from ..promql.queries import STORES, Queries, Store
from ..spending.history import Filter, History, newest, open_history, recorded_history
from ..spending.periods import Period, last, time_of
from ..spending.usage import DIMENSIONS, TYPE, WIDTHS, filter_of, labels_of
from .arguments import Option
from .connections import PrometheusOptions
from .output import say

_Choice = TypeVar("_Choice", bound=str)


@dataclass(frozen=True)
class HistoryOptions:
    """Which period is asked about, where, and what of it."""

    prometheus: Annotated[
        str | None,
        Option("--prometheus", metavar="URL", help="Where the metrics are: Prometheus, Mimir, VictoriaMetrics."),
    ] = None
    start: Annotated[
        str | None, Option("--from", metavar="TIME", help="The beginning: 2026-11-20, or 2026-11-20T13:00 (UTC).")
    ] = None
    end: Annotated[
        str | None, Option("--to", metavar="TIME", help="The end, itself not in it. By default the newest there is.")
    ] = None
    last: Annotated[str | None, Option("--last", metavar="LENGTH", help="So long up to the end, as 24h or 7d.")] = None
    where: Annotated[
        list[str] | None,
        Option("--where", metavar="KEY=VALUE", help="Only this, as job=checkout or tag.team=search. Repeatable."),
    ] = None
    store: Annotated[
        str | None,
        Option(
            "--store",
            help="What the server is: prometheus, mimir or victoria-metrics. By default what it says of itself.",
        ),
    ] = None

    def server(
        self, connection: PrometheusOptions, dimensions: Mapping[str, tuple[str, ...]] = DIMENSIONS
    ) -> OpenedStore:
        """The store. Raises IncompleteDataError where it cannot be asked."""
        if self.prometheus is None:
            raise IncompleteDataError("--prometheus is missing: say where the metrics are, as http://prometheus:9090")
        given = None if self.store is None else store_of(self.store)
        chosen = [_chosen(text, dimensions) for text in self.where or ()]
        server = connection.connect(self.prometheus)
        where = tuple(each for each in chosen if isinstance(each, str))
        filters = tuple(each for each in chosen if isinstance(each, Filter))
        return OpenedStore(server, Queries(NameTranslator(), where, store=given or server.store()), filters)

    def period(self, queries: Queries, usual: str, now: datetime) -> Period:
        """The period that is asked about. Raises IncompleteDataError where the options say none."""
        return self.period_up_to(newest(queries, now), usual)

    def period_up_to(self, newest: datetime, usual: str) -> Period:
        """The same where what is newest is known."""
        if self.start is not None and self.last is not None:
            raise IncompleteDataError("--from and --last both say where the period begins: give one")
        end = newest if self.end is None else time_of("--to", self.end)
        start = end - last(self.last or usual) if self.start is None else time_of("--from", self.start)
        if end <= start:
            raise IncompleteDataError("--to is not after --from")
        return Period(start, end)


@dataclass(frozen=True)
class OpenedStore:
    """A server, and how it is asked."""

    server: Prometheus
    queries: Queries
    filters: tuple[Filter, ...] = ()
    _said: set[str] = field(default_factory=set[str])
    """What was said of how periods are read: of several periods once."""

    def open(self, period: Period, now: datetime) -> History:
        """How a period is read. What the user is to know of that is said."""
        history, note = open_history(self.server, self.queries, period, now)
        if note and note not in self._said:
            self._said.add(note)
            say(note)
        return replace(history, filters=self.filters)

    def recorded(self, period: Period, now: datetime) -> History | None:
        """How a period is read that was recorded from its beginning to its end. None where it was not."""
        history = recorded_history(self.server, self.queries, period, now)
        return history and replace(history, filters=self.filters)

    def keeps(self, labels: Mapping[str, str]) -> bool:
        """Whether a series that was asked for otherwise, with labels as they are stored, is of what was chosen."""
        bare = self.queries.translator.bare
        return all(each.keeps({label: labels.get(bare(label), "") for label in each.labels}) for each in self.filters)

    def nothing(self, what: str, when: str, doctor: str = "otel-claude doctor") -> IncompleteDataError:
        """Says that the store has nothing, and what to do."""
        chosen = " of what --where chooses" if self.filters or self.queries.where else ""
        return IncompleteDataError(
            f"Prometheus at {self.server.address} has nothing that {what} {when}{chosen}. Choose another, or run "
            f"`{doctor}` where it should come from"
        )


def now() -> datetime:
    """The moment that is now, in UTC."""
    return datetime.now(timezone.utc)


def one_of(option: str, choices: tuple[_Choice, ...], text: str) -> _Choice:
    """What was given for an option, which takes some words alone. Raises IncompleteDataError for another."""
    for choice in choices:
        if choice == text:
            return choice
    raise IncompleteDataError(f"{option} takes {' or '.join(choices)}, not {text!r}")


def store_of(text: str) -> Store:
    """What `--store` says that a server is."""
    return one_of("--store", STORES, text)


def _chosen(text: str, dimensions: Mapping[str, tuple[str, ...]]) -> str | Filter:
    """A matcher where a dimension is one label, which holds what is shown."""
    dimension, separator, value = text.partition("=")
    if not separator:
        raise IncompleteDataError(f"--where {text!r} is no filter. Write it as job=checkout")
    if dimension in WIDTHS or dimension == TYPE:
        raise IncompleteDataError(f"--where cannot filter by {dimension}")
    labels = labels_of(dimension, dimensions)
    if dimension in {"model", "user"}:
        return filter_of(labels, value, shipped().known)
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return NameTranslator().match(labels[0], "=", escaped)
