"""Parse: JSON of the Admin API -> values. Pure; a form that is not the documented one is a Problem, never a guess.

Forms of `anthropic` 2.12.0: `types/beta/organization/analytics`, `types/organization`. Amounts come in fractional
cents, as decimal strings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypeVar, cast

from .. import redact
from ..semconv import OTHER
from .errors import overlapping, unreadable
from .models import Bucket, Cost, Dimensions, Key, RateLimit, SpendLimit, UsageRow, Workspace

Json = Mapping[str, Any]
T = TypeVar("T")

TOKEN_TYPES: Final = {
    "uncached_input_tokens": "input",
    "cache_read_input_tokens": "cache_read",
    "cache_creation.ephemeral_5m_input_tokens": "cache_write_5m",
    "cache_creation.ephemeral_1h_input_tokens": "cache_write_1h",
    "output_tokens": "output",
}
LIMIT_NAMES: Final = {
    "requests_per_minute": "requests",
    "tokens_per_minute": "tokens",
    "input_tokens_per_minute": "input_tokens",
    "input_tokens_per_minute_cache_aware": "input_tokens",
    "output_tokens_per_minute": "output_tokens",
    "fast_itpmca": "fast_input_tokens",
    "fast_otpm": "fast_output_tokens",
}
"""The Admin API's limiter types as the headers of answers name them. Others keep the name that the Admin API gives."""
_SCOPES: Final = ("organization", "organization_service", "usage_tier", "workspace")
"""Spend limits of seats and of their groups are not about calls to the API."""
_CENTS: Final = 100


def costs(rows: Iterable[Json]) -> list[Cost]:
    """The rows of the cost report, grouped by whose they are and by cost and token type."""
    found = [_read(_cost, row, "cost report") for row in rows]
    _once(((row.bucket, row.dimensions, row.kind) for row in found), "cost report")
    return found


def uses(rows: Iterable[Json]) -> list[UsageRow]:
    """The rows of the usage report."""
    found = [_read(_use, row, "usage report") for row in rows]
    _once(((row.bucket, row.dimensions, "") for row in found), "usage report")
    return found


def keys(rows: Iterable[Json]) -> list[Key]:
    """All API keys."""
    return [_read(_key, row, "API keys") for row in rows]


def workspaces(rows: Iterable[Json]) -> list[Workspace]:
    """All workspaces."""
    return [Workspace(_text(row, "id"), _text(row, "name")) for row in rows]


def rate_limits(rows: Iterable[Json]) -> list[RateLimit]:
    """The limits of the organization, or those that are set for a workspace alone."""
    return [limit for row in rows for limit in _read(_rate_limits, row, "rate limits")]


def spend_limits(rows: Iterable[Json]) -> list[SpendLimit]:
    """The caps in dollars that are in force. Those of seats, and those in another currency, are left out."""
    found = [_read(_spend_limit, row, "spend limits") for row in rows]
    return [limit for limit in found if limit is not None]


def _cost(row: Json) -> Cost:
    group, cost = _object(row, "group"), _object(row, "cost")
    if cost["currency"] != "USD":
        raise ValueError(f"an amount in {cost['currency']}")
    kind = group["cost_type"]
    if kind == "tokens":
        kind = TOKEN_TYPES.get(group["token_type"], OTHER)
    return Cost(_bucket(row), _dimensions(group), str(kind), _usd(cost, "list_amount"), _usd(cost, "amount"))


def _use(row: Json) -> UsageRow:
    usage = _object(row, "usage")
    writes = _object(usage, "cache_creation")
    tokens = (
        ("input", _count(usage, "uncached_input_tokens")),
        ("cache_read", _count(usage, "cache_read_input_tokens")),
        ("cache_write_5m", _count(writes, "ephemeral_5m_input_tokens")),
        ("cache_write_1h", _count(writes, "ephemeral_1h_input_tokens")),
        ("output", _count(usage, "output_tokens")),
    )
    requests = usage.get("requests")
    searches = _count(_object(usage, "server_tool_use"), "web_search_requests")
    return UsageRow(
        _bucket(row),
        _dimensions(_object(row, "group")),
        tokens,
        requests if isinstance(requests, int) else None,
        searches,
    )


def _key(row: Json) -> Key:
    return Key(
        _text(row, "id"),
        _text(row, "name"),
        row.get("partial_key_hint"),
        _text(row, "status"),
        _object(row, "scope").get("workspace_id"),
        _time(row, "created_at"),
    )


def _rate_limits(row: Json) -> list[RateLimit]:
    group = _object(row, "group")
    name = redact.clean(str(group.get("display_name") or group["type"]))
    models = tuple(map(str, row.get("models") or ()))
    workspace: str | None = row.get("workspace_id")
    found: list[RateLimit] = []
    for limit in cast("list[Json]", row["limits"]):
        kind = _text(limit, "type")
        found.append(RateLimit(name, models, LIMIT_NAMES.get(kind, kind), _count(limit, "value"), workspace))
    return found


def _spend_limit(row: Json) -> SpendLimit | None:
    scope = _object(row, "scope")
    in_force = row["is_enabled"] and row.get("amount") is not None and row["currency"] == "USD"
    if not in_force or scope["type"] not in _SCOPES:
        return None
    name = f"{scope['type']}:{scope['service']}" if scope["type"] == "organization_service" else str(scope["type"])
    return SpendLimit(_text(row, "id"), name, _text(row, "period"), _usd(row, "amount"), scope.get("workspace_id"))


def _bucket(row: Json) -> Bucket:
    return Bucket(_time(row, "starting_at"), _time(row, "ending_at"))


def _dimensions(group: Json) -> Dimensions:
    return Dimensions(
        group.get("model"),
        group.get("api_key_id"),
        group.get("workspace_id"),
        group.get("service_tier"),
        group.get("inference_geo"),
    )


def _read(parse: Callable[[Json], T], row: Json, part: str) -> T:
    try:
        return parse(row)
    except (KeyError, TypeError, ValueError, InvalidOperation) as error:
        raise unreadable(part, f"{type(error).__name__}: {redact.text(str(error))[:200]}") from None


def _object(row: Json, name: str) -> Json:
    value = row[name]
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} is no object")
    return cast("Json", value)


def _text(row: Json, name: str) -> str:
    value = row[name]
    if not isinstance(value, str):
        raise TypeError(f"{name} is no text")
    # Names are people's: one with control characters must not reach a terminal.
    return redact.clean(value)


def _count(row: Json, name: str) -> int:
    value = row[name]
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise TypeError(f"{name} is no count")
    return value


def _usd(row: Json, name: str) -> Decimal:
    value = Decimal(_text(row, name))
    if not value.is_finite():
        raise ValueError(f"{name} is no amount")
    return value / _CENTS


def _time(row: Json, name: str) -> datetime:
    value = row[name]
    found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    if found.tzinfo is None:
        raise ValueError(f"{name} has no time zone")
    return found


def _once(seen: Iterable[tuple[Bucket, Dimensions, str]], part: str) -> None:
    """Each combination once in each bucket, and no bucket into another: else sums would count something twice."""
    known: set[tuple[Bucket, Dimensions, str]] = set()
    for row in seen:
        if row in known:
            raise overlapping(part, f"{row[1].model or 'usage without a model'} from {row[0].start:%Y-%m-%d %H:%M}")
        known.add(row)
    last: Bucket | None = None
    for bucket in sorted({bucket for bucket, _, _ in known}):
        if last is not None and bucket.start < last.end:
            raise overlapping(part, f"the time from {bucket.start:%Y-%m-%d %H:%M}")
        last = bucket
