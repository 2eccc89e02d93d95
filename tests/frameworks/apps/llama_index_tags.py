"""Tags and a span around an agent whose tool asks too, and a chat whose stream LlamaIndex reads in a thread."""

import asyncio

from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.llms.anthropic import Anthropic
from opentelemetry import trace

from otel_claude import tags

llm = Anthropic(model="claude-haiku-5-5", max_tokens=1500)


def count_birds(lake: str) -> str:
    """Count the birds that were seen at a lake today."""
    return llm.complete(f"How many herons live at {lake}?").text


async def main():
    with tags(feature="agent"):
        print(await FunctionAgent(tools=[count_birds], llm=llm).run("How many herons are there?"))


with trace.get_tracer(__name__).start_as_current_span("visit"):
    asyncio.run(main())
    with tags(feature="chat"):
        answer = SimpleChatEngine.from_defaults(llm=llm).stream_chat("Describe a heron in flight.")
    print(list(answer.response_gen))
