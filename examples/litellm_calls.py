"""LiteLLM: a completion, a stream, and one from an event loop. The anthropic SDK is not needed."""

import asyncio

import litellm

MODEL = "anthropic/claude-haiku-5-5"
ASK = [{"role": "user", "content": "What does a heron eat? One sentence."}]

print(litellm.completion(model=MODEL, messages=ASK, max_tokens=200).choices[0].message.content)
for chunk in litellm.completion(model=MODEL, messages=ASK, max_tokens=200, stream=True):
    print(chunk.choices[0].delta.content or "", end="", flush=True)
print()
print(asyncio.run(litellm.acompletion(model=MODEL, messages=ASK, max_tokens=200)).choices[0].message.content)
