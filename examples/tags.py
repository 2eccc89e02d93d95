"""Who spends it: tags of the program's own, on every metric and span of the calls made inside."""

from anthropic import Anthropic

import otel_claude

client = Anthropic()


def ask(text: str) -> None:
    """One call."""
    message = client.messages.create(
        model="claude-haiku-5-5", max_tokens=100, messages=[{"role": "user", "content": text}]
    )
    print(message.stop_reason)


@otel_claude.tags(feature="greeting")
def greet(tenant: str) -> None:
    """A feature, used by a tenant."""
    with otel_claude.tags(tenant=tenant):
        ask(f"Greet {tenant}.")


greet("acme")
greet("globex")
with otel_claude.tags(feature="search", tenant="acme"):
    ask("Find the lamp.")
