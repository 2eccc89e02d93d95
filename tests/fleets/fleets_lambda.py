"""AWS Lambda's Runtime API, as its documentation has it, for one function. It freezes the process after each answer."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import uuid
from queue import Queue

from listening import Listening, Quiet

NEXT = "/2018-06-01/runtime/invocation/next"
FROZEN = 0.3
"""Seconds between an answer and the next event."""


class RuntimeApi(Listening):
    """`ask` has the function answer one event. `took`: the seconds that each took."""

    def __init__(self) -> None:
        events, answers = self._events, self._answers = Queue(), Queue()

        class Handler(Quiet):
            def do_GET(self):  # noqa: N802 - http.server's name
                assert self.path == NEXT
                event = json.dumps(events.get()).encode()
                if event == b"null":
                    return
                self.send_response(200)
                for name, value in {
                    "Content-Length": len(event),
                    "Content-Type": "application/json",
                    "Lambda-Runtime-Aws-Request-Id": uuid.uuid4(),
                    "Lambda-Runtime-Deadline-Ms": int(time.time() * 1000) + 60_000,
                    "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:123456789012:function:chat",
                    "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0",
                }.items():
                    self.send_header(name, str(value))
                self.end_headers()
                self.wfile.write(event)

            def do_POST(self):  # noqa: N802 - http.server's name
                answers.put((self.path.rpartition("/")[2], self.posted()))
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()

        super().__init__(Handler)
        self.took: list[float] = []

    def __exit__(self, *raised):
        self._events.put(None)
        super().__exit__(*raised)

    def ask(self, process: subprocess.Popen, event: object) -> None:
        """The process is woken for an event, and frozen as soon as it has answered."""
        os.kill(process.pid, signal.SIGCONT)
        began = time.monotonic()
        self._events.put(event)
        kind, answer = self._answers.get(timeout=60)
        os.kill(process.pid, signal.SIGSTOP)
        self.took.append(time.monotonic() - began)
        assert kind == "response", answer
        time.sleep(FROZEN)
