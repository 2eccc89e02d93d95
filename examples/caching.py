"""A long prompt, asked about three times. The first call writes it to the cache, the others read it.

Writing costs more than plain input, reading a fraction of it: the summary says whether it paid.
"""

from anthropic import Anthropic

# Longer than what any model wants before it caches.
MANUAL = "\n".join(
    f"Step {number}: turn wheel {number % 17} until gauge {number % 23} shows {number}." for number in range(500)
)
QUESTIONS = ("Which wheel does step 7 turn?", "Which gauge does step 40 watch?", "What comes after step 99?")

client = Anthropic()
for question in QUESTIONS:
    message = client.messages.create(
        model="claude-sonnet-5-5",
        max_tokens=200,
        system=[{"type": "text", "text": MANUAL, "cache_control": {"type": "ephemeral"}}],
        messages=[{"role": "user", "content": question}],
    )
    usage = message.usage
    print(f"{question} (written {usage.cache_creation_input_tokens}, read {usage.cache_read_input_tokens})")
