"""No spend is lost, whatever starts, forks, restarts and stops a service's processes."""

from __future__ import annotations

import pytest
from fleets_table import COMPLETE, INCOMPLETE

pytestmark = pytest.mark.timeout(400)
CLOSE = 1e-9
"""US dollars."""


@pytest.mark.parametrize("run", COMPLETE, indirect=True)
def test_the_dashboard_shows_what_was_served(run):
    assert run.exits == run.fleet.exits, run.errors
    if run.fleet.calls is not None:
        assert run.served["calls"] == run.fleet.calls
    assert run.served["spend"] > 0
    different = [f"{name}: {run.stored[name]:.12g} of {value:.12g}" for name, value in run.served.items()
                 if abs(run.stored[name] - value) > CLOSE]  # fmt: skip
    assert not different, "\n".join((*different, run.errors))
    assert "Failed to export" not in run.errors, run.errors


@pytest.mark.parametrize("run", INCOMPLETE, indirect=True)
def test_without_what_holds_it_together_spend_is_lost(run):
    """Else these tests could not fail."""
    assert run.exits == run.fleet.exits, run.errors
    assert run.served["calls"] == run.fleet.calls
    assert run.stored["calls"] < run.served["calls"]
    assert run.stored["spend"] < run.served["spend"] - CLOSE
