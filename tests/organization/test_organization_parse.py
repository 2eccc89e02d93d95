"""What is made of the API's JSON, and that no other form passes."""

from __future__ import annotations

import copy
from decimal import Decimal

import pytest

from otel_claude.organization.errors import Problem
from otel_claude.organization.models import parse_costs, parse_usage
from otel_claude.organization.reports import cost_with_speed, usage_with_speed

COST = {
    "starting_at": "2026-11-20T00:00:00Z",
    "ending_at": "2026-11-21T00:00:00Z",
    "group": {
        "model": "claude-opus-5-5", "api_key_id": "apikey_1", "workspace_id": None, "service_tier": "standard",
        "inference_geo": "global", "cost_type": "tokens", "token_type": "cache_creation.ephemeral_1h_input_tokens",
    },
    "cost": {"amount": "100.5", "list_amount": "123.78912", "currency": "USD", "requests": None},
}  # fmt: skip
USE = {
    "starting_at": "2026-11-20T00:00:00Z",
    "ending_at": "2026-11-21T00:00:00Z",
    "group": {"model": "claude-opus-5-5"},
    "usage": {
        "uncached_input_tokens": 1, "cache_read_input_tokens": 2, "output_tokens": 5,
        "cache_creation": {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 4},
        "server_tool_use": {"web_search_requests": 6}, "requests": 7, "total_tokens": 15,
    },
}  # fmt: skip


def with_(row, path, value):
    made = copy.deepcopy(row)
    inner = made
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    return made


def test_cents_become_exact_dollars():
    (row,) = parse_costs([COST])
    assert (row.listed, row.billed, row.kind) == (Decimal("1.2378912"), Decimal("1.005"), "cache_write_1h")


@pytest.mark.parametrize(
    ("cost_type", "token_type", "kind"),
    [
        ("tokens", "uncached_input_tokens", "input"),
        ("tokens", "cache_read_input_tokens", "cache_read"),
        ("tokens", "cache_creation.ephemeral_5m_input_tokens", "cache_write_5m"),
        ("tokens", "output_tokens", "output"),
        ("tokens", "a_type_of_tomorrow", "_other"),
        ("web_search", None, "web_search"),
        ("code_execution", None, "code_execution"),
        ("session_usage", None, "session_usage"),
    ],
)
def test_kinds_of_cost(cost_type, token_type, kind):
    row = with_(with_(COST, ("group", "cost_type"), cost_type), ("group", "token_type"), token_type)
    assert parse_costs([row])[0].kind == kind


def test_types_of_tokens():
    (use,) = parse_usage([USE])
    assert list(use.tokens.values()) == [1, 2, 3, 4, 5]
    assert use.requests == 7


WRONG = [
    (COST, ("cost", "list_amount"), "many"),
    (COST, ("cost", "list_amount"), 12.5),
    (COST, ("cost", "list_amount"), "NaN"),
    (COST, ("cost", "currency"), "EUR"),
    (COST, ("cost",), None),
    (COST, ("starting_at",), "soon"),
    (COST, ("starting_at",), "2026-11-20T00:00:00"),
    (USE, ("usage", "output_tokens"), -1),
    (USE, ("usage", "output_tokens"), None),
    (USE, ("usage", "output_tokens"), True),
    (USE, ("usage", "cache_creation"), None),
]


@pytest.mark.parametrize(("row", "path", "value"), WRONG)
def test_another_form_is_a_problem(row, path, value):
    read = parse_costs if row is COST else parse_usage
    with pytest.raises(Problem) as raised:
        read([with_(row, path, value)])
    assert raised.value.kind == "unreadable"


def test_a_row_that_comes_twice_is_a_problem():
    with pytest.raises(Problem, match="claude-opus-5-5 from 2026-11-20 00:00 is reported twice"):
        parse_costs([COST, COST])


def test_buckets_that_overlap_are_a_problem():
    later = with_(with_(COST, ("starting_at",), "2026-11-20T12:00:00Z"), ("ending_at",), "2026-11-21T12:00:00Z")
    with pytest.raises(Problem, match="the time from 2026-11-20 12:00 is reported twice"):
        parse_costs([COST, later])
    next_day = with_(with_(COST, ("starting_at",), "2026-11-21T00:00:00Z"), ("ending_at",), "2026-11-22T00:00:00Z")
    assert len(parse_costs([COST, next_day])) == 2


def test_what_is_not_fast_is_standard():
    (whole,) = parse_costs([COST])
    (fast,) = parse_costs([with_(with_(COST, ("cost", "list_amount"), "23.78912"), ("cost", "amount"), "0.5")])
    found = {row.dimensions.speed: (row.listed, row.billed) for row in cost_with_speed([whole], [fast])}
    assert found == {"fast": (Decimal("0.2378912"), Decimal("0.005")), "standard": (Decimal(1), Decimal(1))}
    assert [row.dimensions.speed for row in cost_with_speed([whole], [whole])] == ["fast"]
    execution = parse_costs([with_(COST, ("group", "cost_type"), "code_execution")])
    assert [row.dimensions.speed for row in cost_with_speed(execution, [])] == [None]


def test_more_fast_than_there_is_means_that_the_report_moved():
    (whole,) = parse_costs([with_(COST, ("cost", "list_amount"), "1")])
    (fast,) = parse_costs([COST])
    with pytest.raises(Problem, match="changed between two requests"):
        cost_with_speed([whole], [fast])
    with pytest.raises(Problem, match="changed between two requests"):
        cost_with_speed([], [fast])
    (use,) = parse_usage([USE])
    (more,) = parse_usage([with_(USE, ("usage", "output_tokens"), 6)])
    with pytest.raises(Problem, match="changed between two requests"):
        usage_with_speed([use], [more])
