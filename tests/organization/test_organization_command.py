"""`otel-claude organization` as a user runs it: what it prints, how it ends, and that it ends when asked to."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time

import pytest
from organization_world import ADMIN, OTHER, SHOP

from listening import Listening, Quiet
from otel_claude.cli import main
from otel_claude.organization import service as running
from otel_claude_demo.simulator import Organization, Simulator, SpendLimit
from otel_claude_demo.simulator.failures import FAILURES


@pytest.fixture
def clock():
    return time.time


@pytest.fixture
def once(monkeypatch, capsys, simulator):
    """Runs `otel-claude organization --once`: its exit code, stdout and stderr."""
    monkeypatch.setenv("ANTHROPIC_BASE_URL", simulator.url)
    monkeypatch.setenv("ANTHROPIC_ADMIN_KEY", ADMIN)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")

    def once(*arguments, key=None):
        if key is not None:
            monkeypatch.setenv("ANTHROPIC_ADMIN_KEY", key)
        with pytest.raises(SystemExit) as ended:
            main(["organization", "--once", *arguments])
        said = capsys.readouterr()
        return ended.value.code or 0, said.out, said.err

    return once


def test_the_page(once, call, organization):
    organization.spend_limits = (SpendLimit(50_000, "usage_tier"),)
    usage = call(model="claude-opus-5-5").usage
    call(OTHER)
    code, out, err = once()
    assert (code, err) == (0, "")
    assert "refreshed" in out.splitlines()[0]
    dollars = (usage.input_tokens * 4 + usage.output_tokens * 20) / 10**6
    row = next(line for line in out.splitlines() if "claude-opus-5-5" in line)
    assert re.split(r"\s{2,}", row.strip()) == [
        "key-1",
        "claude-opus-5-5",
        f"{dollars:.4f}",
        "0.0000",
        f"{dollars:.4f}",
    ]
    assert re.search(r"usage tier +monthly +500\.0000", out)
    assert re.search(r"Claude Opus 5\.5 +4,000 +2,000,000 +400,000", out)
    assert re.search(r"key-2 +sk-ant-api03-DEF\.\.\.othr +Default +active +1", out)
    assert max(len(line) for line in out.splitlines()) <= 100


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (SHOP, "is a normal API key (sk-ant-api…)"),
        ("sk-nothing", "Anthropic does not know ANTHROPIC_ADMIN_KEY"),
        ("", "ANTHROPIC_ADMIN_KEY is not set"),
    ],
)
def test_a_credential_that_is_not_accepted_prints_no_number(once, key, words):
    code, out, err = once(key=key)
    assert (code, out) == (2, "")
    assert words in err
    assert err.count("\n") == 1
    assert not key or key not in err


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"individual": True}, (2, "individual account", False)),
        ({"denied": frozenset({"/cost"})}, (2, "may not read the cost report", False)),
        ({"spend_limits": None}, (0, "has no spend limits", True)),
        (
            {"failures": [None, None, FAILURES["permission"]], "page_size": 1},
            (2, "Only 1 page of the cost report", False),
        ),
    ],
    ids=["individual", "no permission", "no spend limits", "a half-finished page"],
)
def test_what_is_wrong_is_said_and_no_part_is_shown_as_whole(once, call, organization, settings, expected):
    call()
    call(model="claude-opus-5-5")
    for name, value in settings.items():
        setattr(organization, name, value)
    code, words, shown = expected
    ended, out, err = once()
    assert ended == code
    assert words in err
    assert ("US dollars at list price" in out) == shown
    assert ("Total" in out) == shown


class Receiver(Listening):
    """Takes OTLP over HTTP and keeps the bodies."""

    def __init__(self):
        bodies = self.bodies = []

        class Handler(Quiet):
            def do_POST(self):  # noqa: N802 - http.server's name
                bodies.append(self.posted())
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

        super().__init__(Handler)


@pytest.fixture
def started():
    """Starts the long-running command."""
    processes = []

    def started(**environment):
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANTHROPIC_", "OTEL_"))}
        command = [sys.executable, "-m", "otel_claude.cli", "organization"]
        process = subprocess.Popen(
            command, env={**kept, **environment}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        processes.append(process)
        return process

    yield started
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.heavy)])
def test_it_exports_until_it_is_terminated(simulator, call, started, number):
    call()
    with Receiver() as receiver:
        process = started(
            ANTHROPIC_BASE_URL=simulator.url,
            ANTHROPIC_ADMIN_KEY=ADMIN,
            OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url,
            OTEL_METRIC_EXPORT_INTERVAL="200",
        )
        assert process.stderr.readline() == f"otel-claude: exporting to {receiver.url}, reading every 300 s\n"
        deadline = time.monotonic() + 20
        while not receiver.bodies:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, "", "")
    assert b"claude.organization.cost.list.usd" in receiver.bodies[-1]
    assert b"otel-claude-organization" in receiver.bodies[-1]
    assert ADMIN.encode() not in b"".join(receiver.bodies)


def test_it_ends_at_once_with_a_credential_that_is_not_accepted(simulator, started):
    process = started(ANTHROPIC_BASE_URL=simulator.url, ANTHROPIC_ADMIN_KEY=SHOP)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (2, "")
    assert err.startswith("otel-claude: ANTHROPIC_ADMIN_KEY is a normal API key")
    assert err.count("\n") == 1


def test_it_can_be_terminated_while_the_api_does_not_answer(started):
    """The first poll hangs: a server that takes the connection and says nothing."""
    import socket  # noqa: PLC0415

    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        process = started(ANTHROPIC_BASE_URL=url, ANTHROPIC_ADMIN_KEY=ADMIN)
        connection, _ = silent.accept()
        process.terminate()
        process.communicate(timeout=10)
        connection.close()
    assert process.returncode == 0


def test_an_interval_below_a_minute_is_refused(once):
    code, out, err = once("--interval", "5")
    assert (code, out) == (2, "")
    assert "60" in err


def test_an_organization_can_be_given():
    with Simulator(organization=Organization(page_size=3)) as simulator:
        assert simulator.organization.page_size == 3


class Leading(Quiet):
    """Leads to another server, with all that it was sent."""

    def do_POST(self):  # noqa: N802 - http.server's name
        self.posted()
        self.send_response(307)
        self.send_header("location", self.server.elsewhere)
        self.send_header("content-length", "0")
        self.end_headers()


def test_exports_follow_no_redirect():
    """The newest exporter follows none by itself; those before it do, with the user's headers."""
    import requests  # noqa: PLC0415

    with Receiver() as elsewhere, Listening(Leading) as leading:
        leading.server.elsewhere = elsewhere.url
        with running.session() as session, pytest.raises(requests.TooManyRedirects):
            session.post(leading.url, b"points", headers={"x-api-key": "secret"})
        with requests.Session() as usual:
            assert usual.post(leading.url, b"points", headers={"x-api-key": "secret"}).ok
    assert elsewhere.bodies == [b"points"]
