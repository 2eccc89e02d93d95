"""Shutdown: the ways in which a process ends without running `atexit`, and exporting in time what was measured in it.

SIGTERM, where the handler is the default one; children of `multiprocessing` and of `billiard`, which end with
`os._exit` or, those of a pool, by SIGTERM; Celery's pool processes; RQ's work-horses. What ends with `os._exit` or
SIGKILL otherwise cannot be seen. Every instrumented program loads this: it imports next to nothing, and knows neither
calls nor OpenTelemetry.

A signal handler interrupts a frame that may hold any lock, so all work is done by a thread that stands ready: even
starting one takes locks. The handler itself uses nothing that waits for a lock.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager, suppress
from functools import partial, wraps
from operator import methodcaller
from queue import SimpleQueue
from typing import Any, Final, NamedTuple

from ._diagnostics import log_internal_error
from ._import_hooks import on_import
from ._sigterm import (
    die,
    die_after_greenlet,
    has_gevent_threads,
    has_patched_threads,
    is_caught_in_c,
    is_resource_tracker,
    is_spawned_child,
    keep_interrupt,
    stay_wakeable,
    watch_server,
)

_PATIENCE: Final = 3.0
"""Seconds that a process that ends may take for its last exports, all together."""
_LAST: Final = -1_000_000
"""As an exit priority of `multiprocessing`: after all finalizers of the program's own."""
_FORKING: Final = ("multiprocessing", "billiard")
"""Packages whose children run the package's own finalizers, and nothing that was registered with `atexit` before."""


class Client(NamedTuple):
    """Who has something to do when a process ends without `atexit`. The helper thread calls, and contains what raises.

    Attributes:
        prepare: Called before anything is exported.
        providers: Gives OpenTelemetry's providers to flush. One that several clients give is flushed once.
        finish: Called when all is exported.
        at_once: Whether it has something to say in each process, also in one that measured nothing.
    """

    prepare: Callable[[], None]
    providers: Callable[[], Iterable[Any]]
    finish: Callable[[], None] | None = None
    at_once: bool = False


class ShutdownHooks:
    """What stands in this process for its end: one handler, one thread, one finalizer, whoever uses them."""

    def __init__(self) -> None:
        self._clients: tuple[Client, ...] = ()
        self._expecting = 0
        self._forking = threading.local()
        self._forks = False
        self._installed = False
        """Whether the handler was set, here or in the process that forked this one. Another's can stand there now."""
        self._imports: dict[str, Callable[[], None]] = {}
        """What is done when these modules are imported; the values end that."""
        self._take_back: list[Callable[[], None]] = []
        self._watched: set[str] = set()
        self._finalizers: list[Any] = []
        self._begin()

    def _begin(self) -> None:
        """The state of a process that has measured nothing. A forked child has no threads."""
        self._handled = self._reporting = self._postponed = self._started = self._finished = False
        self._deadline: float | None = None
        self._starting = threading.Lock()
        self._orders: SimpleQueue[bool] = SimpleQueue()  # its `put` is safe in a signal handler
        self._thread: threading.Thread | None = None

    def expect(self) -> Callable[[], None]:
        """A client may come. Returns what takes that back.

        uvicorn puts back the handler that it found, and raises the signal again, when it has shut down. So ours should
        be there before, and the application, which imports the SDK, is loaded later. So should ours be around RQ's
        jobs: it is within one that the SDK is imported.
        """
        self._expecting += 1
        cancel: Callable[[], None] | None = None
        try:
            self._when_imported("rq.worker", self._watch_rq)
            cancel = on_import("uvicorn.server", self.watch_signal)
        except Exception:
            log_internal_error("prepare the last export")

        def stop() -> None:
            if cancel is not None:
                cancel()
            self._expecting -= 1
            self._remove_if_unused()

        return stop

    def add(self, client: Client) -> None:
        """This client has something to do at the end. A SIGTERM handler of the program's own stays."""
        if is_resource_tracker():
            return
        try:
            self._clients = (*self._clients, client)
            self._watch_forks()
            self.watch_signal()
            for package in _FORKING:
                self._when_imported(f"{package}.util", partial(self._watch_children, package))
            self._when_imported("celery.signals", self._watch_celery)
            self._when_imported("rq.worker", self._watch_rq)
            if client.at_once:
                self.start()
        except Exception:
            log_internal_error("prepare the last export")

    def remove(self, client: Client) -> None:
        """It has no more. What nobody needs is taken out."""
        self._clients = tuple(other for other in self._clients if other is not client)
        self._remove_if_unused()

    def start(self) -> None:
        """Something is measured in this process: its end matters from now on."""
        try:
            self.watch_signal()
            self._started = True
            if self._installed and not has_patched_threads():
                self._start_thread()
        except Exception:
            log_internal_error("prepare the last export")

    def watch_signal(self) -> None:
        """Sets our handler of SIGTERM, in the main thread and where the default one stands."""
        if threading.current_thread() is not threading.main_thread():  # only it may set handlers
            return
        standing = signal.getsignal(signal.SIGTERM)
        if standing != signal.SIG_DFL:
            watch_server(standing, self._uvicorn_ends)
        elif not is_caught_in_c() and (has_gevent_threads() or not has_patched_threads()):
            with suppress(ValueError):  # not in the main interpreter
                signal.signal(signal.SIGTERM, self._terminate)
                self._installed = True

    def _uvicorn_ends(self) -> None:
        """A server has put back the handler that it found, and is about to raise the signal again that it got."""
        if self._clients and self._started:
            self.start()

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
            keep_interrupt()
            if self._postponed:
                die()

    def _when_imported(self, module: str, then: Callable[[], None]) -> None:
        """Each by itself: a package that is not as it was takes no other one's last export with it."""
        if module in self._imports:
            return
        try:
            self._imports[module] = on_import(module, then)
        except Exception:
            log_internal_error(f"prepare the last export beside {module}")

    def _remove_if_unused(self) -> None:
        if self._clients or self._expecting:
            return
        if threading.current_thread() is threading.main_thread() and self._handles():
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            self._installed = False
        while self._imports:
            self._imports.popitem()[1]()
        while self._take_back:
            self._take_back.pop()()
        while self._finalizers:
            self._finalizers.pop().cancel()
        if self._thread is not None:
            self._orders.put(False)
        self._begin()

    # The thread.

    def _start_thread(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._obey, args=(self._orders,), name="otel-claude-shutdown", daemon=True
                )
                self._thread.start()

    def _obey(self, orders: SimpleQueue[bool]) -> None:
        while orders.get():
            self._finish()
            self._finished = True

    def _finish(self) -> None:
        clients = self._clients
        for client in clients:
            _try(client.prepare, "end open calls")
        flushed: list[Any] = []
        for client in clients:
            try:
                for provider in client.providers():
                    if all(provider is not other for other in flushed):
                        flushed.append(provider)
                        _try(partial(_flush, provider), "export the last numbers")
            except Exception:
                log_internal_error("find the providers")
        for client in clients:
            if client.finish is not None:
                _try(client.finish, "print the summary")

    def _finish_in_time(self) -> None:
        """Waits until the thread has done its work. Who comes second waits for the same, and no longer."""
        if self._thread is None or self._finished:
            return
        if self._deadline is None:
            self._deadline = time.monotonic() + _PATIENCE
            self._orders.put(True)
        while not self._finished and self._thread.is_alive() and time.monotonic() < self._deadline:
            if sys.is_finalizing():  # threads do not run any more
                return
            time.sleep(0.01)

    # SIGTERM.

    def _handles(self) -> bool:
        return signal.getsignal(signal.SIGTERM) == self._terminate

    def _terminate(self, _signum: int, _frame: object) -> None:
        self._handled = True
        if self._reporting and not self._postponed:
            self._postponed = True
            return
        # From here on a second SIGTERM ends the process at once.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        matters = bool(self._clients) and self._started
        if matters and has_gevent_threads():
            die_after_greenlet(self._finish, _PATIENCE)
            return
        try:
            # Threads that eventlet patched since then would be switched to, which cannot be done here.
            if matters and not has_patched_threads():
                self._finish_in_time()
        finally:
            die()

    # Forks.

    def _watch_forks(self) -> None:
        if not self._forks and hasattr(os, "register_at_fork"):
            self._forks = True
            os.register_at_fork(before=self._hold, after_in_parent=self._release, after_in_child=self._forked)

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
        try:
            self._begin()
            self._finalizers.clear()
            if any(client.at_once for client in self._clients):
                self.start()
        except Exception:
            log_internal_error("prepare the last export of a child process")
        self._release()

    # Children that run nothing which their parent registered with `atexit`.

    def has_finalizer(self) -> bool:
        """Whether this is such a child, whose last exports are made by its package's finalizers."""
        return bool(self._finalizers)

    def _watch_children(self, package: str) -> None:
        """`multiprocessing` calls back in each child but a spawned one."""
        if package not in self._watched:
            self._watched.add(package)
            sys.modules[f"{package}.util"].register_after_fork(self, methodcaller("began_child", package))
        # The SDK was imported in a child that has called back already.
        if getattr(sys.modules[f"{package}.process"].current_process(), "_parent_pid", None) is not None:
            self.began_child(package)
        elif is_spawned_child():
            # It runs `atexit`, but a pool terminates it while it waits for work.
            self._stay_wakeable()

    def began_child(self, package: str) -> None:
        """This is such a child: it runs its package's finalizers, or is terminated while it waits for work."""
        if not self._clients:
            return
        try:
            util, end = sys.modules[f"{package}.util"], partial(self._end_of, package)
            self._finalizers.append(util.Finalize(None, end, exitpriority=_LAST))
        except Exception:
            log_internal_error("prepare the last export of a child process")
        self._stay_wakeable()

    def _stay_wakeable(self) -> None:
        try:
            # Patched threads would wait in one's stead for all others.
            if hasattr(os, "register_at_fork") and self._handles() and not has_patched_threads():
                stay_wakeable(lambda: not self._handled and self._handles())
        except Exception:
            log_internal_error("prepare for the end of a child process")

    def _end_of(self, package: str) -> None:
        used: Any = sys.modules[package]
        method = getattr(used.current_process(), "_start_method", None) or used.get_start_method()
        # A spawned child is an interpreter of its own, which runs `atexit` after this.
        if method != "spawn":
            self._end_child()

    def _watch_celery(self) -> None:
        # Celery's pool processes leave by `os._exit`, before any finalizer; this signal is sent within them.
        ends = sys.modules["celery.signals"].worker_process_shutdown
        ends.connect(self._end_child, weak=False)
        self._take_back.append(partial(ends.disconnect, self._end_child))

    def _watch_rq(self) -> None:
        # A work-horse leaves by `os._exit` when this method returns (rq 1.0 to 3.0), whatever came of its job.
        kinds: Iterable[type] = sys.modules["rq.worker"].Worker.__mro__
        owner: Any = next(kind for kind in kinds if "perform_job" in kind.__dict__)
        original = owner.perform_job

        @wraps(original)
        def perform_job(worker: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                return original(worker, *args, **kwargs)
            finally:
                if worker.is_horse:  # else this process goes on with further jobs
                    self._end_child()

        def restore() -> None:
            if owner.perform_job is perform_job:
                owner.perform_job = original

        owner.perform_job = perform_job
        self._take_back.append(restore)

    def _end_child(self, **_sent: Any) -> None:
        """This process is about to leave by `os._exit`. No frame is interrupted, so a thread can be started."""
        try:
            if self._clients and self._started:
                if has_patched_threads():  # a greenlet that waits for orders would hold up all others
                    self._finish()
                else:
                    self._start_thread()
                    self._finish_in_time()
        except Exception:
            log_internal_error("export the last numbers")


def _try(work: Callable[[], Any], doing: str) -> None:
    try:
        work()
    except Exception:
        log_internal_error(doing)


def _flush(provider: Any) -> None:
    # One that was shut down has exported all, and would complain. While it is at it, the interrupted frame may be what
    # its export waits for: the same sums come again, which adds nothing under either temporality. (Both names stand
    # in opentelemetry-sdk 1.30 to 1.45.)
    is_down = getattr(provider, "_shutdown", False) is True and getattr(provider, "_atexit_handler", None) is None
    if not is_down:
        # Without a provider of the SDK there is nothing to flush.
        getattr(provider, "force_flush", bool)()


hooks: Final = ShutdownHooks()
"""Those of this process."""
