"""Forks before, during and after calls, in the manner of several frameworks. Every process tells its own sums."""

import multiprocessing
import os
import sys
import threading
import warnings

import script
from script import child, wait

HOW = sys.argv[1]
TOLD = (script.CALLS, "claude.client.attempts", "claude.client.cost.usd", "gen_ai.client.inference.usage.output_tokens")
# What Python says of a fork beside threads is the application's business.
warnings.simplefilter("ignore", DeprecationWarning)


def tell(who):
    script.tell(who=who, **script.sums(*TOLD))


def calls(count):
    for _ in range(count):
        client.messages.create(**script.ARGS)


def plain_fork():
    """Open streams at the fork: the child drops one and reads one on, and neither is its own."""
    calls(3)
    opened, other = script.open_stream(client), script.open_stream(client)

    def work():
        nonlocal opened
        list(other)
        opened.close()
        opened = None
        calls(2)
        list(script.open_stream(client))
        tell("child")

    wait(child(work))
    calls(1)
    opened.close()
    list(other)
    tell("parent")


def during_a_call():
    """The fork comes while another thread waits for its answer."""
    asked, answer = threading.Event(), threading.Event()

    def slow(request):
        asked.set()
        answer.wait()
        return script.either()(request)

    waiting = script.client(replies=[slow])
    thread = threading.Thread(target=lambda: waiting.messages.create(**script.ARGS))
    thread.start()
    asked.wait()

    def work():
        calls(2)
        tell("child")

    wait(child(work))
    answer.set()
    thread.join()
    tell("parent")


def while_it_is_collected():
    """The fork comes while a thread holds the counters' lock."""
    from otel_claude.telemetry.metrics import _by_provider, _of_global  # noqa: PLC0415 - only here

    calls(3)
    (instruments,) = (*_of_global, *_by_provider.values())
    held, go = threading.Event(), threading.Event()

    def hold():
        with instruments.counters._lock:
            held.set()
            go.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()

    def work():
        calls(70)
        tell("child")

    wait(child(work))
    go.set()
    thread.join()
    tell("parent")


def pool_task(count):
    calls(count)
    return {"pid": os.getpid(), **script.sums(*TOLD)}


def multiprocessing_pool():
    """Tasks in a pool of forked processes, which are replaced after two tasks each."""
    calls(2)
    with multiprocessing.get_context("fork").Pool(2, maxtasksperchild=2) as pool:
        told = pool.map(pool_task, [1, 2, 3, 4, 5, 6], chunksize=1)
        pool.close()
        pool.join()
    last = {}
    for one in told:
        pid = one.pop("pid")
        last[pid] = max(last.get(pid, one), one, key=lambda sums: sums[script.CALLS])
    script.tell(who="child", **{name: sum(one[name] for one in last.values()) for name in TOLD})
    tell("parent")


def grandchildren():
    """A child that called forks again."""
    calls(1)

    def work():
        calls(2)

        def deeper():
            calls(4)
            tell("child")

        wait(child(deeper))
        tell("child")

    wait(child(work))
    tell("parent")


WAYS = {
    way.__name__: way for way in (plain_fork, during_a_call, while_it_is_collected, multiprocessing_pool, grandchildren)
}

script.providers()
script.instrument()
client = script.client()
WAYS[HOW]()
