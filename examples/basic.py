"""One question, one answer."""

from anthropic import Anthropic

client = Anthropic()
message = client.messages.create(
    model="claude-sonnet-5-5",
    max_tokens=200,
    messages=[{"role": "user", "content": "Why is the sky blue? One sentence."}],
)
for block in message.content:
    if block.type == "text":
        print(block.text)
