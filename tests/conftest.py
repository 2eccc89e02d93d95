"""What holds for all tests: each has one kind, and those without processes and sockets are kept so."""

import gc
import os
import platform
import signal
import sys
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

HERE = Path(__file__).parent
"""The kind of the tests of a directory. A module or a test of another kind says so by a mark of its own."""
KINDS = {
    "agent_sdk": "process",
    "bedrock": "process",
    "cli": "process",
    "faults": "process",
    "fleets": "stack",
    "frameworks": "stack",
    "hostile": "sdk",
    "litellm": "process",
    "organization": "process",
    "packaged": "process",
    "pricing": "unit",
    "recorded": "sdk",
    "reconcile": "unit",
    "sdk": "sdk",
    "services": "process",
    "spending": "unit",
    "stack": "unit",  # the files; what asks real servers is called `test_live_*`
    "summary": "unit",
    "tools": "benchmarks",
    "unit": "unit",
}
ALL = {*KINDS.values()}
ALONE = {"unit", "sdk"}
"""The kinds that start no process and open no socket: `make test-unit` runs them."""
# Not `socket.bind`, which urllib3 does when it is imported: to a server that somebody asks, somebody connects.
FORBIDDEN = {
    "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.system", "subprocess.Popen",
    "socket.connect", "socket.getaddrinfo",
}  # fmt: skip

# `make test` draws the same examples each time, so that what was green stays green. `make test-faults` says
# `--hypothesis-profile thorough`, and draws others each time, but for CI, where green stays green too.
_SAME = {"derandomize": True, "database": None}
unhealthy = [HealthCheck.too_slow, HealthCheck.data_too_large]
for name, kept in (
    ("quick", settings(max_examples=40, **_SAME)),
    ("thorough", settings(max_examples=200, **(_SAME if os.environ.get("CI") else {}))),
):
    settings.register_profile(name, kept, deadline=None, suppress_health_check=unhealthy)
settings.load_profile("quick")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell that runs something in the background has it ignore SIGINT, and all that it starts would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="write tests/golden/*.json anew, and say what changed"
    )


@pytest.hookimpl(tryfirst=True)  # before `-m` selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        kind = _of_directory(item.path)
        if kind and _kind(item) is None:
            item.add_marker(kind)


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """What is imported and collected is no garbage: to look through it takes a quarter of that time, and of tests."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


@cache
def _of_directory(path: Path) -> str | None:
    if not path.is_relative_to(HERE):
        return None
    return "stack" if path.name.startswith("test_live_") else KINDS[path.relative_to(HERE).parts[0]]


def _kind(item: pytest.Item) -> str | None:
    """The nearest, as a test can be of another kind than its module."""
    return next((mark.name for mark in item.iter_markers() if mark.name in ALL), None)


class Alone:
    """Keeps a test of `ALONE` so: what it must not do raises, and it fails even if something swallowed that."""

    def __init__(self) -> None:
        self.test = ""
        self.did: list[str] = []
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[object, ...]) -> None:
        if self.test and event in FORBIDDEN:
            self.did.append(f"{event} {arguments}")
            raise RuntimeError(f"{self.test} does {event}: mark it `process`")


ALONE_NOW = Alone()
platform.processor()  # starts `uname`, once in a process; older SDKs (0.40 to 0.75) ask for it within a call


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item):
    ALONE_NOW.test = item.nodeid if _kind(item) in ALONE else ""
    ALONE_NOW.did.clear()
    return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item):
    result = yield
    ALONE_NOW.test = ""
    assert ALONE_NOW.did == [], "a test of this kind starts no process and opens no socket: mark it `process`"
    return result
