"""A handler of AWS Lambda that exports before it returns: Lambda freezes the process as soon as it has the answer.

Handler: lambda_handler.handler. Environment: OTEL_SERVICE_NAME, OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL=
http/protobuf, and AWS_LAMBDA_EXEC_WRAPPER=/opt/otel-instrument where the layer of ADOT sets up OpenTelemetry. Without a
layer the lines below do.
"""

import anthropic
from opentelemetry import metrics, trace
from opentelemetry.instrumentation.auto_instrumentation import initialize

if not hasattr(metrics.get_meter_provider(), "force_flush"):
    initialize()

client = anthropic.Anthropic()


def handler(event, _context):
    try:
        message = client.messages.create(
            model="claude-sonnet-5-5", max_tokens=300, messages=[{"role": "user", "content": event["question"]}]
        )
        return "".join(block.text for block in message.content if block.type == "text")
    finally:
        for provider in (trace.get_tracer_provider(), metrics.get_meter_provider()):
            provider.force_flush(3000)
