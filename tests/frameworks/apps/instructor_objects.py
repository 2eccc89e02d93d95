"""Answers as objects: one, a list as it comes, and one from an event loop."""

import asyncio

import instructor
from pydantic import BaseModel


class Bird(BaseModel):
    """A bird."""

    name: str
    height_in_cm: int


MODEL = "anthropic/claude-haiku-5-5"
ASK = [{"role": "user", "content": "Describe a heron."}]


async def main():
    client = instructor.from_provider(MODEL, async_client=True)
    print(await client.create(response_model=Bird, messages=ASK, max_tokens=500))


client = instructor.from_provider(MODEL)
print(client.create(response_model=Bird, messages=ASK, max_tokens=500))
bird, answer = client.create_with_completion(response_model=Bird, messages=ASK, max_tokens=500)
print(bird, answer.usage)
for partial in client.create_partial(response_model=Bird, messages=ASK, max_tokens=500):
    print(partial)
asyncio.run(main())
