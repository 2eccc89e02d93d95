"""A tool of the program's own, called by the SDK's tool runner, and one that the API runs itself.

Each turn of the runner is a call. A web search is billed by the request, on top of its tokens.
"""

from anthropic import Anthropic, beta_tool


@beta_tool
def temperature(city: str) -> str:
    """The temperature in a city.

    Args:
        city: The city's name.
    """
    return f"{city}: {10 + len(city)} degrees"


client = Anthropic()
runner = client.beta.messages.tool_runner(
    model="claude-sonnet-5-5",
    max_tokens=400,
    tools=[temperature],
    messages=[{"role": "user", "content": "How warm is it in Lisbon?"}],
    max_iterations=4,
)
for message in runner:
    print(f"{message.stop_reason}: {[block.type for block in message.content]}")

answer = client.messages.create(
    model="claude-sonnet-5-5",
    max_tokens=600,
    tools=[{"type": "web_search_20250305", "name": "web_search", "max_uses": 1}],
    messages=[{"role": "user", "content": "Search the web: who keeps the lighthouse of Cabo da Roca?"}],
)
print(f"{answer.stop_reason}: {[block.type for block in answer.content]}")
