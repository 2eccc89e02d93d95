"""Tags and a span around an agent whose tool asks by the SDK: Pydantic AI runs plain functions in a thread."""

import asyncio

import anthropic
from opentelemetry import trace
from pydantic_ai import Agent

from otel_claude import tags

client = anthropic.Anthropic()
agent = Agent("anthropic:claude-haiku-5-5")


@agent.tool_plain
def count_birds(lake: str) -> str:
    """Count the birds that were seen at a lake today."""
    question = {"role": "user", "content": f"How many herons live at {lake}?"}
    return client.messages.create(model="claude-haiku-5-5", max_tokens=1500, messages=[question]).content[0].text


@tags(feature="async")
async def main():
    colleague = Agent("anthropic:claude-haiku-5-5")
    await asyncio.gather(colleague.run("Is a heron a stork?"), colleague.run("Is a heron a crane?"))


with trace.get_tracer(__name__).start_as_current_span("visit"):
    with tags(feature="sync"):
        print(agent.run_sync("How many herons are there?").output)
    asyncio.run(main())
