"""Every test here has providers of its own, the instrumentation on, and fails on anything that it leaves behind."""

import gc

import pytest

pytest.register_assert_rewrite("support")

from support.face import Face  # noqa: E402 - its assertions are rewritten only from here on
from support.golden_case import Golden  # noqa: E402
from support.library import TRACINGS  # noqa: E402
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
