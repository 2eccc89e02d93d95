"""Whatever a command is given: it ends with a code of its own, in sentences of ours, on the streams that are for it."""

from __future__ import annotations

import os
import subprocess
import sys
from inspect import signature
from typing import get_args

import pytest
from cli_programs import OURS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from otel_claude.cli import commands
from otel_claude.cli.arguments import Option
from otel_claude.cli.connections import AdminOptions, OptionError

CODES = {
    "export": {0, 2}, "organization": {2}, "reconcile": {2}, "spend": {2}, "explain": {2}, "advise": {2},
    "claude-code": {2}, "run": {2, 126, 127}, "doctr": {2},
}  # fmt: skip
"""Those that are documented, where no program is run and no server answers."""
words = st.text(max_size=12).filter(lambda text: "\0" not in text) | st.sampled_from(
    [
        "", "-", "--", "-1", "1e999999999", "NaN", "0", "/", "/dev/null", "/nowhere", "=", "a=b:1", "tenant=acme:1e400",
        "\x1b[2J", "a\nb", "\udcff", "2026-11-20", "0001-01-01T00:00+12:00", "http://h:99999", "http://127.0.0.1:9",
        "rules", "backfill", "prometheus", "utf8", "x" * 5000,
    ]
)  # fmt: skip


def options(name):
    """All options of a command, as they are written."""
    row = next((row for row in commands.COMMANDS if row.name == name), None)
    parameters = signature(commands.load(row), eval_str=True).parameters.values() if row else ()
    return [said.name for each in parameters for said in get_args(each.annotation) if isinstance(said, Option)]


@pytest.mark.parametrize("name", CODES)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, *HealthCheck])
@given(data=st.data())
def test_any_arguments(otel_claude, monkeypatch, tmp_path, name, data):
    monkeypatch.chdir(tmp_path)

    def becomes(_path, program, _environment):
        sys.stderr.write(f"runs {program!a}\n")
        sys.exit(127)

    monkeypatch.setattr("otel_claude.cli.run._become", becomes)
    monkeypatch.setattr("otel_claude.cli.run._missing", lambda *_: [])

    def no_reader(_options):
        raise OptionError("nobody is there")

    monkeypatch.setattr(AdminOptions, "reader", no_reader)
    one = st.one_of(words, st.sampled_from([*options(name), "--help", "-x"]))
    given_words = data.draw(st.lists(one, max_size=6))
    if name == "reconcile" and data.draw(st.booleans()):
        given_words = ["--from", "2026-11-19", "--to", "2026-11-20", "--prometheus", "http://h", *given_words]
    if name in ("spend", "explain", "advise") and data.draw(st.booleans()):
        given_words = ["--prometheus", "http://127.0.0.1:9", *given_words]
    if name == "export" and data.draw(st.booleans()):
        given_words = ["rules", "--out", "out", *given_words]
    if name == "run" and data.draw(st.booleans()):
        given_words = ["sh", *given_words]  # one that is found
    code, out, err = otel_claude(name, *given_words)
    assert code in CODES[name] or (code == 0 and "usage: otel-claude" in out), (code, err)
    assert err if code else out
    assert "Traceback" not in err
    assert "fault of otel-claude" not in err
    assert all(each.isprintable() for text in (out, err) for each in text.split("\n"))


def test_a_fault_of_ours_and_an_interruption_are_no_answer(otel_claude, monkeypatch):
    """1 is the answer of a command that found something wrong: a script must not take another end for it."""

    def fails(*_, **__):
        raise RecursionError

    monkeypatch.setattr("otel_claude.cli.reconcile._window", fails)
    window = ("--from", "2026-11-19", "--to", "2026-11-20", "--prometheus", "http://h")
    code, out, err = otel_claude("reconcile", *window)
    assert (code, out) == (2, "")
    assert "failed (RecursionError). This is a fault of otel-claude" in err

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("otel_claude.cli.reconcile._window", interrupted)
    code, out, err = otel_claude("reconcile", *window)
    assert (code, out) == (130, "")
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "arguments",
    [
        ("price", "--list"),
        ("reconcile", "--help"),
        pytest.param(("doctor", "--offline"), marks=pytest.mark.heavy),
        ("--version",),
    ],
)
def test_an_output_that_cannot_be_written_is_no_answer(environment, arguments):
    def ran(out):
        return subprocess.run([*OURS, *arguments], env=environment, stdout=out, stderr=subprocess.PIPE, text=True)  # noqa: PLW1510

    read, write = os.pipe()
    os.close(read)
    done = ran(write)
    os.close(write)
    assert (done.returncode, done.stderr) == (141, "")
    closed = ["sh", "-c", '"$@" >&-', "sh", *OURS, *arguments]
    done = subprocess.run(closed, env=environment, stderr=subprocess.PIPE, text=True)  # noqa: PLW1510
    assert (done.returncode in {0, 1}, done.stderr) == (True, "")
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
        done = ran(full)
    assert (done.returncode, done.stderr) == (
        2, "otel-claude: the output cannot be written: No space left on device\n",
    )  # fmt: skip
