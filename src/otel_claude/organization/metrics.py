"""Gauges: what is seen of the organization -> observations. Knows OpenTelemetry and no SDK of Anthropic's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from functools import partial
from typing import Final, TypeAlias

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from .. import semconv as c
from .._diagnostics import log_internal_error
from ..semconv import Metric
from ..semconv import organization as o
from .models import Bucket, Cost, Dimensions, Key, SpendLimit
from .poller import Poller, Snapshot
from .reports import midnight, within

TODAY, YESTERDAY, MONTH = "today", "yesterday", "month"

Attributes = dict[str, str]
Values: TypeAlias = Iterator[tuple[Attributes, float]]


def observe(meter: Meter, poller: Poller) -> None:
    """Makes an instrument of each metric of the organization. What is not known is not observed."""
    for metric, values in _VALUES.items():
        make = meter.create_observable_counter if metric.kind == "counter" else meter.create_observable_gauge
        make(metric.name, [partial(_observations, poller, metric, values)], metric.unit, metric.description)


def _observations(
    poller: Poller, metric: Metric, values: Callable[[Snapshot], Values], _: CallbackOptions
) -> list[Observation]:
    try:
        return [Observation(value, attributes) for attributes, value in values(poller.seen())]
    except Exception:
        log_internal_error(f"observe {metric.name}")
        return []


def periods(now: float) -> dict[str, tuple[datetime, datetime]]:
    """The periods that are shown, in UTC, ends excluded. `now` is in seconds since the epoch."""
    today = midnight(datetime.fromtimestamp(now, timezone.utc))
    day = timedelta(days=1)
    return {
        TODAY: (today, today + day),
        YESTERDAY: (today - day, today),
        MONTH: (today.replace(day=1), today + day),
    }


def spent(seen: Snapshot, limit: SpendLimit) -> Decimal | None:
    """What counts against a spend limit so far. None if it is not known."""
    period = {"daily": TODAY, "monthly": MONTH}.get(limit.period)
    if seen.report is None or period is None or limit.scope.startswith("organization_service"):
        return None
    span = periods(seen.now)[period]
    rows = (row for row in seen.report.costs if within(row.bucket, *span))
    amounts = (row.billed for row in rows if limit.workspace_id in {None, row.dimensions.workspace_id})
    return sum(amounts, Decimal(0))


def _known(*pairs: tuple[str, str | None]) -> Attributes:
    """The attributes that have a value."""
    return {name: value for name, value in pairs if value}


class _Names:
    """Names of keys and workspaces by their ids, as far as known."""

    def __init__(self, seen: Snapshot) -> None:
        self._keys = {key.id: key for key in seen.api_keys or ()}
        self._workspaces = seen.workspaces or {}

    def dimensions(self, dimensions: Dimensions) -> Attributes:
        """What is known of a row's owner."""
        key = self._keys.get(dimensions.key_id or "")
        return _known(
            (c.RESPONSE_MODEL, dimensions.model),
            *self.workspace(dimensions.workspace_id),
            (o.API_KEY_ID, dimensions.key_id),
            (o.API_KEY_NAME, key and key.name),
            (c.API_KEY_HINT, key and key.hint),
            (c.RESPONSE_SERVICE_TIER, dimensions.service_tier),
            (c.SPEED, dimensions.speed),
            (c.INFERENCE_GEO, dimensions.inference_geo),
        )

    def workspace(self, workspace_id: str | None) -> tuple[tuple[str, str | None], ...]:
        return (c.WORKSPACE_ID, workspace_id), (o.WORKSPACE_NAME, self._workspaces.get(workspace_id or ""))


def _by_period(seen: Snapshot, rows: Iterable[tuple[Bucket, Dimensions, Attributes, int | Decimal]]) -> Values:
    """Sums by period and attributes."""
    names, spans = _Names(seen), periods(seen.now)
    sums: dict[tuple[tuple[str, str], ...], int | Decimal] = {}
    for bucket, dimensions, more, amount in rows:
        attributes = {**more, **names.dimensions(dimensions)}
        for period, span in spans.items():
            if within(bucket, *span):
                key = ((o.ORGANIZATION_PERIOD, period), *attributes.items())
                sums[key] = sums.get(key, 0) + amount
    for key, total in sums.items():
        yield dict(key), float(total)


def _cost(amount: Callable[[Cost], Decimal], seen: Snapshot) -> Values:
    if seen.report is None:
        return
    rows = ((row.bucket, row.dimensions, {c.COST_TYPE: row.kind}, amount(row)) for row in seen.report.costs)
    empty = set(periods(seen.now))
    for attributes, total in _by_period(seen, rows):
        empty.discard(attributes[o.ORGANIZATION_PERIOD])
        yield attributes, total
    # A period without any is known to be 0: the report was read to its end.
    for period in sorted(empty):
        yield {o.ORGANIZATION_PERIOD: period}, 0.0


def _tokens(seen: Snapshot) -> Values:
    rows = seen.report.usage if seen.report else ()
    counts = ((row, name, count) for row in rows for name, count in row.tokens.items() if count)
    return _by_period(seen, ((row.bucket, row.dimensions, {c.TOKEN_TYPE: name}, n) for row, name, n in counts))


def _requests(seen: Snapshot) -> Values:
    rows = seen.report.usage if seen.report else ()
    return _by_period(
        seen, ((row.bucket, row.dimensions, {}, row.requests) for row in rows if row.requests is not None)
    )


def _spend_limits(amount: Callable[[Snapshot, SpendLimit], Decimal | None], seen: Snapshot) -> Values:
    names = _Names(seen)
    for limit in seen.spend_limits or ():
        value = amount(seen, limit)
        if value is not None:
            scope, period = (o.SPEND_LIMIT_SCOPE, limit.scope), (o.SPEND_LIMIT_PERIOD, limit.period)
            yield (
                _known((o.SPEND_LIMIT_ID, limit.id), scope, period, *names.workspace(limit.workspace_id)),
                float(value),
            )


def _rate_limits(seen: Snapshot) -> Values:
    names = _Names(seen)
    for limit in seen.rate_limits or ():
        about = (c.RATE_LIMIT_NAME, limit.name), (o.RATE_LIMIT_GROUP, limit.group)
        yield _known(*about, *names.workspace(limit.workspace_id)), limit.value


def _models(seen: Snapshot) -> Values:
    pairs = {(limit.group, model) for limit in seen.rate_limits or () for model in limit.models}
    for group, model in sorted(pairs):
        yield {o.RATE_LIMIT_GROUP: group, c.REQUEST_MODEL: model}, 1


def _key(key: Key) -> Attributes:
    return _known((o.API_KEY_ID, key.id), (o.API_KEY_NAME, key.name), (c.API_KEY_HINT, key.hint))


def _key_info(seen: Snapshot) -> Values:
    names = _Names(seen)
    for key in seen.api_keys or ():
        yield {**_key(key), **_known((o.API_KEY_STATUS, key.status), *names.workspace(key.workspace_id))}, 1


def _key_created(seen: Snapshot) -> Values:
    return ((_key(key), key.created.timestamp()) for key in seen.api_keys or ())


def _key_requests(seen: Snapshot) -> Values:
    for key in seen.api_keys or ():
        if seen.key_use is not None:
            yield _key(key), seen.key_use.get(key.id, 0)


def _workspace_info(seen: Snapshot) -> Values:
    return (({c.WORKSPACE_ID: id_, o.WORKSPACE_NAME: name}, 1) for id_, name in (seen.workspaces or {}).items())


def _ages(seen: Snapshot) -> Values:
    return (({o.ORGANIZATION_PART: part}, age) for part, age in seen.ages.items())


def _polls(seen: Snapshot) -> Values:
    for (part, why), count in seen.polls.items():
        yield _known((o.ORGANIZATION_PART, part), (c.ERROR_TYPE, why)), count


_VALUES: Final[dict[Metric, Callable[[Snapshot], Values]]] = {
    o.ORGANIZATION_LIST_COST: partial(_cost, lambda row: row.listed),
    o.ORGANIZATION_BILLED_COST: partial(_cost, lambda row: row.billed),
    o.ORGANIZATION_TOKENS: _tokens,
    o.ORGANIZATION_REQUESTS: _requests,
    o.SPEND_LIMIT: partial(_spend_limits, lambda _, limit: limit.usd),
    o.SPEND_LIMIT_SPENT: partial(_spend_limits, spent),
    o.CONFIGURED_LIMIT: _rate_limits,
    o.RATE_LIMIT_MODEL: _models,
    o.API_KEY_INFO: _key_info,
    o.API_KEY_CREATED: _key_created,
    o.API_KEY_REQUESTS: _key_requests,
    o.WORKSPACE_INFO: _workspace_info,
    o.ORGANIZATION_DATA_AGE: _ages,
    o.ORGANIZATION_POLLS: _polls,
}
