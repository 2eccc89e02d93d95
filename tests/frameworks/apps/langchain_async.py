"""The same from an event loop."""

import asyncio

from langchain_anthropic import ChatAnthropic


async def main():
    model = ChatAnthropic(model="claude-haiku-5-5", max_tokens=300)
    print((await model.ainvoke("What does a heron eat?")).content)
    async for chunk in model.astream("Describe a heron in flight."):
        print(chunk.content, end="")
    print(len(await model.abatch(["Is a heron a stork?", "Is a heron a crane?"])))
    async for event in model.astream_events("How old does a heron get?"):
        print(event["event"])


asyncio.run(main())
