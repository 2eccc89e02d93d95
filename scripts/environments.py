"""Virtual environments that tests run programs in, made with uv from pinned requirements and kept under .cache."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV = ROOT / ".venv" / "bin" / "uv"


def pins() -> list[str]:
    """The versions that requirements/dev.txt pins, without hashes: constraints are for other sets of packages too."""
    text = (ROOT / "requirements" / "dev.txt").read_text()
    return re.findall(r"^([\w.-]+==.*?)(?: \\)?$", text, re.MULTILINE)


def make_all(kind: str) -> None:
    """Makes the environment of each of requirements/`kind`/*.txt under .cache/`kind`, one at a time."""
    for requirements in sorted((ROOT / "requirements" / kind).glob("*.txt")):
        make(requirements, ROOT / ".cache" / kind / requirements.stem)


def make(requirements: Path, environment: Path) -> None:
    """Makes an environment, if it is not there as required: by its requirements and our own package's."""
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
