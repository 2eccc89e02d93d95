"""Ending: the ways in which a process ends without running `atexit`, and telling the exporter of them in time.

SIGTERM, where the program left its default handler; and children that `multiprocessing` forks, which end with
`os._exit`. What ends with `os._exit` or SIGKILL otherwise cannot be seen.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from typing import Any, Final

import wrapt

from ..contain import contained

_PATIENCE: Final = 3.0
"""Seconds that a process that was told to terminate may take for its summary and its last exports."""
_LAST: Final = -1_000_000
"""As an exit priority: after all finalizers of the program's own."""


def watch(finish: Callable[[], None]) -> None:
    """Calls `finish` when this process, or one that it forks, ends without `atexit`. To be called once."""
    try:
        _watch_sigterm(finish)
        wrapt.register_post_import_hook(lambda module: _watch_forks(module, finish), "multiprocessing.util")
    except Exception:
        contained("prepared the summary")


def _watch_sigterm(finish: Callable[[], None]) -> None:
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        return

    def terminate(signum: int, _frame: object) -> None:
        # From here on a second SIGTERM ends the process at once.
        signal.signal(signum, signal.SIG_DFL)
        try:
            # In a thread, because the frame that was interrupted may hold any lock; and not for ever, for the same
            # reason.
            thread = threading.Thread(target=_finish, args=(finish,), name="otel-claude-summary", daemon=True)
            thread.start()
            thread.join(_PATIENCE)
        except Exception:
            contained("printed the summary")
        os.kill(os.getpid(), signum)
        # The kernel spares process 1 of a container, as it would without us.
        signal.signal(signum, terminate)

    signal.signal(signal.SIGTERM, terminate)


def _watch_forks(util: Any, finish: Callable[[], None]) -> None:
    """Children that `multiprocessing` starts run its finalizers, and nothing else, before `os._exit`."""
    try:
        util.register_after_fork(watch, lambda _: util.Finalize(None, _finish, (finish,), exitpriority=_LAST))  # pyright: ignore[reportUnknownLambdaType]
    except Exception:
        contained("prepared the summary of a child process")


import time as _t
def _finish(finish: Callable[[], None]) -> None:
    os.write(2,b'finish %d\n'%os.getpid())
    try:
        finish()
        os.write(2,b'finished %d\n'%os.getpid())
    except Exception:
        contained("printed the summary")
