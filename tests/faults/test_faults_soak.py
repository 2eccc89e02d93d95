"""The soak in small: nothing grows, and every sum is exact. `make soak` is the same with a million calls."""

import subprocess
import sys
from pathlib import Path

import pytest

SOAK = Path(__file__).parents[2] / "scripts" / "soak.py"


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from Linux's /proc")
@pytest.mark.parametrize(
    ("calls", "warm_up", "threads"),
    [
        (600, 300, 4),
        *(pytest.param(*sizes, marks=pytest.mark.heavy) for sizes in ((600, 300, 0), (20_000, 5_000, 0))),
    ],
)
def test_soak(calls, warm_up, threads):
    command = [
        sys.executable,
        str(SOAK),
        "--calls",
        str(calls),
        "--streams",
        str(calls // 10),
        "--warm-up",
        str(warm_up),
        "--threads",
        str(threads),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "expected and found" in done.stdout
