"""Every test here has providers of its own, the instrumentation on, and fails on anything that it leaves behind."""

import gc
import os
from pathlib import Path

import pytest

from forks import Warm

pytest.register_assert_rewrite("support")

from support.face import Face  # noqa: E402 - its assertions are rewritten only from here on
from support.golden_case import Golden  # noqa: E402
from support.library import PYTHON, TRACINGS  # noqa: E402
from support.server import Server  # noqa: E402
from support.telemetry import Telemetry  # noqa: E402
from support.watching import watched  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def young_heap():
    """Most tests collect garbage: what the SDK and its models are made of is no garbage."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def telemetry(monkeypatch):
    """Telemetry that is global for traces, as an application's is, and ours by argument for metrics."""
    yield from watched(Telemetry(), monkeypatch)


@pytest.fixture
def quiet(telemetry):
    """Our logger says nothing aloud during the test."""
    yield telemetry
    assert telemetry.warnings == []


def clean_environment():
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "ANTHROPIC_", "PYTHON"))},
        "PYTHONPATH": str(Path(__file__).parent),
    }


@pytest.fixture(scope="session")
def warm():
    made = Warm(PYTHON, clean_environment())
    yield made
    made.close()


@pytest.fixture
def fork(warm, tmp_path):
    """Runs a program in a fork of a process that had imported the SDK: its exit code, output and errors."""

    def run(text):
        file = tmp_path / "program.py"
        file.write_text(text)
        return warm.run([str(file)], clean_environment())

    return run


@pytest.fixture(params=("sync", "async"))
def kind(request):
    return request.param


@pytest.fixture(params=TRACINGS)
def tracing(request):
    return request.param


@pytest.fixture
def face(kind, tracing, telemetry):
    """Makes a client of each kind, with the SDK's own tracing on or off, for a server with these replies."""

    def make(*replies, **options):
        return Face(kind, Server(*replies), tracing, **options)

    return make


_GOLDEN = pytest.StashKey[Golden]()


def pytest_configure(config):
    update = config.getoption("--update-golden")
    if update and getattr(config.option, "numprocesses", None):
        raise pytest.UsageError("--update-golden writes files: run it without -n")
    config.stash[_GOLDEN] = Golden(update=update)


@pytest.fixture
def golden(request):
    """The golden files of this run."""
    return request.config.stash[_GOLDEN]


def pytest_terminal_summary(terminalreporter, config):
    if config.getoption("--update-golden"):
        terminalreporter.section("golden files")
        for line in config.stash[_GOLDEN].summary():
            terminalreporter.line(line)
