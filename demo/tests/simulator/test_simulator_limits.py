"""Rate limits count down, refill and run out; their headers say so."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from anthropic import Anthropic, RateLimitError

from otel_claude_demo.simulator import Limits, Simulator

MESSAGES = [{"role": "user", "content": "abcd" * 5_000}]  # 5,000 tokens
LIMITS = Limits(requests=10, input_tokens=60_000, output_tokens=12_000)
FAMILIES = ("requests", "tokens", "input-tokens", "output-tokens")


@pytest.fixture
def limited(clock):
    with Simulator(clock=clock, limits=LIMITS) as running:
        yield running


@pytest.fixture
def ask(limited, http):
    client = Anthropic(base_url=limited.url, api_key="k", max_retries=0, http_client=http)

    def ask(model="claude-sonnet-5-5", scenario="output=1200", **more):
        headers = {"x-simulator-scenario": scenario}
        body = {"messages": MESSAGES, "max_tokens": 5_000, **more}
        return client.messages.with_raw_response.create(model=model, extra_headers=headers, **body).headers

    return ask


def values(headers, prefix="anthropic-ratelimit-") -> dict[str, str]:
    return {name.removeprefix(prefix): value for name, value in headers.items() if name.startswith(prefix)}


def moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_every_limit_is_reported_and_counts_down(ask, clock):
    assert values(ask()) == {
        "requests-limit": "10",
        "requests-remaining": "9",
        "requests-reset": moment(clock.now + 6),
        "input-tokens-limit": "60000",
        "input-tokens-remaining": "55000",
        "input-tokens-reset": moment(clock.now + 5),
        "output-tokens-limit": "12000",
        "output-tokens-remaining": "11000",  # 10,800 left: whole thousands
        "output-tokens-reset": moment(clock.now + 6),
        "tokens-limit": "72000",
        "tokens-remaining": "66000",
        "tokens-reset": moment(clock.now + 6),
    }


def test_they_refill_continuously(ask, clock):
    for _ in range(4):
        headers = values(ask())
    assert (headers["requests-remaining"], headers["input-tokens-remaining"]) == ("6", "40000")
    clock.now += 10
    headers = values(ask())
    # 10 s give 1.67 requests and 10,000 tokens; this request took 1 and 5,000.
    assert (headers["requests-remaining"], headers["input-tokens-remaining"]) == ("6", "45000")
    clock.now += 600
    assert values(ask())["input-tokens-remaining"] == "55000"


def test_exhausted_requests_are_refused_until_they_refilled(ask, clock, limited):
    for _ in range(10):
        ask(messages=[{"role": "user", "content": "a"}], scenario="output=10")
    with pytest.raises(RateLimitError) as refused:
        ask()
    assert refused.value.type == "rate_limit_error"
    assert "10 requests per minute" in refused.value.api_message
    headers = refused.value.response.headers
    assert headers["retry-after"] == "6"
    assert headers["x-should-retry"] == "true"
    assert headers["anthropic-ratelimit-requests-remaining"] == "0"
    assert limited.served[-1].error_type == "rate_limit_error"
    clock.now += 6
    ask()


def test_exhausted_input_and_output_are_refused(ask, clock):
    for _ in range(3):
        ask(messages=[{"role": "user", "content": "abcd" * 20_000}], scenario="output=10")
    with pytest.raises(RateLimitError, match="input tokens per minute"):
        ask(messages=[{"role": "user", "content": "abcd"}])
    clock.now += 600
    for _ in range(3):
        ask(scenario="output=5000")
    with pytest.raises(RateLimitError, match="output tokens per minute"):
        ask()


def test_model_groups_have_limits_of_their_own(ask):
    ask("claude-opus-4-8")
    assert values(ask("claude-opus-4-7"))["requests-remaining"] == "8"
    assert values(ask("claude-opus-5-5"))["requests-remaining"] == "9"
    assert values(ask("claude-opus-5"))["requests-remaining"] == "9"
    assert values(ask("claude-fable-5-1"))["requests-remaining"] == "9"
    assert values(ask("claude-fable-5"))["requests-remaining"] == "8"


def test_cache_reads_do_not_count(ask):
    system = [{"type": "text", "text": "abcd" * 10_000, "cache_control": {"type": "ephemeral"}}]
    assert values(ask(system=system))["input-tokens-remaining"] == "45000"
    assert values(ask(system=system))["input-tokens-remaining"] == "40000"


def test_fast_requests_draw_on_the_fast_limits(ask):
    headers = ask("claude-opus-5-5", speed="fast")
    assert values(headers)["input-tokens-remaining"] == "60000"
    assert values(headers, "anthropic-fast-") == {
        "input-tokens-limit": "400000",
        "input-tokens-remaining": "395000",
        "input-tokens-reset": values(headers, "anthropic-fast-")["input-tokens-reset"],
        "output-tokens-limit": "80000",
        "output-tokens-remaining": "79000",
        "output-tokens-reset": values(headers, "anthropic-fast-")["output-tokens-reset"],
    }


def test_priority_unified_and_no_limits(ask, clock):
    priority = values(ask(scenario="priority"), "anthropic-priority-")
    assert priority["input-tokens-remaining"] == "595000"
    unified = ask(scenario="unified")
    assert values(unified, "anthropic-ratelimit-unified-")["status"] == "allowed"
    assert values(unified, "anthropic-ratelimit-unified-")["5h-utilization"] == "0.17"
    assert int(values(unified, "anthropic-ratelimit-unified-")["reset"]) > clock.now
    assert "anthropic-ratelimit-requests-limit" not in unified
    assert not values(ask(scenario="no_limits"))
    assert "anthropic-fast-input-tokens-limit" in ask(scenario="fast_limits")


def test_a_played_limit_shows_an_exhausted_bucket(ask, clock):
    with pytest.raises(RateLimitError) as refused:
        ask(scenario="rate_limit,retry_after=30")
    headers = refused.value.response.headers
    assert headers["retry-after"] == "30"
    assert headers["anthropic-ratelimit-input-tokens-remaining"] == "0"
    assert headers["anthropic-ratelimit-input-tokens-reset"] == moment(clock.now + 30)
