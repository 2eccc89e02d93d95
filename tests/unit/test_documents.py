"""The pages that are about names say what the code says."""

from __future__ import annotations

import dataclasses
import importlib.util
import re
from pathlib import Path

import pytest

from otel_claude.settings import Settings, former_variables, variable
from otel_claude.summary import JSON

ROOT = Path(__file__).parents[2]
CONFIGURATION = ROOT / "docs" / "configuration.md"
FRAMEWORKS = ROOT / "docs" / "frameworks.md"
VARIABLES = [variable(field.name) for field in dataclasses.fields(Settings)]


def test_the_metrics_page_is_what_the_script_writes():
    spec = importlib.util.spec_from_file_location("docs_script", ROOT / "scripts" / "docs.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert script.DOCS == ROOT / "docs"
    for name, (written, _) in script.PAGES.items():
        assert (ROOT / "docs" / name).read_text() == written(), "run `make docs`"


def test_the_variables_are_those_of_the_design():
    assert set(VARIABLES) == {
        "OTEL_CLAUDE_SPANS",
        "OTEL_CLAUDE_PRICES",
        "OTEL_CLAUDE_API_KEY_FORMAT",
        "OTEL_CLAUDE_BAGGAGE_TAGS",
        "OTEL_CLAUDE_TAG_LIMIT",
        "OTEL_CLAUDE_TAG_VALUES",
        "OTEL_CLAUDE_HISTOGRAM_TAGS",
        "OTEL_CLAUDE_FLUSH_ON_EXIT",
        "OTEL_CLAUDE_INSTANCE_ID",
        "OTEL_CLAUDE_LEGACY_METRICS",
        "OTEL_CLAUDE_AGENT_SDK",
        "OTEL_CLAUDE_HTTPX",
    }


@pytest.mark.skipif(not CONFIGURATION.exists(), reason="docs/configuration.md is not written yet")
def test_the_configuration_page_has_every_variable_and_no_unknown_one():
    page = CONFIGURATION.read_text()
    named = set(re.findall(r"\bOTEL_CLAUDE_[A-Z_]+\b", page))
    assert set(VARIABLES) <= named
    assert named - set(VARIABLES) <= {JSON, *former_variables()}


def test_the_frameworks_page_has_the_versions_that_are_tested():
    """Those of the newer Pythons, where 3.10 has others."""
    lines = [
        line.partition(" ; ")
        for file in (ROOT / "requirements" / "frameworks").glob("*.txt")
        for line in file.read_text().splitlines()
    ]
    pinned = {tuple(pin.split("==")) for pin, _, marker in lines if "==" in pin and "< '3.11'" not in marker}
    table = FRAMEWORKS.read_text().partition("| --- |")[2].partition("\n\n")[0]
    rows = [row.split("|")[2] for row in table.splitlines()[1:]]
    named = {pair for row in rows for pair in re.findall(r"`([\w-]+)` ([\d.]+\d)", row)}
    assert len(named) >= len(rows) == 11
    assert named - pinned == set()
    assert {version for name, version in pinned if name == "anthropic"} == set(
        re.findall(r"(?:`anthropic`|and) (\d[\d.]*\d)", " ".join(rows))
    )
