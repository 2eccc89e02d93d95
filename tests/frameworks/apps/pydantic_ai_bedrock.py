"""An agent on Bedrock with a tool, asked and streamed, and a conversation whose instructions are cached."""

import asyncio

from pydantic_ai import Agent
from pydantic_ai.models.bedrock import BedrockModelSettings

agent = Agent(
    "bedrock:global.anthropic.claude-haiku-5-5",
    instructions="You answer questions of visitors about the heron colony. " * 20,
    model_settings=BedrockModelSettings(bedrock_cache_instructions=True, max_tokens=400),
)


@agent.tool_plain
def count_birds(lake: str) -> str:
    """Count the birds that were seen at a lake today."""
    return f"Seven herons at {lake}."


async def main():
    async with agent.run_stream("What does a heron eat?") as result:
        async for text in result.stream_text():
            print(text)


print(agent.run_sync("How many herons are at the lake?").output)
asyncio.run(main())
