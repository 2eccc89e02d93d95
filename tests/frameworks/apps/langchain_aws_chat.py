"""Both classes of LangChain for Bedrock: by InvokeModel and by Converse, plain, streamed, at once, and with a tool."""

from langchain_aws import ChatBedrock, ChatBedrockConverse
from pydantic import BaseModel

MODEL = "global.anthropic.claude-haiku-5-5"


class Bird(BaseModel):
    """A bird."""

    name: str
    height_in_cm: int


for model in (ChatBedrock(model=MODEL, max_tokens=300), ChatBedrockConverse(model=MODEL, max_tokens=300)):
    print(model.invoke("What does a heron eat?").content)
    for chunk in model.stream("Describe a heron in flight."):
        print(chunk.content, end="")
    print(len(model.batch(["Is a heron a stork?", "Is a heron a crane?"])))
    print(model.with_structured_output(Bird).invoke("Describe a heron."))
