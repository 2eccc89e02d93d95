"""A conversation whose instructions and history are cached."""

from pydantic_ai import Agent
from pydantic_ai.models.anthropic import AnthropicModelSettings

agent = Agent(
    "anthropic:claude-haiku-5-5",
    instructions="You answer questions of visitors about the heron colony. " * 20,
    model_settings=AnthropicModelSettings(
        anthropic_cache_instructions="1h", anthropic_cache_messages=True, max_tokens=400
    ),
)
first = agent.run_sync("How many herons are there?")
second = agent.run_sync("And how many storks?", message_history=first.all_messages())
print(second.output)
