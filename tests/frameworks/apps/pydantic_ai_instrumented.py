"""An agent with Pydantic AI's own spans on, as Logfire's `instrument_pydantic_ai` switches them on."""

from pydantic_ai import Agent
from pydantic_ai.models.instrumented import InstrumentationSettings

Agent.instrument_all(InstrumentationSettings(include_content=False))
agent = Agent("anthropic:claude-haiku-5-5", instructions="You answer questions about the heron colony.", name="colony")


@agent.tool_plain
def count_birds(lake: str) -> str:
    """Count the birds that were seen at a lake today."""
    return f"Seven herons at {lake}."


print(agent.run_sync("How many herons are at the lake?").output)
