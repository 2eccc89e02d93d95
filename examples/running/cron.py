"""A job of one call, as cron or a Kubernetes CronJob starts it.

opentelemetry-instrument python examples/running/cron.py
"""

import anthropic

message = anthropic.Anthropic().messages.create(
    model="claude-sonnet-5-5",
    max_tokens=300,
    messages=[{"role": "user", "content": "Name one thing to check on a server each night."}],
)
print(next(block.text for block in message.content if block.type == "text"))
