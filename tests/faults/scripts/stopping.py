"""A program that makes calls, here or in processes that it starts, and ends in some way. Says what it did.

Its numbers go to the collector of the test, when flushed and at the exit.
"""

import asyncio
import atexit
import importlib
import multiprocessing
import os
import signal
import sys
import threading
import time
import warnings
from concurrent.futures import ProcessPoolExecutor

import script

HOW, *MORE = sys.argv[1:]
# What Python says of a fork beside threads is the application's business.
warnings.simplefilter("ignore", DeprecationWarning)


def call(_=None):
    client.messages.create(**script.ARGS)
    return os.getpid()


def call_and(end):
    call()
    end()


def wait():
    """Until a signal comes."""
    script.tell(ready=True)
    while True:
        time.sleep(60)


def raise_error():
    raise LookupError("the application's own")


def ended(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


# Signals.


def sigterm():
    call()
    wait()


def sigterm_after_an_open_stream():
    global opened  # noqa: PLW0603 - open until the end
    call()
    opened = script.open_stream(client)
    wait()


def sigterm_while_a_loop_runs():
    async def run():
        await asyncio.to_thread(call)
        script.tell(ready=True)
        await asyncio.Event().wait()

    asyncio.run(run())


def sigterm_and_calls_of_threads():
    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
    wait()


def sigterm_without_a_call():
    wait()


def sigterm_in_a_lock():
    """The main thread is interrupted where it holds a lock that every measurement needs."""
    global opened  # noqa: PLW0603 - open until the end
    call()
    opened = script.open_stream(client)
    from otel_claude.telemetry.metrics import _by_provider, _of_global  # noqa: PLC0415 - only here

    for instruments in (*_of_global, *_by_provider.values()):
        with instruments.counters._lock:
            wait()


def own_handler_before():
    call()
    wait()


def own_handler_after():
    call()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
    wait()


def handler_of_a_loop():
    async def run():
        call()
        asked = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asked.set)
        script.tell(ready=True)
        await asked.wait()
        sys.exit(7)

    asyncio.run(run())


def raised_again():
    """As uvicorn: its own handler, and when it has shut down the one that it found, and the signal once more."""
    asked = []
    found = signal.signal(signal.SIGTERM, lambda *_: asked.append(True))
    call()
    script.tell(ready=True)
    while not asked:
        time.sleep(0.01)
    signal.signal(signal.SIGTERM, found)
    signal.raise_signal(signal.SIGTERM)


def served_by_uvicorn():
    """uvicorn has set its handler when it loads the application, and nothing of ours is there before that."""
    importlib.import_module("uvicorn").run(load, factory=True, port=0, lifespan="on", log_level="warning")


def served_by_uvicorn_over_a_handler():
    """uvicorn puts back the application's own."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
    served_by_uvicorn()


def load():
    set_up()

    async def application(scope, receive, send):
        assert scope["type"] == "lifespan"
        await receive()
        await asyncio.to_thread(call)
        await send({"type": "lifespan.startup.complete"})
        script.tell(ready=True)
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    return application


def handler_in_c():
    """A handler of which Python does not know."""
    wait()


# Processes.


def processes(method, end="returns", count="3"):
    ways = {"returns": int, "sys.exit": sys.exit, "raises": raise_error, "os._exit": leave}
    target, *arguments = (call_and, ways[end]) if end in ways else (call_within_exits,)
    begun = [multiprocessing.get_context(method).Process(target=target, args=arguments) for _ in range(int(count))]
    for process in begun:
        process.start()
    began = time.monotonic()
    for process in begun:
        process.join()
    script.tell(seconds=time.monotonic() - began)
    return [process.exitcode for process in begun]


def leave():
    os._exit(5)


def call_within_exits():
    """What `multiprocessing` does around the work of each forked child since Python 3.13."""
    atexit._clear()
    atexit.register(multiprocessing.util._exit_function)
    call()
    atexit._run_exitfuncs()


def sleep(ready):
    call()
    ready.set()
    time.sleep(60)


def terminated(method):
    context = multiprocessing.get_context(method)
    ready = context.Event()
    process = context.Process(target=sleep, args=(ready,))
    process.start()
    ready.wait()
    process.terminate()
    process.join()
    return [process.exitcode]


def daemonic():
    """Python terminates what it calls a daemon at the exit of the parent."""
    ready = multiprocessing.get_context("fork").Event()
    multiprocessing.get_context("fork").Process(target=sleep, args=(ready,), daemon=True).start()
    ready.wait()


def pool_closed(method):
    pool = multiprocessing.get_context(method).Pool(2)
    pool.map(call, range(4), 1)
    pool.close()
    pool.join()


def pool_left(method):
    with multiprocessing.get_context(method).Pool(2) as pool:
        pool.map(call, range(4), 1)


def pool_of_one_task_each():
    with multiprocessing.get_context("fork").Pool(2, maxtasksperchild=1) as pool:
        pool.map(call, range(4), 1)
        pool.close()
        pool.join()


def executor(method):
    with ProcessPoolExecutor(2, multiprocessing.get_context(method)) as pool:
        list(pool.map(call, range(4)))


def imported_in_a_task(method):
    """Nothing of ours is in the parent, and the child sets itself up when it is at work."""
    process = multiprocessing.get_context(method).Process(target=set_up_and_call)
    process.start()
    process.join()
    return [process.exitcode]


def set_up_and_call():
    set_up()
    call()


def billiard_processes():
    billiard = importlib.import_module("billiard")
    begun = [billiard.Process(target=call) for _ in range(3)]
    for process in begun:
        process.start()
    for process in begun:
        process.join()
    return [process.exitcode for process in begun]


def begun_by_a_thread():
    found = []
    thread = threading.Thread(target=lambda: found.extend(processes("fork")))
    thread.start()
    thread.join()
    return found


def nested():
    process = multiprocessing.get_context("fork").Process(target=call_and, args=(nested_child,))
    process.start()
    process.join()
    return [process.exitcode]


def nested_child():
    assert processes("fork") == [0, 0, 0]


def after_calls_of_the_parent():
    call()
    return processes("fork")


def daemonized():
    """Forks twice, as a daemon does; each process leaves by `os._exit` but the last, which ends by SIGTERM."""
    told, tells = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        call()
        os.write(tells, f"{os.getpid()}\n".encode())
        time.sleep(60)
    assert ended(pid) == 0
    daemon = int(os.read(told, 100))
    os.close(tells)
    os.kill(daemon, signal.SIGTERM)
    assert os.read(told, 1) == b""  # it is gone


def os_exit():
    call()
    os._exit(5)


# Exits.


def exits_with_its_own_atexit():
    import atexit  # noqa: PLC0415 - only here

    atexit.register(lambda: script.tell(last=True))
    call()
    sys.exit(3)


def exits_in_a_thread():
    thread = threading.Thread(target=call_and, args=(sys.exit,))
    thread.start()
    thread.join()


def shut_down_by_itself():
    call()
    metrics.get_meter_provider().shutdown()
    wait()


def sigterm_during_the_exit():
    """The signal comes while OpenTelemetry's own exit has only begun to export."""
    exporter = reader._exporter
    export = exporter.export

    def slow(*args, **kwargs):
        if not slowed:
            slowed.append(True)
            script.tell(ready=True)
            time.sleep(1)
        return export(*args, **kwargs)

    slowed = []
    exporter.export = slow
    call()


def own_provider():
    """Providers that are not the global ones."""
    call()
    wait()


def uninstrumented():
    handler = signal.getsignal(signal.SIGTERM)
    call()
    names = sorted(thread.name for thread in threading.enumerate() if "otel-claude" in thread.name)
    ClaudeInstrumentor().uninstrument()
    deadline = time.monotonic() + 5
    while any("otel-claude" in thread.name for thread in threading.enumerate()) and time.monotonic() < deadline:
        time.sleep(0.01)
    left = [thread.name for thread in threading.enumerate() if "otel-claude" in thread.name]
    script.tell(
        before=handler != signal.SIG_DFL, threads=names, after=signal.getsignal(signal.SIGTERM) != signal.SIG_DFL,
        left=left,
    )  # fmt: skip


def in_place():
    """What stands in the process, before and after a call."""
    for work in (int, call):
        work()
        script.tell(
            handler=signal.getsignal(signal.SIGTERM) != signal.SIG_DFL,
            threads=sorted(thread.name for thread in threading.enumerate() if "otel-claude" in thread.name),
        )


def set_up():
    global client, reader  # noqa: PLW0603 - the program's
    if "own_handler_before" in sys.argv:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
    if "handler_in_c" in sys.argv:
        import faulthandler  # noqa: PLC0415 - only here

        faulthandler.register(signal.SIGTERM)
    if "own_provider" in sys.argv:
        script.instrument(meter_provider=MeterProvider([script.otlp()]))
    else:
        reader = script.otlp()
        script.providers(reader)
        script.instrument()
    client = script.client()


from opentelemetry import metrics  # noqa: E402 - as scripts do
from opentelemetry.sdk.metrics import MeterProvider  # noqa: E402

from otel_claude import ClaudeInstrumentor  # noqa: E402

if HOW != "imported_in_a_task" and not HOW.startswith("served_by_uvicorn"):
    set_up()
if __name__ == "__main__":
    codes = globals()[HOW](*MORE)
    if codes is not None:
        script.tell(codes=codes)
