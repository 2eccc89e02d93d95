"""The simulator as a server beside the tests: the environments of older SDKs lack what it is made of."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
_SOURCES = (str(ROOT / "src"), str(ROOT / "demo" / "src"))


def interpreter() -> str | None:
    """A Python that can run it: this one, or that of `make setup`."""
    if find_spec("starlette") and find_spec("uvicorn"):
        return sys.executable
    python = ROOT / ".venv" / "bin" / "python"
    return str(python) if python.exists() else None


@contextmanager
def simulator(python: str) -> Iterator[str]:
    """Its base URL, for as long as the block lasts."""
    command = [python, "-m", "otel_claude_demo.simulator", "--port", "0"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(_SOURCES), "PYTHONWARNINGS": "ignore"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as server:
        try:
            announced = server.stdout.readline()
            yield next(word for word in announced.split() if word.startswith("http://"))
        finally:
            server.terminate()
