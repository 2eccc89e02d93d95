"""The program that is measured: what an application does with the SDK. Times are of this thread's CPU."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import thread_time_ns
from typing import Any, Final

import httpx2
from anthropic import Anthropic, AsyncAnthropic

from . import api
from .measures import FEW, MANY
from .transport import Transport

_SHORT: Final = 4
"""Short streams for each long one: a goal is of a short one by itself."""
_KEY: Final = "-".join(["sk", "ant", "api03", "x" * 92])


class Program:
    """One application with the SDK's own tracing on or off."""

    def __init__(self, *, native: bool) -> None:
        self.transport = Transport()
        told: dict[str, Any] = {"api_key": _KEY, "base_url": "https://api.anthropic.com"}
        if not native:
            told["open_telemetry"] = False
        self.client = Anthropic(**told, http_client=httpx2.Client(transport=self.transport))
        self.client_async = AsyncAnthropic(**told, http_client=httpx2.AsyncClient(transport=self.transport))
        self._loop = asyncio.new_event_loop()
        self._plain = [api.plain(number) for number in range(api.KINDS)]
        self._few = [api.streamed(number, FEW) for number in range(api.KINDS)]
        self._many = [api.streamed(number, MANY) for number in range(api.KINDS)]
        self._runs: Final[dict[str, Callable[[int], float]]] = {
            "create": self.create,
            "create_async": self.create_async,
            "stream": self.read_stream,
            "stream_async": self.read_stream_async,
            "helper": self.read_helper,
        }

    def run(self, name: str, times: int) -> dict[str, float]:
        """Nanoseconds by measure, of one of `measures.TIMES`."""
        run = self._runs[name]
        if name.startswith("create"):
            self.transport.answers(self._plain)
            return {name: run(times)}
        few = many = 0.0
        for _ in range(times):
            self.transport.answers(self._few)
            few += run(_SHORT)
            self.transport.answers(self._many)
            many += run(1)
        return {name: (many - few) / times / (MANY - FEW), f"{name}_call": few / times}

    def once(self, name: str) -> None:
        """One call of a run; of those of streams a short one."""
        self.transport.answers(self._plain if name.startswith("create") else self._few)
        self._runs[name](1)

    def create(self, times: int) -> float:
        """Nanoseconds of one `create`."""
        create = self.client.messages.create
        began = thread_time_ns()
        for _ in range(times):
            create(**api.ASKED)
        return (thread_time_ns() - began) / times

    def create_async(self, times: int) -> float:
        """Nanoseconds of one `create` of the asynchronous client."""
        return self._loop.run_until_complete(self._create_async(times))

    async def _create_async(self, times: int) -> float:
        create = self.client_async.messages.create
        began = thread_time_ns()
        for _ in range(times):
            await create(**api.ASKED)
        return (thread_time_ns() - began) / times

    def read_stream(self, times: int) -> float:
        """Nanoseconds of one `create(stream=True)`, read to its end."""
        create = self.client.messages.create
        began = thread_time_ns()
        for _ in range(times):
            for _event in create(**api.ASKED, stream=True):
                pass
        return (thread_time_ns() - began) / times

    def read_stream_async(self, times: int) -> float:
        """Nanoseconds of one `create(stream=True)` of the asynchronous client, read to its end."""
        return self._loop.run_until_complete(self._read_stream_async(times))

    async def _read_stream_async(self, times: int) -> float:
        create = self.client_async.messages.create
        began = thread_time_ns()
        for _ in range(times):
            async for _event in await create(**api.ASKED, stream=True):
                pass
        return (thread_time_ns() - began) / times

    def read_helper(self, times: int) -> float:
        """Nanoseconds of one `messages.stream()`, read to its end."""
        stream = self.client.messages.stream
        began = thread_time_ns()
        for _ in range(times):
            with stream(**api.ASKED) as events:
                for _event in events:
                    pass
        return (thread_time_ns() - began) / times

    def open_stream(self) -> Any:
        """A stream that is read to its first piece of text, and stays open."""
        self.transport.answers(self._few)
        stream = self.client.messages.create(**api.ASKED, stream=True)
        # Not `next(stream)`: OpenInference's is no iterator.
        events = iter(stream)
        while next(events).type != "content_block_delta":
            pass
        return stream, events
