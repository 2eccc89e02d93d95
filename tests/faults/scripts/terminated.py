"""Under `otel-claude run`: a finished call and an open stream, and then SIGTERM comes from outside."""

import signal
import sys

import script

if sys.argv[1] == "own":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
client = script.client()
client.messages.create(**script.ARGS)
opened = script.open_stream(client)
script.tell(ready=True)
signal.pause()
