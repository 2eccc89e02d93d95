"""The dashboards as files: what linters of dashboards ask, and that each name is one that is emitted."""

from __future__ import annotations

import json
import re
from functools import cache

import promql_parser as promql
import pytest
from panels_in_use import AGENTS, CALLS, CLAUDE_CODE, ORGANIZATION, dashboards, filled, panels, targets

from otel_claude import semconv as c
from otel_claude.promql import recorded
from otel_claude.promql.names import BUDGET_USED, OTHER_SERIES, NameTranslator, prometheus_label
from otel_claude.semconv import agents as a
from otel_claude.semconv import claude_code as cc
from otel_claude.semconv import organization as o

ALL = dashboards()
EMITTED = (*c.METRICS, *a.SESSION_METRICS, *a.AGENT_METRICS, *cc.CLAUDE_CODE_METRICS, *o.ORGANIZATION_METRICS)
# Metrics that no panel shows, and why. None so far.
NOT_SHOWN: dict[str, str] = {}
SERIES = {
    metric.prometheus + part: metric
    for metric in EMITTED
    for part in (("_bucket", "_sum", "_count") if metric.kind == "histogram" else ("",))
}
# What rules record of them, in slots of either length and without the labels of processes.
RECORDED = {
    **{recorded.increase_name(of, level, part): of for level in ("5m", "1h") for of, part in recorded.EXACT},
    **{recorded.increase_name(metric, level): metric for level in ("5m", "1h") for metric in recorded.HISTOGRAMS},
    **{recorded.gauge_name(metric, operation): metric for metric, operation in recorded.GAUGES},
    recorded.PROCESSES: c.CALLS, recorded.AGENT_PROCESSES: a.AGENT_RESULTS,
}  # fmt: skip
READ = SERIES | RECORDED
OF_THE_ORGANIZATION = {metric.prometheus for metric in o.ORGANIZATION_METRICS if metric.kind == "gauge"}
# Common to all series, beside the attributes of the table.
COMMON = {"job", "instance", "le", "service_version", "alertname", "alertstate", "claude_tag_feature"}
# What our own queries and rules name.
COMMON |= {"tag_value", "budget", "series", "user", "advice", "model"}
COMMON |= {prometheus_label(name) for name in c.COMMON_ATTRIBUTES}
VARIABLES = {
    **dict.fromkeys(CALLS, ("datasource", "job", "model", "key", "library", "tag", "tag_value", "budget", "level")),
    AGENTS: ("datasource", "job", "tag", "tag_value", "level"),
    CLAUDE_CODE: ("datasource", "job", "team", "level"),
    ORGANIZATION: ("datasource", "level"),
}
# How each variable narrows a query. Budgets are all services', and histograms, limits and sessions have no tags.
NARROWED = {
    "job": ("job", "JOB"), "team": ("team", "TEAM"), "model": ("gen_ai_request_model", "MODEL"),
    "key": ("claude_api_key_hint", "KEY"),
    "library": ("claude_client_library", "LIBRARY"), "tag_value": ("claude_tag_feature", "VALUE"),
}  # fmt: skip
# Of each service alone.
PROCESSES = {recorded.PROCESSES, recorded.AGENT_PROCESSES}
# Panels are known for ever by their numbers, and those of a kind stand together.
NUMBERS = {
    **dict.fromkeys(CALLS, range(100, 700)), ORGANIZATION: range(700, 800), AGENTS: range(800, 900),
    CLAUDE_CODE: range(900, 1000),
}  # fmt: skip
TITLES = {
    "otel-claude-usage": "Claude: usage and cost", "otel-claude-limits": "Claude: limits and reliability",
    "otel-claude-service": "Claude: one service", "otel-claude-savings": "Claude: where to save",
    AGENTS: "Claude: agents and sessions",
    ORGANIZATION: "Claude: organization", CLAUDE_CODE: "Claude Code",
}  # fmt: skip
EVERY = [pytest.param(uid, panel, id=f"{uid} {panel['title']}") for uid in ALL for panel in panels(ALL[uid])]
QUERIES = [
    pytest.param(uid, panel, target, id=f"{uid} {panel['title']} {target['refId']}") for uid, panel, target in targets()
]


parse = cache(promql.parse)


def walk(node):
    """A parsed query and all that is in it."""
    yield node
    for name in ("expr", "lhs", "rhs", "param", "args", "vector_selector", "vs"):
        child = getattr(node, name, None)
        for each in child if isinstance(child, (list, tuple)) else [child]:
            if each is not None and not isinstance(each, (str, int, float, bool)):
                yield from walk(each)


@cache
def selectors(expression):
    found = [node for node in walk(parse(expression)) if isinstance(node, promql.VectorSelector)]
    assert found or "vector(" in expression, expression
    return found


def names(selector):
    """The names of the series that a selector reads."""
    if selector.name:
        return [selector.name]
    (either,) = (matcher.value for matcher in selector.matchers.matchers if matcher.name == "__name__")
    return [name for name in READ if re.fullmatch(either, name)] or either.split("|")


def parsed(text):
    return parse(filled(text))


@pytest.mark.parametrize(("uid", "panel", "target"), QUERIES)
def test_query_reads_what_is_emitted_and_groups_by_its_labels(uid, panel, target):
    expression = filled(target["expr"])
    known = set(COMMON)
    for name in [name for selector in selectors(expression) for name in names(selector)]:
        native = f"{name}_bucket" in SERIES
        assert name in READ or native or name in OTHER_SERIES, name
        if metric := READ.get(name):
            known |= {prometheus_label(name) for name in metric.attributes}
    for node in walk(parse(expression)):
        if isinstance(node, promql.AggregateExpr) and node.modifier is not None:
            assert set(node.modifier.labels) <= known, expression
    for label in re.findall(r"\{\{(.+?)\}\}", filled(target["legendFormat"])):
        assert label in known


@pytest.mark.parametrize(("uid", "panel", "target"), QUERIES)
def test_query_is_narrowed_by_the_variables(uid, panel, target):
    chosen = {"job": "JOB", "team": "TEAM", "model": "MODEL", "key": "KEY", "library": "LIBRARY", "tag_value": "VALUE"}
    for selector in selectors(filled(target["expr"], **chosen)):
        values = {(matcher.name, matcher.value) for matcher in selector.matchers.matchers}
        name = names(selector)[0]
        metric = READ.get(name)
        wanted = {name for name in VARIABLES[uid] if name in NARROWED}
        if name == BUDGET_USED or (metric in cc.CLAUDE_CODE_METRICS and uid != CLAUDE_CODE):
            # A budget is all services', and Claude Code has none of the labels that are chosen among calls.
            wanted = set()
        elif metric is None or name in PROCESSES:
            # `target_info` and the number of processes have no label but the job.
            wanted &= {"job"}
        elif not metric.tags:
            wanted -= {"tag_value"}
        assert values & set(NARROWED.values()) == {NARROWED[name] for name in wanted}


def functions_around(expression):
    """(functions, selector) for each selector, from the outside in."""
    found = []

    def visit(node, around):
        if isinstance(node, promql.Call):
            around = (*around, node.func.name)
        if isinstance(node, promql.VectorSelector):
            found.append((around, node))
            return
        for name in ("expr", "lhs", "rhs", "args", "vector_selector"):
            child = getattr(node, name, None)
            for each in child if isinstance(child, (list, tuple)) else [child]:
                if each is not None and not isinstance(each, (str, int, float, bool)):
                    visit(each, around)

    visit(parse(expression), ())
    return found


@pytest.mark.parametrize(("uid", "panel", "target"), QUERIES)
def test_no_query_names_a_process(uid, panel, target):
    """Such a label is on series of some fleets only: what groups by it shows each process there, and none elsewhere."""
    for label in ("claude_instance_id", "service_instance_id", "instance"):
        assert label not in target["expr"] + target.get("legendFormat", "")


def aggregated(expression):
    """Whether each series of ours is added up, or compared, over processes: none of a single process comes out."""
    found = []

    def visit(node, over):
        if isinstance(node, promql.AggregateExpr):
            labels = set(node.modifier.labels) if node.modifier is not None else set()
            processes = {"instance", "service_instance_id", "claude_instance_id"}
            without = node.modifier is not None and "Without" in str(node.modifier.type)
            over = over or (processes <= labels if without else not labels & processes)
        if isinstance(node, promql.VectorSelector):
            found.append(over or node.name not in SERIES or SERIES[node.name] in o.ORGANIZATION_METRICS)
            return
        for name in ("expr", "lhs", "rhs", "args", "vector_selector", "vs"):
            child = getattr(node, name, None)
            for each in child if isinstance(child, (list, tuple)) else [child]:
                if each is not None and not isinstance(each, (str, int, float, bool)):
                    visit(each, over)

    visit(parse(expression), over=False)
    return bool(found) and all(found)


@pytest.mark.parametrize(("uid", "panel", "target"), QUERIES)
def test_nothing_is_shown_for_a_single_process(uid, panel, target):
    assert aggregated(filled(target["expr"]))


@pytest.mark.parametrize(("uid", "panel", "target"), QUERIES)
def test_only_live_panels_read_each_process(uid, panel, target):
    """What is recorded has no labels of processes: a range of days costs the same with ten processes and with 500."""
    assert "increase(" not in target["expr"]
    assert "rate(" not in target["expr"]
    for around, selector in functions_around(filled(target["expr"])):
        for name in names(selector):
            if name in OF_THE_ORGANIZATION or (name in OTHER_SERIES and name != "target_info"):
                continue
            if target["exemplar"]:
                assert target["expr"].endswith(" @ 0")
            elif panel["title"].startswith("Live: "):
                assert target["instant"]
            else:
                assert name in RECORDED, target["expr"]
                over_time = {"sum_over_time", "max_over_time", "last_over_time"} & set(around)
                assert over_time or panel["title"] == "Sets of labels, by metric", target["expr"]


@pytest.mark.parametrize(("uid", "panel", "target"), QUERIES)
def test_a_window_that_the_range_makes_reads_the_slots_of_the_range(uid, panel, target):
    for name, window in re.findall(r":increase(\$\{level\}|\w+)[^\[]*\[([^\]]+)\]", target["expr"]):
        assert (name == "${level}") == window.startswith("$"), target["expr"]


def test_a_graph_never_has_steps_shorter_than_its_slots():
    """Up to a week slots of five minutes are added up, above it hours: 150 points of a week are more than an hour."""
    for _, panel, target in targets():
        if target["range"]:
            assert panel["interval"] == "5m"
            assert 7 * 24 * 60 / panel["maxDataPoints"] >= 60


@pytest.mark.parametrize(("uid", "panel"), EVERY)
def test_panel_says_what_it_shows(uid, panel):
    assert panel["title"]
    assert len(panel["description"]) > 40
    defaults = panel["fieldConfig"]["defaults"]
    assert defaults["unit"]
    assert defaults["noValue"]
    assert defaults["noValue"] == defaults["noValue"].strip()
    assert panel["datasource"]["uid"] == "${datasource}"
    assert panel["targets"]
    for target in panel["targets"]:
        assert target["datasource"]["uid"] == "${datasource}"
        # A stat or table reads one moment, a graph a range.
        assert target["instant"] != target["range"] == (panel["type"] == "timeseries")
    if panel["type"] in {"stat", "bargauge"}:
        assert panel["options"]["reduceOptions"]["calcs"] == ["lastNotNull"]


@pytest.mark.parametrize("uid", ALL)
def test_dashboard_is_as_grafana_takes_it(uid):
    dashboard = ALL[uid]
    assert (dashboard["schemaVersion"], dashboard["editable"], dashboard["uid"]) == (42, False, uid)
    assert "id" not in dashboard
    (link,) = dashboard["links"]
    assert link["keepTime"]
    assert link["includeVars"]
    assert link["tags"] == dashboard["tags"]
    assert link["type"] == "dashboards"
    assert dashboard["title"] == TITLES[uid]
    names = tuple(variable["name"] for variable in dashboard["templating"]["list"])
    assert names == VARIABLES[uid]
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)
    text = json.dumps(dashboard)
    # `$1` is PromQL's, in label_replace.
    used = {name for pair in re.findall(r"\$\{(\w+)[:}]|\$(\w+)", text) for name in pair if name} - {"1"}
    of_grafana = {"__range", "__range_s", "__interval", "__interval_ms", "__all", "__value", "__url_time_range"}
    assert used - set(names) <= of_grafana


@pytest.mark.parametrize("uid", ALL)
def test_panels_do_not_overlap_and_the_first_screen_is_one(uid):
    taken = set()
    for panel in ALL[uid]["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
    heading = next(panel["gridPos"]["y"] for panel in ALL[uid]["panels"] if panel["type"] == "row")
    # 38 pixels a row: what is above the first heading fits beside Grafana's own bars into 900.
    assert heading * 38 <= 780
    assert len([panel for panel in panels(ALL[uid]) if panel["gridPos"]["y"] < heading]) <= 20


def test_a_panel_is_the_same_on_every_dashboard():
    seen = {}
    for uid in ALL:
        for panel in panels(ALL[uid]):
            titled = seen.setdefault(panel["id"], panel["title"])
            assert titled == panel["title"]


@pytest.mark.parametrize("metric", EMITTED, ids=lambda metric: metric.name)
def test_every_metric_is_on_a_panel(metric):
    assert any(name in shown() for name in names_of(metric)) != (metric.name in NOT_SHOWN)


@cache
def shown():
    return {name for _, _, target in targets() for each in selectors(filled(target["expr"])) for name in names(each)}


def test_a_panel_has_a_number_of_its_kind():
    assert TITLES.keys() == ALL.keys()
    wrong = [(uid, panel["id"]) for uid in ALL for panel in panels(ALL[uid]) if panel["id"] not in NUMBERS[uid]]
    assert wrong == []


@pytest.mark.parametrize("uid", ALL)
def test_each_value_of_a_table_has_a_column(uid):
    for panel in panels(ALL[uid]):
        if panel["type"] == "table":
            renamed = panel["transformations"][1]["options"]["renameByName"]
            values = {"Value"} if len(panel["targets"]) == 1 else {f"Value #{t['refId']}" for t in panel["targets"]}
            assert {field for field in renamed if field.startswith("Value")} == values
            # A row can lack a value though the table has rows.
            every = panel["fieldConfig"]["overrides"][0]
            assert every == {
                "matcher": {"id": "byRegexp", "options": "/.*/"}, "properties": [{"id": "noValue", "value": "-"}],
            }  # fmt: skip


def names_of(metric):
    return [name for name, of in READ.items() if of is metric]


def test_thresholds_have_colours_of_action():
    """A colour that nobody has to act on is noise: below its first threshold a panel is calm."""
    for _, panel, _ in targets():
        steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
        assert steps[0]["value"] is None
        assert [step["value"] for step in steps[1:]] == sorted(step["value"] for step in steps[1:])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("uid", ALL)
def test_json_is_what_grafanas_own_types_read_and_write(uid):
    """A key that Grafana's schema does not have would be lost on the way through its types."""
    pytest.importorskip("grafana_foundation_sdk", reason="grafana-foundation-sdk needs Python 3.11")
    from grafana_foundation_sdk.cog.encoder import JSONEncoder  # noqa: PLC0415 - absent on Python 3.10
    from grafana_foundation_sdk.cog.plugins import register_default_plugins  # noqa: PLC0415
    from grafana_foundation_sdk.models.dashboard import Dashboard  # noqa: PLC0415

    register_default_plugins()
    written = json.loads(JSONEncoder().encode(Dashboard.from_json(ALL[uid])))
    assert lost(ALL[uid], written, "") == []


def lost(ours, theirs, path):
    """Where the round trip lost or changed something of ours."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return [
            each
            for key, value in ours.items()
            if value is not None and value not in ({}, [])
            for each in (lost(value, theirs[key], f"{path}.{key}") if key in theirs else [f"{path}.{key}"])
        ]
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        return [each for n, (a, b) in enumerate(zip(ours, theirs, strict=True)) for each in lost(a, b, f"{path}[{n}]")]
    return [] if ours == theirs else [f"{path}: {ours!r} became {theirs!r}"]


@pytest.mark.parametrize("style", ["underscores", "utf8"])
def test_names_in_either_style(style):
    translator = NameTranslator(style)
    assert (
        translator.select(c.COST, translator.match(c.REQUEST_MODEL, "=", "m"))
        == {
            "underscores": 'claude_client_cost_usd_total{gen_ai_request_model="m"}',
            "utf8": '{"claude.client.cost.usd_total", "gen_ai.request.model"="m"}',
        }[style]
    )
    assert (
        translator.series(c.DURATION, "_bucket")
        == {
            "underscores": "gen_ai_client_inference_duration_seconds_bucket",
            "utf8": "gen_ai.client.inference.duration_seconds_bucket",
        }[style]
    )
