"""The beta's iterations: what top-level usage has of them and what it leaves out."""

from __future__ import annotations

import pytest
from anthropic import Anthropic, BetaRefusalFallbackMiddleware

from otel_claude_demo.simulator import Simulator

ASK = {
    "model": "claude-fable-5",
    "max_tokens": 2_000,
    "messages": [{"role": "user", "content": "Say hello in one word."}],
}
SEARCH = {"type": "web_search_20260209", "name": "web_search"}
FIELDS = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")


def answer(client: Anthropic, scenario: str, *, stream: bool, **more):
    headers = {"x-simulator-scenario": scenario}
    if not stream:
        return client.beta.messages.create(**ASK, **more, extra_headers=headers)
    with client.beta.messages.stream(**ASK, **more, extra_headers=headers) as events:
        return events.get_final_message()


def summed(usage, *kinds: str) -> dict[str, int]:
    entries = [entry.to_dict() for entry in usage.iterations if entry.type in kinds]
    return {field: sum(entry[field] for entry in entries) for field in FIELDS}


def top(usage) -> dict[str, int]:
    return {field: usage.to_dict()[field] for field in FIELDS}


@pytest.mark.parametrize("stream", [False, True])
class TestIterations:
    def test_compaction_is_not_in_the_top_level(self, client: Anthropic, shared: Simulator, stream: bool):
        message = answer(client, "compaction", stream=stream)
        assert [entry.type for entry in message.usage.iterations] == ["compaction", "message"]
        assert message.content[0].type == "compaction"
        assert message.content[0].content.startswith("[simulated] ")
        assert top(message.usage) == summed(message.usage, "message")
        assert message.usage.iterations[0].input_tokens > 2_000
        assert shared.served[-1].usage["iterations"] == [entry.to_dict() for entry in message.usage.iterations]

    def test_an_advisor_uses_its_own_model_s_tokens(self, client: Anthropic, stream: bool):
        tool = {"type": "advisor_20260301", "name": "advisor", "model": "claude-opus-5-5"}
        message = answer(client, "", stream=stream, tools=[tool])
        usage = message.usage
        assert [entry.type for entry in usage.iterations] == ["message", "advisor_message", "message"]
        assert usage.iterations[1].model == "claude-opus-5-5"
        assert top(usage) == summed(usage, "message")
        assert message.content[1].type == "advisor_tool_result"

    def test_a_fallback_serves_what_the_asked_model_declined(self, client: Anthropic, stream: bool):
        message = answer(client, "fallback=claude-opus-4-8", stream=stream)
        declined, served = message.usage.iterations
        assert (declined.type, declined.model, declined.output_tokens) == ("message", "claude-fable-5", 0)
        assert (served.type, served.model) == ("fallback_message", "claude-opus-4-8")
        assert message.model == "claude-opus-4-8"
        assert message.content[0].to.model == "claude-opus-4-8"
        assert top(message.usage) == summed(message.usage, "fallback_message")

    def test_a_late_decline_has_output_of_its_own(self, client: Anthropic, stream: bool):
        message = answer(client, "fallback_late", stream=stream)
        assert message.usage.iterations[0].output_tokens == 12
        assert top(message.usage) == summed(message.usage, "fallback_message")

    def test_a_refusal_with_fallbacks_is_served_by_the_first(self, client: Anthropic, stream: bool):
        named = [{"model": "claude-haiku-4-5"}, {"model": "claude-opus-5"}]
        for play, output in (("refusal", 0), ("refusal=late", 12)):
            message = answer(client, play, stream=stream, fallbacks=named)
            assert (message.model, message.stop_reason) == ("claude-haiku-4-5-20251001", "end_turn")
            assert [entry.type for entry in message.usage.iterations] == ["message", "fallback_message"]
            assert message.usage.iterations[0].output_tokens == output

    def test_a_server_tool_loop_is_the_sum_of_its_turns(self, client: Anthropic, stream: bool):
        message = answer(client, "iterations,searches=2", stream=stream, tools=[SEARCH])
        assert [entry.type for entry in message.usage.iterations] == ["message"] * 3
        assert top(message.usage) == summed(message.usage, "message")

    def test_a_fallback_credit_is_redeemed_or_not(self, client: Anthropic, stream: bool):
        token = {"fallback_credit_token": "fct_x"}
        redeemed = answer(client, "", stream=stream, **token).usage.fallback_credit
        assert redeemed.status.type == "redeemed"
        refused = answer(client, "credit_not_applied", stream=stream, **token).usage.fallback_credit
        assert (refused.status.type, refused.status.reason) == ("not_applied", "expired")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("play", ["refusal", "refusal=late"])
def test_the_sdk_s_own_fallback_goes_on_with_the_next_model(client: Anthropic, shared: Simulator, stream, play):
    middleware = BetaRefusalFallbackMiddleware([{"model": "claude-opus-4-8"}])
    falling_back = client.with_middleware(middleware)
    ask = {**ASK, "model": f"claude-fable-5+{play}"}
    if stream:
        with falling_back.beta.messages.stream(**ask) as events:
            message = events.get_final_message()
    else:
        message = falling_back.beta.messages.create(**ask)
    assert (message.model, message.stop_reason) == ("claude-opus-4-8", "end_turn")
    assert [(record.model, record.stop_reason) for record in shared.served] == [
        ("claude-fable-5", "refusal"),
        ("claude-opus-4-8", "end_turn"),
    ]
    assert message.usage.fallback_credit.status.type == "redeemed"
    assert shared.served[-1].usage["output_tokens"] == message.usage.output_tokens


def test_totals_count_iterations_at_their_own_model(client: Anthropic, shared: Simulator):
    usage = answer(client, "advisor=claude-opus-5-5", stream=False).usage
    totals = {total.model: total for total in shared.served.totals()}
    assert set(totals) == {"claude-fable-5", "claude-opus-5-5"}
    assert totals["claude-opus-5-5"].output == usage.iterations[1].output_tokens
    assert totals["claude-fable-5"].output == usage.output_tokens
    assert (totals["claude-fable-5"].answers, totals["claude-opus-5-5"].answers) == (1, 0)
