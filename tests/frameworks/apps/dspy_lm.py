"""DSPy's language model: a question, and one from an event loop."""

import asyncio

import dspy

lm = dspy.LM("anthropic/claude-haiku-5-5", max_tokens=300, cache=False)
dspy.configure(lm=lm)

print(lm("What does a heron eat?"))
print(asyncio.run(lm.acall("What does a heron eat?")))
