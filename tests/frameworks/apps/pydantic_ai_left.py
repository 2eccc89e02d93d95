"""A stream that is left after its first piece, and a request that the API refuses."""

import asyncio

from pydantic_ai import Agent
from pydantic_ai.exceptions import ModelHTTPError

agent = Agent("anthropic:claude-haiku-5-5")


async def main():
    async with agent.run_stream("Tell a long story about a heron.") as result:
        async for text in result.stream_text(delta=True, debounce_by=None):
            print(text)
            break
    try:
        await agent.run("Is a heron a bird?", model_settings={"max_tokens": -1})
    except ModelHTTPError as error:
        print(error)


asyncio.run(main())
