"""A long text that is cached for an hour, and questions about it from an event loop."""

import asyncio

from llama_index.core.llms import CacheControl, CachePoint, ChatMessage, TextBlock
from llama_index.llms.anthropic import Anthropic

llm = Anthropic(model="claude-haiku-5-5", max_tokens=300)


def asking(question):
    """LlamaIndex leaves a `CachePoint` of a system message out, so the text is the user's."""
    text = TextBlock(text="The heron colony at the lake has been counted each spring. " * 20)
    cached = CachePoint(cache_control=CacheControl(type="ephemeral", ttl="1h"))
    return [ChatMessage(role="user", blocks=[text, cached, TextBlock(text=question)])]


async def main():
    for question in ("What does a heron eat?", "How old does a heron get?"):
        print((await llm.achat(asking(question))).message.content)
    async for piece in await llm.astream_chat(asking("Where does a heron nest?")):
        print(piece.delta, end="")


asyncio.run(main())
