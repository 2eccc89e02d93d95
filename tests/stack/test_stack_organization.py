"""The dashboard about the organization as a file, and the files that run its process."""

from __future__ import annotations

import json
import re
from pathlib import Path

import promql_parser as promql
import pytest
import yaml
from panels_in_use import ORGANIZATION, dashboards, filled, panels
from test_stack_dashboards import SERIES, lost, selectors, walk

from otel_claude import conventions as c
from otel_claude import conventions_organization as o
from otel_claude.stack.naming import prometheus_label

ROOT = Path(__file__).parents[2]
BOARD = dashboards(organization=True)[ORGANIZATION]
PANELS = panels(BOARD)
QUERIES = [
    pytest.param(panel, target, id=f"{panel['title']} {target['refId']}")
    for panel in PANELS
    for target in panel["targets"]
]


@pytest.mark.parametrize(("panel", "target"), QUERIES)
def test_query_reads_what_is_emitted_and_groups_by_its_labels(panel, target):
    expression = filled(target["expr"])
    known = {"job"}
    for selector in selectors(expression):
        metric = SERIES[selector.name]
        known |= {prometheus_label(name) for name in (*metric.attributes, *c.COMMON_ATTRIBUTES)}
        assert {matcher.name for matcher in selector.matchers.matchers} <= known
    for node in walk(promql.parse(expression)):
        if isinstance(node, promql.AggregateExpr) and node.modifier is not None:
            assert set(node.modifier.labels) <= known, expression
    assert "increase(" not in expression
    assert "rate(" not in expression
    assert target["instant"] != target["range"] == (panel["type"] == "timeseries")


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_panel_says_what_it_shows(panel):
    assert len(panel["description"]) > 40
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["fieldConfig"]["defaults"]["noValue"]
    assert 700 <= panel["id"] < 800
    if panel["type"] == "table":
        renamed = panel["transformations"][1]["options"]["renameByName"]
        values = {"Value"} if len(panel["targets"]) == 1 else {f"Value #{t['refId']}" for t in panel["targets"]}
        assert {field for field in renamed if field.startswith("Value")} == values


def test_every_metric_of_the_organization_is_on_a_panel():
    shown = {selector.name for panel in PANELS for t in panel["targets"] for selector in selectors(filled(t["expr"]))}
    assert {metric.prometheus for metric in o.ORGANIZATION_METRICS} <= shown


def test_it_has_nothing_to_choose_but_the_data_source():
    assert [variable["name"] for variable in BOARD["templating"]["list"]] == ["datasource"]
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(BOARD)))
    assert used <= {"datasource", "__range", "__interval", "__rate_interval", "__value", "__url_time_range"}
    assert (BOARD["title"], BOARD["schemaVersion"], BOARD["editable"]) == ("Claude: organization", 42, False)


def test_its_panels_have_their_own_numbers_and_places():
    others = {panel["id"] for board in dashboards().values() for panel in panels(board)}
    ids = [panel["id"] for panel in PANELS]
    assert len(set(ids)) == len(ids)
    assert not others & set(ids)
    taken = set()
    for panel in BOARD["panels"]:
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                 for y in range(place["y"], place["y"] + place["h"])}  # fmt: skip
        assert not cells & taken, panel["title"]
        taken |= cells
    heading = next(panel["gridPos"]["y"] for panel in BOARD["panels"] if panel["type"] == "row")
    assert heading * 38 <= 780


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_json_is_what_grafanas_own_types_read_and_write():
    pytest.importorskip("grafana_foundation_sdk", reason="grafana-foundation-sdk needs Python 3.11")
    from grafana_foundation_sdk.cog.encoder import JSONEncoder  # noqa: PLC0415 - absent on Python 3.10
    from grafana_foundation_sdk.cog.plugins import register_default_plugins  # noqa: PLC0415
    from grafana_foundation_sdk.models.dashboard import Dashboard  # noqa: PLC0415

    register_default_plugins()
    assert lost(BOARD, json.loads(JSONEncoder().encode(Dashboard.from_json(BOARD))), "") == []


def test_the_deployment_is_one_replica_with_the_key_from_a_secret():
    made = yaml.safe_load((ROOT / "deploy/kubernetes/organization.yaml").read_text())
    spec = made["spec"]
    assert (spec["replicas"], spec["strategy"]["type"]) == (1, "Recreate")
    (container,) = spec["template"]["spec"]["containers"]
    assert container["command"] == ["otel-claude", "organization"]
    by_name = {each["name"]: each for each in container["env"]}
    assert by_name["ANTHROPIC_ADMIN_KEY"]["valueFrom"]["secretKeyRef"] == {"name": "anthropic-admin", "key": "key"}
    assert "ANTHROPIC_API_KEY" not in by_name
    assert spec["template"]["metadata"]["labels"] == spec["selector"]["matchLabels"]


@pytest.mark.parametrize("name", ["otel-claude-organization.service", "otel-claude-reconcile.service"])
def test_the_units_read_the_key_from_a_credential(name):
    text = (ROOT / "deploy/systemd" / name).read_text()
    assert "LoadCredential=admin-key:/etc/otel-claude/admin-key" in text
    assert "sk-ant" not in text
    command = re.search(r"otel-claude (organization|reconcile)[^\n]*", text)[0]
    for option in re.findall(r"--[a-z-]+", command):
        assert option in {"--from", "--to", "--prometheus", "--tolerance", "--tolerance-percent"}
