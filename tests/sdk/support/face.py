"""One face for both clients, so that a shape of call is written once."""

import asyncio
import gc
import inspect
from contextlib import asynccontextmanager
from typing import Any

from support import api
from support.library import anthropic
from support.server import Server

BASE_URL = "https://api.anthropic.com"


class Face:
    """A client, sync or async, and the few things that the two do differently."""

    def __init__(self, kind: str, server: Server, tracing: str = "ours", cls: str = "Anthropic", **options: Any):
        self.kind = kind
        self.is_async = kind == "async"
        self.server = server
        name = f"Async{cls}" if self.is_async else cls
        if tracing == "ours" and "open_telemetry" in inspect.signature(anthropic.Anthropic).parameters:
            options.setdefault("open_telemetry", False)
        if cls == "Anthropic":
            options.setdefault("base_url", BASE_URL)
            if "auth_token" not in options:
                options.setdefault("api_key", api.KEY)
        http_client = server.async_client() if self.is_async else server.client()
        self.client: Any = getattr(anthropic, name)(http_client=http_client, **options)

    async def wait(self, value: Any) -> Any:
        """What an async client gives is awaited."""
        return await value if inspect.isawaitable(value) else value

    async def take(self, stream: Any, count: int | None = None) -> list[Any]:
        """The first `count` items, then `break`; all without one."""
        taken: list[Any] = []
        if self.is_async:
            async for item in stream:
                taken.append(item)
                if len(taken) == count:
                    break
        else:
            for item in stream:
                taken.append(item)
                if len(taken) == count:
                    break
        return taken

    async def next(self, stream: Any) -> Any:
        """`next(stream)`, and `await anext(stream)`; None at the end."""
        try:
            return await stream.__anext__() if self.is_async else next(stream)
        except (StopIteration, StopAsyncIteration):
            return None

    @asynccontextmanager
    async def inside(self, manager: Any):
        """`with`, and `async with`."""
        if self.is_async:
            async with manager as entered:
                yield entered
        else:
            with manager as entered:
                yield entered

    async def resolve(self) -> None:
        """Lets what was dropped be collected, and what the loop owes be done."""
        for _ in range(2):
            gc.collect()
            for _ in range(12):
                await asyncio.sleep(0)
