"""A generator of Haystack's, plain and streamed."""

from haystack.dataclasses import ChatMessage
from haystack_integrations.components.generators.amazon_bedrock import AmazonBedrockChatGenerator

asked = [ChatMessage.from_user("What does a heron eat?")]
generator = AmazonBedrockChatGenerator(model="global.anthropic.claude-haiku-5-5", generation_kwargs={"maxTokens": 300})
print(generator.run(asked)["replies"][0].text)
streaming = AmazonBedrockChatGenerator(
    model="global.anthropic.claude-haiku-5-5", generation_kwargs={"maxTokens": 300}, streaming_callback=print
)
print(streaming.run(asked)["replies"][0].text)
