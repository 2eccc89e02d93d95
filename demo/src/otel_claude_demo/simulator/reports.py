"""The Admin API's reports: rows of usage and cost, grouped, filtered and cut into buckets. Knows no HTTP.

As the anthropic SDK 2.12.0 documents `organization.analytics.cost|usage` (beta of 2026-08-24), and the official pages
of August 2026 the older `usage_report/messages` and `cost_report`. Amounts are strings in fractional cents.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from otel_claude_demo.simulator.books import Key, Line
from otel_claude_demo.simulator.jsons import Json, moment
from otel_claude_demo.simulator.tariff import PICO_PER_SEARCH

PICO_PER_CENT: Final = 10_000_000_000
WIDTHS: Final = {"1m": 60, "1h": 3600, "1d": 86_400}
SIMULATED: Final = (
    "api_key_id", "workspace_id", "model", "service_tier", "speed", "inference_geo", "context_window", "product",
)  # fmt: skip
"""The dimensions that calls of the Messages API have; the others of the real report are null for them."""
OTHER_DIMENSIONS: Final = (
    "actor", "actor_type", "agent_id", "claude_tag_category", "claude_tag_user_id", "deployment_id", "environment_id",
    "organization_id", "rbac_group_id", "session_id", "slack_channel_id", "user_profile_id",
)  # fmt: skip
TOKEN_TYPES: Final = {
    "input": "uncached_input_tokens",
    "cache_read": "cache_read_input_tokens",
    "cache_write_5m": "cache_creation.ephemeral_5m_input_tokens",
    "cache_write_1h": "cache_creation.ephemeral_1h_input_tokens",
    "output": "output_tokens",
}
ABSENT: Final = "not_available"


@dataclass(frozen=True)
class ReportQuery:
    """What a report is to contain. Times are seconds since the epoch."""

    start: float
    end: float
    width: int | None
    groups: tuple[str, ...]
    filters: Mapping[str, frozenset[str]]
    """Accepted values by dimension; an empty string stands for usage without the dimension."""


Dimensions = Callable[[Key], dict[str, str | None]]
Row = tuple[tuple[int, int], tuple[tuple[str, str | None], ...], Line]
"""A bucket's bounds, its values by dimension, and what was used."""


def rows(lines: list[tuple[Key, Line]], query: ReportQuery, dimensions: Dimensions) -> list[Row]:
    """One row for each bucket and combination with usage, the dearest first."""
    found: dict[tuple[tuple[int, int], tuple[tuple[str, str | None], ...]], Line] = {}
    # Without buckets the report covers whole hours.
    hour = WIDTHS["1h"]
    start, end = (query.start, query.end) if query.width else (query.start // hour * hour, query.end // hour * hour)
    for key, line in lines:
        values = dimensions(key)
        if not start <= key.minute < end or not _matches(values, query.filters):
            continue
        begins = key.minute // query.width * query.width if query.width else int(start)
        time_range = (begins, begins + query.width if query.width else int(end))
        group = tuple((name, values.get(name)) for name in query.groups)
        found.setdefault((time_range, group), Line()).add(line)
    kept = [(time_range, group, line) for (time_range, group), line in found.items()]
    return sorted(kept, key=lambda row: (-row[2].total, row[0], str(row[1])))


def _matches(values: dict[str, str | None], filters: Mapping[str, frozenset[str]]) -> bool:
    return all(
        (values.get(name) or "") in accepted or (values.get(name) is None and ABSENT in accepted)
        for name, accepted in filters.items()
    )


def cost_items(row: Row, split: frozenset[str], discount: Decimal) -> Iterator[Json]:
    """The items of a row of the cost report: one, or one for each component."""
    time_range, group, line = row
    tokens = sum(line.pico.values())
    found = line.searches * PICO_PER_SEARCH
    if not split:
        yield _cost(time_range, group, {}, tokens + found, discount, line.requests)
        return
    if "token_type" in split:
        for name, kind in TOKEN_TYPES.items():
            if line.pico.get(name):
                parts = {"cost_type": "tokens", "token_type": kind}
                yield _cost(time_range, group, parts, line.pico[name], discount, None)
    elif tokens:
        yield _cost(time_range, group, {"cost_type": "tokens"}, tokens, discount, None)
    if found and "cost_type" in split:
        yield _cost(time_range, group, {"cost_type": "web_search"}, found, discount, None)


def _cost(
    time_range: tuple[int, int],
    group: tuple[tuple[str, str | None], ...],
    parts: dict[str, str],
    pico: int,
    discount: Decimal,
    requests: int | None,
) -> Json:
    return {
        "starting_at": moment(time_range[0]),
        "ending_at": moment(time_range[1]),
        "group": {**dict(group), **parts},
        "cost": {
            "amount": cents(pico, discount),
            "list_amount": cents(pico),
            "currency": "USD",
            "requests": requests,
        },
    }


def usage_item(row: Row) -> Json:
    """A row of the usage report."""
    time_range, group, line = row
    return {
        "starting_at": moment(time_range[0]),
        "ending_at": moment(time_range[1]),
        "group": dict(group),
        "usage": {**_counts(line), "total_tokens": sum(line.tokens.values()), "requests": line.requests},
    }


def usage_bucket(begins: int, width: int, found: list[Row]) -> Json:
    """A bucket of the older usage report."""
    results = [{**_nulls(dict(group)), **_counts(line)} for _, group, line in found]
    return {"starting_at": moment(begins), "ending_at": moment(begins + width), "results": results}


def cost_bucket(begins: int, found: list[Row], discount: Decimal, *, described: bool) -> Json:
    """A day of the older cost report, which knows no keys."""
    results: list[Json] = []
    for row in found:
        for item in cost_items(row, frozenset({"cost_type", "token_type"} if described else ()), discount):
            about = item["group"]
            results.append(
                {
                    "amount": item["cost"]["amount"],
                    "currency": "USD",
                    **{name: about.get(name) for name in ("cost_type", "token_type", "model", "workspace_id")},
                    **{name: about.get(name) for name in ("service_tier", "context_window", "inference_geo")},
                    "description": " ".join(filter(None, (about.get("model"), about.get("token_type")))) or None,
                }
            )
    return {"starting_at": moment(begins), "ending_at": moment(begins + WIDTHS["1d"]), "results": results}


def _nulls(group: dict[str, str | None]) -> dict[str, str | None]:
    return {**dict.fromkeys(SIMULATED), **group}


def _counts(line: Line) -> Json:
    return {
        "uncached_input_tokens": line.tokens["input"],
        "cache_read_input_tokens": line.tokens["cache_read"],
        "cache_creation": {
            "ephemeral_5m_input_tokens": line.tokens["cache_write_5m"],
            "ephemeral_1h_input_tokens": line.tokens["cache_write_1h"],
        },
        "output_tokens": line.tokens["output"],
        "server_tool_use": {"web_search_requests": line.searches},
    }


def cents(pico: int, discount: Decimal = Decimal(0)) -> str:
    """Pico-dollars as a decimal string of fractional cents, without rounding."""
    amount = Decimal(pico) * (1 - discount) / PICO_PER_CENT
    return f"{amount:f}".rstrip("0").rstrip(".") if "." in f"{amount:f}" else f"{amount:f}"
