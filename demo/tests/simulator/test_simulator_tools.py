"""Tools of the application and of the API, and structured outputs."""

from __future__ import annotations

import pytest
from anthropic import Anthropic, beta_tool
from pydantic import BaseModel
from simulator_asked import ASK, HELLO, SEARCH, WEATHER, scenario

from otel_claude_demo.simulator import MARKER, Simulator


def test_the_first_tool_is_called_and_its_result_answered_with_text(client: Anthropic):
    message = client.messages.create(**ASK, tools=[WEATHER])
    text, call = message.content
    assert message.stop_reason == "tool_use"
    assert text.text.startswith(MARKER)
    assert call.name == "get_weather"
    assert set(call.input) == {"city", "unit"}
    turn = [
        *HELLO,
        {"role": "assistant", "content": message.content},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "sunny"}]},
    ]
    last = client.messages.create(**{**ASK, "messages": turn}, tools=[WEATHER])
    assert (last.stop_reason, [block.type for block in last.content]) == ("end_turn", ["text"])


def test_tool_choice_is_obeyed(client: Anthropic):
    tools = [WEATHER, {"name": "other", "input_schema": {"type": "object", "properties": {}}}]
    forced = client.messages.create(**ASK, tools=tools, tool_choice={"type": "tool", "name": "other"})
    assert [(block.type, block.name, block.input) for block in forced.content] == [("tool_use", "other", {})]
    none = client.messages.create(**ASK, tools=tools, tool_choice={"type": "none"})
    assert [block.type for block in none.content] == ["text"]


def test_tool_runner_runs_its_tool_once_and_ends(client: Anthropic, shared: Simulator):
    calls = []

    @beta_tool
    def get_weather(city: str, days: int = 1) -> str:
        """Weather.

        Args:
            city: where
            days: how many
        """
        calls.append((city, days))
        return "sunny"

    runner = client.beta.messages.tool_runner(**ASK, tools=[get_weather])
    final = runner.until_done()
    assert final.stop_reason == "end_turn"
    assert len(calls) == 1
    assert [record.stop_reason for record in shared.served] == ["tool_use", "end_turn"]


class City(BaseModel):
    name: str
    population: int
    twins: list[str]
    ratio: float | None
    nested: Twin | None = None


class Twin(BaseModel):
    since: int
    partner: City | None = None


City.model_rebuild()


@pytest.mark.parametrize("face", ["messages", "beta"])
def test_parse_gets_an_object_of_the_type_asked(client: Anthropic, face: str):
    resource = client.messages if face == "messages" else client.beta.messages
    message = resource.parse(**{**ASK, "max_tokens": 4000}, output_format=City)
    assert isinstance(message.parsed_output, City)
    with resource.stream(**{**ASK, "max_tokens": 4000}, output_format=City) as stream:
        assert isinstance(stream.get_final_message().parsed_output, City)


def test_web_search_bills_its_results_as_input_of_the_next_turn(client: Anthropic):
    with client.messages.stream(**ASK, tools=[SEARCH], **scenario("searches=2,output=10")) as stream:
        started = next(event for event in stream if event.type == "message_start").message.usage.input_tokens
        message = stream.get_final_message()
    assert [block.type for block in message.content] == [
        *["server_tool_use", "web_search_tool_result"] * 2,
        "text",
    ]
    assert message.content[1].content[0].url == "https://example.com/0"
    assert message.usage.server_tool_use.to_dict() == {"web_search_requests": 2, "web_fetch_requests": 0}
    assert message.usage.input_tokens > 3 * started


@pytest.mark.parametrize(
    ("tool", "field", "block"),
    [
        ({"type": "web_fetch_20260209", "name": "web_fetch"}, "web_fetch_requests", "web_fetch_tool_result"),
        (
            {"type": "code_execution_20260120", "name": "code_execution"},
            "code_execution_requests",
            "code_execution_tool_result",
        ),
    ],
)
def test_other_server_tools(client: Anthropic, tool: dict, field: str, block: str):
    message = client.messages.create(**ASK, tools=[tool])
    assert message.content[1].type == block
    assert message.usage.server_tool_use.to_dict()[field] == 1
