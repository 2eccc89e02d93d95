"""What Python and servers do with SIGTERM that its handler has to know of. Knows nothing of ours."""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import BuiltinFunctionType
from typing import Any


def die() -> None:
    """Ends the process as SIGTERM does."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGTERM)


def is_caught_in_c() -> bool:
    """Whether a handler stands there that Python does not know of: of uWSGI, or by `faulthandler.register`."""
    with suppress(OSError, ValueError), open("/proc/self/status", "rb") as status:  # noqa: PTH123 - pathlib is not loaded yet, and takes long
        for line in status:
            if line.startswith(b"SigCgt:"):
                return bool(int(line.split()[1], 16) >> (signal.SIGTERM - 1) & 1)
    return False  # no Linux


def has_patched_threads() -> bool:
    """Whether gevent or eventlet make greenlets of threads: one does not run while a signal handler waits for it."""
    return not all(isinstance(function, BuiltinFunctionType) for function in (_thread.start_new_thread, time.sleep))


def has_gevent_threads() -> bool:
    """Whether it is gevent, which can run something when a signal handler has returned."""
    monkey: Any = sys.modules.get("gevent.monkey")
    return monkey is not None and monkey.is_module_patched("threading")


def die_after_greenlet(work: Callable[[], None], patience: float) -> None:
    """Has gevent do the work in a greenlet and end the process then, or a real thread end it if that takes too long."""

    def end_in_time() -> None:
        sleep(patience)
        os.kill(os.getpid(), signal.SIGTERM)  # the default handler stands

    def finish() -> None:
        try:
            work()
        finally:
            die()

    try:
        gevent: Any = sys.modules["gevent"]
        sleep = gevent.monkey.get_original("time", "sleep")
        gevent.monkey.get_original("_thread", "start_new_thread")(end_in_time, ())
        # The handler may have interrupted gevent's own loop, which must not be switched away from.
        gevent.get_hub().loop.run_callback_threadsafe(gevent.spawn, finish)
    except Exception:
        die()


def is_spawned_child() -> bool:
    """Whether `multiprocessing` spawned this process. It has replaced `sys.argv` by its parent's meanwhile."""
    return "--multiprocessing-fork" in sys.orig_argv


def is_resource_tracker() -> bool:
    """Whether this is the helper of `multiprocessing` that ignores SIGTERM, and ends when its program has ended."""
    return any(each.startswith("from multiprocessing.resource_tracker import main") for each in sys.orig_argv)


def keep_interrupt() -> None:
    """Lets Python end by SIGINT after Ctrl-C, as a shell expects of it, and not with exit code 1."""
    # CPython (3.10 to 3.14) forgets that it has to when a string is executed after that, as Rich's dataclasses do when
    # it is imported, and remembers it when one raises this again.
    if getattr(sys, "last_type", None) is KeyboardInterrupt:
        with suppress(KeyboardInterrupt):
            exec("raise KeyboardInterrupt")  # noqa: S102 - as above


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


def stay_wakeable(is_waiting: Callable[[], bool]) -> None:
    """Sees to it that SIGTERM wakes the main thread also when it comes just before that begins to wait.

    A pool terminates workers just when they begin to wait for work. A signal that comes a moment before that does not
    interrupt the waiting, so that a handler in Python would never run and the pool would wait for ever. The descriptor
    that Python tells of each signal does. `is_waiting`: the handler has not run yet.
    """
    if "trio" in sys.modules:
        return  # it warns of whoever uses the descriptor
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    other = signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
    if other != -1:
        signal.set_wakeup_fd(other)
        os.close(read_end)
        os.close(write_end)
        return
    os.register_at_fork(after_in_child=lambda: _forget(write_end))
    threading.Thread(target=_wake, args=(read_end, is_waiting), name="otel-claude-wake", daemon=True).start()


def _wake(read_end: int, is_waiting: Callable[[], bool]) -> None:
    while True:
        try:
            signals = os.read(read_end, 64)
        except OSError:  # the program closed every descriptor
            return
        while signal.SIGTERM in signals and is_waiting():
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
            time.sleep(0.01)


def _forget(descriptor: int) -> None:
    """In a forked child: the pipe is its parent's, which would take the child's signals for its own."""
    other = signal.set_wakeup_fd(-1)
    if other not in (-1, descriptor):
        signal.set_wakeup_fd(other)
