"""An agent of Strands with a tool, as its documentation begins. Every request of it is a stream."""

from strands import Agent, tool
from strands.models import BedrockModel


@tool
def count_birds(lake: str) -> str:
    """Count the birds that were seen at a lake today."""
    return f"Seven herons at {lake}."


agent = Agent(model=BedrockModel(model_id="global.anthropic.claude-haiku-5-5", max_tokens=300), tools=[count_birds])
print(agent("How many herons are at the lake?"))
