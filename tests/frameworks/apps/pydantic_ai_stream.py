"""Streams of text and of events, and several runs at once."""

import asyncio

from pydantic_ai import Agent

agent = Agent("anthropic:claude-haiku-5-5")


async def main():
    async with agent.run_stream("Describe a heron in flight.") as result:
        async for text in result.stream_text(delta=True):
            print(text, end="")
    async with agent.run_stream_events("What does a heron eat?") as events:
        async for event in events:
            print(event)
    runs = [agent.run("Is a heron a stork?"), agent.run("Is a heron a crane?")]
    print(len(await asyncio.gather(*runs)))


asyncio.run(main())
print(list(agent.run_stream_sync("How old does a heron get?").stream_text(delta=True)))
