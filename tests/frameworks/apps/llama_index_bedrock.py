"""A completion, a chat, a stream, and both from an event loop."""

import asyncio

from llama_index.core.llms import ChatMessage
from llama_index.llms.bedrock_converse import BedrockConverse

llm = BedrockConverse(model="global.anthropic.claude-haiku-4-5-20251001-v1:0", max_tokens=300)
messages = [ChatMessage(role="user", content="What does a heron eat?")]


async def main():
    print((await llm.achat(messages)).message.content)
    async for piece in await llm.astream_chat(messages):
        print(piece.delta, end="")


print(llm.complete("A heron is").text)
print(llm.chat(messages).message.content)
for piece in llm.stream_chat(messages):
    print(piece.delta, end="")
asyncio.run(main())
