"""A program that SIGTERM meets in the middle: it says "ready" after its calls, and would wait for long."""

import time

from asking import ask

ask(3)
print("ready", flush=True)
time.sleep(600)
