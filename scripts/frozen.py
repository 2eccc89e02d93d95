"""Freezes a program with PyInstaller and the built wheel's hook, runs it against the simulator, and compares.

    python scripts/frozen.py

Both forms of one program, a folder and a single file, each instrumented in code and by OpenTelemetry's automatic start:
calls, tokens and dollars must be those that were served. Installs what it needs in an environment that is thrown away.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV = ROOT / ".venv" / "bin" / "uv"
TESTS = ROOT / "tests" / "packaged"
sys.path.insert(0, str(TESTS))

from packaged_run import CALLS, measured  # noqa: E402 - the path comes first

# One analysis for both forms: it takes most of the time.
SPEC = """
analysis = Analysis([{program!r}])
archive = PYZ(analysis.pure)
exe = EXE(archive, analysis.scripts, exclude_binaries=True, name="folder", strip=False)
COLLECT(exe, analysis.binaries, analysis.datas, name="folder")
EXE(archive, analysis.scripts, analysis.binaries, analysis.datas, name="file")
"""


def run(*command: object) -> None:
    """Runs a command that must end well."""
    # An environment that somebody activated is none of ours.
    clean = {key: value for key, value in os.environ.items() if key not in ("VIRTUAL_ENV", "PYTHONPATH")}
    subprocess.run([str(part) for part in command], check=True, env=clean)


def main() -> None:
    """Builds, runs and compares."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="otel-claude-frozen-") as name:
        work = Path(name)
        run(UV, "build", "--quiet", "--wheel", "--out-dir", work / "dist", ROOT)
        (wheel,) = (work / "dist").glob("*.whl")
        run(UV, "venv", "--quiet", "--python", sys.executable, work / "env")
        python = work / "env" / "bin" / "python"
        required = ("--requirement", ROOT / "requirements" / "frozen.txt")
        run(UV, "pip", "install", "--quiet", "--python", python, *required, f"{wheel}[otlp,anthropic]")
        spec = work / "program.spec"
        spec.write_text(SPEC.format(program=str(TESTS / "programs" / "__main__.py")))
        folders = ("--distpath", work / "out", "--workpath", work / "build")
        run(python, "-m", "PyInstaller", "--log-level", "WARN", *folders, spec)
        print(f"  frozen after {time.monotonic() - began:.0f}s")
        for form in (work / "out" / "folder" / "folder", work / "out" / "file"):
            for how in ("code", "auto"):
                told = measured([str(form), how], work / f"{form.name}-{how}.json")
                assert told["calls"] == CALLS, told
                print(f"  {form.name}, {how}: {told['calls']} calls, {told['usd']} USD, as served")
    print(f"4 passed, 0 failed in {time.monotonic() - began:.0f}s")


main()
