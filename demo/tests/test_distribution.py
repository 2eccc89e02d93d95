"""The demo is a distribution of its own: one version with the runtime, little of it imported, nothing of it in it."""

import ast
import importlib.util
import re
import subprocess
import sys
from importlib.metadata import requires, version
from pathlib import Path

import pytest

from otel_claude.version import __version__

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "demo" / "src" / "otel_claude_demo"
RUNTIME = ROOT / "src" / "otel_claude"
IMPORTED = {
    "otel_claude.api.response", "otel_claude.cli.arguments", "otel_claude.pricing", "otel_claude.redact",
    "otel_claude.semconv", "otel_claude.tags",
}  # fmt: skip
HEAVY = ("starlette", "uvicorn", "anthropic", "rich")


def imports(path, package):
    """The modules of a package, and the names directly in it, that a file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == package)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module.split(".")[0] == package:
            if node.module == package:
                yield from (f"{package}.{alias.name}" for alias in node.names)
            else:
                yield node.module


def test_both_have_the_version_that_is_written_once():
    assert version("otel-claude") == version("otel-claude-demo") == __version__


def test_each_names_this_version_of_the_other():
    assert f"otel-claude[anthropic,otlp]=={__version__}" in requires("otel-claude-demo")
    assert [line for line in requires("otel-claude") if "extra == 'demo'" in line.replace('"', "'")] == [
        next(line for line in requires("otel-claude") if line.startswith(f"otel-claude-demo=={__version__};"))
    ]


def test_the_licence_is_the_same():
    assert (ROOT / "demo" / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()


def test_of_ours_the_demo_imports_values_names_tags_what_redacts_and_what_reads_its_options():
    found = {name for path in DEMO.rglob("*.py") for name in imports(path, "otel_claude")}
    assert found == IMPORTED


def test_the_simulator_imports_nothing_of_the_runtime():
    assert [path for path in (DEMO / "simulator").rglob("*.py") if list(imports(path, "otel_claude"))] == []


def test_the_runtime_imports_nothing_of_the_demo():
    assert [path for path in RUNTIME.rglob("*.py") if list(imports(path, "otel_claude_demo"))] == []


def test_the_runtime_holds_no_simulator_demo_or_workload():
    named = re.compile("simulator|demo|workload")
    assert [path for path in RUNTIME.rglob("*") if named.search(path.name) and "__pycache__" not in path.parts] == []


@pytest.mark.parametrize("name", ["", ".services", ".rates", ".comparison", ".amounts"])
def test_what_needs_no_server_loads_none(name):
    code = f"import sys, otel_claude_demo{name}; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def hook():
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "demo" / "hatch_build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Dependencies


def test_the_builds_hook_reads_the_runtimes_version(tmp_path):
    demo = tmp_path / "demo"
    file = tmp_path / "src/otel_claude/version.py"
    demo.mkdir()
    file.parent.mkdir(parents=True)
    file.write_text('"""A version."""\n\n__version__ = "3.2.1"\n')
    metadata = {}
    hook()(str(demo), {}).update(metadata)
    assert metadata == {
        "dependencies": [
            "otel-claude[otlp,anthropic]==3.2.1", "anthropic>=0.100,<3", "starlette>=0.40", "uvicorn>=0.30",
        ]
    }  # fmt: skip
