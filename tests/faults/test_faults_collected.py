"""What a garbage collection ends, whoever holds which lock."""

import pytest
from support.library import TRACINGS


@pytest.mark.parametrize("tracing", TRACINGS)
@pytest.mark.parametrize("what", ["stream", "kept", "response"])
def test_streams_collected_while_a_metrics_lock_is_held(run, what, tracing):
    (told,) = run("collected", what, "sync", tracing)
    assert told == {"collected": 60, "claude.client.calls": 71, "gen_ai.client.inference.duration": 71}
