"""Runs scripts in forks of a process that has imported what they all need (`forks_warm.py`)."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

PROGRAM = Path(__file__).with_name("forks_warm.py")


class Warm:
    """The process that forks: one script after the other."""

    def __init__(self, python, environment):
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            end = theirs.fileno()
            self._process = subprocess.Popen([*python, str(PROGRAM), str(end)], pass_fds=[end], env=environment)

    def begin(self, arguments, environment, out, err):
        """The fork that becomes a script, with these files as its standard output and error."""
        asked = json.dumps({"arguments": arguments, "environment": environment}).encode()
        socket.send_fds(self._control, [asked], [out, err])
        return Fork(self._control)

    def run(self, arguments, environment):
        """What became of a script: its exit code, and what it said on its standard output and error."""
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            code = self.begin(arguments, environment, out.fileno(), err.fileno()).wait()
            out.seek(0)
            err.seek(0)
            return code, out.read(), err.read()

    def close(self):
        self._control.close()
        self._process.wait()


class Fork:
    """A script that runs, with what `subprocess.Popen` has."""

    def __init__(self, control):
        self._control = control
        self.pid = json.loads(control.recv(1 << 10))["pid"]
        self.returncode = None

    def poll(self):
        with contextlib.suppress(BlockingIOError):
            return self.wait(socket.MSG_DONTWAIT)
        return None

    def wait(self, flags=0):
        if self.returncode is None:
            self.returncode = json.loads(self._control.recv(1 << 10, flags))["code"]
            with contextlib.suppress(ProcessLookupError):  # nothing that it started is left
                os.killpg(self.pid, signal.SIGKILL)
        return self.returncode

    def send_signal(self, number):
        os.kill(self.pid, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)
