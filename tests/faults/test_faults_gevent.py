"""gevent, in an environment of its own: the packages of this one, and gevent beside them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("uvicorn", reason="the simulator needs otel-claude[demo]")
from otel_claude_demo.simulator import Simulator

HERE = Path(__file__).parent
ENVIRONMENT = HERE.parents[1] / ".cache" / f"gevent-{sys.version_info.major}.{sys.version_info.minor}"
PYTHON = ENVIRONMENT / "bin" / "python"
MADE = ENVIRONMENT / ".made"


@pytest.fixture(scope="session")
def gevent_python():
    """The interpreter of the environment, made once per checkout."""
    if not MADE.exists():
        uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        if uv is None:
            missing("there is no uv")
        commands = ([uv, "venv", "-q", "--clear", "--python", sys.executable, str(ENVIRONMENT)],
                    [uv, "pip", "install", "-q", "--python", str(PYTHON), "gevent>=25"])  # fmt: skip
        for command in commands:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                missing(f"no environment with gevent could be made: {done.stderr[-500:]}")
        MADE.touch()
    return str(PYTHON)


def missing(why):
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why)


@pytest.mark.heavy
def test_greenlets(script, gevent_python):
    packages = [path for path in sys.path if "site-packages" in path or path.endswith("src")]
    with Simulator(limits=None) as simulator:
        one = script("greenlets", simulator.url, python=gevent_python, more_path=packages).wait()
        assert one.code == 0, one.err
        (told,) = one.told
        # 40 greenlets with a call and a stream, one more stream that was left, and the call that was killed.
        assert told["claude.client.calls"] == 82
        assert told["gen_ai.client.inference.usage.output_tokens"] == told["asked"] > 0
        assert told["claude.client.unpriced"] == 2
        assert told["by_tag"] == ["", "f0", "f1"]
