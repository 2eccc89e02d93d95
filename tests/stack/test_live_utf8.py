"""`--naming utf8` on a Prometheus that keeps the dots."""

from __future__ import annotations

import time

import pytest
import servers
from panels_in_use import CALLS, targets
from test_live_chain import NO_WEEK_BEFORE, OF_ADVICE, Way, without_data, workload

from otel_claude import semconv as c
from otel_claude.export import Options, export
from otel_claude.promql.names import NameTranslator
from otel_claude.promql.queries import Queries


@pytest.mark.timeout(120)
def test_dashboards_and_rules_with_dots(stack, tmp_path):
    delivered = (servers.DEPLOY / "prometheus/prometheus.yaml").read_text()
    config = tmp_path / "prometheus.yaml"
    config.write_text(delivered.replace("otlp:\n", "otlp:\n  translation_strategy: NoUTF8EscapingWithSuffixes\n"))
    assert "NoUTF8" in config.read_text()
    export("dashboards", tmp_path / "dashboards", Options("utf8"))
    queries = Queries(NameTranslator("utf8"))
    with (
        servers.Webhook() as webhook,
        servers.alertmanager(tmp_path / "alertmanager", webhook.port) as alerts,
        servers.prometheus(tmp_path / "prometheus", config, alertmanager=alerts, options=Options("utf8")) as store,
    ):
        path = Way("utf8", store, time.time())
        workload(path, f"{store.url}/api/v1/otlp/v1/metrics", tmp_path, 8)
        calls = sum(tally["calls"] for tally in path.tallies.values())
        store.wait_for(f"{queries.raw_increase(c.CALLS, '1h')} == {calls}")
        store.recorded(queries)
        assert store.value(queries.spent("1h")) == pytest.approx(float(path.spent), abs=0.0001)
        shown = [row for row in targets(tmp_path / "dashboards", CALLS) if row[0] != "otel-claude-service"]
        empty = without_data(store, path.started, shown, tag="claude.tag.feature")
        # No budget was given. What is of seven days reads hours, of which perhaps none was recorded yet.
        hours = ("Models that retire", "B")
        assert {row[1:3] for row in empty if row[1] not in OF_ADVICE} - {hours} == {
            *NO_WEEK_BEFORE, ("Budgets of tags, used", "A"),
        }  # fmt: skip
        store.wait_for('ALERTS{alertname="ClaudeCreditBalanceExhausted", alertstate="firing"}')
        # What is evaluated each quarter of a minute and less often was perhaps not evaluated yet.
        rules = [rule for group in store.get("rules")["groups"] for rule in group["rules"] if group["interval"] < 15]
        assert {rule["health"] for rule in rules} == {"ok"}
        deadline = time.monotonic() + 30
        while not webhook.received:
            assert time.monotonic() < deadline
            time.sleep(0.2)
    summaries = [alert["annotations"]["summary"] for _, body in webhook.received for alert in body["alerts"]]
    assert all("no value" not in text and "{{" not in text for text in summaries)
