"""Runs scripts in forks of a process that has imported what they all need (`scripts/warm.py`)."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import tempfile


class Warm:
    """The process that forks. Each `run` is one script, from its beginning to its end."""

    def __init__(self, command, environment):
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            end = theirs.fileno()
            self._process = subprocess.Popen([*command, str(end)], pass_fds=[end], env=environment)

    def run(self, arguments, environment):
        """What became of a script: its exit code, and what it said on its standard output and error."""
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            asked = json.dumps({"arguments": arguments, "environment": environment}).encode()
            socket.send_fds(self._control, [asked], [out.fileno(), err.fileno()])
            ended = json.loads(self._control.recv(1 << 10))
            with contextlib.suppress(ProcessLookupError):  # nothing that it started is left
                os.killpg(ended["pid"], signal.SIGKILL)
            out.seek(0)
            err.seek(0)
            return ended["code"], out.read(), err.read()

    def close(self):
        self._control.close()
        self._process.wait()
