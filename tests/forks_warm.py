"""A process that has imported the SDK and OpenTelemetry's exporter, and runs scripts, each in a fork of it.

The fork becomes the script, and ends as any process does. Those imports are most of the time of a script. Nothing of
ours is imported before the fork: to us it is a process like any other. `forks.py` is the socket's other end.
"""

import contextlib
import gc
import json
import os
import socket
import sys
from pathlib import Path

gc.disable()  # it would take a quarter of the imports' time

import anthropic.resources  # noqa: E402, F401 - what takes long
import support.face  # noqa: E402, F401 - the same

with contextlib.suppress(ImportError):  # not every environment of `scripts/sdk_matrix.py` has it
    import opentelemetry.exporter.otlp.proto.http.metric_exporter  # noqa: F401 - the same

# What the SDK is made of is no garbage: to look through it at the end would take each fork longer than its script.
gc.freeze()
gc.enable()
control = socket.socket(fileno=int(sys.argv[1]))
while True:
    said, files, *_ = socket.recv_fds(control, 1 << 18, 2)
    if not said:
        sys.exit()
    pid = os.fork()
    if pid == 0:
        break
    for file in files:
        os.close(file)
    control.send(json.dumps({"pid": pid}).encode())
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    control.send(json.dumps({"code": code}).encode())

assert not any(name.partition(".")[0] == "otel_claude" for name in sys.modules)
control.close()
os.setsid()
for number, file in enumerate(files, 1):
    os.dup2(file, number)
    os.close(file)
asked = json.loads(said)
os.environ.clear()
os.environ.update(asked["environment"])
sys.argv = asked["arguments"]
__file__ = sys.argv[0]  # what `multiprocessing` has its children run, where it starts them anew
# In this very module: what a script leaves in its globals stays until the interpreter is torn down.
exec(compile(Path(sys.argv[0]).read_bytes(), sys.argv[0], "exec"))
