"""No spend is lost, whatever starts, forks, restarts and stops a service's processes."""

from __future__ import annotations

import pytest
from fleets_table import COMPLETE, INCOMPLETE, SCRAPED

from otel_claude import semconv as c

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


@pytest.mark.parametrize("run", SCRAPED, indirect=True)
def test_what_is_scraped_has_the_names_and_labels_of_otlp(run, destination):
    found = destination.store.get("series", **{"match[]": f'{{job="{run.case.job}", __name__=~"(claude|gen_ai)_.+"}}'})
    names = {each["__name__"] for each in found}
    suffixes = {"counter": ("",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}
    assert names <= {metric.prometheus + suffix for metric in c.METRICS for suffix in suffixes[metric.kind]}
    assert {c.COST.prometheus, c.RATE_LIMIT_UTILIZATION.prometheus} <= names
    own = {c.prometheus_label(name) for metric in c.METRICS for name in (*c.COMMON_ATTRIBUTES, *metric.attributes)}
    assert {label for each in found for label in each} <= own | {"__name__", "instance", "job", "le"}


@pytest.mark.parametrize("run", INCOMPLETE, indirect=True)
def test_without_what_holds_it_together_spend_is_lost(run):
    """Else these tests could not fail."""
    assert run.exits == run.fleet.exits, run.errors
    if run.fleet.calls is not None:
        assert run.served["calls"] == run.fleet.calls
    assert run.stored["calls"] < run.served["calls"]
    assert run.stored["spend"] < run.served["spend"] - CLOSE
