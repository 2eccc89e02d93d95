"""Runs tests/fleets: fleets of processes on real servers, with each version of OpenTelemetry that behaves differently.

    python scripts/fleets.py [PYTEST ARGUMENTS]

The environments are kept under .cache/fleets. uv makes one of requirements/fleets/*.txt when a test wants it, and
anew when its requirements or our own package's change. The servers are those that scripts/stack makes.
"""

import os
import subprocess
import sys

from environments import ROOT


def main() -> int:
    """Runs all of the tests."""
    command = [sys.executable, "-m", "pytest", "-q", "tests/fleets", *sys.argv[1:]]
    return subprocess.run(command, check=False, cwd=ROOT, env={**os.environ, "FLEET_TESTS": "1"}).returncode


if __name__ == "__main__":
    sys.exit(main())
