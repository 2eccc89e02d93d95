"""Rate-limit gauges: every header family, until their reset, and nothing that is malformed."""

import pytest
from support import api
from support.face import Face
from support.library import http
from support.server import Server, plain, throttled
from support.shapes import ARGS

from limit_families import FAMILIES
from otel_claude.telemetry.metrics import _by_provider

AT = "2100-01-01T00:00:00Z"


def gauges(telemetry):
    """Kind of gauge → name of the limit → value."""
    return {
        name.removeprefix("claude.client.rate_limit."): {
            dict(key)["claude.rate_limit.name"]: value for key, value in points.items()
        }
        for name, points in telemetry.metrics().items()
        if name.startswith("claude.client.rate_limit.")
    }


async def call(kind, tracing, headers):
    client = Face(kind, Server(plain(headers={**api.IDENTITY, **headers})), tracing)
    await client.wait(client.client.messages.create(**ARGS))


async def test_every_family(telemetry, kind, tracing, quiet):
    headers = {}
    for place, prefix in enumerate(FAMILIES):
        headers |= {f"{prefix}-limit": f"{1000 + place}", f"{prefix}-remaining": "250", f"{prefix}-reset": AT}
    await call(kind, tracing, headers)
    names = list(FAMILIES.values())
    found = gauges(telemetry)
    assert found["limit"] == {name: 1000 + place for place, name in enumerate(names)}
    assert found["remaining"] == dict.fromkeys(names, 250)
    assert found["utilization"] == {name: 1 - 250 / (1000 + place) for place, name in enumerate(names)}
    assert set(found["reset"]) == set(names)
    attributes = telemetry.span.attributes
    for place, name in enumerate(names):
        assert attributes[f"claude.rate_limit.{name}.limit"] == 1000 + place
        assert attributes[f"claude.rate_limit.{name}.remaining"] == 250
        assert attributes[f"claude.rate_limit.{name}.reset"] == float(api.RESET)


async def test_unified(telemetry, kind, tracing, quiet):
    await call(kind, tracing, {
        "anthropic-ratelimit-unified-status": "allowed",
        "anthropic-ratelimit-unified-reset": str(api.RESET),
        "anthropic-ratelimit-unified-5h-utilization": "0.25",
        "anthropic-ratelimit-unified-5h-reset": str(api.RESET),
        "anthropic-ratelimit-unified-7d-utilization": "0.5",
        "anthropic-ratelimit-unified-7d-reset": str(api.RESET),
        "anthropic-ratelimit-unified-representative-claim": "five_hour",
    })  # fmt: skip
    found = gauges(telemetry)
    assert found["utilization"] == {"unified_5h": 0.25, "unified_7d": 0.5}
    assert {"unified_5h", "unified_7d"} <= set(found["reset"])
    assert "limit" not in found


async def test_the_latest_wins(telemetry, kind, tracing, quiet):
    for left in ("40", "39"):
        await call(kind, tracing, {**api.LIMITS, "anthropic-ratelimit-requests-remaining": left})
    assert gauges(telemetry)["remaining"] == {"requests": 39}


async def test_a_retried_answer_tells_limits_too(telemetry, kind, tracing, quiet):
    client = Face(kind, Server(throttled(), plain(headers=api.IDENTITY)), tracing)
    await client.wait(client.client.messages.create(**ARGS))
    assert gauges(telemetry)["remaining"] == {"requests": 40}
    assert telemetry.span.attributes["claude.rate_limit.requests.remaining"] == 40


async def test_expires_at_its_reset(telemetry, kind, tracing, quiet):
    limits = _by_provider[telemetry.meter_provider].rate_limits
    # Nothing but the clock is replaced.
    clock = [api.RESET - 100.0]
    limits._clock = lambda: clock[0]
    await call(kind, tracing, api.LIMITS)
    assert gauges(telemetry)["remaining"] == {"requests": 40}
    (point,) = telemetry.points("claude.client.rate_limit.reset")
    assert point.value == 100.0
    clock[0] = api.RESET - 1.0
    (point,) = telemetry.points("claude.client.rate_limit.reset")
    assert point.value == 1.0
    clock[0] = float(api.RESET)
    assert gauges(telemetry) == {}


@pytest.mark.parametrize("bad", ["", "many", "-5", "1.5", "1e3", "٣", "9" * 40, "0x10", "+4", " "])
async def test_malformed_numbers(telemetry, kind, bad, quiet):
    headers = {
        "anthropic-ratelimit-requests-limit": bad,
        "anthropic-ratelimit-requests-remaining": "40",
        "anthropic-ratelimit-requests-reset": AT,
        "anthropic-ratelimit-tokens-remaining": "7",
        "anthropic-ratelimit-tokens-reset": AT,
    }
    pairs = [(name.encode(), value.encode()) for name, value in {**api.IDENTITY, **headers}.items()]
    reply = lambda _request: http.Response(200, headers=pairs, json=api.message())  # noqa: E731
    client = Face(kind, Server(reply))
    await client.wait(client.client.messages.create(**ARGS))
    found = gauges(telemetry)
    assert "limit" not in found
    assert "utilization" not in found
    assert found["remaining"] == {"requests": 40, "tokens": 7}


@pytest.mark.parametrize("bad", ["soon", "2100-13-01T00:00:00Z", "", "-1", "99999999999999999999", "1e9"])
async def test_malformed_reset(telemetry, kind, bad, quiet):
    await call(kind, "ours", {**api.LIMITS, "anthropic-ratelimit-requests-reset": bad})
    # When it ends is not known, so it is shown for a while without a reset.
    found = gauges(telemetry)
    assert found["remaining"] == {"requests": 40}
    assert "reset" not in found


async def test_a_reset_in_the_past_is_not_shown(telemetry, kind, quiet):
    await call(kind, "ours", {**api.LIMITS, "anthropic-ratelimit-requests-reset": "2020-01-01T00:00:00Z"})
    assert gauges(telemetry) == {}


async def test_no_limits(telemetry, kind, tracing, quiet):
    await call(kind, tracing, {"anthropic-ratelimit-policy": "x", "x-ratelimit-limit": "5"})
    assert gauges(telemetry) == {}
    assert not [name for name in telemetry.span.attributes if "rate_limit" in name]
