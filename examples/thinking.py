"""An answer after some thought. Thinking is part of the output tokens, and counted by itself too."""

from anthropic import Anthropic

client = Anthropic()
with client.messages.stream(
    model="claude-opus-5-5",
    max_tokens=4_000,
    thinking={"type": "adaptive"},
    messages=[{"role": "user", "content": "How many squares are there on a chessboard, of all sizes?"}],
) as stream:
    message = stream.get_final_message()
for block in message.content:
    print(block.type)
