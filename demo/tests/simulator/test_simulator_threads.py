"""Threads: the server holds the conversation, so each request brings the new messages and is billed for the whole."""

from __future__ import annotations

import pytest
from anthropic import Anthropic, BadRequestError, NotFoundError, beta_tool

from otel_claude_demo.simulator import Simulator
from otel_claude_demo.simulator.app import engine_of
from otel_claude_demo.simulator.prompt import prompt_tokens
from otel_claude_demo.simulator.threads import Threads

MODEL = "claude-sonnet-5-5"
ONE = {"role": "user", "content": "Say one word of three."}
TWO = {"role": "user", "content": "And now another word, please."}
SYSTEM = "You answer with one word, whatever is asked."


def thread_of(client: Anthropic):
    return client.beta.messages.thread(model=MODEL, max_tokens=300, system=SYSTEM)


def test_each_turn_is_billed_for_the_whole_conversation(client: Anthropic):
    thread = thread_of(client)
    first = thread.send(ONE)
    second = thread.send(TWO)
    held = [ONE, {"role": "assistant", "content": [block.to_dict() for block in first.content]}]
    assert first.usage.input_tokens == prompt_tokens({"system": SYSTEM, "messages": [ONE]})
    assert second.usage.input_tokens == prompt_tokens({"system": SYSTEM, "messages": [*held, TWO]})


def test_streamed_turns_are_held_too(client: Anthropic):
    thread = thread_of(client)
    with thread.stream(ONE) as stream:
        first = stream.get_final_message()
    second = thread.send(TWO)
    assert second.usage.input_tokens > first.usage.input_tokens + first.usage.output_tokens


def test_a_thread_uses_as_much_as_the_same_conversation_without_one(client: Anthropic):
    thread = thread_of(client)
    thread.send(ONE)
    with Simulator() as other:
        plain = client.with_options(base_url=other.url).beta.messages
        whole = plain.create(model=MODEL, max_tokens=300, system=SYSTEM, messages=[*thread.messages, TWO])
        threaded = thread.send(TWO)
    assert threaded.usage.input_tokens == whole.usage.input_tokens


def test_the_tool_runner_sends_its_tools_once_and_the_results_alone(client: Anthropic, shared: Simulator):
    given = []

    @beta_tool
    def get_weather(city: str) -> str:
        """Weather.

        Args:
            city: where
        """
        given.append(city)
        return "sunny"

    runner = client.beta.messages.tool_runner(model=MODEL, max_tokens=300, messages=[ONE], tools=[get_weather])
    final = runner.until_done()
    first, second = shared.served
    assert (len(given), final.stop_reason) == (1, "end_turn")
    assert [first.stop_reason, second.stop_reason] == ["tool_use", "end_turn"]
    assert second.usage["input_tokens"] > first.usage["input_tokens"] + first.usage["output_tokens"] / 2


def create(client: Anthropic, **thread: object):
    return client.beta.messages.create(model=MODEL, max_tokens=300, messages=[ONE], thread=thread)


def test_a_thread_that_is_not_there_is_not_found(client: Anthropic):
    with pytest.raises(NotFoundError) as refused:
        create(client, type="continue", previous_message_id="msg_none")
    assert refused.value.error_code == "thread_not_found"


def test_a_thread_goes_on_from_its_last_answer_alone(client: Anthropic):
    first = create(client, type="create")
    create(client, type="continue", previous_message_id=first.id)
    with pytest.raises(BadRequestError) as refused:
        create(client, type="continue", previous_message_id=first.id)
    assert refused.value.error_code == "thread_already_continued"


def test_a_thread_keeps_its_system_prompt(client: Anthropic):
    first = create(client, type="create")
    with pytest.raises(BadRequestError, match="system: the thread keeps what it was created with"):
        client.beta.messages.create(
            model=MODEL,
            max_tokens=300,
            messages=[TWO],
            system="another",
            thread={"type": "continue", "previous_message_id": first.id},
        )


def test_an_answer_outside_of_a_thread_is_not_held(client: Anthropic):
    alone = client.beta.messages.create(model=MODEL, max_tokens=300, messages=[ONE])
    with pytest.raises(NotFoundError):
        create(client, type="continue", previous_message_id=alone.id)


def test_a_lost_thread_is_played_again_by_the_sdk(client: Anthropic, shared: Simulator):
    thread = thread_of(client)
    thread.send(ONE)
    engine_of(shared.app).threads = Threads()
    thread.send(TWO)
    assert [record.status for record in shared.served] == [200, 404, 200]
