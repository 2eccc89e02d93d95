"""The rules as files: names, texts, runbooks, and a promtool case of either kind for each alert."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import promql_parser as promql
import pytest
from alert_cases import BUDGET_CASES, CASES, SAVINGS_CASES, WEEKLY
from panels_in_use import dashboards, panels
from test_stack_dashboards import SERIES, aggregated, names, selectors, walk

import yaml_files
from otel_claude import semconv as c
from otel_claude.alerts.definitions import all_alerts
from otel_claude.alerts.thresholds import Thresholds
from otel_claude.pricing import UNPRICED_REASONS
from otel_claude.promql import claude_code as code
from otel_claude.promql import recorded
from otel_claude.promql.names import OTHER_SERIES, NameTranslator, prometheus_label
from otel_claude.promql.queries import Queries
from otel_claude.semconv import claude_code as cc
from otel_claude.semconv import organization as o
from otel_claude.spending.advice import ADVICE, MODEL

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy/prometheus/rules"
RUNBOOKS = (ROOT / "docs/runbooks.md").read_text()
LOADED = [
    rule
    for file in (*sorted(RULES.glob("*.yaml")), ROOT / "src/otel_claude/deploy_files/tests/budget-rules.yaml")
    for group in yaml_files.load(file.read_text())["groups"]
    for rule in group["rules"]
]
ALERTS = {rule["alert"]: rule for rule in LOADED if "alert" in rule}
RECORDED = {rule["record"]: rule for rule in LOADED if "record" in rule}
NATIVE = {metric.prometheus for metric in recorded.HISTOGRAMS}
WITHOUT = {prometheus_label(name) for name in (*recorded.PROCESS_LABELS, cc.TEMPORALITY)}
WITHOUT |= {recorded.CORRECTION_LABEL, "of"}
PROCESSES = {recorded.PROCESSES, recorded.AGENT_PROCESSES}
each_alert = pytest.mark.parametrize("alert", ALERTS.values(), ids=list(ALERTS))


@pytest.mark.parametrize("rule", LOADED, ids=lambda rule: rule.get("alert") or rule["record"])
def test_rule_reads_what_is_emitted_or_recorded(rule):
    for name in [name for selector in selectors(rule["expr"]) for name in names(selector)]:
        assert name in SERIES or name in RECORDED or name in OTHER_SERIES or name in NATIVE, name
    assert "increase(" not in rule["expr"]
    assert "rate(" not in rule["expr"]
    # A group of a regular expression, and no variable of a dashboard.
    assert "$" not in rule["expr"].replace('"$1"', "")


@pytest.mark.parametrize("rule", LOADED, ids=lambda rule: rule.get("alert") or rule["record"])
def test_rule_groups_by_labels_that_are_emitted(rule):
    attributes = {
        prometheus_label(name)
        for metric in (*c.METRICS, *cc.CLAUDE_CODE_METRICS, *o.ORGANIZATION_METRICS)
        for name in metric.attributes + c.COMMON_ATTRIBUTES
    }
    for node in walk(promql.parse(rule["expr"])):
        if isinstance(node, promql.AggregateExpr) and node.modifier is not None:
            without = rule["expr"].count(" without (") and set(node.modifier.labels) <= WITHOUT
            processes = rule["record"] in PROCESSES if "record" in rule else False
            assert (
                without
                or processes
                or set(node.modifier.labels) <= attributes | {"job", "le", code.USER, ADVICE, MODEL}
            )


@pytest.mark.parametrize("rule", LOADED, ids=lambda rule: rule.get("alert") or rule["record"])
def test_rule_keeps_no_single_process(rule):
    """One for each would fire, and be recorded, as often as there are processes."""
    if "vector(" not in rule["expr"]:
        assert aggregated(rule["expr"])
    if "alert" in rule:
        assert "instance" not in rule["expr"]


@pytest.mark.parametrize("level", ["5m", "1h"])
def test_a_correction_of_a_histogram_keeps_its_empty_buckets(level):
    """Percentiles of a window with a correction alone would begin at 0 (a promtool case: "of a correction alone")."""
    marked = {"claude_increase": recorded.CORRECTION}
    rules = {rule["record"]: rule["expr"] for rule in LOADED if rule.get("labels") == marked}
    for metric in recorded.HISTOGRAMS:
        of_buckets = rules[recorded.increase_name(metric, level, "_bucket")]
        assert of_buckets.count(" >= 0 and ignoring (le) (sum without (claude_increase) (") == 1
        assert of_buckets.count('le="+Inf"') >= 3
    assert " >= 0" not in rules[recorded.increase_name(c.COST, level)]


def test_what_is_not_aggregated_over_processes_is_seen():
    assert not aggregated("max_over_time(claude_client_rate_limit_utilization_ratio[5m]) > 0.9")
    assert not aggregated("sum by (claude_instance_id) (claude_client_calls_total)")
    assert not aggregated("sum without (instance) (claude_client_calls_total)")
    assert aggregated("max by (job) (claude_client_rate_limit_utilization_ratio) > 0.9")


@each_alert
def test_alert_says_what_how_much_and_what_to_do(alert):
    text = alert["annotations"]
    assert alert["labels"]["severity"] in {"critical", "warning", "info"}
    assert "for" in alert
    assert re.fullmatch(r"\d+[mh]", alert["keep_firing_for"])
    assert len(text["description"]) > 40
    # The value with its unit, except where presence is the whole message.
    assert "$value" in text["summary"] or alert["alert"] == "ClaudeTelemetryAbsent"
    assert text["dashboard_url"].startswith("http://localhost:3000/d/otel-claude-")
    for label in re.findall(r"\$labels\.(\w+)", text["summary"] + text["dashboard_url"]):
        known = label in alert["labels"] or re.search(rf"by \([^)]*\b{label}\b", alert["expr"] + str(RECORDED))
        assert known, label


@each_alert
def test_alert_has_a_runbook(alert):
    path, _, anchor = alert["annotations"]["runbook_url"].partition("#")
    assert (ROOT / path).is_file()
    assert anchor == alert["alert"].lower()
    section = RUNBOOKS.partition(f"### {alert['alert']}\n")[2].partition("\n#")[0]
    for part in ("**Means:**", "**Confirm:**", "**Do:**"):
        assert part in section


def test_every_runbook_has_an_alert():
    assert sorted(re.findall(r"^### (\w+)$", RUNBOOKS, re.MULTILINE)) == sorted(ALERTS)


def test_panels_that_runbooks_and_alerts_name_exist():
    titles = {panel["title"] for dashboard in dashboards().values() for panel in panels(dashboard)}
    named = set(re.findall(r'"([A-Z0-9][^"]+?)"', RUNBOOKS.partition("## Money")[2]))
    named |= {name for alert in ALERTS.values() for name in re.findall("“(.+?)”", alert["annotations"]["description"])}
    named -= {
        "Claude Code",
        "Claude: usage and cost",
        "Claude: organization",
        "When numbers are missing",
        "Claude: where to save",
    }
    assert {name for name in named if name not in titles} == set()


@each_alert
def test_alert_has_cases_in_which_it_fires_and_must_not(alert):
    cases = [case for case in (*CASES, *WEEKLY, *BUDGET_CASES, *SAVINGS_CASES) if case.alert == alert["alert"]]
    assert {case.summary is None for case in cases} == {True, False}


def test_thresholds_are_those_that_the_runbooks_show():
    table = RUNBOOKS.partition("| threshold")[2].partition("\n\n")[0].replace(",", "")
    for name, value in dataclasses.asdict(Thresholds()).items():
        shown = [f"{value:g}", f"{value:.2f}", f"{100 * value:g} %", {0.5: "half"}.get(value, "-")]
        assert any(re.search(rf"(?<![\d.]){re.escape(each)}(?![\d.])", table) for each in shown), name


def test_reasons_in_rules_are_reasons_that_are_reported():
    named = set()
    for alert in ALERTS.values():
        for values in re.findall(r'claude_unpriced_reason[!=]~?"([^"]+)"', alert["expr"]):
            named |= set(values.split("|"))
    assert len(named) >= 5
    assert named <= set(UNPRICED_REASONS)


def test_budgets_reach_every_expression():
    def of(budget):
        return {
            alert.name: alert
            for alert in all_alerts(Queries(NameTranslator()), Thresholds(monthly_budget=budget, daily_budget=budget))
        }

    small, large = of(100.0), of(999.0)
    different = {name for name in small if small[name].expression != large[name].expression}
    assert different == {
        "ClaudeSpendRateHigh", "ClaudeDailyBudget80", "ClaudeDailyBudgetExceeded", "ClaudeMonthlyBudgetBurnFast",
        "ClaudeMonthlyBudgetBurnSlow",
    }  # fmt: skip
    assert different == {name for name in small if small[name].summary != large[name].summary} | {"ClaudeSpendRateHigh"}
