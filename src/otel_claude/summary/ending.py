"""Ending: the ways in which a process ends without running `atexit`, and telling the exporter of them in time.

SIGTERM, where the program left its default handler; and children of `multiprocessing`, which end with `os._exit` or,
those of a pool, by SIGTERM. What ends with `os._exit` or SIGKILL otherwise cannot be seen.

A signal handler interrupts a frame that may hold any lock, so all work is done by a thread that stands ready: even
starting one takes locks. The handler itself uses nothing that waits for a lock.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from typing import Any, Final

import wrapt

from .._diagnostics import log_internal_error

_PATIENCE: Final = 3.0
"""Seconds that a process that was told to terminate may take for its summary and its last exports."""
_LAST: Final = -1_000_000
"""As an exit priority of `multiprocessing`: after all finalizers of the program's own."""
_MOMENT: Final = 0.01


class Ending:
    """Calls `finish`, maybe more than once, when this process or one that it forks ends without `atexit`."""

    def __init__(self, finish: Callable[[], None]) -> None:
        self._finish = finish
        self._forking = threading.local()
        self._handled = self._reporting = self._postponed = self._finished = False

    def watch(self) -> None:
        """Begins. A SIGTERM handler of the program's own stays."""
        try:
            self._begin()
            if hasattr(os, "register_at_fork"):
                os.register_at_fork(before=self._hold, after_in_parent=self._release, after_in_child=self._forked)
            # Only the main thread may set handlers.
            in_main = threading.current_thread() is threading.main_thread()
            if in_main and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
                signal.signal(signal.SIGTERM, self._terminate)
            wrapt.register_post_import_hook(self._watch_children, "multiprocessing.util")
        except Exception:
            log_internal_error("prepare the summary")

    @contextmanager
    def undisturbed(self) -> Generator[None]:
        """The report within changes nothing about how the main thread ends, and a SIGTERM waits for its end."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        self._reporting = True
        try:
            yield
        finally:
            self._reporting = False
            _keep_interrupt()
            if self._postponed:
                _die()

    def _begin(self) -> None:
        self._handled = self._reporting = self._postponed = self._finished = False
        self._orders: SimpleQueue[None] = SimpleQueue()  # its `put` is safe in a signal handler
        self._thread = threading.Thread(
            target=self._obey, args=(self._orders,), name="otel-claude-summary", daemon=True
        )
        self._thread.start()

    def _obey(self, orders: SimpleQueue[None]) -> None:
        while True:
            orders.get()
            try:
                self._finish()
            except Exception:
                log_internal_error("print the summary")
            self._finished = True

    def _finish_in_time(self) -> None:
        self._orders.put(None)
        deadline = time.monotonic() + _PATIENCE
        while not self._finished and self._thread.is_alive() and time.monotonic() < deadline:
            time.sleep(_MOMENT)

    def _terminate(self, _signum: int, _frame: object) -> None:
        self._handled = True
        if self._reporting and not self._postponed:
            self._postponed = True
            return
        # From here on a second SIGTERM ends the process at once.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self._finish_in_time()
        _die()

    def _hold(self) -> None:
        """Holds SIGTERM back while this thread forks: Python drops what comes to a child before that is set up.

        A pool may terminate a worker that has not run yet, and would wait for it for ever.
        """
        self._forking.held = self._handles() and signal.SIGTERM not in signal.pthread_sigmask(
            signal.SIG_BLOCK, [signal.SIGTERM]
        )

    def _release(self) -> None:
        if self._forking.held:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])

    def _forked(self) -> None:
        """In a forked child there are no threads."""
        try:
            self._begin()
        except Exception:
            log_internal_error("prepare the summary of a child process")
        self._release()

    def _watch_children(self, util: Any) -> None:
        """`multiprocessing` calls back in each child, forked or spawned."""
        try:
            util.register_after_fork(self, _watcher(util))
        except Exception:
            log_internal_error("prepare the summary of child processes")

    def watch_child(self, util: Any) -> None:
        """This is such a child: it runs its finalizers and no `atexit`, or is terminated while it waits for work."""
        try:
            util.Finalize(None, self._finish_in_time, exitpriority=_LAST)
            if signal.getsignal(signal.SIGTERM) == self._terminate:
                self._stay_wakeable()
        except Exception:
            log_internal_error("prepare the summary of a child process")

    def _stay_wakeable(self) -> None:
        """Sees to it that a SIGTERM wakes the main thread, by the descriptor that Python tells of each signal."""
        # A pool terminates workers just when they begin to wait for work. A signal that comes a moment before that does
        # not interrupt the waiting, so that the handler would never run and the pool would wait for ever.
        told, tells = os.pipe()
        os.set_blocking(tells, False)
        other = signal.set_wakeup_fd(tells, warn_on_full_buffer=False)
        if other != -1:
            signal.set_wakeup_fd(other)
            os.close(told)
            os.close(tells)
            return
        os.register_at_fork(after_in_child=lambda: _forget_wakeup(tells))
        threading.Thread(target=self._wake, args=(told,), name="otel-claude-wake", daemon=True).start()

    def _wake(self, told: int) -> None:
        while True:
            try:
                signals = os.read(told, 64)
            except OSError:  # the program closed every descriptor
                return
            while signal.SIGTERM in signals and not self._handled and self._handles():
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
                time.sleep(_MOMENT)

    def _handles(self) -> bool:
        return signal.getsignal(signal.SIGTERM) == self._terminate


def _watcher(util: Any) -> Callable[[Ending], None]:
    return lambda ending: ending.watch_child(util)


def _forget_wakeup(descriptor: int) -> None:
    """In a forked child: the pipe is its parent's, which would take the child's signals for its own."""
    other = signal.set_wakeup_fd(-1)
    if other not in (-1, descriptor):
        signal.set_wakeup_fd(other)


def _keep_interrupt() -> None:
    """Lets Python end by SIGINT after Ctrl-C, as a shell expects of it, and not with exit code 1."""
    # CPython (3.10 to 3.14) forgets that it has to when a string is executed after that, as Rich's dataclasses do when
    # it is imported, and remembers it when one raises this again.
    if getattr(sys, "last_type", None) is KeyboardInterrupt:
        with suppress(KeyboardInterrupt):
            exec("raise KeyboardInterrupt")  # noqa: S102 - as above


def _die() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGTERM)
