"""Gauges: what is seen of the organization -> observations. A sink: knows OpenTelemetry and no SDK of Anthropic's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Final

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
Values = Iterator[tuple[Attributes, float]]


def observe(meter: Meter, poller: Poller) -> None:
    """Makes an instrument of each metric of the organization. What is not known is not observed."""
    for metric, values in _VALUES.items():
        make = meter.create_observable_counter if metric.kind == "counter" else meter.create_observable_gauge
        make(metric.name, [_callback(metric, values, poller)], metric.unit, metric.description)


def _callback(
    metric: Metric, values: Callable[[Snapshot], Values], poller: Poller
) -> Callable[[CallbackOptions], Iterable[Observation]]:
    def callback(_: CallbackOptions) -> Iterable[Observation]:
        try:
            return [Observation(value, attributes) for attributes, value in values(poller.seen())]
        except Exception:
            log_internal_error(f"observe {metric.name}")
            return ()

    return callback


def periods(now: datetime) -> dict[str, tuple[datetime, datetime]]:
    """The periods that are shown, in UTC, ends excluded."""
    today = midnight(now)
    tomorrow = today + timedelta(days=1)
    return {
        TODAY: (today, tomorrow),
        YESTERDAY: (today - timedelta(days=1), today),
        MONTH: (today.replace(day=1), tomorrow),
    }


class _Names:
    """Names of keys and workspaces by their ids, as far as known."""

    def __init__(self, seen: Snapshot) -> None:
        self._keys = {key.id: key for key in seen.keys or ()}
        self._workspaces = {workspace.id: workspace.name for workspace in seen.workspaces or ()}

    def dimensions(self, dimensions: Dimensions) -> Attributes:
        """What is known of a row's owner."""
        key = self._keys.get(dimensions.key_id or "")
        return known(
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


def known(*pairs: tuple[str, str | None]) -> Attributes:
    """The attributes that have a value."""
    return {name: value for name, value in pairs if value}


def _by_period(seen: Snapshot, rows: Iterable[tuple[Bucket, Dimensions, Attributes, float | Decimal]]) -> Values:
    """Sums by period and attributes."""
    names = _Names(seen)
    spans = periods(datetime.fromtimestamp(seen.now, timezone.utc))
    sums: dict[tuple[tuple[str, str], ...], Decimal] = {}
    for bucket, dimensions, more, amount in rows:
        attributes = {**more, **names.dimensions(dimensions)}
        for period, (start, end) in spans.items():
            if within(bucket, start, end):
                key = ((o.ORGANIZATION_PERIOD, period), *attributes.items())
                sums[key] = sums.get(key, Decimal(0)) + Decimal(amount)
    for key, total in sums.items():
        yield dict(key), float(total)


def _cost(seen: Snapshot, amount: Callable[[Cost], Decimal]) -> Values:
    """Amounts by period. A period without any is known to be 0: the report was read to its end."""
    if seen.report is None:
        return
    rows = ((row.bucket, row.dimensions, {c.COST_TYPE: row.kind}, amount(row)) for row in seen.report.costs)
    empty = set(periods(datetime.fromtimestamp(seen.now, timezone.utc)))
    for attributes, total in _by_period(seen, rows):
        empty.discard(attributes[o.ORGANIZATION_PERIOD])
        yield attributes, total
    for period in sorted(empty):
        yield {o.ORGANIZATION_PERIOD: period}, 0.0


def _listed(seen: Snapshot) -> Values:
    return _cost(seen, lambda row: row.listed)


def _billed(seen: Snapshot) -> Values:
    return _cost(seen, lambda row: row.billed)


def _tokens(seen: Snapshot) -> Values:
    rows = seen.report.uses if seen.report else ()
    return _by_period(
        seen,
        (
            (use.bucket, use.dimensions, {c.TOKEN_TYPE: name}, count)
            for use in rows
            for name, count in use.tokens
            if count
        ),
    )


def _requests(seen: Snapshot) -> Values:
    rows = seen.report.uses if seen.report else ()
    return _by_period(
        seen, ((use.bucket, use.dimensions, {}, use.requests) for use in rows if use.requests is not None)
    )


def _cap(seen: Snapshot, limit: SpendLimit) -> Attributes:
    return known(
        (o.SPEND_LIMIT_ID, limit.id),
        (o.SPEND_LIMIT_SCOPE, limit.scope),
        (o.SPEND_LIMIT_PERIOD, limit.period),
        *_Names(seen).workspace(limit.workspace_id),
    )


def _caps(seen: Snapshot) -> Values:
    for limit in seen.spend_limits or ():
        yield _cap(seen, limit), float(limit.usd)


_PERIOD_OF: Final = {"daily": TODAY, "monthly": MONTH}


def spent(seen: Snapshot, limit: SpendLimit) -> Decimal | None:
    """What counts against a spend limit so far. None if it is not known."""
    period = _PERIOD_OF.get(limit.period)
    if seen.report is None or period is None or limit.scope.startswith("organization_service"):
        return None
    start, end = periods(datetime.fromtimestamp(seen.now, timezone.utc))[period]
    return sum(
        (
            row.billed
            for row in seen.report.costs
            if within(row.bucket, start, end) and limit.workspace_id in {None, row.dimensions.workspace_id}
        ),
        Decimal(0),
    )


def _spent(seen: Snapshot) -> Values:
    for limit in seen.spend_limits or ():
        amount = spent(seen, limit)
        if amount is not None:
            yield _cap(seen, limit), float(amount)


def _rate_limits(seen: Snapshot) -> Values:
    names = _Names(seen)
    for limit in seen.rate_limits or ():
        about = (c.RATE_LIMIT_NAME, limit.name), (o.RATE_LIMIT_GROUP, limit.group)
        yield known(*about, *names.workspace(limit.workspace_id)), limit.value


def _models(seen: Snapshot) -> Values:
    pairs = {(limit.group, model) for limit in seen.rate_limits or () for model in limit.models}
    for group, model in sorted(pairs):
        yield {o.RATE_LIMIT_GROUP: group, c.REQUEST_MODEL: model}, 1


def _key(key: Key) -> Attributes:
    return known((o.API_KEY_ID, key.id), (o.API_KEY_NAME, key.name), (c.API_KEY_HINT, key.hint))


def _key_info(seen: Snapshot) -> Values:
    names = _Names(seen)
    for key in seen.keys or ():
        yield {**_key(key), **known((o.API_KEY_STATUS, key.status), *names.workspace(key.workspace_id))}, 1


def _key_created(seen: Snapshot) -> Values:
    for key in seen.keys or ():
        yield _key(key), key.created.timestamp()


def _key_requests(seen: Snapshot) -> Values:
    if seen.key_use is not None:
        for key in seen.keys or ():
            yield _key(key), seen.key_use.get(key.id, 0)


def _workspace_info(seen: Snapshot) -> Values:
    for workspace in seen.workspaces or ():
        yield {c.WORKSPACE_ID: workspace.id, o.WORKSPACE_NAME: workspace.name}, 1


def _ages(seen: Snapshot) -> Values:
    for part, age in seen.ages.items():
        yield {o.ORGANIZATION_PART: part}, age


def _polls(seen: Snapshot) -> Values:
    for (part, why), count in seen.polls.items():
        yield known((o.ORGANIZATION_PART, part), (c.ERROR_TYPE, why)), count


_VALUES: Final[dict[Metric, Callable[[Snapshot], Values]]] = {
    o.ORGANIZATION_LIST_COST: _listed,
    o.ORGANIZATION_BILLED_COST: _billed,
    o.ORGANIZATION_TOKENS: _tokens,
    o.ORGANIZATION_REQUESTS: _requests,
    o.SPEND_LIMIT: _caps,
    o.SPEND_LIMIT_SPENT: _spent,
    o.CONFIGURED_LIMIT: _rate_limits,
    o.RATE_LIMIT_MODEL: _models,
    o.API_KEY_INFO: _key_info,
    o.API_KEY_CREATED: _key_created,
    o.API_KEY_REQUESTS: _key_requests,
    o.WORKSPACE_INFO: _workspace_info,
    o.ORGANIZATION_DATA_AGE: _ages,
    o.ORGANIZATION_POLLS: _polls,
}
