"""Names are the field's words: OpenTelemetry's, Anthropic's, Prometheus'. What was private to us before is no name.

Plain English in sentences is judged by reading: this test sees identifiers, files, metrics, labels, panels, headings.
"""

import ast
import json
import re
from pathlib import Path

import pytest

from otel_claude import semconv
from otel_claude.semconv import agents, organization

ROOT = Path(__file__).parents[2]
CODE = [*(ROOT / "src").rglob("*.py"), *(ROOT / "demo/src").rglob("*.py"), *(ROOT / "tools").rglob("*.py")]
OLD = frozenset(
    [
        "seam",
        "seams",
        "wire",
        "ledger",
        "ledgers",
        "posting",
        "postings",
        "bill",
        "bills",
        "billed_parts",
        "heard",
        "hear",
        "hears",
        "overhear",
        "told",
        "tell",
        "tells",
        "untold",
        "asker",
        "asked",
        "askers",
        "labeller",
        "labelled",
        "bounds",
        "neighbour",
        "neighbours",
        "contained",
        "contain",
        "containment",
        "caller",
        "callers",
        "heeded",
        "stoppable",
        "measuring",
        "overheard",
        "sink",
        "sinks",
        "spends",
        "exchange",
        "exchanges",
        "retold",
        "dearest",
        "fullest",
        "unclear",
        "uncounted",
        "laid",
        "beneath",
        "grown",
        "refusal_of",
        "head",
        "heads",
        "answered",
        "answerer",
        "unanswered",
        "unsent",
        "settle",
        "settled_all",
        "finalizing",
        "collecting",
        "counted",
        "renown",
        "hand_over",
        "news",
        "showing",
        "whose",
        "naming",
        "cannot_tell",
        "bad_input",
        "tampering",
        "chance",
        "visit",
    ]
)
"""Checked words, as parts of names (`snake_case`, `CamelCase`), and names as a whole."""
ENGLISH = frozenset({"bill", "bills", "whose", "counted", "news", "showing", "spends", "tell", "tells"})
"""Of these, those that a sentence may use. No name is made of them."""


def words(name: str) -> set[str]:
    """The words of an identifier, and the identifier itself."""
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().strip("_")
    return {split, *split.split("_")}


def identifiers(path: Path) -> set[str]:
    """What a file gives a name: functions, classes, arguments, variables, attributes that are set, imports by alias."""
    found: set[str] = set(path.relative_to(ROOT).with_suffix("").parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            found.add(node.attr)
        elif isinstance(node, ast.alias):
            found.add(node.asname or "")
    return found


def old(names: set[str], allowed: frozenset[str] = frozenset()) -> list[str]:
    return sorted(name for name in names if words(name) & OLD - allowed)


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_an_identifier_has_no_old_word(path):
    assert old(identifiers(path)) == []


def test_a_metric_an_attribute_and_a_setting_has_no_old_word():
    emitted = {
        value for module in (semconv, agents, organization) for value in vars(module).values() if isinstance(value, str)
    }
    emitted |= {
        value.name
        for module in (semconv, agents, organization)
        for value in vars(module).values()
        if isinstance(value, semconv.Metric)
    }
    names = {value for value in emitted if re.fullmatch(r"[a-z_]+(\.[a-z_0-9]+)*", value)}
    assert old({name.replace(".", "_") for name in names}) == []


def test_a_panel_has_no_old_word():
    titles: set[str] = set()

    def walk(value):
        if isinstance(value, dict):
            if isinstance(value.get("title"), str):
                titles.add(value["title"])
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)

    for file in (ROOT / "deploy/grafana").rglob("*.json"):
        walk(json.loads(file.read_text(encoding="utf-8")))
    assert titles
    assert old({re.sub(r"[^A-Za-z]+", "_", title) for title in titles}, ENGLISH) == []


def test_a_heading_of_the_docs_has_no_old_word():
    pages = [*(ROOT / "docs").glob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"]
    headings = {
        line for page in pages for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("#")
    }
    assert headings
    assert old({re.sub(r"[^A-Za-z]+", "_", heading) for heading in headings}, ENGLISH) == []


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("SeamTable", True),
        ("contained", True),
        ("hand_over", True),
        ("header", False),
        ("handover", False),
        ("Bill", True),
    ],
)
def test_an_old_word_is_seen(name, found):
    assert bool(old({name})) is found
