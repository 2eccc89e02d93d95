"""Rate limits: the latest of each, gone when its reset time has passed, and never too many."""

from __future__ import annotations

import pytest
from unit_calls import CLIENT, responded, started

from otel_claude import semconv as c
from otel_claude.api.headers import RateLimit, parse_headers
from otel_claude.telemetry import rate_limits as module
from otel_claude.telemetry.attributes import AttributeSets
from otel_claude.telemetry.instance_id import NOT_KNOWN, InstanceId
from otel_claude.telemetry.rate_limits import CurrentLimit, RateLimits

NOW = 1_795_348_800.0
MINE, OTHERS = "claude-opus-5-5", "claude-haiku-5-5"


class Clock:
    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


SETS = AttributeSets(200)


def limits_of(clock):
    return RateLimits(SETS, InstanceId("off", lambda: NOT_KNOWN), clock)


def headers_of(*limits):
    """The raw headers of limits. A `utilization` that follows from the others is no header."""
    found = []
    for name, limit, remaining, utilization, reset in limits:
        counted = limit is not None and remaining is not None
        values = {
            "limit": limit,
            "remaining": remaining,
            "utilization": None if counted else utilization,
            "reset": reset,
        }
        for field, value in values.items():
            if value is not None:
                number = f"{value:.0f}" if field == "reset" else str(value)
                found.append((f"anthropic-ratelimit-{name.replace('_', '-')}-{field}".encode(), number.encode()))
    return found


class InHeaders:
    """Limits of responses' headers, of a model."""

    def __init__(self, limits):
        self.limits = limits

    def update(self, model, *limits):
        headers = parse_headers(headers_of(*limits))
        self.limits.update(CLIENT, model, None, headers.layout, headers.values)


class Elsewhere(InHeaders):
    """Limits that were read elsewhere."""

    def update(self, model, *limits):
        self.limits.report(SETS.of(CLIENT, model), limits)


@pytest.fixture
def limits(clock):
    return limits_of(clock)


@pytest.fixture(params=[InHeaders, Elsewhere])
def source(request, limits):
    return request.param(limits)


def names(limits):
    return [(current.attributes.attributes[c.REQUEST_MODEL], current.limit.name) for current in limits.current()]


def requests(reset, *, limit=10, remaining=4):
    return RateLimit("requests", limit, remaining, 1 - remaining / limit, reset)


def test_a_limit_is_shown_until_its_reset_time(source, limits, clock):
    limit = requests(NOW + 60)
    source.update(MINE, limit)
    named = SETS.of(CLIENT, MINE).plus((c.RATE_LIMIT_NAME, "requests"))
    assert limits.current() == [CurrentLimit(named, limit, 60.0)]
    clock.now += 59.5
    assert limits.current() == [CurrentLimit(named, limit, 0.5)]
    clock.now += 0.5
    assert limits.current() == []


def test_the_latest_stands(source, limits, clock):
    source.update(MINE, requests(NOW + 60))
    clock.now += 1
    source.update(MINE, requests(NOW + 70, remaining=3))
    assert [(current.limit.remaining, current.seconds) for current in limits.current()] == [(3, 69.0)]


@pytest.mark.parametrize(("first", "second"), [(InHeaders, Elsewhere), (Elsewhere, InHeaders)])
def test_the_latest_stands_wherever_it_was_read(limits, clock, first, second):
    first(limits).update(MINE, requests(NOW + 60))
    clock.now += 1
    second(limits).update(MINE, requests(NOW + 70, remaining=3))
    assert [(current.limit.remaining, current.seconds) for current in limits.current()] == [(3, 69.0)]


def test_the_latest_stands_whichever_headers_beside_it(limits, clock):
    """Responses of another set of headers are kept apart, and say the same limit."""
    InHeaders(limits).update(MINE, requests(NOW + 60), RateLimit("tokens", 10, 5, 0.5, NOW + 60))
    clock.now += 1
    InHeaders(limits).update(MINE, requests(NOW + 70, remaining=3))
    assert [(current.limit.name, current.limit.remaining) for current in limits.current()] == [
        ("requests", 3),
        ("tokens", 5),
    ]


def test_what_was_read_is_read_again_within_a_second_and_anew_after_a_report(source, limits, clock, monkeypatch):
    source.update(MINE, requests(NOW + 60))
    found = []
    find = limits._find
    monkeypatch.setattr(limits, "_find", lambda: found.append(1) or find())
    for step, times in ((0.0, 1), (0.5, 1), (0.5, 2), (0.1, 2)):
        clock.now += step
        assert len(limits.current()) == 1
        assert len(found) == times
    source.update(MINE, requests(NOW + 60, remaining=3))
    assert [current.limit.remaining for current in limits.current()] == [3]


def test_limits_of_others_and_of_other_names_stand_beside(source, limits):
    source.update(MINE, requests(NOW + 60), RateLimit("tokens", 10, 4, 0.6, NOW + 5))
    source.update(OTHERS, requests(NOW + 60, limit=99))
    assert names(limits) == [(MINE, "requests"), (MINE, "tokens"), (OTHERS, "requests")]


def test_one_that_had_expired_comes_back(source, limits):
    source.update(MINE, requests(NOW - 1))
    assert names(limits) == []
    source.update(MINE, requests(NOW + 1))
    assert names(limits) == [(MINE, "requests")]


def test_one_without_a_reset_time_is_shown_for_five_minutes(source, limits, clock):
    source.update(MINE, requests(None))
    clock.now += 299
    assert names(limits) == [(MINE, "requests")]
    clock.now += 1
    assert names(limits) == []


def test_a_clock_that_is_set_back_shows_nothing_wrong(source, limits, clock):
    source.update(MINE, requests(NOW + 60))
    assert limits.current()
    clock.now -= 3_600
    assert [current.seconds for current in limits.current()] == [3_660.0]


def test_there_are_never_too_many(source, limits, clock, monkeypatch):
    monkeypatch.setattr(module, "_MAX_LIMITS", 5)
    for number in range(10):
        source.update(f"m{number}", requests(NOW + 60 + number))
    assert names(limits) == [(f"m{number}", "requests") for number in range(5, 10)], "the latest stay"
    source.update("m5", requests(NOW + 100, remaining=3))
    assert {current.limit.remaining for current in limits.current() if current.seconds == 100} == {3}
    clock.now += 66.5  # That of m6 has expired and makes room.
    assert ("m6", "requests") not in names(limits)
    source.update("new", requests(NOW + 200))
    assert {model for model, _ in names(limits)} == {"m5", "m7", "m8", "m9", "new"}


def test_a_reset_time_in_a_far_future_is_not_believed_for_ever(source, limits, clock):
    source.update(MINE, requests(NOW + 10**9))
    assert [current.seconds for current in limits.current()] == [10**9], "what the API said"
    clock.now += 31 * 86_400
    assert names(limits) == []


def test_what_has_expired_is_not_kept(source, limits, clock):
    source.update(MINE, requests(NOW + 60))
    clock.now += 60
    assert names(limits) == []
    assert (limits._latest, limits._reported) == ({}, {})


def test_clear(source, limits):
    source.update(MINE, requests(NOW + 60))
    assert names(limits)
    limits.clear()
    assert names(limits) == []


GAUGES = [c.RATE_LIMIT_LIMIT, c.RATE_LIMIT_REMAINING, c.RATE_LIMIT_UTILIZATION, c.RATE_LIMIT_RESET]


def test_a_gauges_series_ends_with_its_limit(bench, clock, monkeypatch):
    monkeypatch.setattr(bench.instruments.rate_limits, "_clock", clock)
    call = started(bench.recorder)
    input_tokens = RateLimit("input_tokens", 100, 25, 0.75, NOW + 60)
    responded(bench.recorder, call, 200, headers_of(input_tokens, RateLimit("unified_5h", None, None, 0.5, NOW + 90)))
    bench.recorder.detach(call)
    bench.recorder.forget(call)
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
