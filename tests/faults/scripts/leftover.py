"""A stream is left, and the process ends. Nothing but a tracer provider is there: no reader ever collects."""

import gc
import sys

import script
from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

ended = []


class Ended(SpanProcessor):
    def on_end(self, span):
        ended.append(span.name)

    def shutdown(self):
        script.tell(spans=ended)


provider = TracerProvider()
provider.add_span_processor(Ended())
trace.set_tracer_provider(provider)
script.instrument()
client = script.client()
opened = client.messages.with_raw_response.create(**script.ARGS, stream=True)
if sys.argv[1] == "collected":
    # Nobody calls again: what a finalizer ended waits.
    cell = [opened]
    cell.append(cell)
    del opened, cell
    gc.collect()
