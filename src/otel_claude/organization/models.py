"""Values: what the Admin API said, as frozen rows, and how its JSON becomes them. Pure.

Forms of `anthropic` 2.12.0: `types/beta/organization/analytics`, `types/organization`. One that is not the documented
one is a Problem, never a guess. Money is exact decimal US dollars; the API writes fractional cents, as decimal strings.
Every text is somebody's: it becomes a name that can be shown and exported.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final, NamedTuple, TypeVar, cast

from .. import redact
from ..semconv import OTHER
from .errors import Problem, unreadable

Json = Mapping[str, Any]
T = TypeVar("T")


class Dimensions(NamedTuple):
    """Whose and what kind of usage a row is about. None: the API names none."""

    model: str | None
    key_id: str | None
    workspace_id: str | None
    service_tier: str | None
    inference_geo: str | None
    speed: str | None = None


class Bucket(NamedTuple):
    """A stretch of time, its end excluded."""

    start: datetime
    end: datetime


class Cost(NamedTuple):
    """What one kind of usage cost: a token type of ours, `web_search`, `code_execution` or `session_usage`."""

    bucket: Bucket
    dimensions: Dimensions
    kind: str
    listed: Decimal
    """At list price."""
    billed: Decimal
    """After the discount, before credits."""


class UsageRow(NamedTuple):
    """Tokens by type, and requests."""

    bucket: Bucket
    dimensions: Dimensions
    tokens: dict[str, int]
    requests: int | None


class Key(NamedTuple):
    """An API key. Its hint is as `claude.api_key.hint`."""

    id: str
    name: str
    hint: str | None
    status: str
    workspace_id: str | None
    created: datetime


class RateLimit(NamedTuple):
    """A configured limit of a group of models, or of a kind of request. Without a workspace, the organization's."""

    group: str
    models: tuple[str, ...]
    name: str
    value: int
    workspace_id: str | None


class SpendLimit(NamedTuple):
    """A cap on spend, in US dollars."""

    id: str
    scope: str
    period: str
    usd: Decimal
    workspace_id: str | None


_TOKEN_TYPES: Final = {
    "uncached_input_tokens": "input",
    "cache_read_input_tokens": "cache_read",
    "cache_creation.ephemeral_5m_input_tokens": "cache_write_5m",
    "cache_creation.ephemeral_1h_input_tokens": "cache_write_1h",
    "output_tokens": "output",
}
_LIMIT_NAMES: Final = {
    "requests_per_minute": "requests",
    "tokens_per_minute": "tokens",
    "input_tokens_per_minute": "input_tokens",
    "input_tokens_per_minute_cache_aware": "input_tokens",
    "output_tokens_per_minute": "output_tokens",
    "fast_itpmca": "fast_input_tokens",
    "fast_otpm": "fast_output_tokens",
}
"""The Admin API's limiter types as the headers of responses name them. Others keep the Admin API's name."""
_AMOUNT: Final = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,30})?")
_MAX_COUNT: Final = 1 << 53
"""No organization has as many, and sums below it are exact wherever they are stored."""
_SCOPES: Final = ("organization", "organization_service", "usage_tier", "workspace")
"""Spend limits of seats and of their groups are not about calls to the API."""


def parse_rows(parse: Callable[[Json], T], rows: Iterable[Json], part: str) -> list[T]:
    """The values of the rows of one part, by the function for one row."""
    try:
        return [parse(row) for row in rows]
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise unreadable(part, f"{type(error).__name__}: {redact.text(str(error))[:200]}") from None


def parse_costs(rows: Iterable[Json]) -> list[Cost]:
    """The rows of the cost report, grouped by whose they are and by cost and token type."""
    found = parse_rows(_cost, rows, "cost report")
    _check_disjoint([row[:3] for row in found], "cost report")
    return found


def parse_usage(rows: Iterable[Json]) -> list[UsageRow]:
    """The rows of the usage report."""
    found = parse_rows(_usage, rows, "usage report")
    _check_disjoint([(row.bucket, row.dimensions, "") for row in found], "usage report")
    return found


def _cost(row: Json) -> Cost:
    group, cost = _object(row, "group"), _object(row, "cost")
    if cost["currency"] != "USD":
        raise ValueError(f"an amount in {cost['currency']}")
    kind = _text(group, "cost_type")
    if kind == "tokens":
        kind = _TOKEN_TYPES.get(_text_or_none(group, "token_type") or "", OTHER)
    return Cost(_bucket(row), _dimensions(group), kind, _usd(cost, "list_amount"), _usd(cost, "amount"))


def _usage(row: Json) -> UsageRow:
    usage = _object(row, "usage")
    tokens: dict[str, int] = {}
    for path, name in _TOKEN_TYPES.items():
        outer, _, inner = path.rpartition(".")
        tokens[name] = _count(_object(usage, outer) if outer else usage, inner)
    requests = None if usage.get("requests") is None else _count(usage, "requests")
    return UsageRow(_bucket(row), _dimensions(_object(row, "group")), tokens, requests)


def parse_key(row: Json) -> Key:
    """An API key."""
    name, status = _text(row, "name"), _text(row, "status")
    workspace = _text_or_none(_object(row, "scope"), "workspace_id")
    hint = _text_or_none(row, "partial_key_hint")
    return Key(_text(row, "id"), name, hint, status, workspace, _time(row, "created_at"))


def parse_workspace(row: Json) -> tuple[str, str]:
    """A workspace's id and name."""
    return _text(row, "id"), _text(row, "name")


def parse_rate_limits(row: Json) -> list[RateLimit]:
    """The limits of one group, of the organization or those that are set for a workspace alone."""
    group = _object(row, "group")
    name = _text_or_none(group, "display_name") or _text(group, "type")
    models = tuple(redact.name(str(model)) for model in row.get("models") or ())
    workspace = _text_or_none(row, "workspace_id")
    found: list[RateLimit] = []
    for limit in cast("list[Json]", row["limits"]):
        kind = _text(limit, "type")
        found.append(RateLimit(name, models, _LIMIT_NAMES.get(kind, kind), _count(limit, "value"), workspace))
    return found


def parse_spend_limit(row: Json) -> SpendLimit | None:
    """A cap in dollars. None if it is not in force, of seats, or in another currency."""
    scope = _object(row, "scope")
    in_force = row["is_enabled"] and row.get("amount") is not None and row["currency"] == "USD"
    kind = _text(scope, "type")
    if not in_force or kind not in _SCOPES:
        return None
    name = f"{kind}:{_text(scope, 'service')}" if kind == "organization_service" else kind
    workspace = _text_or_none(scope, "workspace_id")
    return SpendLimit(_text(row, "id"), name, _text(row, "period"), _usd(row, "amount"), workspace)


def _bucket(row: Json) -> Bucket:
    return Bucket(_time(row, "starting_at"), _time(row, "ending_at"))


def _dimensions(group: Json) -> Dimensions:
    names = ("model", "api_key_id", "workspace_id", "service_tier", "inference_geo")
    return Dimensions(*(_text_or_none(group, name) for name in names))


def _object(row: Json, name: str) -> Json:
    value = row[name]
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} is no object")
    return cast("Json", value)


def _text(row: Json, name: str) -> str:
    value = row[name]
    if not isinstance(value, str):
        raise TypeError(f"{name} is no text")
    return redact.name(value)


def _text_or_none(row: Json, name: str) -> str | None:
    return None if row.get(name) is None else _text(row, name)


def _count(row: Json, name: str) -> int:
    value = row[name]
    if type(value) is not int or not 0 <= value < _MAX_COUNT:
        raise TypeError(f"{name} is no count")
    return value


def _usd(row: Json, name: str) -> Decimal:
    text = _text(row, name)
    if not _AMOUNT.fullmatch(text):
        raise ValueError(f"{name} is no amount")
    return Decimal(text) / 100


def _time(row: Json, name: str) -> datetime:
    # Python 3.10 reads no `Z`.
    found = datetime.fromisoformat(_text(row, name).replace("Z", "+00:00"))
    if found.tzinfo is None:
        raise ValueError(f"{name} has no time zone")
    return found.astimezone(timezone.utc)


def _check_disjoint(rows: list[tuple[Bucket, Dimensions, str]], part: str) -> None:
    """Each combination once in each bucket, and no bucket into another: else sums would count something twice."""
    known: set[tuple[Bucket, Dimensions, str]] = set()
    for row in rows:
        bucket, dimensions, _ = row
        if row in known:
            raise _overlap(part, f"{dimensions.model or 'usage without a model'} from {bucket.start:%Y-%m-%d %H:%M}")
        known.add(row)
    buckets = sorted({bucket for bucket, _, _ in rows})
    for before, bucket in pairwise(buckets):
        if bucket.start < before.end:
            raise _overlap(part, f"the time from {bucket.start:%Y-%m-%d %H:%M}")


def _overlap(part: str, what: str) -> Problem:
    return Problem("unreadable", f"The Admin API's {part} overlap: {what} is reported twice, so nothing is added up.")
