"""A completion, a chat, and streams of both."""

from llama_index.core.llms import ChatMessage
from llama_index.llms.anthropic import Anthropic

llm = Anthropic(model="claude-haiku-5-5", max_tokens=300)
messages = [ChatMessage(role="user", content="What does a heron eat?")]

print(llm.complete("A heron is").text)
print(llm.chat(messages).message.content)
for piece in llm.stream_complete("Describe a heron in flight."):
    print(piece.delta, end="")
for piece in llm.stream_chat(messages):
    print(piece.delta, end="")
