"""Response headers: the limits of every family and the ids, from raw header pairs of any kind."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limit_families import FAMILIES
from otel_claude.api import headers as module
from otel_claude.api.headers import RateLimit, parse_headers

NOON = 1_795_348_800.0  # 2026-11-22T12:00:00Z


class Found(NamedTuple):
    """What headers say."""

    limits: tuple[RateLimit, ...] = ()
    request_id: str | None = None
    organization_id: str | None = None
    workspace_id: str | None = None


def parsed(pairs):
    headers = parse_headers(pairs)
    return Found(
        module.rate_limits(headers.layout, headers.values),
        headers.request_id,
        headers.organization_id,
        headers.workspace_id,
    )


def parsed_named(**headers):
    return parsed([(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()])


def family(prefix, limit="2000000", remaining="1500000", reset="2026-11-22T12:00:00Z"):
    pairs = {"limit": limit, "remaining": remaining, "reset": reset}
    return [(f"{prefix}-{field}".encode(), value.encode()) for field, value in pairs.items()]


@pytest.mark.parametrize(("prefix", "name"), FAMILIES.items())
def test_a_family_is_one_limit(prefix, name):
    assert parsed(family(prefix)) == Found((RateLimit(name, 2_000_000, 1_500_000, 0.25, NOON),))


def test_all_families_together_keep_their_order():
    pairs = [pair for prefix in FAMILIES for pair in family(prefix)]
    assert [limit.name for limit in parsed(pairs).limits] == list(FAMILIES.values())


def test_the_unified_family_of_subscriptions():
    limits = parsed_named(
        anthropic_ratelimit_unified_status="allowed_warning",
        anthropic_ratelimit_unified_reset="1795348800",
        anthropic_ratelimit_unified_5h_utilization="0.73",
        anthropic_ratelimit_unified_5h_reset="1795348800",
        anthropic_ratelimit_unified_5h_status="allowed",
        anthropic_ratelimit_unified_7d_utilization="1.0",
        anthropic_ratelimit_unified_representative_claim="five_hour",
        anthropic_ratelimit_unified_fallback_percentage="0.5",
    ).limits
    assert limits == (
        RateLimit("unified_5h", utilization=0.73, reset=NOON),
        RateLimit("unified_7d", utilization=1.0),
        RateLimit("unified", reset=NOON),
    )


def test_the_ids():
    ids = parsed_named(request_id="req_1", anthropic_organization_id="org_1", anthropic_workspace_id="wrkspc_1")
    assert ids == Found((), "req_1", "org_1", "wrkspc_1")


ODD_IDS = [b"", b"x" * 1_001, b"a\nb", b"a\x00b", b"\x80"]


@pytest.mark.parametrize("raw", ODD_IDS, ids=lambda raw: repr(raw)[:12])
@pytest.mark.parametrize("name", [b"request-id", b"anthropic-organization-id", b"anthropic-workspace-id"])
def test_what_cannot_be_an_id_is_none(name, raw):
    assert parsed([(name, raw)]) == Found()


UNRELATED = [
    "retry-after",
    "anthropic-ratelimit-requests",
    "anthropic-ratelimit-limit",
    "anthropic-ratelimit--limit",
    "anthropic-slow-requests-limit",
    "x-anthropic-ratelimit-requests-limit",
    "anthropic-ratelimit-requests-limit-x",
    "anthropic-ratelimit-requests_x-limit",
    f"anthropic-ratelimit-{'x' * 61}-limit",
    "anthropic-version",
]


@pytest.mark.parametrize("name", UNRELATED)
def test_other_headers_are_passed_over(name):
    assert parsed([(name.encode(), b"5")]) == Found()


def test_names_are_case_insensitive_and_the_last_of_two_stands():
    pairs = [
        (b"Anthropic-RateLimit-Requests-Limit", b"10"),
        (b"ANTHROPIC-RATELIMIT-REQUESTS-REMAINING", b"9"),
        (b"anthropic-ratelimit-requests-remaining", b"5"),
        (b"Request-Id", b"req_1"),
        (b"request-id", b"req_2"),
    ]
    assert parsed(pairs) == Found((RateLimit("requests", 10, 5, 0.5),), "req_2")


NO_WHOLES = [b"", b"x", b"-1", b"1.5", b"1e3", b"0x10", b"1_000", b" 1", b"+1", b"\xd9\xa1", b"9" * 19, b"nan", b"1_0"]


@pytest.mark.parametrize("raw", NO_WHOLES)
@pytest.mark.parametrize("field", ["limit", "remaining"])
def test_what_is_no_whole_number_is_left_out(field, raw):
    assert parsed([(f"anthropic-ratelimit-requests-{field}".encode(), raw)]) == Found()


@pytest.mark.parametrize("raw", [b"", b"x", b"-0.1", b"nan", b"1_0", b"inf", b"-inf", b"1e999", b"\xff", b"0,5"])
def test_what_is_no_share_is_left_out(raw):
    assert parsed([(b"anthropic-ratelimit-unified-5h-utilization", raw)]) == Found()


TIMES = [
    (b"2026-11-22T12:00:00Z", NOON),
    (b"2026-11-22T12:00:00+00:00", NOON),
    (b"2026-11-22T13:30:00+01:30", NOON),
    (b"2026-11-22T07:00:00-05:00", NOON),
    (b"2026-11-22T12:00:00.250Z", NOON + 0.25),
    (b"2026-11-22T12:00:00.250000Z", NOON + 0.25),
    (b"2026-11-22T12:00:00", NOON),
    (b"1795348800", NOON),
    (b"0", 0.0),
]
NO_TIMES = [b"", b"soon", b"2026-13-22T12:00:00Z", b"2026-11-22T25:00:00Z", b"-5", b"1795348800.5", b"9" * 19, b"\xff"]
NO_TIMES += [b"2026-11-22T12:00:00ZZ", b"99999-11-22T12:00:00Z"]


@pytest.mark.parametrize(("raw", "seconds"), TIMES)
def test_a_reset_time_is_in_seconds_since_the_epoch(raw, seconds):
    (limit,) = parsed([(b"anthropic-ratelimit-requests-reset", raw)]).limits
    assert (limit.reset, type(limit.reset)) == (seconds, float)


@pytest.mark.parametrize("raw", NO_TIMES)
def test_what_is_no_time_is_left_out(raw):
    assert parsed([(b"anthropic-ratelimit-requests-reset", raw)]) == Found()


SHARES = [("10", "10", 0.0), ("10", "0", 1.0), ("10", "4", 0.6), ("10", "15", 0.0), ("0", "0", None), ("0", "5", None)]


@pytest.mark.parametrize(("limit", "remaining", "utilization"), SHARES)
def test_the_used_share_is_worked_out_and_stays_between_0_and_1(limit, remaining, utilization):
    (found,) = parsed(family("anthropic-ratelimit-requests", limit, remaining)).limits
    assert found.utilization == (None if utilization is None else pytest.approx(utilization))


def test_a_reported_share_wins():
    pairs = [*family("anthropic-ratelimit-requests"), (b"anthropic-ratelimit-requests-utilization", b"0.5")]
    assert parsed(pairs).limits[0].utilization == 0.5


@pytest.mark.parametrize("share", [b"1.01", b"7", b"1e300"])
def test_a_limit_that_is_overrun_is_full(share):
    (found,) = parsed([(b"anthropic-ratelimit-unified-5h-utilization", share)]).limits
    assert found.utilization == 1.0


def test_a_flood_of_limits_is_cut_and_the_ids_are_still_read():
    pairs = [(f"anthropic-ratelimit-x{number}-limit".encode(), b"1") for number in range(1_000)]
    found = parsed([*pairs, (b"request-id", b"req_1")])
    assert [limit.name for limit in found.limits] == [f"x{number}" for number in range(32)]
    assert found.request_id == "req_1"


def test_names_of_limits_are_few_in_a_process():
    """They become values of attributes and names of span attributes. Those that came first stay known."""
    for number in range(500):
        parsed(family(f"anthropic-ratelimit-x{number}"))
    seen = [parsed(family(f"anthropic-ratelimit-x{number}")).limits for number in range(500)]
    assert [number for number, limits in enumerate(seen) if limits] == list(range(100))


def test_a_flood_of_sets_of_names_is_not_remembered():
    for number in range(1_000):
        parsed([(f"x-{number}".encode(), b"1")])
        assert len(module._layouts) <= module._MAX_LAYOUTS == 64
    assert parsed(family("anthropic-ratelimit-requests")).limits[0].name == "requests"


@pytest.mark.parametrize("flood", [[(b"x" * 100_000, b"1")], [(f"x-{n}".encode(), b"1") for n in range(10_000)]])
def test_long_and_many_names_are_not_remembered(flood):
    assert parsed([*flood, (b"request-id", b"req_1")]) == Found((), "req_1")
    assert module._layouts == {}


def test_responses_with_the_same_names_share_what_is_remembered():
    for remaining in ("9", "x", "7"):
        parsed(family("anthropic-ratelimit-requests", remaining=remaining))
    assert len(module._layouts) == 1
    assert parsed(family("anthropic-ratelimit-requests", remaining="4", limit="8")).limits[0][1:4] == (8, 4, 0.5)


BROKEN = [
    [(b"x\nrequest-id", b"req_1"), (b"anthropic-ratelimit-tokens-limit", b"5")],
    [(b"x", b"1"), (b"request-id\nanthropic-ratelimit-tokens-limit", b"5")],
    [(b"x\nrequest-id\nanthropic-ratelimit-tokens-limit", b"5")],
    [(b"x", b"1"), (b"request-id\n", b"req_1"), (b"anthropic-ratelimit-tokens-limit", b"5")],
    [(b"\nx", b"1"), (b"request-id", b"req_1"), (b"anthropic-ratelimit-tokens-limit", b"5")],
]


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("pairs", BROKEN)
def test_a_name_with_a_line_break_is_not_taken_for_two(monkeypatch, pairs, known):
    """Joined, the names of the first three are those of the list that is remembered."""
    monkeypatch.setattr(module, "_layouts", {})
    if known:
        parse_headers([(b"x", b"1"), (b"request-id", b"req_0"), (b"anthropic-ratelimit-tokens-limit", b"4")])
    assert parsed(pairs) == parsed([pair for pair in pairs if b"\n" not in pair[0]])


def test_times_are_remembered_in_part(monkeypatch):
    monkeypatch.setattr(module, "_minutes", {})
    for number in range(1_000):
        reset = f"2026-11-22T{number // 60:02}:{number % 60:02}:00Z".encode()
        (limit,) = parsed([(b"anthropic-ratelimit-requests-reset", reset)]).limits
        assert limit.reset == NOON + 60 * (number - 12 * 60)
        assert 0 < len(module._minutes) <= module._MAX_MINUTES == 64
    assert module._time.cache_info().currsize <= 64


TAILS = [b"60Z", b"6Z", b"+1Z", b" 1Z", b"1_Z", b"07z ", b"07ZZ", b"99Z", b"\xc2\xb27Z"]


def test_times_of_one_minute_differ_in_their_seconds():
    """What is known of a minute does not make a time of what is none."""
    name = b"anthropic-ratelimit-requests-reset"
    for second in (b"00", b"59", b"07"):
        (limit,) = parsed([(name, b"2026-11-22T12:00:" + second + b"Z")]).limits
        assert limit.reset == NOON + int(second)
    assert [parsed([(name, b"2026-11-22T12:00:" + tail)]) for tail in TAILS] == [Found()] * len(TAILS)


AGAIN = [b"anthropic-ratelimit-tokens-limit", b"Anthropic-Ratelimit-Tokens-Limit"]


@pytest.mark.parametrize("again", AGAIN)
def test_of_headers_with_one_name_the_last_counts(again):
    pairs = [(AGAIN[0], b"5"), (b"anthropic-ratelimit-tokens-remaining", b"1"), (again, b"4")]
    assert parsed(pairs).limits == (RateLimit("tokens", 4, 1, 0.75),)


def test_headers_as_httpx_lists_them():
    pairs = [*family("Anthropic-Ratelimit-Tokens"), (b"Request-Id", b"req_1")]
    assert parsed([(name, name.lower(), value) for name, value in pairs]) == parsed(pairs)
    assert parsed(pairs).request_id == "req_1"


names = st.sampled_from([f"{prefix}-{field}" for prefix in FAMILIES for field in ("limit", "remaining", "reset")])
names |= st.sampled_from(["request-id", "anthropic-ratelimit-unified-5h-utilization", "anthropic-workspace-id"])
values = st.binary(max_size=40) | st.text("0123456789+-.:TZeE", max_size=30).map(str.encode)


@given(st.lists(st.tuples(names.map(str.encode) | st.binary(max_size=60), values), max_size=30))
def test_any_headers_give_only_sane_numbers(pairs):
    for limit in parsed(pairs).limits:
        for whole in (limit.limit, limit.remaining):
            assert whole is None or (type(whole) is int and 0 <= whole < 1 << 63)
        assert limit.utilization is None or 0 <= limit.utilization <= 1
        assert limit.reset is None or (type(limit.reset) is float and abs(limit.reset) < float("inf"))
