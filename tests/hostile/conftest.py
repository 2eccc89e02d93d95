"""Hostile answers pass through the real SDK, bare and instrumented, from a transport of this process."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "sdk"))
pytest.register_assert_rewrite("support")


@pytest.fixture
def bench(monkeypatch):
    from hostile_bench import Bench  # noqa: PLC0415 - the path comes first

    with Bench(monkeypatch) as made:
        yield made
