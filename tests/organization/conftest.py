"""A real simulator with a clock of its own, and the reader through the real SDK."""

from __future__ import annotations

import os
from datetime import datetime, timezone

import pytest
from anthropic import Anthropic, DefaultHttpxClient
from organization_world import ADMIN, SHOP, Clock, asked

from otel_claude.organization.client import Reader
from otel_claude.organization.poller import Poller
from otel_claude_demo.simulator import Simulator


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch):
    for name in [name for name in os.environ if name.startswith(("ANTHROPIC_", "OTEL_"))]:
        monkeypatch.delenv(name)


@pytest.fixture
def clock():
    return Clock(datetime(2026, 11, 20, 12, 30, tzinfo=timezone.utc).timestamp())


@pytest.fixture
def simulator(clock):
    with Simulator(clock=clock) as running:
        yield running


@pytest.fixture
def organization(simulator):
    """What the Admin API shows beside what was served."""
    return simulator.organization


@pytest.fixture(scope="session")
def http():
    """Clients are cheap; what is under them is not."""
    with DefaultHttpxClient() as client:
        yield client


@pytest.fixture
def call(simulator, http):
    """One call; its answer."""

    def call(key=SHOP, **more):
        client = Anthropic(base_url=simulator.url, api_key=key, max_retries=0, http_client=http)
        return client.beta.messages.create(**(asked() | more))

    return call


@pytest.fixture
def reader(simulator, http):
    return Reader(ADMIN, base_url=simulator.url, max_retries=0, http_client=http)


@pytest.fixture
def poller(reader, clock):
    return Poller(reader, clock=clock)
