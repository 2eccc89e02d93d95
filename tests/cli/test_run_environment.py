"""What `otel-claude run` gives to a program, and what it says before it starts one."""

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from cli_programs import OURS

from otel_claude.cli import run as running
from otel_claude.summary import JSON, PROCESS_GROUP

STARTUP = "/site/auto_instrumentation"


def made(file=None, **given):
    return running.environment_for(given, STARTUP, file)


@pytest.mark.parametrize(
    ("given", "traces", "metrics", "logs"),
    [
        ({}, "none", "claude_summary", "none"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4317"}, "otlp", "claude_summary,otlp", "otlp"),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://prometheus"}, "none", "claude_summary,otlp", "none"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://tempo"}, "otlp", "claude_summary", "none"),
        ({"OTEL_METRICS_EXPORTER": "prometheus, console"}, "none", "claude_summary,prometheus,console", "none"),
        ({"OTEL_METRICS_EXPORTER": "otlp,claude_summary"}, "none", "claude_summary,otlp", "none"),
        ({"OTEL_METRICS_EXPORTER": "none", "OTEL_TRACES_EXPORTER": "console"}, "console", "claude_summary", "none"),
        ({"OTEL_METRICS_EXPORTER": " ", "OTEL_LOGS_EXPORTER": "console"}, "none", "claude_summary", "console"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "x", "OTEL_TRACES_EXPORTER": "none"}, "none", "claude_summary,otlp", "otlp"),
    ],
)
def test_the_users_own_exporters_go_on(given, traces, metrics, logs):
    environment = made(**given)
    assert environment["OTEL_TRACES_EXPORTER"] == traces
    assert environment["OTEL_METRICS_EXPORTER"] == metrics
    assert environment["OTEL_LOGS_EXPORTER"] == logs


def test_limits_are_looked_at_more_often_if_nobody_pays_for_it():
    assert made()["OTEL_METRIC_EXPORT_INTERVAL"] == "10000"
    assert made(OTEL_METRIC_EXPORT_INTERVAL="5000")["OTEL_METRIC_EXPORT_INTERVAL"] == "5000"
    assert "OTEL_METRIC_EXPORT_INTERVAL" not in made(OTEL_METRICS_EXPORTER="otlp")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, STARTUP),
        ({"PYTHONPATH": ""}, STARTUP),
        ({"PYTHONPATH": f"/a{os.pathsep}/b"}, os.pathsep.join([STARTUP, "/a", "/b"])),
        ({"PYTHONPATH": f"/a{os.pathsep}{STARTUP}"}, os.pathsep.join([STARTUP, "/a"])),
    ],
)
def test_the_startup_folder_comes_first_and_once(given, expected):
    # Nothing else is added: `opentelemetry-instrument` adds the current folder, and programs then import other modules.
    assert made(**given)["PYTHONPATH"] == expected


def test_the_file_is_absolute_and_the_process_group_is_a_new_one(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    environment = made(Path("out.json"), **{PROCESS_GROUP: "1:/tmp/x", "HOME": "/home/u"})
    assert environment[JSON] == str(tmp_path / "out.json")
    assert PROCESS_GROUP not in environment
    assert environment["HOME"] == "/home/u"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, []),
        ({"OTEL_SDK_DISABLED": "TRUE"}, ["OTEL_SDK_DISABLED is true"]),
        ({"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "flask, otel_claude"}, ["OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"]),
        ({"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "*"}, ["OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"]),
        ({"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "anthropic"}, []),
        ({"OTEL_CONFIG_FILE": "otel.yaml"}, ["OTEL_CONFIG_FILE is set"]),
    ],
)
def test_what_keeps_a_program_from_being_measured_is_said(given, said):
    warnings = running.warnings_of(given)
    assert len(warnings) == len(said)
    assert all(warning.startswith(start) for warning, start in zip(warnings, said, strict=True))


def script(folder, first, name="tool"):
    path = folder / name
    path.write_text(f"{first}\nprint()\n")
    path.chmod(0o755)
    return str(path)


def test_the_interpreter_of_a_program(tmp_path, monkeypatch):
    assert running.interpreter_of("/usr/bin/python3.13") == "/usr/bin/python3.13"
    assert running.interpreter_of(script(tmp_path, "#!/opt/venv/bin/python3 -u")) == "/opt/venv/bin/python3"
    assert running.interpreter_of(script(tmp_path, "#!/bin/sh")) is None
    assert running.interpreter_of(script(tmp_path, "")) is None
    assert running.interpreter_of("/nowhere") is None
    python = script(tmp_path, "#!/bin/sh", "python")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert running.interpreter_of(script(tmp_path, "#!/usr/bin/env python")) == python


def test_a_python_without_otel_claude_is_named(otel_claude, tmp_path, monkeypatch):
    python = script(tmp_path, "#!/bin/sh\nexit 1 #", "python")
    became = []
    monkeypatch.setattr(running.os, "execve", lambda *given: became.append(given))
    monkeypatch.setenv("PATH", str(tmp_path))
    _, _, err = otel_claude("run", "python", "app.py")
    assert f"{python} does not have otel-claude, so nothing will be measured." in err
    assert f"{python} -m pip install 'otel-claude[otlp]', or use {sys.executable}." in err
    assert became[0] == (python, ["python", "app.py"], dict(os.environ))
    assert err.count("\n") == 1


@pytest.fixture(scope="module")
def pythons(tmp_path_factory):
    """Environments with nothing, and with some of what is needed."""
    made = {}
    for name, modules in (("empty", ()), ("some", ("otel_claude", "opentelemetry"))):
        folder = tmp_path_factory.mktemp(name)
        venv.create(folder, symlinks=True)
        (packages,) = folder.glob("lib/python*/site-packages")
        for module in modules:
            (packages / module).mkdir()
        made[name] = str(folder / "bin/python")
    return made


OF_OPENTELEMETRY = "opentelemetry-sdk, opentelemetry-distro, opentelemetry-instrumentation"


@pytest.mark.parametrize(
    ("name", "absent"), [("empty", f"otel-claude, {OF_OPENTELEMETRY}"), ("some", OF_OPENTELEMETRY)]
)
@pytest.mark.parametrize("by_a_script", [False, True])
def test_a_program_of_another_environment_runs_as_without_us(pythons, tmp_path, environment, name, absent, by_a_script):
    python, file = pythons[name], tmp_path / "app.py"
    file.write_text("import os, sys; print(sorted(set(os.environ) - {'LC_CTYPE', '_', 'PWD', 'SHLVL', 'OLDPWD'}))\n")
    program = ["sh", "-c", f"{python} {file}"] if by_a_script else [python, str(file)]
    done = subprocess.run([*OURS, "run", *program], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    if by_a_script:
        # Only that Python can know it.
        assert done.stderr == f"otel-claude: {python} does not have {absent}, so it is not measured.\n"
    else:
        assert done.stderr == (
            f"otel-claude: {python} does not have {absent}, so nothing will be measured. Install it there: "
            f"{python} -m pip install 'otel-claude[otlp]', or use {sys.executable}.\n"
        )
        assert done.stdout == f"{sorted(set(environment) - {'LC_CTYPE', '_', 'PWD', 'SHLVL', 'OLDPWD'})}\n"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["no-such-program"], 127, "otel-claude: no-such-program: command not found\n"),
        (["./app.py"], 126, "otel-claude: ./app.py is not executable. Did you mean: otel-claude run python ./app.py\n"),
        (["./data"], 126, "otel-claude: ./data: is not an executable file\n"),
        (["--json", "no/folder/x.json", "true"], 2, "otel-claude: --json no/folder/x.json: there is no folder "),
        (["--json", ".", "true"], 2, "otel-claude: --json .: cannot be written\n"),
        (["./broken"], 126, "otel-claude: ./broken: Exec format error\n"),
        ([], 2, "otel-claude: run: the following arguments are required: PROGRAM. See: otel-claude run --help\n"),
        (
            ["--jsn", "x", "true"],
            2,
            "otel-claude: run: there is no option '--jsn': did you mean --json? See: otel-claude run --help\n",
        ),
    ],
)
def test_what_cannot_be_run(otel_claude, tmp_path, monkeypatch, arguments, code, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app.py").write_text("")
    (tmp_path / "data").write_text("")
    (tmp_path / "broken").write_bytes(b"\x00\x01")
    (tmp_path / "broken").chmod(0o755)
    got, out, err = otel_claude("run", *arguments)
    assert (got, out) == (code, "")
    assert err.startswith(said)
    assert "Traceback" not in err


def test_what_is_missing_is_named(otel_claude, monkeypatch):
    monkeypatch.setattr(running, "entry_points", lambda **_: ())
    code, _, err = otel_claude("run", "true")
    assert code == 2
    assert err == (
        "otel-claude: `otel-claude run` needs OpenTelemetry's SDK and distribution: pip install 'otel-claude[otlp]'\n"
    )
