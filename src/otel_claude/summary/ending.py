"""Ending: the ways in which a process ends without running `atexit`, and telling the exporter of them in time.

SIGTERM, where the program left its default handler; and children that `multiprocessing` forks, which end with
`os._exit`. What ends with `os._exit` or SIGKILL otherwise cannot be seen.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, Final

import wrapt

from ..contain import contained

_PATIENCE: Final = 3.0
"""Seconds that a process that was told to terminate may take for its summary and its last exports."""
_LAST: Final = -1_000_000
"""As an exit priority: after all finalizers of the program's own."""


class Ending:
    """Calls `finish`, maybe twice, when this process or one that it forks ends without `atexit`."""

    def __init__(self, finish: Callable[[], None]) -> None:
        self._finish = finish
        self._finisher: threading.Thread | None = None
        self._undisturbed = False
        self._postponed: int | None = None

    def watch(self) -> None:
        """Begins. Only the main thread may handle signals; a handler of the program's own stays."""
        try:
            in_main = threading.current_thread() is threading.main_thread()
            if in_main and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
                signal.signal(signal.SIGTERM, self._terminate)
            wrapt.register_post_import_hook(self._watch_forks, "multiprocessing.util")
        except Exception:
            contained("prepared the summary")

    @contextmanager
    def undisturbed(self) -> Generator[None]:
        """A SIGTERM within waits, so that a report that has begun is written to its end."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        self._undisturbed = True
        try:
            yield
        finally:
            self._undisturbed = False
            if self._postponed is not None:
                signal.signal(self._postponed, signal.SIG_DFL)
                os.kill(os.getpid(), self._postponed)

    def _terminate(self, signum: int, _frame: object) -> None:
        if self._undisturbed and self._postponed is None:
            self._postponed = signum
            return
        # From here on a second SIGTERM ends the process at once.
        signal.signal(signum, signal.SIG_DFL)
        self.finish_in_time()
        os.kill(os.getpid(), signum)
        # The kernel spares process 1 of a container, as it would without us.
        signal.signal(signum, self._terminate)

    def finish_in_time(self) -> None:
        """In a thread: the frame that was interrupted may hold any lock. And not for ever, for the same reason."""
        try:
            if self._finisher is None or not self._finisher.is_alive():
                self._finisher = threading.Thread(target=self._try_to_finish, name="otel-claude-summary", daemon=True)
                self._finisher.start()
            self._finisher.join(_PATIENCE)
        except Exception:
            # Such as that Python 3.12 starts no threads when it is about to exit.
            contained("printed the summary")

    def _try_to_finish(self) -> None:
        try:
            self._finish()
        except Exception:
            contained("printed the summary")

    def _watch_forks(self, util: Any) -> None:
        """Children that `multiprocessing` starts run its finalizers, and nothing else, before `os._exit`."""
        try:
            util.register_after_fork(self, _finalizer(util))
        except Exception:
            contained("prepared the summary of child processes")


def _finalizer(util: Any) -> Callable[[Ending], None]:
    return lambda ending: util.Finalize(None, ending.finish_in_time, exitpriority=_LAST)
