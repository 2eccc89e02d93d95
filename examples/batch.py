"""A batch at half the price: created, waited for, read. The real API can take an hour for it."""

import time

from anthropic import Anthropic

client = Anthropic()
batch = client.messages.batches.create(
    requests=[
        {
            "custom_id": city,
            "params": {
                "model": "claude-haiku-5-5",
                "max_tokens": 100,
                "messages": [{"role": "user", "content": f"Describe {city} in one sentence."}],
            },
        }
        for city in ("Lisbon", "Nairobi", "Osaka")
    ]
)
while batch.processing_status != "ended":
    time.sleep(5)
    batch = client.messages.batches.retrieve(batch.id)
for line in client.messages.batches.results(batch.id):
    print(f"{line.custom_id}: {line.result.type}")
