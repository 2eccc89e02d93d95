"""What goes wrong: an attempt that the SDK retries by itself, and a call that is refused.

The retry does not show in the program. It does in `claude.client.attempts`, with what blocked it.
"""

from anthropic import Anthropic, NotFoundError

client = Anthropic()

message = client.messages.create(
    model="claude-haiku-5-5",
    max_tokens=100,
    messages=[{"role": "user", "content": "Say hello."}],
    # Only the simulator knows this header: it is overloaded once. The API ignores it.
    extra_headers={"x-simulator-scenario": "overloaded=1"},
)
print(message.stop_reason)

try:
    client.messages.create(model="no-such-model", max_tokens=100, messages=[{"role": "user", "content": "Say hello."}])
except NotFoundError as error:
    print(f"{error.status_code}: {error.type}")
