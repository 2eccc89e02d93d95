"""Tags around an agent whose tool asks by the SDK, in the thread that Pydantic AI runs plain functions in."""

import asyncio

import anthropic
from pydantic_ai import Agent

from otel_claude import tags

client = anthropic.Anthropic()
agent = Agent("anthropic:claude-haiku-5-5")


@agent.tool_plain
def count_birds(lake: str) -> str:
    """Count the birds that were seen at a lake today."""
    question = {"role": "user", "content": f"How many herons live at {lake}?"}
    return client.messages.create(model="claude-haiku-5-5", max_tokens=1500, messages=[question]).content[0].text


with tags(feature="sync"):
    print(agent.run_sync("How many herons are there?").output)


@tags(feature="async")
async def main():
    colleague = Agent("anthropic:claude-haiku-5-5")
    await asyncio.gather(colleague.run("Is a heron a stork?"), colleague.run("Is a heron a crane?"))


asyncio.run(main())
