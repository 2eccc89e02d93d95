"""A garbage collection can run anywhere, also while the locks of metrics are held: what it ends is only queued."""

import gc

import pytest
from support.face import Face
from support.server import Server, stream
from support.shapes import ARGS

from otel_claude.telemetry.recorder import Recorder


class Cycle:
    """What only the garbage collector takes away."""

    def __init__(self, held):
        self.held = held
        self.me = self


@pytest.mark.parametrize("count", [0, 4], ids=["unread", "read in part"])
async def test_a_garbage_collection_records_nothing(kind, tracing, telemetry, monkeypatch, count, quiet):
    recorded = []
    record = Recorder.record
    monkeypatch.setattr(Recorder, "record", lambda *given: (recorded.append(given), record(*given)))
    client = Face(kind, Server(stream()), tracing)
    opened = await client.wait(client.client.messages.create(**ARGS, stream=True))
    for _ in range(count):
        await client.next(opened)
    cycle = Cycle(opened)
    del opened, cycle
    gc.collect()
    assert recorded == []
    await client.resolve()
    assert sum(telemetry.metrics()["claude.client.calls"].values()) == 1
    assert len(telemetry.spans) == 1
    assert len(recorded) == 1
