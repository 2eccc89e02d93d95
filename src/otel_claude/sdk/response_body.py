"""Body: an unread HTTP body that tells an attempt how reading it ended.

A transparent proxy: it passes `isinstance`, so it works for the bodies of httpx and of httpx2 and imports neither. It
keeps nothing of what it passes on.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import Any, Protocol

import wrapt

from .._diagnostics import contained


class BodyObserver(Protocol):
    """Learns how the reading of a body ended. May be told more than once: a body that was read is closed too."""

    def body_read(self) -> None:
        """The body was read to its end."""
        ...

    def body_closed(self) -> None:
        """The body was closed."""
        ...

    def body_failed(self, error: BaseException) -> None:
        """Reading the body raised."""
        ...


_Proxy: Any = wrapt.ObjectProxy


class Body(_Proxy):
    """Stands for the `stream` of a response of httpx or httpx2."""

    def __init__(self, body: Any, observer: BodyObserver) -> None:
        super().__init__(body)  # pyright: ignore[reportUnknownMemberType] - wrapt has no types before 2.0
        # wrapt keeps attributes with this prefix on the proxy; any other would land on the body.
        self._self_observer = observer

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self.__wrapped__
        except Exception as error:
            self._self_tell("body_failed", error)
            raise
        self._self_tell("body_read")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunks: Any = self.__wrapped__.__aiter__()
        try:
            async for chunk in chunks:
                yield chunk
        except Exception as error:
            self._self_tell("body_failed", error)
            raise
        finally:
            # In the task that read it. Otherwise the event loop closes a body read in part, in a task of its own.
            if isinstance(chunks, AsyncGenerator):
                await chunks.aclose()
        self._self_tell("body_read")

    def close(self) -> None:
        self._self_tell("body_closed")
        self.__wrapped__.close()

    async def aclose(self) -> None:
        self._self_tell("body_closed")
        await self.__wrapped__.aclose()

    def _self_tell(self, event: str, *error: BaseException) -> None:
        try:
            getattr(self._self_observer, event)(*error)
        except Exception:
            contained("observed a body")
