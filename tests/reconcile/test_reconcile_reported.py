"""Anthropic's side, through the real reader: only what is whole, and the same window once."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest
from anthropic import Anthropic

from otel_claude.organization.client import Reader
from otel_claude.pricing import shipped
from otel_claude.prometheus import IncompleteDataError
from otel_claude.reconcile.reported import reported
from otel_claude_demo.simulator import Simulator

pytestmark = pytest.mark.process

ADMIN = "sk-ant-admin01-" + "A" * 80
SHOP, HINT = "sk-ant-api03-ABC" + "s" * 80 + "shop", "sk-ant-api03-ABC...shop"
NOON = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)
KNOWN = shipped().known


@pytest.fixture
def now():
    return [NOON.timestamp()]


@pytest.fixture
def simulator(now):
    with Simulator(clock=lambda: now[0]) as running:
        yield running


@pytest.fixture
def call(simulator):
    with Anthropic(base_url=simulator.url, api_key=SHOP, max_retries=0) as client:
        messages = [{"role": "user", "content": "Hello"}]
        yield lambda model="claude-haiku-4-5": client.messages.create(model=model, max_tokens=99, messages=messages)


@pytest.fixture
def reader(simulator):
    with Reader(ADMIN, base_url=simulator.url, max_retries=0) as made:
        yield made


def test_amounts_and_tokens_by_key_model_and_type(call, reader, now):
    usage = call().usage
    now[0] += 3600
    found = reported(reader, NOON, NOON + timedelta(hours=1), KNOWN)
    ((cell, amount),) = [(cell, amount) for cell, amount in found.listed.items() if cell.kind == "output"]
    assert (cell.of.hint, cell.of.model) == (HINT, "claude-haiku-4-5-20251001")
    assert amount == Decimal(usage.output_tokens) * 5 / 10**6
    assert found.tokens[cell] == usage.output_tokens
    assert found.names == {HINT: "key-1"}


@pytest.mark.parametrize("minutes", [7, 60, 60 * 24, 60 * 24 * 40], ids=["minutes", "hours", "a day", "forty days"])
def test_a_window_contains_its_beginning_and_not_its_end(call, reader, now, minutes):
    start = NOON.replace(hour=0) if minutes >= 60 * 24 else NOON
    end = start + timedelta(minutes=minutes)
    now[0] = start.timestamp() - 1
    call()
    now[0] += 1
    inside = call().usage.output_tokens
    now[0] = end.timestamp() - 1
    inside += call().usage.output_tokens
    now[0] += 1
    call()
    found = reported(reader, start, end, KNOWN)
    assert sum(count for cell, count in found.tokens.items() if cell.kind == "output") == inside


def test_a_report_that_is_late_cannot_be_compared(call, reader, simulator, now):
    simulator.organization.lag = 300
    call()
    now[0] += 3600
    with pytest.raises(IncompleteDataError, match="goes to 2026-11-20 12:55:00 UTC so far"):
        reported(reader, NOON, NOON + timedelta(hours=1), KNOWN)
    now[0] += 300
    assert reported(reader, NOON, NOON + timedelta(hours=1), KNOWN).listed


def test_rows_that_do_not_add_up_to_the_total_cannot_be_compared(call, reader, now):
    call()
    now[0] += 3600

    class Losing(Reader):
        """Whose pages lack a row."""

        def report(self, asked):
            whole = super().report(asked)
            return whole._replace(costs=whole.costs[1:])

    with (
        Losing(ADMIN, base_url=str(reader._client.base_url)) as losing,
        pytest.raises(IncompleteDataError, match="do not add up to its own total"),
    ):
        reported(losing, NOON, NOON + timedelta(hours=1), KNOWN)
    assert reported(reader, NOON, NOON + timedelta(hours=1), KNOWN).listed
