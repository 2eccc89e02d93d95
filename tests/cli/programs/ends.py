"""A program that makes two calls, and a stream that it leaves open, and ends as it is told."""

import gc
import os
import signal
import sys
import time

gc.disable()  # it would take a quarter of the import's time

import anthropic  # noqa: E402

gc.freeze()  # what the SDK is made of is no garbage, and takes long to look through at the exit
gc.enable()

how = sys.argv[1]
client = anthropic.Anthropic()
ask = {"model": "claude-haiku-4-5", "max_tokens": 40, "messages": [{"role": "user", "content": "Hello"}]}


def say(text):
    sys.stdout.write(text)
    sys.stdout.flush()


def handler(signum, frame):
    say("handled\n")
    sys.exit(7)


if how == "own-handler":
    signal.signal(signal.SIGTERM, handler)
elif how == "ignored":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)

say("ready\n" if how != "returns" else "first\n")
client.messages.create(**ask)
client.messages.create(**ask)
stream = client.messages.create(**ask, stream=True)
next(stream)

if how in ("sleeps", "own-handler"):
    say("calls made\n")
    time.sleep(60)
elif how == "raises":
    raise ValueError("boom")
elif how == "exits":
    sys.exit(3)
elif how == "terminates-itself":
    os.kill(os.getpid(), signal.SIGTERM)
elif how == "returns":
    sys.stdout.write("second")  # without a line's end
elif how == "ignored":
    os.kill(os.getpid(), signal.SIGTERM)
    sys.exit(4)
