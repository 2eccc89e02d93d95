"""otel-claude and a program in a zip, what is compiled beside it: calls, tokens and dollars are counted."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipapp
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaged_run import CALLS, environment, measured

import otel_claude

PROGRAM = Path(__file__).parent / "programs" / "__main__.py"
PACKAGE = Path(otel_claude.__file__).parent
INFO = ("METADATA", "entry_points.txt")


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """A Python that has all that we depend on, and not otel-claude."""
    home = tmp_path_factory.mktemp("python")
    beside = home / "beside"
    beside.mkdir()
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if "otel_claude" not in entry.name and entry.suffix != ".pth":
            (beside / entry.name).symlink_to(entry)
    venv.create(home / "env", symlinks=True)
    bin_ = home / "env" / "bin" / "python"
    (site,) = (home / "env" / "lib").glob("python*/site-packages")
    (site / "beside.pth").write_text(f"{beside}\n")
    probe = "from importlib.util import find_spec; assert find_spec('anthropic') and not find_spec('otel_claude')"
    subprocess.run([bin_, "-c", probe], check=True, env=environment())
    return str(bin_)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What goes into the zip: the package and its metadata, as an installer unpacks them."""
    root = tmp_path_factory.mktemp("app")
    shutil.copytree(PACKAGE, root / "otel_claude", ignore=shutil.ignore_patterns("__pycache__"))
    installed = distribution("otel-claude")
    info = root / f"otel_claude-{installed.version}.dist-info"
    info.mkdir()
    for name in INFO:
        (info / name).write_text(installed.read_text(name) or "")
    return root


@pytest.fixture(scope="module")
def app(folder, tmp_path_factory):
    shutil.copy(PROGRAM, folder / "__main__.py")
    packed = tmp_path_factory.mktemp("zip") / "app.pyz"
    zipapp.create_archive(folder, packed)
    return str(packed)


@pytest.fixture(scope="module")
def command_line(folder, app, tmp_path_factory):
    """`otel-claude` itself as a zip."""
    packed = tmp_path_factory.mktemp("cli") / "otel-claude.pyz"
    (folder / "__main__.py").unlink()
    zipapp.create_archive(folder, packed, main="otel_claude.cli:main")
    return str(packed)


@pytest.mark.heavy
def test_instrumented_in_code(python, app, tmp_path):
    told = measured([python, app, "code"], tmp_path / "summary.json")
    assert told["calls"] == CALLS
    assert told["price_table"]


def test_instrumented_by_the_automatic_start_in_the_program(python, app, tmp_path):
    assert measured([python, app, "auto"], tmp_path / "summary.json")["calls"] == CALLS


def test_instrumented_by_the_automatic_start_before_the_program(python, app, tmp_path):
    """As `opentelemetry-instrument`: it looks for entry points before Python has the zip on its path."""
    run = "from opentelemetry.instrumentation.auto_instrumentation import run; run()"
    command = [python, "-c", run, python, app]
    assert measured(command, tmp_path / "summary.json", PYTHONPATH=app)["calls"] == CALLS


def test_the_command_run_from_a_zip_measures_a_program_that_has_no_otel_claude(python, command_line, tmp_path):
    summary = tmp_path / "summary.json"
    command = [python, command_line, "run", "--json", str(summary), python, str(PROGRAM)]
    assert measured(command, summary)["calls"] == CALLS


def said(command, **more):
    done = subprocess.run(command, env=environment(**more), capture_output=True, text=True, check=False, timeout=100)
    return done.returncode, done.stdout, done.stderr


def both(python, command_line, *arguments):
    """What a command says from the zip, and as it is installed."""
    installed = [sys.executable, "-m", "otel_claude.cli", *arguments]
    return said([python, command_line, *arguments]), said(installed)


def test_prices_are_those_of_the_installed_package(python, command_line):
    zipped, installed = both(python, command_line, "price", "--list", "--json")
    assert zipped == installed
    assert zipped[0] == 0


def test_a_price_file_of_the_users_own_is_checked(python, command_line, tmp_path):
    file = tmp_path / "prices.json"
    file.write_text('{"name": "acme", "discounts": [{"factor": 2}]}')
    zipped, installed = both(python, command_line, "price", "--list", "--prices", str(file))
    assert zipped == installed
    assert zipped[0] == 2
    assert "$.discounts[0]" in zipped[2]


def test_what_is_exported_is_that_of_the_installed_package(python, command_line, tmp_path):
    for command, name in (([python, command_line], "zip"), ([sys.executable, "-m", "otel_claude.cli"], "installed")):
        for what in ("compose",):
            code, _, err = said([*command, "export", what, "--out", str(tmp_path / name / what)])
            assert code == 0, err
    zipped, installed = ({str(file.relative_to(tmp_path / name)): file.read_bytes()
                          for file in (tmp_path / name).rglob("*") if file.is_file()}
                         for name in ("zip", "installed"))  # fmt: skip
    assert zipped == installed
    assert len(zipped) > 10
    assert any(name.startswith(f"compose{os.sep}") for name in zipped)
