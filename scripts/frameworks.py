"""Runs tests/frameworks: programs of each framework, each in a virtual environment of its framework's own.

    python scripts/frameworks.py [PYTEST ARGUMENTS]

The environments are kept under .cache/frameworks, and made with uv from requirements/frameworks/*.txt, one at a time.
One is made anew when its requirements or our own package's change.
"""

import os
import subprocess
import sys

from environments import ROOT, make_all


def main() -> int:
    """Makes all environments, and runs the tests."""
    make_all("frameworks")
    command = [sys.executable, "-m", "pytest", "-q", "tests/frameworks", *sys.argv[1:]]
    return subprocess.run(command, check=False, cwd=ROOT, env={**os.environ, "FRAMEWORK_TESTS": "1"}).returncode


if __name__ == "__main__":
    sys.exit(main())
