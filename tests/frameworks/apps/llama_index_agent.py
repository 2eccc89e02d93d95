"""An agent with a tool, which streams by itself; and answers as objects."""

import asyncio

from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.prompts import PromptTemplate
from llama_index.llms.anthropic import Anthropic
from pydantic import BaseModel


class Bird(BaseModel):
    """A bird."""

    name: str
    height_in_cm: int


def count_birds(lake: str) -> str:
    """Count the birds that were seen at a lake today."""
    return f"Seven herons at {lake}."


async def main():
    agent = FunctionAgent(
        tools=[count_birds],
        llm=Anthropic(model="claude-sonnet-5-5", max_tokens=500),
        system_prompt="You answer questions about the heron colony.",
    )
    print(await agent.run("How many herons are at the lake?"))
    llm = Anthropic(model="claude-haiku-5-5", max_tokens=500)
    print(await llm.as_structured_llm(Bird).acomplete("Describe a heron."))
    print(llm.structured_predict(Bird, PromptTemplate("Describe a {bird}."), bird="heron"))


asyncio.run(main())
