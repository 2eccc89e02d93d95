"""The tool that measures fleets, on a small one: everything is there, answers, and agrees with the truth."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import servers

TOOL = servers.ROOT / "tools/fleet"
OTHERS = {"otel-claude-agents", "otel-claude-organization"}
DAY = 86_400
END = 1_795_000_000 // DAY * DAY + 15 * 3600 + 1200


def tool(*arguments):
    done = subprocess.run([sys.executable, TOOL, *map(str, arguments)], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def measured(stack, tmp_path_factory):
    folder = tmp_path_factory.mktemp("fleet")
    tool("write", folder, "--pods", 5, "--days", 1, "--end", END, "--label-sets", 96, "--raw-hours", 2)
    said = tool("measure", folder, "--ranges", "1h,6h")
    return folder, said, json.loads((folder / "measured-prometheus.json").read_text())


def test_spend_is_the_truth_by_every_dimension(measured):
    _, _, found = measured
    assert [row["range"] for row in found["truth"]] == ["1h", "6h"]
    for row in found["truth"]:
        assert row["truth"] > 100
        assert row["shown"] == pytest.approx(row["truth"], abs=1e-6)
        for part in row["parts"].values():
            assert part["total"] == pytest.approx(row["shown"], abs=1e-6)
            assert part["worst"] < 1e-6


def test_every_panel_answers(measured):
    _, _, found = measured
    assert not [row for row in found["panels"] if row["error"]]
    read = {row["panel"] for row in found["panels"] if row["samples"]}
    assert {"Spend", "Calls", "Top movers against last week", "Live: last hour"} <= read
    # Agents and the organization too: all but what needs a day of reports, or Prometheus itself.
    of_others = {row["panel"] for row in found["panels"] if row["dashboard"] in OTHERS and not row["series"]}
    assert of_others <= {"Unexplained, 24h", "Largest drift, 24h"}


def test_rules_are_measured_and_record(measured):
    _, _, found = measured
    assert not [rule for rule in found["rules"] if rule["error"]]
    # The service whose jobs come and go has 12 of the 96 sets of labels, and none of them ran in this slot.
    growth = [rule for rule in found["rules"] if rule["group"] == "otel-claude-increase-5m"]
    assert any(rule["rule"] == "claude:claude_client_cost_usd:increase5m" and rule["series"] == 84 for rule in growth)
    assert sum(rule["per_minute"] for rule in found["rules"]) > 0


def test_what_is_written_as_recorded_is_what_the_rules_make_of_the_raw_series(measured):
    _, _, found = measured
    rows = {row["rule"]: row for row in found["agreement"]}
    assert rows["claude:claude_client_cost_usd:increase5m"]["series"] == 84
    assert all(row["differ"] == 0 and row["worst"] < 1e-6 for row in rows.values())


def test_table_says_it(measured):
    folder, said, _ = measured
    assert said.strip() == tool("table", folder).strip()
    for heading in ("## 5 pods, 1.01 days, prometheus", "over their goal", "Rules: ", "## Sizes"):
        assert heading in said
    assert "| 5 | 1.01 |" in said


def test_outage_was_counted_by_hours_too(measured):
    """Of the day of the outage, rules that were not evaluated are made up by corrections."""
    folder, _, _ = measured
    plan = json.loads((folder / "plan.json").read_text())
    assert plan["outages"] == [{"from": plan["start"] + 5 * 3600 + 120, "seconds": 2700}]


def test_same_seed_same_fleet(measured, tmp_path):
    folder, _, _ = measured
    tool("write", tmp_path, "--pods", 5, "--days", 1, "--end", END, "--label-sets", 96, "--raw-hours", 2)
    assert (tmp_path / "plan.json").read_text() == (folder / "plan.json").read_text()
    assert (tmp_path / "truth.json").read_text() == (folder / "truth.json").read_text()
