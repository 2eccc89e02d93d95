"""One finished call and one open stream, and then the process ends in some way. Its numbers go to the collector."""

import asyncio
import os
import signal
import sys
import threading

import script

HOW, KIND = sys.argv[1:3]
script.providers(script.otlp())
script.instrument()


def leave():
    """Ends the process, with the stream open."""
    if HOW == "sys.exit":
        sys.exit(3)
    if HOW == "exception":
        raise LookupError("the application's own")
    if HOW == "signal":
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        os.kill(os.getpid(), signal.SIGTERM)
        signal.pause()
    if HOW == "interrupt":
        os.kill(os.getpid(), signal.SIGINT)
        signal.pause()


def sync():
    global opened  # noqa: PLW0603 - open until the interpreter is torn down
    client = script.client()
    client.messages.create(**script.ARGS)
    opened = script.open_stream(client)
    leave()


async def asynchronous():
    global opened  # noqa: PLW0603 - open until the interpreter is torn down
    client = script.client("async")
    await client.messages.create(**script.ARGS)
    opened = await client.messages.create(**script.ARGS, stream=True)
    for _ in range(4):
        await opened.__anext__()
    if HOW == "interrupt":
        # A loop handles SIGINT by itself, when it is at work.
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.Event().wait()
    leave()


def in_a_daemon_thread():
    """A thread that reads a stream for ever, and is cut off."""
    from support.api import events, sse  # noqa: PLC0415
    from support.library import http  # noqa: PLC0415
    from support.server import Chunks  # noqa: PLC0415 - only here

    reached = threading.Event()

    class Hanging(Chunks):
        def __iter__(self):
            yield from sse(events())[:4]
            reached.set()
            threading.Event().wait()

    def read():
        client = script.client(replies=[script.either(), lambda _: http.Response(200, stream=Hanging([]))])
        client.messages.create(**script.ARGS)
        list(client.messages.create(**script.ARGS, stream=True))

    threading.Thread(target=read, daemon=True).start()
    reached.wait()
    leave()


if KIND == "sync":
    sync()
elif KIND == "async":
    asyncio.run(asynchronous())
elif KIND == "open loop":
    # A loop that nobody closes, as a notebook's.
    loop = asyncio.new_event_loop()
    loop.run_until_complete(asynchronous())
else:
    in_a_daemon_thread()
