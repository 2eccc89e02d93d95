"""Claude on Amazon Bedrock with boto3: Converse, its stream, and InvokeModel."""

import json

import boto3

MODEL = "global.anthropic.claude-sonnet-5-5"
client = boto3.client("bedrock-runtime")

answer = client.converse(
    modelId=MODEL,
    messages=[{"role": "user", "content": [{"text": "Why is the sky blue? One sentence."}]}],
    inferenceConfig={"maxTokens": 200},
)
print(answer["output"]["message"]["content"][0]["text"])

stream = client.converse_stream(
    modelId=MODEL,
    messages=[{"role": "user", "content": [{"text": "Tell a story about a lighthouse, in two sentences."}]}],
    inferenceConfig={"maxTokens": 200},
)
for event in stream["stream"]:  # to its end: its last event says what was used
    print(event.get("contentBlockDelta", {}).get("delta", {}).get("text", ""), end="", flush=True)
print()

invoked = client.invoke_model(
    modelId=MODEL,
    body=json.dumps(
        {
            "anthropic_version": "bedrock-2023-05-31",
            "max_tokens": 200,
            "messages": [{"role": "user", "content": "Why is the sea salty? One sentence."}],
        }
    ),
)
print(json.loads(invoked["body"].read())["content"][0]["text"])
