"""A transport in this process, in place of the network, that costs as little as it can. Knows httpx2 alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from itertools import cycle

import httpx2

from .api import Answer


class Chunks(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """A body as it comes from a connection."""

    def __init__(self, chunks: list[bytes]) -> None:
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        yield from self._chunks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            yield chunk


class Transport(httpx2.BaseTransport, httpx2.AsyncBaseTransport):
    """Answers every request with the next of `answers`."""

    def __init__(self) -> None:
        self._next: Iterator[Answer] = iter(())

    def answers(self, answers: list[Answer]) -> None:
        """What is answered from now on, in turn and over again."""
        self._next = cycle(answers)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:  # noqa: ARG002 - the transport's interface
        headers, chunks = next(self._next)
        return httpx2.Response(200, headers=headers, stream=Chunks(chunks))

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return self.handle_request(request)
