"""A handler of AWS Lambda that exports before it returns: Lambda freezes the process as soon as it has the answer.

Handler: lambda_handler.handler. Environment: AWS_LAMBDA_EXEC_WRAPPER=/var/task/lambda_wrapper, OTEL_SERVICE_NAME,
OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf, OTEL_EXPORTER_OTLP_TIMEOUT=2.
"""

import anthropic
from flushing import flushed

client = anthropic.Anthropic()


@flushed
def handler(event, _context):
    message = client.messages.create(
        model="claude-sonnet-5-5", max_tokens=300, messages=[{"role": "user", "content": event["question"]}]
    )
    return "".join(block.text for block in message.content if block.type == "text")
