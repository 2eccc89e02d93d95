"""What every program here does: ask Claude. Who asks, and which call it is, makes each call cost something else."""

import anthropic

MODEL = "claude-sonnet-5-5"


def ask(times, who=0):
    client = anthropic.Anthropic()
    for call in range(times):
        question = "Sum up what the fleet did. " * (1 + 10 * who + call)
        client.messages.create(model=MODEL, max_tokens=500, messages=[{"role": "user", "content": question}])
