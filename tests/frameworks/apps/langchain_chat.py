"""One question at a time, a stream, and three questions at once in LangChain's threads."""

from langchain_anthropic import ChatAnthropic
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate

model = ChatAnthropic(model="claude-haiku-5-5", max_tokens=300)

print(model.invoke("What does a heron eat?").content)
for chunk in model.stream("Describe a heron in flight."):
    print(chunk.content, end="")

chain = ChatPromptTemplate.from_template("What is a {bird}, in one line?") | model | StrOutputParser()
print(chain.batch([{"bird": "grey heron"}, {"bird": "purple heron"}, {"bird": "night heron"}]))
