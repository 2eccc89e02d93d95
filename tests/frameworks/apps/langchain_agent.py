"""An agent with a tool and a cached system prompt, asked once and streamed once."""

from langchain.agents import create_agent
from langchain_anthropic import ChatAnthropic
from langchain_anthropic.middleware import AnthropicPromptCachingMiddleware


def count_birds(lake: str) -> str:
    """Count the birds that were seen at a lake today."""
    return f"Seven herons at {lake}."


agent = create_agent(
    ChatAnthropic(model="claude-sonnet-5-5", max_tokens=500),
    tools=[count_birds],
    system_prompt="You answer questions of visitors about the heron colony. " * 20,
    middleware=[AnthropicPromptCachingMiddleware(ttl="1h")],
)
question = {"messages": [{"role": "user", "content": "How many herons are at the lake?"}]}

print(agent.invoke(question)["messages"][-1].content)
for step in agent.stream(question, stream_mode="messages"):
    print(step)
