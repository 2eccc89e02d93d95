from __future__ import annotations

import os

import pytest
import servers

LIVE = os.environ.get("STACK_TESTS") == "1"
# Tests on real servers run with `make test-stack` alone.
collect_ignore_glob = [] if LIVE else ["test_live_*"]


@pytest.fixture(scope="session")
def stack():
    """The real programs. Where they are absent: skipped on a developer's machine, a failure in CI."""
    if not (servers.CACHE / "bin/otelcol").exists():
        reason = f"{servers.CACHE} has no servers: run scripts/stack"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return servers.CACHE
