"""The application: its help, its version, and what it says if something is not installed."""

import json
import os
import subprocess
import sys
from importlib.metadata import version

import pytest
from cli_programs import OURS, PROGRAMS, on_terminal

from otel_claude.cli import commands
from otel_claude.version import __version__

NAMES = [row.name for row in commands.COMMANDS]
EXTRAS = ("typer", "click", "rich", "anthropic", "opentelemetry.sdk", "opentelemetry.exporter", "otel_claude_demo")
"""What the extras bring, as modules."""


def test_version(otel_claude):
    assert otel_claude("--version") == (0, f"otel-claude {__version__}\n", "")


@pytest.mark.parametrize(("arguments", "code"), [((), 2), (("--help",), 0), (("-h",), 0)])
def test_help_lists_every_command_without_loading_one(otel_claude, monkeypatch, arguments, code):
    monkeypatch.setattr(commands, "load", lambda row: pytest.fail(f"{row.name} was loaded"))
    got, out, err = otel_claude(*arguments)
    assert (got, err) == (code, "")
    for name in NAMES:
        assert f"\n    {name}" in out


@pytest.mark.parametrize("name", NAMES)
def test_help_of_a_command(otel_claude, name):
    code, out, err = otel_claude(name, "--help")
    assert (code, err) == (0, "")
    assert out.startswith(f"usage: otel-claude {name} [-h]")
    assert max(map(len, out.splitlines())) < 80


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["doctr"], "argument COMMAND: invalid choice: 'doctr'"),
        (["--json", "doctor"], "unrecognized arguments: --json"),
        (["price", "--jsn"], "price: there is no option '--jsn': did you mean --json?"),
        (["price", "--js", "x"], "price: there is no option '--js': did you mean --json?"),
        (["export", "rules"], "export: the following arguments are required: --out"),
        (["export", "rules", "--out"], "export: argument --out: expected one argument"),
        (["export", "rules", "--out", "x", "--daily-budget", "much"], "argument --daily-budget: 'much' is no number"),
        (["organization", "--interval", "59"], "organization: argument --interval: 59 is less than 60"),
        (["organization", "--interval", "nan"], "organization: argument --interval: 'nan' is no number"),
    ],
)
def test_bad_usage_is_one_line(otel_claude, arguments, said):
    code, out, err = otel_claude(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("otel-claude: ")
    assert said in err
    assert err.count("\n") == 1


def without(*modules, arguments, **environment):
    """A command where these modules are not installed."""
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({modules})); from otel_claude.cli import main; "
        f"main({list(arguments)})"
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "ANTHROPIC_"))}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=kept | environment, timeout=60)
    return done.returncode, done.stdout, done.stderr


def every_help(*modules, **environment):
    """The help of every command, of one process."""
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({modules})); from otel_claude.cli import main\n"
        f"for name in {['', *NAMES]}:\n"
        "    try: main([*name.split(), '--help'])\n"
        "    except SystemExit as end: print('ended', end.code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=os.environ | environment
    )
    assert done.stderr == ""
    assert done.stdout.count("\nended 0\n") == len(NAMES) + 1
    return done.stdout.split("ended 0\n")[:-1]


def test_help_needs_no_extra():
    helps = every_help(*EXTRAS)
    for name, said in zip(["", *NAMES], helps, strict=True):
        assert said.startswith(f"usage: otel-claude {name}".strip())


def test_the_help_of_a_command_that_is_not_installed_says_what_to_install():
    out = without("otel_claude_demo", arguments=["demo", "--help"])[1]
    assert "Show everything with simulated calls." in out
    assert "pip install 'otel-claude[demo]'" in out


@pytest.mark.parametrize(
    ("missing", "arguments", "said"),
    [
        ("otel_claude_demo", ["demo"], "`otel-claude demo` needs otel-claude-demo: pip install 'otel-claude[demo]'"),
        ("anthropic", ["organization"],
         "`otel-claude organization` needs anthropic: pip install 'otel-claude[organization]'"),
        ("opentelemetry.sdk", ["organization"],
         "`otel-claude organization` needs opentelemetry-sdk: pip install 'otel-claude[organization]'"),
        ("anthropic", ["reconcile", "--from", "2026-11-20", "--to", "2026-11-21", "--prometheus", "http://p"],
         "`otel-claude reconcile` needs anthropic: pip install 'otel-claude[organization]'"),
        ("rich", ["price", "--list"], "`otel-claude price` needs rich: pip install 'otel-claude[cli]'"),
        ("opentelemetry.sdk", ["run", "true"],
         "`otel-claude run` needs OpenTelemetry's SDK and distribution: pip install 'otel-claude[otlp]'"),
    ],
)  # fmt: skip
def test_a_missing_extra_is_one_line(missing, arguments, said):
    assert without(missing, arguments=arguments) == (2, "", f"otel-claude: {said}\n")


def test_doctor_needs_no_extra():
    # In an environment that really has none: scripts/check-package.
    code, out, err = without(*EXTRAS, arguments=["doctor"])
    assert (code, err) == (1, "")
    assert f"The SDK {version('anthropic')} cannot be imported (ModuleNotFoundError" in out


def test_export_needs_no_extra(tmp_path):
    assert without(*EXTRAS, arguments=["export", "dashboards", "--out", str(tmp_path)])[0] == 0


def test_a_module_of_ours_that_is_missing_is_a_bug_and_shown_as_one(otel_claude, monkeypatch):
    monkeypatch.setattr(commands, "import_module", lambda _: __import__("otel_claude.nothing"))
    code, _, err = otel_claude("price", "--list")
    assert code == 2
    assert "failed (ModuleNotFoundError). This is a fault of otel-claude" in err


def test_without_its_distribution_the_demo_is_not_listed():
    out = without("otel_claude_demo", arguments=["--help"])[1]
    assert "\n    demo" not in out
    assert "\n    doctor" in out


def test_a_reader_that_leaves_is_no_fault():
    command = f"{' '.join(OURS)} price --list --json | head -c 1"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("{", "")


def test_as_a_module():
    done = subprocess.run([*OURS, "--version"], capture_output=True, text=True, check=False)
    assert done.stdout == f"otel-claude {__version__}\n"


PLACES = [
    {"PYTHONIOENCODING": "latin-1", "TERM": "dumb", "COLUMNS": "40"},
    {"PYTHONIOENCODING": "ascii", "TERM": "xterm", "COLUMNS": "5"},
]


MESSAGE = {
    "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-5-5", "content": [],
    "stop_reason": "end_turn", "usage": {"input_tokens": 123_456, "output_tokens": 20},
}  # fmt: skip


OUTPUTS = [
    (["price", "--list"], 0, ["claude-haiku-5-5 >100k", "2026-10-07", "0.625"]),
    (["price", "{file}"], 0, ["input, uncached", "123,456", "0.246912", "USD per million"]),
    (["price", "--list", "--model", "claude-\u2713"], 2, ["claude-?"]),
    (["doctor", "--offline"], 0, ["Nothing is wrong."]),
    (["organization", "--once"], 2, ["sk-ant-admin..."]),
    (["organization", "--once", "--intervall"], 2, ["there is no option '--intervall'"]),
    (["export", "nomad", "--out", "x"], 2, ["unknown target 'nomad'"]),
    (["run", sys.executable, str(PROGRAMS / "light.py")], 0, ["otel-claude: no calls to Claude were made"]),
]
SLOW = {"doctor", "organization", "run"}
"""Those that import an SDK. In the narrower place, of fewer letters, they say what they say in both."""


@pytest.mark.parametrize(
    ("arguments", "code", "said", "place"),
    [
        pytest.param(
            *output, place, id=f"{output[0][0]}-{output[1]}-{place}",
            marks=pytest.mark.heavy if output[0][0] in SLOW and place is not PLACES[-1] else (),
        )
        for output in OUTPUTS for place in PLACES
    ],
)  # fmt: skip
def test_output_on_any_terminal(environment, tmp_path, arguments, code, said, place):
    file = tmp_path / "message.json"
    file.write_text(json.dumps(MESSAGE))
    arguments = [each.format(file=file) for each in arguments]
    got, out = on_terminal(arguments, {**environment, **place, "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": ""})
    assert got == code
    assert out.isascii()
    assert "Traceback" not in out
    # Nothing is left out, whatever the width.
    assert [each for each in said if each not in out] == []


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_help_on_any_terminal(place):
    assert all(map(str.isascii, every_help(**place)))
