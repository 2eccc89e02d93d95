"""Wakeup: a SIGTERM wakes the main thread also when it comes just before that begins to wait.

A pool terminates workers just when they begin to wait for work. A signal that comes a moment before that does not
interrupt the waiting, so that a handler in Python would never run and the pool would wait for ever.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Final

_MOMENT: Final = 0.01


def stay_wakeable(is_waiting: Callable[[], bool]) -> None:
    """Sees to it, by the descriptor that Python tells of each signal. `is_waiting`: the handler has not run yet."""
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
            time.sleep(_MOMENT)


def _forget(descriptor: int) -> None:
    """In a forked child: the pipe is its parent's, which would take the child's signals for its own."""
    other = signal.set_wakeup_fd(-1)
    if other not in (-1, descriptor):
        signal.set_wakeup_fd(other)
