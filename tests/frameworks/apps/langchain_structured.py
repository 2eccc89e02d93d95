"""Answers as objects: by a tool, by a JSON schema, and with thinking."""

from langchain_anthropic import ChatAnthropic
from pydantic import BaseModel


class Bird(BaseModel):
    """A bird."""

    name: str
    height_in_cm: int


model = ChatAnthropic(model="claude-haiku-5-5", max_tokens=600)
print(model.with_structured_output(Bird, method="function_calling").invoke("Describe a heron."))
print(model.with_structured_output(Bird, method="json_schema").invoke("Describe a heron."))

thinking = ChatAnthropic(model="claude-sonnet-5-5", max_tokens=4000, thinking={"type": "adaptive"})
print(thinking.invoke("Why does a heron stand on one leg?").content)
