"""Streams that a garbage collection finds while a lock of the metrics SDK is held, at every place where one is.

`stream`: all of it is garbage. `kept`: the application keeps the response, so that the collector closes the stream's
generator, which closes the response. `response`: a response that nobody read.
"""

import gc
import sys
import threading

import script
from opentelemetry.sdk.metrics._internal import _view_instrument_match, aggregation

WHAT, KIND, TRACING = sys.argv[1:]
at_work = threading.local()
collected = 0


class CollectingLock:
    """A lock within which the collector runs. There is garbage each time."""

    def __init__(self):
        self._lock = threading.Lock()

    def __enter__(self):
        self._lock.acquire()
        collect()

    def __exit__(self, *_error):
        self._lock.release()


def collect():
    global collected  # noqa: PLW0603 - counted where it happens
    if litter and not getattr(at_work, "busy", False):
        at_work.busy = True
        litter.pop()
        gc.collect()
        collected += 1
        at_work.busy = False


litter, kept = [], []
gc.disable()
aggregation.Lock = _view_instrument_match.Lock = CollectingLock
script.providers()
script.instrument()
client = script.client(tracing=TRACING)
client.messages.create(**script.ARGS)
gc.freeze()  # So that each collection is short.


def drop(count):
    for _ in range(count):
        if WHAT != "response":
            opened = script.open_stream(client)
            if WHAT == "kept":
                kept.append(opened.response)
        else:
            opened = client.messages.with_raw_response.create(**script.ARGS, stream=True)
        cell = [opened]
        cell.append(cell)
        holder = [cell]
        litter.append(holder)


drop(60)
for _ in range(10):
    client.messages.create(**script.ARGS)
while litter:
    script.sums(script.CALLS)
counted = script.sums(script.CALLS, "gen_ai.client.inference.duration")
script.tell(collected=collected, **counted)
