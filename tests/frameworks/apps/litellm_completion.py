"""LiteLLM's own ways to Claude: a completion, a stream, one from an event loop, its Messages endpoint. Then the SDK."""

import asyncio

import anthropic

import litellm

MODEL = "anthropic/claude-haiku-5-5"
ASK = [{"role": "user", "content": "What does a heron eat?"}]


async def main():
    print((await litellm.acompletion(model=MODEL, messages=ASK, max_tokens=300)).usage)
    print(await litellm.anthropic.messages.acreate(model=MODEL, messages=ASK, max_tokens=300))


print(litellm.completion(model=MODEL, messages=ASK, max_tokens=300).usage)
for piece in litellm.completion(model=MODEL, messages=ASK, max_tokens=300, stream=True):
    print(piece.choices[0].delta.content)
asyncio.run(main())

client = anthropic.Anthropic()
print(client.messages.create(model="claude-haiku-5-5", messages=ASK, max_tokens=1000).usage)
