"""The workload's first process: `python -m otel_claude.demo.workload <until> [live]`. Starts the services.

The services are programs of their own, as they would be, so that each has its own name in the telemetry. It makes no
calls; as the root of the family it is the one that prints the summary.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Final

NAMES: Final = ("chat", "research", "nightly")
END: Final = "end"
"""What is said last."""


def main(arguments: Sequence[str]) -> int:
    """Runs the services. Gives the first exit code that is not 0."""
    running = [
        subprocess.Popen(  # noqa: S603 - our own modules
            [sys.executable, "-m", f"{__package__}.service", name, *arguments],
            env={**os.environ, "OTEL_SERVICE_NAME": name},
            stdin=subprocess.DEVNULL,
        )
        for name in NAMES
    ]
    codes = [service.wait() for service in running]
    sys.stdout.write(f"{END}\n")
    sys.stdout.flush()
    # The summary is printed when this process ends: not before the progress bar is gone.
    sys.stdin.read()
    return next((code for code in codes if code), 0)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
