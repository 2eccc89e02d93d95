"""Faults are provoked with the real SDK and real providers; where a process must die or fork, in one of its own."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SUPPORT = HERE.parent / "sdk"
# What the API sends, and a server that sends it, are those of the tests of the patches.
sys.path.insert(0, str(SUPPORT))
pytest.register_assert_rewrite("support")

from faults_measured import instrumented  # noqa: E402 - the path comes first
from faults_receiver import Receiver  # noqa: E402
from support.telemetry import Telemetry  # noqa: E402

from forks import Warm  # noqa: E402

UNSET = ("OTEL_", "ANTHROPIC_", "PYTHON")


# A deadlock shows as a traceback of every thread (`script.py` sets it up), not as a slow machine.
STRICT = (sys.executable, "-W", "error")


def environment(more_path=(), **more):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(UNSET)}
    return {**kept, "PYTHONPATH": os.pathsep.join([str(SUPPORT), str(HERE / "scripts"), *more_path]), **more}


class Script:
    """A script of its own process, and what it told: each line of JSON on its standard output."""

    def __init__(self, name, *arguments, python=sys.executable, run=(), more_path=(), **variables):
        warned = [] if run else ["-W", "error"]
        command = [*run, python, *warned, str(HERE / "scripts" / f"{name}.py"), *map(str, arguments)]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(more_path, **variables),
            start_new_session=True,
        )  # fmt: skip
        self.out = self.err = ""

    def line(self):
        """The next line, as soon as it is there."""
        return json.loads(self.process.stdout.readline())

    def wait(self):
        """Until its end."""
        self.out, self.err = self.process.communicate(timeout=170)
        return self

    @property
    def code(self):
        return self.process.returncode

    @property
    def told(self):
        return [json.loads(line) for line in self.out.splitlines() if line.startswith("{")]

    def close(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.communicate()


class Begun:
    """The same in a fork of a process that had imported the SDK: what is tested of most scripts comes after."""

    def __init__(self, warm, name, *arguments, **variables):
        command = [str(HERE / "scripts" / f"{name}.py"), *map(str, arguments)]
        reads, writes = os.pipe()
        self._stdout, self._stderr = os.fdopen(reads), tempfile.TemporaryFile("w+")  # noqa: SIM115 - until `close`
        self.process = warm.begin(command, environment(**variables), writes, self._stderr.fileno())
        os.close(writes)
        self.out = self.err = ""

    def line(self):
        return json.loads(self._stdout.readline())

    def wait(self):
        self.out = self._stdout.read()
        self.process.wait()
        self._stderr.seek(0)
        self.err = self._stderr.read()
        return self

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._stdout.close()
        self._stderr.close()

    code, told = Script.code, Script.told


class Ended:
    """A script that ran in a fork of a process which had imported the SDK, and what it told."""

    def __init__(self, warm, name, *arguments, **variables):
        command = [str(HERE / "scripts" / f"{name}.py"), *map(str, arguments)]
        self.code, self.out, self.err = warm.run(command, environment(**variables))

    told = Script.told


@pytest.fixture(scope="session")
def warm():
    made = Warm(STRICT, environment())
    yield made
    made.close()


@pytest.fixture
def ended(warm):
    """Runs a script to its end, in a fork."""
    return partial(Ended, warm)


@pytest.fixture
def script(warm):
    """Begins a script in a fork; where it is of another Python or under another command, in a process of its own."""
    begun = []

    def begin(*arguments, **more):
        begun.append(Script(*arguments, **more) if {"python", "run"} & set(more) else Begun(warm, *arguments, **more))
        return begun[-1]

    yield begin
    for one in begun:
        one.close()


@pytest.fixture
def run(ended):
    """Runs a script that must end well and say nothing on stderr; gives what it told."""

    def to_the_end(*arguments, **more):
        one = ended(*arguments, **more)
        assert one.code == 0, one.err
        assert one.err == "", one.err
        return one.told

    return to_the_end


@pytest.fixture
def receiver():
    with Receiver() as listening:
        yield listening


@pytest.fixture
def telemetry(monkeypatch):
    """Providers of this test's own, with the instrumentation on; nothing may stay open."""
    kept = Telemetry()
    yield from instrumented(kept, monkeypatch)
