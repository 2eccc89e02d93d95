"""Two streams: one read to its end, one left in the middle.

What the second one cost is not known to anybody but the bill, so it is reported as a lower bound and not as 0.
"""

from anthropic import Anthropic
from anthropic.types import MessageParam

client = Anthropic()
question: list[MessageParam] = [{"role": "user", "content": "Tell a story about a lighthouse, in five sentences."}]

with client.messages.stream(model="claude-sonnet-5-5", max_tokens=400, messages=question) as stream:
    for text in stream.text_stream:
        print(text, end="", flush=True)
print()

with client.messages.create(
    model="claude-sonnet-5-5",
    max_tokens=400,
    messages=question,
    stream=True,
    # Only the simulator knows this header: it writes slowly and at length. The API ignores it.
    extra_headers={"x-simulator-scenario": "slow=0.05,output=200"},
) as events:
    for event in events:
        if event.type == "content_block_delta":
            print("That is enough.")
            break
