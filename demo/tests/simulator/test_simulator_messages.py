"""Answers, plain and streamed, as the real SDK reads them; what it read is what was recorded as served."""

from __future__ import annotations

import json

import pytest
from anthropic import Anthropic, AsyncAnthropic
from simulator_asked import ASK, HELLO, MODEL, SEARCH, WEATHER, scenario

from otel_claude_demo.simulator import MARKER, Simulator


def used(model) -> dict:
    """A usage object of the SDK as the JSON that it was made of."""
    return model.to_dict()


def test_a_plain_answer_says_exactly_what_was_recorded_as_served(shared: Simulator, client: Anthropic):
    message = client.messages.create(**ASK, **scenario("output=40"))
    assert used(message.usage) == {
        "input_tokens": 6,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "output_tokens": 40,
        "service_tier": "standard",
        "inference_geo": "global",
    }
    assert message.content[0].text.startswith(MARKER)
    assert len(message.content[0].text) == 160
    (record,) = shared.served
    assert record.usage == record.used == used(message.usage)
    assert (record.message_id, record.model, record.status) == (message.id, MODEL, 200)
    assert (record.outcome, record.stop_reason, record.scenario) == ("finished", "end_turn", "output=40")
    assert record.request_id == message._request_id
    assert record.key_hint == "sk-ant-api03-R2D...igAA"


def test_the_same_seed_gives_the_same_answers_plain_and_streamed():
    def answers(seed: int, *, stream: bool) -> list[tuple]:
        with Simulator(seed=seed) as running, Anthropic(base_url=running.url, api_key="k") as client:
            found = []
            for _ in range(2):
                if stream:
                    with client.messages.stream(**ASK) as events:
                        message = events.get_final_message()
                else:
                    message = client.messages.create(**ASK)
                found.append((message.id, message.content[0].text, used(message.usage)))
            return found

    plain = answers(1, stream=False)
    assert plain == answers(1, stream=False) == answers(1, stream=True)
    assert plain[0] != plain[1]
    assert plain != answers(2, stream=False)


def test_a_stream_has_the_recorded_shape(client: Anthropic):
    """Compared with `sync_messages_stream.json`, recorded from the API."""
    answer = client.messages.with_raw_response.create(**ASK, stream=True, **scenario("output=7"))
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["x-simulated"] == "otel-claude"
    body = answer.http_response.read().decode()
    assert body.startswith(
        'event: message_start\ndata: {"type":"message_start","message":{"model":"claude-sonnet-5-5","id"'
    )
    assert '\n\nevent: ping\ndata: {"type": "ping"}\n\n' in body
    frames = [frame.split("\ndata: ") for frame in body.strip().split("\n\n")]
    names = [frame[0].removeprefix("event: ") for frame in frames]
    deltas = names.count("content_block_delta")
    assert names == [
        "message_start",
        "content_block_start",
        "ping",
        *["content_block_delta"] * deltas,
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    events = [json.loads(frame[1]) for frame in frames]
    start = events[0]["message"]
    assert list(start) == [
        *("model", "id", "type", "role", "content", "stop_reason", "stop_sequence", "stop_details", "usage")
    ]
    assert start["content"] == []
    assert start["stop_reason"] is None
    assert 1 <= start["usage"].pop("output_tokens") <= 6
    assert list(start["usage"]) == [
        *("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "cache_creation"),
        *("service_tier", "inference_geo"),
    ]
    assert events[1] == {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    assert events[-2] == {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None, "stop_details": None},
        "usage": {
            "input_tokens": 6,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": 7,
        },
    }
    assert events[-1] == {"type": "message_stop"}


@pytest.mark.parametrize("seed", range(4))
def test_every_kind_of_stream_adds_up_to_its_plain_answer(client: Anthropic, shared: Simulator, seed: int):
    asks = {
        "thinking": {"thinking": {"type": "enabled", "budget_tokens": 1024}},
        "tools": {"tools": [WEATHER]},
        "search": {"tools": [SEARCH]},
        "fast": {"model": "claude-opus-5-5", "speed": "fast"},
        "cache": {"system": [{"type": "text", "text": f"{seed}" * 999, "cache_control": {"type": "ephemeral"}}]},
    }
    for ask in asks.values():
        with client.messages.stream(**{**ASK, **ask}) as stream:
            message = stream.get_final_message()
        final = used(message.usage)
        assert final == shared.served[-1].used == shared.served[-1].usage
        assert message.stop_reason == shared.served[-1].stop_reason


async def test_async_client_plain_stream_and_helper(shared: Simulator):
    async with AsyncAnthropic(base_url=shared.url, api_key="k") as client:
        plain = await client.messages.create(**ASK)
        events = [event async for event in await client.messages.create(**ASK, stream=True)]
        async with client.messages.stream(**ASK) as stream:
            final = await stream.get_final_message()
    assert [event.type for event in events][-2:] == ["message_delta", "message_stop"]
    served = [record.usage["output_tokens"] for record in shared.served]
    assert served == [plain.usage.output_tokens, events[-2].usage.output_tokens, final.usage.output_tokens]


def test_thinking_is_signed_counted_and_part_of_the_output(client: Anthropic):
    ask = {**ASK, "thinking": {"type": "adaptive"}}
    with client.messages.stream(**ask, **scenario("output=20")) as stream:
        kinds = [event.type for event in stream]
        message = stream.get_final_message()
    thinking, text = message.content
    assert {"thinking", "signature", "text"} <= set(kinds)
    assert thinking.thinking.startswith(MARKER)
    assert thinking.signature.endswith("==")
    tokens = message.usage.output_tokens_details.thinking_tokens
    assert tokens == len(thinking.thinking) / 4
    assert message.usage.output_tokens == tokens + 20
    assert text.text.startswith(MARKER)
    hidden = client.messages.create(**{**ask, "thinking": {"type": "adaptive", "display": "omitted"}})
    assert hidden.content[0].thinking == ""
    assert hidden.usage.output_tokens_details.thinking_tokens > 0


@pytest.mark.parametrize("stream", [False, True])
def test_max_tokens_is_never_exceeded(client: Anthropic, stream: bool):
    for limit in (0, 1, 3, 20, 60):
        for more in ({}, {"thinking": {"type": "adaptive"}}, {"tools": [WEATHER]}):
            ask = {**ASK, **more, "max_tokens": limit}
            if stream:
                with client.messages.stream(**ask) as events:
                    message = events.get_final_message()
            else:
                message = client.messages.create(**ask)
            assert message.usage.output_tokens <= limit
            if message.usage.output_tokens == limit and message.stop_reason != "tool_use":
                assert message.stop_reason == "max_tokens"
    assert client.messages.create(**{**ASK, "max_tokens": 0}).content == []


def test_stop_sequences_end_the_text(client: Anthropic):
    message = client.messages.create(**ASK, stop_sequences=["] "])
    assert (message.stop_reason, message.stop_sequence) == ("stop_sequence", "] ")
    assert message.content[0].text == "[simulated"
    assert message.usage.output_tokens == 3


def test_refusals_before_and_after_output(client: Anthropic, shared: Simulator):
    early = client.messages.create(**ASK, **scenario("refusal"))
    assert (early.stop_reason, early.content, early.usage.output_tokens) == ("refusal", [], 0)
    assert early.stop_details.category == "cyber"
    assert early.usage.input_tokens == 6
    late = client.messages.create(**ASK, **scenario("refusal=late,output=9"))
    assert (late.stop_reason, late.usage.output_tokens) == ("refusal", 9)
    beta = client.beta.messages.create(**ASK, betas=["fallback-credit-2026-06-01"], **scenario("refusal"))
    assert beta.stop_details.fallback_credit_token.startswith("fct_")


def test_tier_speed_geo_and_ids(client: Anthropic):
    def usage(**ask):
        return used(client.messages.create(**{**ASK, **ask}).usage)

    assert usage(model="claude-opus-5-5", speed="fast")["speed"] == "fast"
    assert usage(model="claude-opus-4-6", speed="fast")["speed"] == "standard"
    assert "speed" not in usage()
    assert usage(inference_geo="us")["inference_geo"] == "us"
    assert usage(**scenario("us"))["inference_geo"] == "us"
    assert usage(model="claude-haiku-4-5")["inference_geo"] == "not_available"
    assert usage(**scenario("priority"))["service_tier"] == "priority"
    assert client.messages.create(**{**ASK, "model": "claude-haiku-4-5"}).model == "claude-haiku-4-5-20251001"


def test_count_tokens_is_what_the_answer_bills(client: Anthropic):
    ask = {"model": MODEL, "messages": HELLO, "system": "Be brief.", "tools": [WEATHER]}
    counted = client.messages.count_tokens(**ask).input_tokens
    assert counted == client.messages.create(**ask, max_tokens=50).usage.input_tokens
    assert client.beta.messages.count_tokens(**ask).input_tokens == counted


def test_models_are_listed(client: Anthropic):
    ids = [model.id for model in client.models.list()]
    assert "claude-sonnet-5-5" in ids
    assert client.models.retrieve("claude-haiku-4-5").display_name == "Claude Haiku 4.5"
