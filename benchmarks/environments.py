"""The virtual environments of the variants, kept under .cache/bench, made with uv as scripts/sdk_matrix.py does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from scripts.environments import pins

from .variants import ENVIRONMENTS

ROOT: Final = Path(__file__).resolve().parent.parent
CACHE: Final = ROOT / ".cache" / "bench"
_UV: Final = ROOT / ".venv" / "bin" / "uv"
_CONSTRAINTS: Final = CACHE / "constraints.txt"
_NOT_PINNED: Final = ("anthropic==", "certifi==")
"""Pins of the tests that do not hold here: the variants name the SDK, and LiteLLM wants certificates of its own."""


class NotMadeError(Exception):
    """An environment cannot be made."""


def make(name: str) -> Path:
    """Makes an environment, if what it should have changed since it was made, and gives its interpreter.

    Raises:
        NotMadeError: Its packages cannot be installed together.
    """
    CACHE.mkdir(parents=True, exist_ok=True)
    _CONSTRAINTS.write_text("\n".join(pin for pin in pins() if not pin.startswith(_NOT_PINNED)) + "\n")
    home = CACHE / "environments" / name
    python, stamp = home / "bin" / "python", home / "installed.txt"
    wanted = "\n".join([*ENVIRONMENTS[name], _CONSTRAINTS.read_text(encoding="utf-8")])
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return python
    _run(_UV, "venv", "--quiet", "--clear", "--python", sys.executable, home)
    _run(_UV, "pip", "install", "--quiet", "--python", python, "--constraint", _CONSTRAINTS, *ENVIRONMENTS[name])
    stamp.write_text(wanted, encoding="utf-8")
    return python


def _run(*command: str | Path) -> None:
    # An environment that somebody activated is none of ours.
    clean = {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=clean)
    if done.returncode:
        raise NotMadeError(done.stderr.strip())


def environment(project: Path) -> dict[str, str]:
    """The variables of a process that runs the sources of `project` in one of these environments."""
    mine = ("OTEL_", "ANTHROPIC_", "TRACELOOP_", "OPENINFERENCE_", "PYTHON", "VIRTUAL_ENV")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(mine)}
    # Compiled files stay here: another checkout is only read.
    compiled = {"PYTHONPYCACHEPREFIX": str(CACHE / "compiled")}
    return {**kept, **compiled, "PYTHONPATH": os.pathsep.join([str(project / "src"), str(ROOT)])}
