"""An answer that fits a model of pydantic's."""

from anthropic import Anthropic
from pydantic import BaseModel


class Review(BaseModel):
    """What is to be found in the text."""

    product: str
    stars: int
    positive: bool


client = Anthropic()
message = client.messages.parse(
    model="claude-haiku-5-5",
    max_tokens=300,
    messages=[{"role": "user", "content": "Four stars for this lamp. It is bright, and I like it."}],
    output_format=Review,
)
print(message.parsed_output)
