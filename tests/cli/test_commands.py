"""The application: its help, its version, and what it says if something is not installed."""

import subprocess
import sys

import pytest
from cli_programs import OURS

from otel_claude.cli import commands
from otel_claude.version import __version__


def test_version(otel_claude):
    assert otel_claude("--version") == (0, f"otel-claude {__version__}\n", "")


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",)])
def test_help_lists_every_command_without_loading_one(otel_claude, monkeypatch, arguments):
    monkeypatch.setattr(commands, "load", lambda row: pytest.fail(f"{row.name} was loaded"))
    code, out, err = otel_claude(*arguments)
    assert code in (0, 2)
    for name in ("run", "price", "doctor"):
        assert f"\n  {name} " in out + err


@pytest.mark.parametrize("name", ["run", "price", "doctor"])
def test_help_of_a_command(otel_claude, name):
    code, out, _ = otel_claude(name, "--help")
    assert code == 0
    assert f"Usage: otel-claude {name}" in out
    assert max(map(len, out.splitlines())) <= 100


def test_an_unknown_command(otel_claude):
    code, _, err = otel_claude("doctr")
    assert code == 2
    assert "No such command 'doctr'" in err


def test_a_missing_extra_is_one_line(otel_claude, monkeypatch):
    row = commands.Row("price", "...", "organization")
    monkeypatch.setattr(commands, "COMMANDS", (row,))
    monkeypatch.setitem(sys.modules, row.module, None)
    monkeypatch.setattr(commands, "find_spec", lambda _: object())
    monkeypatch.setattr(commands, "import_module", lambda _: __import__("a_missing_library"))
    assert otel_claude("price") == (
        2, "", "otel-claude: `otel-claude price` needs a-missing-library: pip install 'otel-claude[organization]'\n",
    )  # fmt: skip


def test_a_module_of_ours_that_is_missing_is_a_bug_and_shown_as_one(monkeypatch):
    monkeypatch.setattr(commands, "import_module", lambda _: __import__("otel_claude.nothing"))
    with pytest.raises(ModuleNotFoundError):
        commands.load(commands.COMMANDS[0])


def test_the_demo_is_listed_where_its_distribution_is_installed(otel_claude):
    assert "\n  demo " in otel_claude("--help")[1]


def test_without_its_distribution_the_demo_is_not_listed_and_says_what_to_install(otel_claude, monkeypatch):
    (row,) = [row for row in commands.COMMANDS if row.name == "demo"]
    absent = row._replace(package="otel_claude_demonstration")
    monkeypatch.setattr(commands, "COMMANDS", (*[other for other in commands.COMMANDS if other is not row], absent))
    assert "\n  demo " not in otel_claude("--help")[1]
    assert "\n  doctor " in otel_claude("--help")[1]
    assert otel_claude("demo") == otel_claude("demo", "--help") == (
        2, "", "otel-claude: `otel-claude demo` needs otel-claude-demonstration: pip install 'otel-claude[demo]'\n",
    )  # fmt: skip


@pytest.mark.parametrize("library", ["typer", "rich"])
def test_without_typer_or_rich(library):
    code = f"import sys; sys.modules['{library}'] = None; from otel_claude.cli import main; main(['price', '--list'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("otel-claude: ")
    assert "pip install 'otel-claude[cli]'" in done.stderr


def test_price_and_doctor_need_no_opentelemetry_sdk():
    code = (
        "import sys; sys.modules['opentelemetry.sdk'] = None; from otel_claude.cli import main; "
        "main(['price', '--list', '--model', 'claude-sonnet-5-5'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "claude-sonnet-5-5" in done.stdout


def test_as_a_module():
    done = subprocess.run([*OURS, "--version"], capture_output=True, text=True, check=False)
    assert done.stdout == f"otel-claude {__version__}\n"
