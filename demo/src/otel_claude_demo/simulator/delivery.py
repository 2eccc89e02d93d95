"""Brings an answer to the client: at its pace, cut short where it shall be, and notices when the client leaves.

Knows ASGI. What was delivered is told to a callback, once, and before the client has the last byte: whoever has an
answer finds it among those served.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from otel_claude_demo.simulator.events import Event, streamed_usage
from otel_claude_demo.simulator.jsons import Json

FOREVER = 3600.0
_BATCHED = 24
"""Events in one write where nothing is slowed down."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """What the client got."""

    status: int | None
    finished: bool
    usage: Json | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A piece of a stream, and how long to wait before it."""

    event: Event
    payload: bytes
    delay: float = 0.0


class Presence:
    """Whether the client, and the simulator, are still there."""

    def __init__(self, receive: Receive, stopping: asyncio.Event) -> None:
        self._receive = receive
        self._stopping = stopping
        self._tasks: set[asyncio.Task[object]] = set()

    async def ends_within(self, seconds: float) -> bool:
        """Wait so long; true if either left meanwhile."""
        if not self._tasks:
            # Slow answers alone pay for these tasks.
            self._tasks = {asyncio.create_task(self._leaving()), asyncio.create_task(self._stopping.wait())}
        done, _ = await asyncio.wait(self._tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        return bool(done)

    async def _leaving(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    def close(self) -> None:
        """Stop watching."""
        for task in self._tasks:
            task.cancel()


class Delivery(Response):
    """The common part: presence, and the report of what was delivered."""

    def __init__(
        self, status: int, headers: dict[str, str], stopping: asyncio.Event, report: Callable[[Delivered], None]
    ) -> None:
        self.status_code = status
        self.background = None
        self.raw_headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        self.stopping = stopping
        self._on_delivered = report
        self.delivered = Delivered(None, finished=False)
        self.reported = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's
        """Deliver; the report comes also if the server ends meanwhile."""
        presence = Presence(receive, self.stopping)
        try:
            await self.deliver(presence, send)
        finally:
            presence.close()
            self.report()

    async def deliver(self, presence: Presence, send: Send) -> None:
        """Send what there is."""
        raise NotImplementedError

    def report(self) -> None:
        """Report, the first time."""
        if not self.reported:
            self.reported = True
            self._on_delivered(self.delivered)

    def start(self) -> Message:
        """The message that sends the headers."""
        self.delivered = Delivered(self.status_code, finished=False, usage=self.delivered.usage)
        return {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}


class Whole(Delivery):
    """A body in one piece, after a delay; `keeps` is how much of it is sent before the connection is lost."""

    def __init__(  # noqa: PLR0913 - an answer's properties
        self,
        status: int,
        headers: dict[str, str],
        body: bytes,
        stopping: asyncio.Event,
        report: Callable[[Delivered], None],
        *,
        delay: float = 0.0,
        keeps: float = 1.0,
        usage: Json | None = None,
    ) -> None:
        super().__init__(status, {**headers, "content-length": str(len(body))}, stopping, report)
        self.payload = body
        self.delay = delay
        self.keeps = keeps
        self.usage = usage

    async def deliver(self, presence: Presence, send: Send) -> None:
        """Wait, then send."""
        if self.delay and await presence.ends_within(self.delay):
            return
        await send(self.start())
        if self.keeps < 1:
            part = self.payload[: int(len(self.payload) * self.keeps)]
            # An answer that is left incomplete makes the server close the connection.
            await send({"type": "http.response.body", "body": part, "more_body": True})
            return
        self.delivered = Delivered(self.status_code, finished=True, usage=self.usage)
        self.report()
        await send({"type": "http.response.body", "body": self.payload})


class Stream(Delivery):
    """Events one after the other. Those that nothing slows down are written together."""

    def __init__(
        self,
        headers: dict[str, str],
        steps: Iterable[Step],
        stopping: asyncio.Event,
        report: Callable[[Delivered], None],
        *,
        delay: float = 0.0,
    ) -> None:
        super().__init__(200, headers, stopping, report)
        self.steps = steps
        self.delay = delay

    async def deliver(self, presence: Presence, send: Send) -> None:
        """Send step by step."""
        if self.delay and await presence.ends_within(self.delay):
            return
        await send(self.start())
        waiting: list[Step] = []
        ending = ""
        for step in self.steps:
            if waiting and (step.delay or len(waiting) >= _BATCHED):
                await send({"type": "http.response.body", "body": self._joined(waiting), "more_body": True})
            if step.delay and await presence.ends_within(step.delay):
                return
            ending = step.event.breaks
            if not ending:
                waiting.append(step)
        last = self._joined(waiting)
        if ending in {"cut", "stall"}:
            await send({"type": "http.response.body", "body": last, "more_body": True})
            if ending == "stall":
                await presence.ends_within(FOREVER)
            return
        self.delivered = Delivered(200, finished=not ending, usage=self.delivered.usage)
        self.report()
        await send({"type": "http.response.body", "body": last})

    def _joined(self, steps: list[Step]) -> bytes:
        """The bytes of these steps, which are now as good as sent."""
        usage = self.delivered.usage
        for step in steps:
            usage = streamed_usage(usage, step.event)
        self.delivered = Delivered(200, finished=False, usage=usage)
        payload = b"".join(step.payload for step in steps)
        steps.clear()
        return payload


class Nothing(Delivery):
    """No answer, until the client gives up."""

    def __init__(self, stopping: asyncio.Event, report: Callable[[Delivered], None]) -> None:
        super().__init__(200, {}, stopping, report)

    async def deliver(self, presence: Presence, send: Send) -> None:  # noqa: ARG002 - nothing is sent
        """Wait."""
        await presence.ends_within(FOREVER)
