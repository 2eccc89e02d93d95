"""An agent with a tool: asked, streamed, and answering with an object."""

from pydantic import BaseModel
from pydantic_ai import Agent


class Bird(BaseModel):
    """A bird."""

    name: str
    height_in_cm: int


agent = Agent("anthropic:claude-sonnet-5-5", instructions="You answer questions about the heron colony.")


@agent.tool_plain
def count_birds(lake: str) -> str:
    """Count the birds that were seen at a lake today."""
    return f"Seven herons at {lake}."


print(agent.run_sync("How many herons are at the lake?").output)

describing = Agent("anthropic:claude-haiku-5-5", output_type=Bird)
print(describing.run_sync("Describe a heron.").output)
