"""Streams that break, stall or say strange things, and usage that is not what it should be."""

from __future__ import annotations

import time

import anthropic
import httpx2
import pytest
from anthropic import Anthropic, AsyncAnthropic

from otel_claude_demo.simulator import Simulator

ASK = {"model": "claude-sonnet-5-5", "max_tokens": 500, "messages": [{"role": "user", "content": "Hello"}]}


def stream(client: Anthropic, scenario: str, **more):
    return client.messages.create(
        **ASK, **more, stream=True, extra_headers={"x-simulator-scenario": f"{scenario},output=60"}
    )


def kinds(events) -> list[str]:
    return [event.type for event in events]


def wait_for(shared: Simulator, count: int) -> None:
    """The server notices a lost client a moment later."""
    deadline = time.monotonic() + 5
    while len(shared.served) < count:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def started(usage) -> bool:
    return usage is not None and usage["output_tokens"] <= 6


def test_an_error_event_in_mid_stream(client, shared):
    found = []
    with pytest.raises(anthropic.APIStatusError) as raised:
        found.extend(stream(client, "stream_error=3"))
    assert (raised.value.status_code, raised.value.type) == (200, "overloaded_error")
    (record,) = shared.served
    assert (record.outcome, record.status) == ("finished", 200)
    assert started(record.usage)
    assert record.used["output_tokens"] == 60


def test_an_error_event_after_some_deltas(client):
    found = []
    with pytest.raises(anthropic.APIStatusError):
        found.extend(event.type for event in stream(client, "stream_error=3"))
    assert found == ["message_start", "content_block_start", *["content_block_delta"] * 3]


def test_a_connection_cut_in_mid_stream(client, shared):
    found = []
    with pytest.raises(httpx2.RemoteProtocolError, match="incomplete chunked read"):
        found.extend(event.type for event in stream(client, "cut=2"))
    assert found.count("content_block_delta") == 2
    wait_for(shared, 1)
    (record,) = shared.served
    assert record.outcome == "aborted"
    assert started(record.usage)


def test_a_plain_body_cut_is_a_connection_error(client, shared):
    with pytest.raises(anthropic.APIConnectionError):
        client.with_options(max_retries=1).messages.create(**ASK, extra_headers={"x-simulator-scenario": "cut"})
    wait_for(shared, 2)
    assert [record.outcome for record in shared.served] == ["aborted", "aborted"]


def test_a_clean_end_without_message_stop(client, shared):
    found = kinds(stream(client, "no_stop=2"))
    assert found[-1] == "content_block_delta"
    wait_for(shared, 1)
    assert shared.served[0].outcome == "aborted"


def test_a_stall_until_the_client_gives_up(client, shared):
    with pytest.raises(httpx2.ReadTimeout):
        list(stream(client, "stall=2", timeout=0.2))
    wait_for(shared, 1)
    assert shared.served[0].outcome == "aborted"
    assert started(shared.served[0].usage)


def test_a_client_that_leaves_early_is_noticed(client, shared):
    begun = time.monotonic()
    with stream(client, "slow=0.05") as events:
        next(events)
    wait_for(shared, 1)
    assert time.monotonic() - begun < 1
    assert shared.served[0].outcome == "aborted"
    assert shared.served[0].used["output_tokens"] == 60


async def test_an_async_client_that_is_cancelled_is_noticed(shared):
    async with AsyncAnthropic(base_url=shared.url, api_key="k") as client:
        events = await stream(client, "slow=0.05")
        async for _ in events:
            break
        await events.close()
    wait_for(shared, 1)
    assert shared.served[0].outcome == "aborted"


def test_slow_and_latency_take_their_time(client):
    begun = time.monotonic()
    events = iter(stream(client, "slow=0.02,latency=0.1"))
    next(events)
    first = time.monotonic() - begun
    count = 1 + len(list(events))
    assert first >= 0.12
    assert time.monotonic() - begun >= 0.1 + count * 0.02


def test_unknown_and_early_events(client):
    found = kinds(stream(client, "unknown_events"))
    assert "simulated_event" in found
    assert found[-1] == "message_stop"
    assert kinds(stream(client, "early_events"))[:2] == ["simulated_notice", "message_start"]


@pytest.mark.parametrize("scenario", ["delta_bare", "delta_nulls"])
def test_a_delta_without_the_input_counts(client, shared, scenario):
    events = list(stream(client, scenario))
    delta = events[-2].usage
    assert (delta.input_tokens, delta.cache_read_input_tokens, delta.output_tokens) == (None, None, 60)
    assert ("input_tokens" in delta.to_dict()) == (scenario == "delta_nulls")
    assert shared.served[0].usage == shared.served[0].used
    with client.messages.stream(**ASK, extra_headers={"x-simulator-scenario": scenario}) as helper:
        assert helper.get_final_message().usage.input_tokens == 2


@pytest.mark.parametrize(
    ("scenario", "expected"),
    [
        ("usage_absent", "absent"),
        ("usage_null", None),
        ("usage_sparse", {"input_tokens": 2, "output_tokens": 60}),
    ],
)
def test_broken_usage_plain_and_streamed(client, shared, scenario, expected):
    headers = {"x-simulator-scenario": f"{scenario},output=60"}
    raw = client.messages.with_raw_response.create(**ASK, extra_headers=headers)
    assert raw.http_response.json().get("usage", "absent") == expected
    assert raw.parse().stop_reason == "end_turn"
    start = list(stream(client, scenario))[0]  # noqa: RUF015 - to its end, so that nothing is served later
    if expected is None or expected == "absent":
        assert not getattr(start.message, "usage", None)
        assert all(record.usage is None for record in shared.served)
    else:
        assert shared.served[0].usage == expected


def test_usage_of_wrong_types(client, shared):
    headers = {"x-simulator-scenario": "usage_wrong"}
    raw = client.messages.with_raw_response.create(**ASK, extra_headers=headers).http_response.json()
    assert raw["usage"]["output_tokens"] == "4"
    assert raw["usage"] == shared.served[0].usage
    assert list(stream(client, "usage_wrong"))[-1].type == "message_stop"


def test_another_stop_reason(client):
    headers = {"x-simulator-scenario": "stop=pause_turn"}
    assert client.messages.create(**ASK, extra_headers=headers).stop_reason == "pause_turn"
