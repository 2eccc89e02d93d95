"""Batches: queued, ended, cancelled, expired; their results at the batch tier."""

from __future__ import annotations

import anthropic
import pytest
from anthropic import Anthropic, AsyncAnthropic


def request(name: str, model: str = "claude-sonnet-5-5+output=30") -> dict:
    params = {"model": model, "max_tokens": 50, "messages": [{"role": "user", "content": name * 8}]}
    return {"custom_id": name, "params": params}


def create(client: Anthropic, *requests: dict, delay: float | None = None):
    headers = {"x-simulator-scenario": f"batch_delay={delay}"} if delay is not None else {}
    return client.messages.batches.create(requests=list(requests), extra_headers=headers)


def results(client: Anthropic, batch) -> dict:
    return {line.custom_id: line.result for line in client.messages.batches.results(batch.id)}


def test_a_batch_without_delay_has_ended_when_it_is_made(fresh_client: Anthropic, simulator):
    requests = [
        request("a"),
        request("b", "claude-haiku-4-5"),
        request("bad", "claude-sonnet-5-5+overloaded"),
        request("wrong", "gpt"),
        request("late", "claude-sonnet-5-5+batch_expired"),
    ]
    batch = create(fresh_client, *requests)
    assert batch.processing_status == "ended"
    assert batch.request_counts.to_dict() == {
        "processing": 0,
        "succeeded": 2,
        "errored": 2,
        "canceled": 0,
        "expired": 1,
    }
    found = results(fresh_client, batch)
    assert {name: result.type for name, result in found.items()} == {
        "a": "succeeded",
        "b": "succeeded",
        "bad": "errored",
        "wrong": "errored",
        "late": "expired",
    }
    assert found["a"].message.usage.to_dict() == {
        "input_tokens": 2,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "output_tokens": 30,
        "service_tier": "batch",
        "inference_geo": "global",
    }
    assert found["b"].message.model == "claude-haiku-4-5-20251001"
    assert found["bad"].error.error.type == "overloaded_error"
    assert found["wrong"].error.error.type == "not_found_error"
    items = [record for record in simulator.served if record.platform == "batch"]
    assert [record.usage and record.usage["service_tier"] for record in items] == ["batch", "batch", None, None]
    assert [total.service_tier for total in simulator.served.totals()] == ["batch", "batch"]


def test_reading_results_again_serves_nothing_more(fresh_client: Anthropic, simulator):
    batch = create(fresh_client, request("a"))
    first, again = results(fresh_client, batch), results(fresh_client, batch)
    assert first["a"].message.id == again["a"].message.id
    (total,) = simulator.served.totals()
    assert (total.answers, total.output) == (1, 30)


def test_a_delayed_batch_ends_by_the_clock(fresh_client: Anthropic, clock):
    batch = create(fresh_client, request("a"), delay=60)
    assert (batch.processing_status, batch.results_url) == ("in_progress", None)
    assert batch.request_counts.processing == 1
    with pytest.raises(anthropic.AnthropicError, match="results_url"):
        fresh_client.messages.batches.results(batch.id)
    with pytest.raises(anthropic.BadRequestError, match="has not ended"):
        fresh_client.messages.batches.delete(batch.id)
    clock.now += 61
    ended = fresh_client.messages.batches.retrieve(batch.id)
    assert (ended.processing_status, ended.request_counts.succeeded) == ("ended", 1)
    assert (ended.ended_at - ended.created_at).total_seconds() == 61
    assert list(results(fresh_client, batch)) == ["a"]
    assert fresh_client.messages.batches.delete(batch.id).type == "message_batch_deleted"
    with pytest.raises(anthropic.NotFoundError):
        fresh_client.messages.batches.retrieve(batch.id)


def test_a_cancelled_batch(fresh_client: Anthropic, simulator):
    batch = create(fresh_client, request("a"), request("b"), delay=60)
    cancelled = fresh_client.messages.batches.cancel(batch.id)
    assert (cancelled.processing_status, cancelled.cancel_initiated_at) == ("canceling", cancelled.created_at)
    ended = fresh_client.messages.batches.retrieve(batch.id)
    assert (ended.processing_status, ended.request_counts.canceled) == ("ended", 2)
    assert {result.type for result in results(fresh_client, batch).values()} == {"canceled"}
    assert simulator.served.totals() == ()


def test_a_batch_that_takes_more_than_a_day_expires(fresh_client: Anthropic, clock):
    batch = create(fresh_client, request("a"), delay=100_000)
    clock.now += 86_401
    assert results(fresh_client, batch)["a"].type == "expired"


async def test_the_list_is_paged_newest_first(fresh_client: Anthropic, simulator):
    made = [create(fresh_client, request("a")).id for _ in range(5)]
    assert [batch.id for batch in fresh_client.messages.batches.list(limit=2)] == made[::-1]
    assert [batch.id for batch in fresh_client.messages.batches.list(before_id=made[2], limit=1)] == made[3:]
    async with AsyncAnthropic(base_url=simulator.url, api_key="k") as client:
        assert [batch.id async for batch in client.beta.messages.batches.list(limit=3)] == made[::-1]
        lines = [line async for line in await client.messages.batches.results(made[0])]
    assert [line.custom_id for line in lines] == ["a"]


def test_wrong_batches(fresh_client: Anthropic):
    with pytest.raises(anthropic.BadRequestError, match="requests"):
        create(fresh_client)
    with pytest.raises(anthropic.BadRequestError, match="custom_id has to be unique"):
        create(fresh_client, request("a"), request("a"))
    with pytest.raises(anthropic.BadRequestError, match="limit"):
        fresh_client.messages.batches.list(limit=0)
    with pytest.raises(anthropic.OverloadedError):
        fresh_client.with_options(max_retries=0).messages.batches.create(
            requests=[request("a")], extra_headers={"x-simulator-scenario": "overloaded"}
        )
