"""The services' first process: `python -m otel_claude_demo.services.processes <until> [live]`. Starts the services.

The services are programs of their own, as they would be, so that each has its own name in the telemetry. It makes no
calls; as the root of the process group it is the one that prints the summary.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import Final

SERVICES: Final = {
    "chat": "a shop's assistant: streams, a cached prompt, a visitor who leaves",
    "research": "an agent: tools, web search, thinking, many calls at once",
    "nightly": "jobs at night: batches, structured output, an empty credit balance",
}
"""The services and what they are. Each is the module of that name, with its `STEPS`."""
LIVE: Final = "live"
"""The argument that says so."""
END: Final = "end"
"""What is said last."""


def main(arguments: Sequence[str]) -> int:
    """Runs the services. Gives the first exit code that is not 0."""
    running: list[subprocess.Popen[bytes]] = []
    try:
        running.extend(_start(name, arguments) for name in SERVICES)
        codes = [service.wait() for service in running]
    finally:
        # Only if this is interrupted is there anything left to end. They hand over what they know before they do.
        for service in running:
            service.terminate()
        for service in running:
            service.wait()
    sys.stdout.write(f"{END}\n")
    sys.stdout.flush()
    # The summary is printed when this process ends: not before the progress bar is gone.
    sys.stdin.read()
    return next((code for code in codes if code), 0)


def _start(name: str, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - our own modules
        [sys.executable, "-m", f"{__package__}.service", name, *arguments],
        env={**os.environ, "OTEL_SERVICE_NAME": name},
        stdin=subprocess.DEVNULL,
    )


def _stop(*_: object) -> None:
    sys.exit(128 + signal.SIGTERM)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _stop)
    sys.exit(main(sys.argv[1:]))
