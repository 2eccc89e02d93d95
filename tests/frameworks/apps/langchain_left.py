"""A stream that is left after its first piece, and a request that the API refuses."""

from anthropic import BadRequestError
from langchain_anthropic import ChatAnthropic


def first_piece(model):
    for chunk in model.stream("Tell a long story about a heron."):
        if chunk.content:
            return chunk.content
    return None


print(first_piece(ChatAnthropic(model="claude-haiku-5-5", max_tokens=2000)))
try:
    ChatAnthropic(model="claude-haiku-5-5", max_tokens=-1).invoke("Is a heron a bird?")
except BadRequestError as error:
    print(error)
