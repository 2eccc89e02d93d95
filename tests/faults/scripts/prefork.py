"""Servers that fork their workers, without the packages: `gunicorn` and `celery` in what they do with processes.

gunicorn: the application is loaded, instrumented and called once in the master (preload), then forked; a worker ends
through `sys.exit`. celery: each worker makes its providers after the fork, and is replaced after a few tasks.
"""

import os
import signal
import sys
import warnings

import script
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

HOW = sys.argv[1]
WORKERS, CALLS = 3, 5
warnings.simplefilter("ignore", DeprecationWarning)


def providers():
    resource = Resource.create({"service.name": "app", "service.instance.id": str(os.getpid())})
    trace.set_tracer_provider(TracerProvider(resource=resource))
    metrics.set_meter_provider(MeterProvider([script.otlp()], resource=resource))


def worker():
    if HOW == "celery":
        providers()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    for _ in range(CALLS):
        client.messages.create(**script.ARGS)
    opened = script.open_stream(client)
    if HOW == "gunicorn":
        os.write(ready, b"x")
        signal.pause()
    del opened
    sys.exit(0)


def master():
    script.instrument()
    if HOW == "gunicorn":
        providers()
        client.messages.create(**script.ARGS)
    pids = []
    for _ in range(WORKERS):
        pid = os.fork()
        if pid == 0:
            worker()
        pids.append(pid)
    if HOW == "gunicorn":
        for _ in pids:
            os.read(told, 1)
        for pid in pids:
            os.kill(pid, signal.SIGTERM)
    for pid in pids:
        assert os.waitpid(pid, 0)[1] == 0


told, ready = os.pipe()
client = script.client()
master()
