"""What only some versions have: parsed answers that do not validate, compaction, tools that stream."""

import pytest
from pydantic import BaseModel, ValidationError
from support import api
from support.library import VERSION
from support.server import either, plain
from support.shapes import ARGS


class Answer(BaseModel):
    number: int


def totals(telemetry):
    return {name: sum(points.values()) for name, points in telemetry.metrics().items() if name.endswith("_tokens")
            and "usage" in name}  # fmt: skip


@pytest.mark.filterwarnings("ignore:.*output_format:DeprecationWarning")
@pytest.mark.parametrize("beta", [False, True])
async def test_an_answer_that_does_not_validate_is_billed(telemetry, face, beta, quiet):
    client = face(plain())
    messages = client.client.beta.messages if beta else client.client.messages
    if not hasattr(messages, "parse"):
        pytest.skip(f"anthropic {VERSION} has no parse")
    with pytest.raises(ValidationError):
        await client.wait(messages.parse(**ARGS, output_format=Answer))
    found = totals(telemetry)
    assert found["gen_ai.client.inference.usage.input_tokens"] == 1110
    assert found["gen_ai.client.inference.usage.output_tokens"] == 50
    ((key, count),) = telemetry.metrics()["claude.client.calls"].items()
    assert (dict(key)["error.type"], count) == ("client_error", 1)
    assert telemetry.span.attributes["claude.cost.status"] == "exact"
    assert telemetry.span.status.status_code.name == "ERROR"
    assert api.COMPLETION not in telemetry.span.to_json()


async def test_compaction_is_billed_though_the_top_level_leaves_it_out(telemetry, face, quiet):
    none = {"cache_read_input_tokens": 0, "cache_creation_input_tokens": 0}
    usage = {
        **none, "input_tokens": 10, "output_tokens": 50, "service_tier": "standard",
        "iterations": [
            {"type": "compaction", **none, "input_tokens": 300, "output_tokens": 20},
            {"type": "message", **none, "input_tokens": 10, "output_tokens": 50},
        ],
    }  # fmt: skip
    client = face(plain(api.message(usage)))
    await client.wait(client.client.beta.messages.create(**ARGS))
    found = totals(telemetry)
    assert found["gen_ai.client.inference.usage.input_tokens"] == 310
    assert found["gen_ai.client.inference.usage.output_tokens"] == 70
    assert telemetry.span.attributes["gen_ai.usage.cost.amount"] == (310 * 3 + 70 * 15) / 1e6
    assert telemetry.span.attributes["claude.cost.status"] == "exact"


async def test_tool_runner_that_streams(telemetry, face, kind, tracing, quiet):
    client = face(either())
    if not hasattr(client.client.beta.messages, "tool_runner"):
        pytest.skip(f"anthropic {VERSION} has no tool runner")
    runner = client.client.beta.messages.tool_runner(**ARGS, tools=[], stream=True)
    if kind == "async":
        async for turn in runner:
            await turn.get_final_message()
    else:
        for turn in runner:
            turn.get_final_message()
    await client.resolve()
    found = totals(telemetry)
    assert found["gen_ai.client.inference.usage.output_tokens"] == 50
    name = "chat" if tracing == "ours" else "anthropic.messages.create"
    assert len([span for span in telemetry.spans if span.name.startswith(name)]) == 1
