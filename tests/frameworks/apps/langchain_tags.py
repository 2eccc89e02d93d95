"""Tags and a span around what LangChain runs in threads: a batch, parallel branches, an agent's tools."""

import asyncio

from langchain.agents import create_agent
from langchain_anthropic import ChatAnthropic
from langchain_core.runnables import RunnableLambda, RunnableParallel
from opentelemetry import trace

from otel_claude import tags

model = ChatAnthropic(model="claude-haiku-5-5", max_tokens=1500)


def count_birds(lake: str) -> str:
    """Count the birds that were seen at a lake today."""
    return str(model.invoke(f"How many herons live at {lake}?").content)


def ask(question):
    return model.invoke(question).content


async def asked_from_a_loop():
    # A plain function in an asynchronous chain: LangChain runs it in an executor.
    return await RunnableLambda(ask).ainvoke("Does a heron swim?")


agent = create_agent(model, tools=[count_birds])

with trace.get_tracer(__name__).start_as_current_span("visit"):
    with tags(feature="batch"):
        model.batch(["Is a heron a stork?", "Is a heron a crane?"])
    with tags(feature="parallel"):
        RunnableParallel(one=model, two=model).invoke("Describe a heron.")
    with tags(feature="agent"):
        agent.invoke({"messages": [{"role": "user", "content": "How many herons are there?"}]})
    with tags(feature="executor"):
        asyncio.run(asked_from_a_loop())
    with tags(feature="stream"):
        stream = model.stream("Describe a heron in flight.")
        first = next(stream)
    # What is left of the stream is read outside.
    print(first, list(stream))
