"""Fixtures: the real SDK against a real simulator."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest
from anthropic import Anthropic, DefaultHttpxClient

from otel_claude_demo.simulator import Simulator

KEY = "sk-ant-api03-R2D" + "x" * 80 + "igAA"


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self, now: float = 1_795_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def simulator(clock: Clock) -> Iterator[Simulator]:
    """A fresh one, whose clock the test moves."""
    with Simulator(clock=clock) as running:
        yield running


@pytest.fixture(scope="session")
def lasting() -> Iterator[Simulator]:
    """One for all tests that need no state of their own."""
    with Simulator() as running:
        yield running


@pytest.fixture
def shared(lasting: Simulator) -> Simulator:
    lasting.served.clear()
    return lasting


@pytest.fixture(scope="session")
def http() -> Iterator[httpx2.Client]:
    """Clients are cheap; what is under them is not."""
    with DefaultHttpxClient() as client:
        yield client


@pytest.fixture
def fresh_client(simulator: Simulator, http: httpx2.Client) -> Anthropic:
    return Anthropic(base_url=simulator.url, api_key=KEY, http_client=http)


@pytest.fixture
def client(shared: Simulator, http: httpx2.Client) -> Anthropic:
    return Anthropic(base_url=shared.url, api_key=KEY, http_client=http)


@pytest.fixture
def once(client: Anthropic) -> Anthropic:
    """The same, without retries."""
    return client.with_options(max_retries=0)


@pytest.fixture
def key() -> str:
    return KEY
