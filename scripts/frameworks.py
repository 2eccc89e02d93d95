"""Runs tests/frameworks: programs of each framework, each in a virtual environment of its framework's own.

    python scripts/frameworks.py [PYTEST ARGUMENTS]

The environments are kept under .cache/frameworks, and made with uv from requirements/frameworks/*.txt, one at a time.
One is made anew when its requirements or our own package's change.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "frameworks"
UV = ROOT / ".venv" / "bin" / "uv"


def make(requirements: Path) -> None:
    """Makes an environment, if it is not there as required."""
    environment = CACHE / requirements.stem
    stamp = environment / "made-of"
    python = [sys.executable.encode(), sys.version.encode()]
    contents = [file.read_bytes() for file in (requirements, ROOT / "pyproject.toml")]
    wanted = hashlib.sha256(b"\0".join([*python, *contents])).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    began = time.monotonic()
    shutil.rmtree(environment, ignore_errors=True)
    # An environment that somebody activated is none of ours.
    clean = {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}
    for command in (
        ["venv", "--quiet", "--python", sys.executable, environment],
        ["pip", "install", "--quiet", "--python", environment / "bin" / "python", "--requirement", requirements],
    ):
        subprocess.run([UV, *command], check=True, env=clean, cwd=ROOT)
    stamp.write_text(wanted)
    print(f"made {environment.relative_to(ROOT)} in {time.monotonic() - began:.0f} s", flush=True)


def main() -> int:
    """Makes all environments, and runs the tests."""
    for requirements in sorted((ROOT / "requirements" / "frameworks").glob("*.txt")):
        make(requirements)
    command = [sys.executable, "-m", "pytest", "-q", "tests/frameworks", *sys.argv[1:]]
    return subprocess.run(command, check=False, cwd=ROOT, env={**os.environ, "FRAMEWORK_TESTS": "1"}).returncode


if __name__ == "__main__":
    sys.exit(main())
