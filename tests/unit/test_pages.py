"""The pages lead to each other, and name panels, commands, alerts and files that there are."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from otel_claude import semconv
from otel_claude.alerts.budgets import tag_budget
from otel_claude.alerts.definitions import all_alerts
from otel_claude.alerts.thresholds import Thresholds
from otel_claude.cli.arguments import parse
from otel_claude.cli.commands import COMMANDS, load
from otel_claude.promql.names import NameTranslator
from otel_claude.promql.queries import Queries
from otel_claude.semconv import agents, organization

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [
    *sorted(DOCS.glob("*.md")),
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "examples/README.md")),
]
DASHBOARDS = [json.loads(path.read_text()) for path in (ROOT / "deploy/grafana/dashboards").glob("*.json")]
PANELS = {panel["title"] for dashboard in DASHBOARDS for panel in dashboard["panels"]}
DASHBOARD_TITLES = {dashboard["title"] for dashboard in DASHBOARDS}
QUERIES = Queries(NameTranslator())
ALERTS = {alert.name for alert in all_alerts(QUERIES, Thresholds(savings=100), (tag_budget("tenant=acme:500"),))}

ASKING = {"spend", "explain", "reconcile", "advise"}
"""Commands that the pages name without the address of a Prometheus."""


def text_of(page):
    """A page without its blocks of code."""
    return re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)


def anchors(page):
    """The headings of a page as GitHub makes addresses of them."""
    found = []
    for heading in re.findall(r"^#+ (.+)$", text_of(page), re.MULTILINE):
        plain = re.sub(r"\[([^]]+)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        found.append(f"{slug}-{found.count(slug)}" if slug in found else slug)
    return set(found)


def links(page):
    return re.findall(r"\]\((?!https?:|mailto:)([^)\s]*)\)", text_of(page))


def broken(page):
    """The links of a page that lead nowhere."""
    wrong = []
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and (target.suffix != ".md" or anchor not in anchors(target))):
            wrong.append(link)
    return wrong


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_and_headings_that_are_there(page):
    assert broken(page) == []


def test_a_broken_link_is_seen(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# A `head` of [mine](x)\n[1](#a-head-of-mine) [2](page.md#b) [3](gone.md)\n```\n[4](no)\n```\n")
    assert broken(page) == ["x", "page.md#b", "gone.md"]


def test_the_index_has_every_page():
    index = DOCS / "README.md"
    listed = [link for link in links(index) if link.endswith(".md") and "/" not in link]
    assert set(listed) == {page.name for page in DOCS.glob("*.md") if page != index}
    rows = [line.split("|")[1] for line in index.read_text().splitlines() if line.startswith("| [")]
    assert len(rows) == len(set(rows))


def cells(page):
    """The rows of a page's tables: column by heading."""
    for table in re.findall(r"(?:^\|.*\n)+", page.read_text(), re.MULTILINE):
        head, _, *rows = ([cell.strip() for cell in line.strip("|\n").split("|")] for line in table.splitlines())
        yield from (dict(zip(head, row, strict=True)) for row in rows)


def test_questions_are_answered_by_panels_alerts_and_commands_that_there_are():
    page = DOCS / "questions.md"
    rows = list(cells(page))
    assert len(rows) > 20
    for row in rows:
        assert row["panel"] or row["command"] or row["alert"], row
        named = set(re.findall(r'"([^"]+)"', row["panel"]))
        assert named <= PANELS | DASHBOARD_TITLES, row
    assert set(re.findall(r"\bClaude[A-Z]\w+", page.read_text())) == ALERTS


def panels_by_dashboard():
    return {each["title"]: {panel["title"] for panel in each["panels"]} for each in DASHBOARDS}


def test_questions_name_the_dashboard_of_each_panel():
    by_title = panels_by_dashboard()
    for part in (DOCS / "questions.md").read_text().split("\n## ")[1:]:
        (usual,) = re.findall(r'^Dashboard "([^"]+)"', part, re.MULTILINE)
        for line in part.splitlines():
            if line.startswith("| ") and '"' in line:
                cell = line.split("|")[2]
                panels, _, other = cell.partition('" on "')
                on = other.strip(' "') or usual
                named = re.findall(r'"([^"]+)"', panels + '"' if other else panels)
                assert set(named) <= by_title[on], (line, on)


def commands(page):
    """The `otel-claude …` in a page's text, and the lines of its blocks of code that begin with it."""
    whole = page.read_text(encoding="utf-8")
    blocks = "\n".join(re.findall(r"```(?:sh|console)?\n(.*?)```", whole, re.DOTALL)).replace("\\\n", " ")
    in_blocks = [re.sub(r"\s+#.*", "", line) for line in blocks.splitlines() if line.startswith("otel-claude ")]
    return [*re.findall(r"`(otel-claude [a-z][^`]*)`", text_of(page)), *in_blocks]


@pytest.mark.parametrize("name", ["questions.md", "start.md", "backends.md", "upgrading.md", "../README.md"])
def test_commands_have_the_options_that_are_named(name):
    rows = {row.name: row for row in COMMANDS}
    for command in commands(DOCS / name):
        _, which, *given = shlex.split(command)
        assert which in rows, command
        if which not in ("run", "demo") and given and "--help" not in given:
            needed = (
                [] if "--prometheus" in given or which not in ASKING else ["--prometheus", "http://prometheus:9090"]
            )
            parse(f"otel-claude {which}", load(rows[which]), [*given, *needed])


def test_files_that_pages_name_are_there():
    for page in (DOCS / "start.md", DOCS / "backends.md", ROOT / "README.md"):
        for name in re.findall(r"\bdeploy/[\w./-]*\w", page.read_text()):
            assert (ROOT / name).exists(), (page.name, name)


def test_the_readme_is_one_screen():
    lines = (ROOT / "README.md").read_text().splitlines()
    assert len(lines) <= 60


def test_what_was_renamed_has_a_name_of_today():
    """The new names are emitted or set; the old ones are not."""
    values = [value for module in (semconv, agents, organization) for value in vars(module).values()]
    emitted = {value for value in values if isinstance(value, str)}
    emitted |= {value.name for value in values if isinstance(value, semconv.Metric)}
    rows = [row for row in cells(DOCS / "upgrading.md") if "now" in row]
    names = re.compile(r"`((?:claude|gen_ai)\.[a-z_.]+)`")
    was, now = ({name for row in rows for name in names.findall(row[column])} for column in ("was", "now"))
    assert len(was) > 3
    assert now <= emitted
    # One old name has a new meaning.
    assert was & emitted == {"claude.client.batch.requests"} <= now
