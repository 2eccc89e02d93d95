"""What the project says of itself is the same everywhere: its address, its versions, its release."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from otel_claude.version import __version__

ROOT = Path(__file__).parents[2]
ADDRESS = "https://github.com/otel-claude/otel-claude"
"""Of the repository. The owner, in small letters, is also the image's in its registry."""
SAID = [
    "pyproject.toml", "demo/pyproject.toml", "SECURITY.md", "docs/versions.md", "deploy/helm/otel-claude/Chart.yaml",
    *(f".github/ISSUE_TEMPLATE/{name}.yml" for name in ("config", "bug")),
]  # fmt: skip
URLS = {
    "Documentation": "/tree/main/docs",
    "Source": "",
    "Changelog": "/blob/main/CHANGELOG.md",
    "Issues": "/issues",
    "Security": "/security/policy",
}


def script():
    spec = importlib.util.spec_from_file_location("release_script", ROOT / "scripts" / "release.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", SAID)
def test_the_address_is_the_same_everywhere(name):
    found = set(re.findall(r"https://github\.com/[\w-]+/[\w.-]+?(?=[/\s\"'\]),#@]|$)", (ROOT / name).read_text()))
    assert found == {ADDRESS}


@pytest.mark.parametrize("name", ["pyproject.toml", "demo/pyproject.toml"])
def test_both_distributions_have_the_same_urls(name):
    section = (ROOT / name).read_text().partition("[project.urls]\n")[2].partition("\n\n")[0]
    assert dict(re.findall(r'^(\w+) = "(.*)"$', section, re.MULTILINE)) == {
        title: ADDRESS + path for title, path in URLS.items()
    }


@pytest.mark.parametrize("name", ["deploy/helm/otel-claude/values.yaml", "docs/versions.md"])
def test_the_image_is_in_the_repositorys_registry(name):
    images = set(re.findall(r"ghcr\.io/[\w-]+/[\w-]+", (ROOT / name).read_text()))
    assert images == {ADDRESS.lower().replace("https://github.com", "ghcr.io")}


CHANGELOG = """# Changelog

## 1.2.0 (2026-12-01)

- New.

## 1.1.0 (2026-11-01)

- Old.

## 1.0.0 (unreleased)

- Oldest.
"""


@pytest.mark.parametrize(
    ("tag", "version", "notes"), [("v1.2.0", "1.2.0", "- New.\n"), ("v1.1.0", "1.1.0", "- Old.\n")]
)
def test_the_notes_of_a_release_are_its_section(tag, version, notes):
    assert script().notes(tag, version, CHANGELOG) == notes


@pytest.mark.parametrize(
    ("tag", "version", "said"),
    [
        ("v1.2.1", "1.2.0", "the tag is v1.2.1, and src/otel_claude/version.py says 1.2.0"),
        ("1.2.0", "1.2.0", "the tag is 1.2.0, and"),
        ("v1.0.0", "1.0.0", "CHANGELOG.md has no section `## 1.0.0 (YYYY-MM-DD)`"),
        ("v1.2", "1.2", "CHANGELOG.md has no section `## 1.2 (YYYY-MM-DD)`"),
    ],
)
def test_a_release_without_version_or_section_is_none(tag, version, said):
    with pytest.raises(SystemExit, match=re.escape(said)):
        script().notes(tag, version, CHANGELOG)


def test_the_changelog_has_a_section_of_this_version():
    heading = rf"^## {re.escape(__version__)} \((unreleased|\d{{4}}-\d\d-\d\d)\)$"
    assert re.search(heading, (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)


@pytest.mark.parametrize("path", sorted((ROOT / "requirements").rglob("*.txt")), ids=lambda path: path.stem)
def test_all_that_is_pinned_has_hashes(path):
    """But for our own two, which are the checkout."""
    blocks = re.split(r"\n(?=\S)", re.sub(r"^\s*#.*\n?", "", path.read_text(), flags=re.MULTILINE).strip())
    assert blocks
    for block in blocks:
        assert block.startswith("-e .") or "--hash=sha256:" in block, block
