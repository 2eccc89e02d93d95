"""Runs the application on a loopback address, in a thread or in the foreground. Knows uvicorn and sockets."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING

import uvicorn
from starlette.applications import Starlette

from otel_claude_demo.simulator.app import create_app, engine_of
from otel_claude_demo.simulator.engine import Pace
from otel_claude_demo.simulator.limits import Limits
from otel_claude_demo.simulator.organization import Organization
from otel_claude_demo.simulator.served import ServedLog

if TYPE_CHECKING:
    from typing_extensions import Self

_START_SECONDS = 10.0
_END_SECONDS = 1.0
_POLL_SECONDS = 0.002
_BACKLOG = 2048


class _Server(uvicorn.Server):
    """Ends as soon as it is told to. uvicorn's own looks ten times a second, and sleeps twice on its way out."""

    def __init__(self, app: Starlette) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                # Lost connections are part of the play; at any lower level uvicorn would log each as a mistake.
                log_level="critical",
                log_config=None,
                access_log=False,
                server_header=False,
                lifespan="off",
                ws="none",
                proxy_headers=False,
            )
        )
        self._stopping = engine_of(app).stopping

    async def main_loop(self) -> None:
        # The loop that updates the date of answers, and knows of signals; and what `stop` sets.
        loops = {asyncio.create_task(super().main_loop()), asyncio.create_task(self._stopping.wait())}
        _, others = await asyncio.wait(loops, return_when=asyncio.FIRST_COMPLETED)
        for other in others:
            other.cancel()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for listening in (*self.servers, *(sockets or ())):
            listening.close()
        state = self.server_state
        for connection in list(state.connections):
            connection.shutdown()
        deadline = time.monotonic() + _END_SECONDS
        # Neither set tells when it becomes empty.
        while (state.connections or state.tasks) and not self.force_exit and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(_POLL_SECONDS)
        for task in state.tasks:
            task.cancel()


class Simulator:
    """A simulated API on a port of this machine, for as long as the `with` block lasts.

    `url` is where it is, `served` what it served. Port 0 takes a free one.
    """

    def __init__(  # noqa: PLR0913 - all have defaults
        self,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        seed: int = 0,
        clock: Callable[[], float] = time.time,
        limits: Limits | None = None,
        pace: Pace | None = None,
        scenario: str = "",
        organization: Organization | None = None,
    ) -> None:
        self.host = loopback(host)
        self.port = port
        self.app = create_app(
            seed=seed, clock=clock, limits=limits, pace=pace, scenario=scenario, organization=organization
        )
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The base URL, for `ANTHROPIC_BASE_URL`."""
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    @property
    def served(self) -> ServedLog:
        """What was served."""
        return engine_of(self.app).served

    @property
    def organization(self) -> Organization:
        """What the Admin API shows beside it; may be changed at any time."""
        return engine_of(self.app).organization_settings

    def start(self) -> None:
        """Listen, and answer from a thread."""
        listener = self._listen()
        # An event belongs to the loop that first waits for it, and each start has a loop of its own.
        engine_of(self.app).stopping = asyncio.Event()
        server = self._server = _Server(self.app)
        thread = threading.Thread(target=server.run, args=([listener],), name="otel-claude-simulator", daemon=True)
        self._thread = thread
        thread.start()
        deadline = time.monotonic() + _START_SECONDS
        while not server.started:
            if not thread.is_alive() or time.monotonic() > deadline:
                listener.close()
                raise RuntimeError(f"the simulator did not start at {self.url}")
            time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """End what is still being answered, and the thread."""
        if self._server is None or self._thread is None:
            return
        self._server.should_exit = True
        if self._thread.is_alive():
            # Answers that wait end at once.
            for server in self._server.servers:
                server.get_loop().call_soon_threadsafe(engine_of(self.app).stopping.set)
        self._thread.join(_START_SECONDS)
        self._server = self._thread = None

    def run(self, announce: Callable[[str], None]) -> None:
        """Answer in the foreground until interrupted."""
        listener = self._listen()
        announce(self.url)
        _Server(self.app).run([listener])

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _listen(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        # asyncio turns Nagle's algorithm off where the protocol is named alone; else each answer takes 40 ms longer.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((self.host, self.port))
            listener.listen(_BACKLOG)
        except OSError:
            listener.close()
            raise
        self.port = listener.getsockname()[1]
        return listener


def loopback(host: str) -> str:
    """The address, if only this machine can reach it; else a ValueError."""
    if host == "localhost":
        return "127.0.0.1"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        address = None
    if address is None or not address.is_loopback:
        raise ValueError(
            f"the simulator listens on this machine alone: host {host!r} is no loopback address (127.0.0.1, ::1)"
        )
    return host
