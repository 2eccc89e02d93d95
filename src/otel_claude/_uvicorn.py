"""An application of uvicorn's, that is loaded when uvicorn has set its signal handlers already."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any


class _Captured(list[int]):
    """The signals that uvicorn got while it served. It asks for them in reverse when it has put back all handlers."""

    def __init__(self, captured: list[int], on_restored: Callable[[], None]) -> None:
        super().__init__(captured)
        self._on_restored = on_restored

    def __reversed__(self) -> Iterator[int]:
        self._on_restored()
        return super().__reversed__()


def watch_server(handler: Any, ends: Callable[[], None]) -> None:
    """Has `ends` called when a server that handles SIGTERM now does so no more (uvicorn 0.29 to 0.54).

    uvicorn loads the application after it has set its handlers. Where that is the first to import anything of ours, the
    handler that it puts back in the end is the default one.
    """
    server: Any = getattr(handler, "__self__", None)
    is_server = type(server).__module__.partition(".")[0] == "uvicorn"
    if is_server and type(getattr(server, "_captured_signals", None)) is list:  # pyright: ignore[reportUnknownArgumentType]
        server._captured_signals = _Captured(server._captured_signals, ends)  # noqa: SLF001 - there is no public way
