"""Limits: the latest of each, gone when its reset time has passed, and never too many."""

from __future__ import annotations

import pytest
from unit_calls import CALLER, answered, begun

from otel_claude import semconv as c
from otel_claude.api import Limit
from otel_claude.telemetry import rate_limits as module
from otel_claude.telemetry.attributes import Labeller
from otel_claude.telemetry.rate_limits import Limits

NOW = 1_795_348_800.0


class Clock:
    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def limits(clock):
    return Limits(clock)


LABELS = Labeller(200)
MINE = LABELS.of(CALLER, "claude-opus-5-5", None, None, ())
OTHERS = LABELS.of(CALLER, "claude-haiku-5-5", None, None, ())


def names(limits):
    return [(labels, limit.name) for labels, limit, _ in limits.current()]


def test_a_limit_is_shown_until_its_reset_time(limits, clock):
    limit = Limit("requests", 10, 4, 0.6, NOW + 60)
    limits.seen(MINE, (limit,))
    assert list(limits.current()) == [(MINE, limit, 60.0)]
    clock.now += 59.5
    assert list(limits.current()) == [(MINE, limit, 0.5)]
    clock.now += 0.5
    assert list(limits.current()) == []


def test_the_latest_stands(limits):
    limits.seen(MINE, (Limit("requests", 10, 4, 0.6, NOW + 60),))
    limits.seen(MINE, (Limit("requests", 10, 3, 0.7, NOW + 70),))
    assert [(limit.remaining, seconds) for _, limit, seconds in limits.current()] == [(3, 70.0)]


def test_limits_of_others_and_of_other_names_stand_beside(limits):
    limits.seen(MINE, (Limit("requests", 10, 4, 0.6, NOW + 60), Limit("tokens", 10, 4, 0.6, NOW + 5)))
    limits.seen(OTHERS, (Limit("requests", 99, 4, 0.6, NOW + 60),))
    assert names(limits) == [(MINE, "requests"), (MINE, "tokens"), (OTHERS, "requests")]


def test_one_that_had_expired_comes_back(limits, clock):
    limits.seen(MINE, (Limit("requests", 10, 4, 0.6, NOW - 1),))
    assert names(limits) == []
    limits.seen(MINE, (Limit("requests", 10, 4, 0.6, NOW + 1),))
    assert names(limits) == [(MINE, "requests")]


def test_one_without_a_reset_time_is_shown_for_five_minutes(limits, clock):
    limits.seen(MINE, (Limit("requests", 10, 4, 0.6),))
    clock.now += 299
    assert names(limits) == [(MINE, "requests")]
    clock.now += 1
    assert names(limits) == []


def test_a_clock_that_is_set_back_shows_nothing_wrong(limits, clock):
    limits.seen(MINE, (Limit("requests", 10, 4, 0.6, NOW + 60),))
    clock.now -= 3_600
    assert [seconds for _, _, seconds in limits.current()] == [3_660.0]


def test_there_are_never_too_many(limits, clock, monkeypatch):
    monkeypatch.setattr(module, "_MOST", 5)
    for number in range(10):
        limits.seen(MINE, (Limit(f"x{number}", 10, 4, 0.6, NOW + 60 + number),))
    assert names(limits) == [(MINE, f"x{number}") for number in range(5, 10)], "the latest stay"
    limits.seen(MINE, (Limit("x5", 10, 3, 0.7, NOW + 100),))
    assert next(limit.remaining for _, limit, _ in limits.current()) == 3
    clock.now += 66.5  # x6 has expired and makes room.
    limits.seen(MINE, (Limit("new", 10, 4, 0.6, NOW + 200),))
    assert names(limits) == [(MINE, name) for name in ("x5", "x7", "x8", "x9", "new")]


def test_a_reset_time_in_a_far_future_is_not_believed_for_ever(limits, clock):
    limits.seen(MINE, (Limit("requests", 10, 4, 0.6, NOW + 10**9),))
    assert [seconds for _, _, seconds in limits.current()] == [10**9], "what the API said"
    clock.now += 31 * 86_400
    assert names(limits) == []


def test_clear(limits):
    limits.seen(MINE, (Limit("requests", 10, 4, 0.6, NOW + 60),))
    limits.clear()
    assert names(limits) == []


GAUGES = [c.RATE_LIMIT_LIMIT, c.RATE_LIMIT_REMAINING, c.RATE_LIMIT_UTILIZATION, c.RATE_LIMIT_RESET]


def test_a_gauges_series_ends_with_its_limit(bench, clock):
    bench.instruments.limits = Limits(clock)
    call = begun(bench.recorder)
    attempt = answered(call)
    attempt.limits = (Limit("input_tokens", 100, 25, 0.75, NOW + 60), Limit("unified_5h", None, None, 0.5, NOW + 90))
    bench.recorder.limited(call, attempt)
    bench.recorder.left(call)
    call.discard()
    assert [bench.values(gauge, c.RATE_LIMIT_NAME) for gauge in GAUGES] == [
        {"input_tokens": 100},
        {"input_tokens": 25},
        {"input_tokens": 0.75, "unified_5h": 0.5},
        {"input_tokens": 60.0, "unified_5h": 90.0},
    ]
    clock.now += 60
    assert [bench.values(gauge, c.RATE_LIMIT_NAME) for gauge in GAUGES] == [
        {},
        {},
        {"unified_5h": 0.5},
        {"unified_5h": 30.0},
    ]
    clock.now += 30
    assert [bench.values(gauge) for gauge in GAUGES] == [{}, {}, {}, {}]
