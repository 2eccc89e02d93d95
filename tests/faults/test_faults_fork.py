"""Forks before, during and after calls: over all processes together, each call is counted once."""

import os

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")

CALLS = "claude.client.calls"
WAYS = {
    "plain_fork": {"child": [3], "parent": [6]},
    "during_a_call": {"child": [2], "parent": [1]},
    "while_it_is_collected": {"child": [70], "parent": [3]},
    "multiprocessing_pool": {"child": [21], "parent": [2]},
    "grandchildren": {"child": [4, 2], "parent": [1]},
}


@pytest.mark.parametrize("way", WAYS)
def test_each_call_is_counted_by_the_process_that_made_it(run, way):
    told = run("forking", way)
    for who, calls in WAYS[way].items():
        mine = [one for one in told if one["who"] == who]
        assert [one[CALLS] for one in mine] == calls
        for one in mine:
            assert one["claude.client.attempts"] == one[CALLS]
            # In `plain_fork` the parent closes one stream early, whose output is not known.
            whole = one[CALLS] - (way == "plain_fork" and who == "parent")
            assert one["gen_ai.client.inference.usage.output_tokens"] == 50 * whole
            assert one["claude.client.cost.usd"] == pytest.approx(
                0.001545 * one[CALLS] - 0.00075 * (one[CALLS] - whole)
            )


@pytest.mark.parametrize("server", ["gunicorn", "celery"])
def test_servers_that_fork_their_workers(run, receiver, server):
    run("prefork", server, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url)
    # Three workers with five calls and a stream that is open when they end; one call of gunicorn's master.
    assert receiver.total(CALLS) == 18 + (server == "gunicorn")
    assert receiver.total("claude.client.unpriced") == 3
    if server == "celery":
        assert sorted(receiver.by_instance(CALLS).values()) == [6, 6, 6]
