"""Several calls at the same time."""

import asyncio

from anthropic import AsyncAnthropic

CITIES = ("Lisbon", "Nairobi", "Osaka", "Quito")


async def describe(client: AsyncAnthropic, city: str) -> str:
    """One sentence about a city."""
    message = await client.messages.create(
        model="claude-haiku-5-5",
        max_tokens=100,
        messages=[{"role": "user", "content": f"Describe {city} in one sentence."}],
    )
    return "".join(block.text for block in message.content if block.type == "text")


async def main() -> None:
    """Asks about all cities at once."""
    async with AsyncAnthropic() as client:
        for city, text in zip(CITIES, await asyncio.gather(*(describe(client, city) for city in CITIES)), strict=True):
            print(f"{city}: {text}")


asyncio.run(main())
