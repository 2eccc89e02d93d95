"""A call leaves nothing for the garbage collector: what it was is freed when the last of it is dropped."""

import gc
import sys

import pytest
from support import api
from support.api import ARGS
from support.face import Face
from support.library import TRACINGS, http
from support.server import Server, either, plain, throttled


def create(client):
    client.messages.create(**ARGS)


def read(client):
    list(client.messages.create(**ARGS, stream=True))


def close(client):
    opened = client.messages.create(**ARGS, stream=True)
    next(opened)
    opened.close()


def drop(client):
    next(client.messages.create(**ARGS, stream=True))


def retry(client):
    create(client)


SHAPES = {
    "create": (create, [either()]),
    "read": (read, [either()]),
    "close": (close, [either()]),
    "drop": (drop, [either()]),
    "retried": (retry, [throttled(), plain()] * 12),
    "unread raw": (lambda client: client.messages.with_raw_response.create(**ARGS), [either()]),
    "tool use": (create, [plain(api.message(stop_reason="tool_use"))]),
}


@pytest.mark.parametrize("tracing", TRACINGS)
@pytest.mark.parametrize("shape", SHAPES)
def test_no_cycles(telemetry, shape, tracing):
    if sys.version_info < (3, 11) and shape in {"close", "drop"}:
        # contextlib of Python 3.10 keeps the GeneratorExit that it throws.
        pytest.skip(f"{http.__name__} {http.__version__} itself leaves a cycle here on Python 3.10")
    act, replies = SHAPES[shape]
    client = Face("sync", Server(*replies), tracing).client
    act(client)
    telemetry.metrics()
    telemetry.recorded.started.clear()
    telemetry.recorded.ended.clear()
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        for _ in range(10):
            act(client)
        telemetry.metrics()
        telemetry.recorded.started.clear()
        telemetry.recorded.ended.clear()
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        ours = [type(found).__name__ for found in gc.garbage if type(found).__module__.startswith("otel_claude")]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert ours == []
