"""A secret in every variable, argument, address and header, and servers that repeat what they hear: none comes out.

Every command runs against servers that refuse, repeat, redirect or answer nonsense. All output, our logs at DEBUG and
all telemetry are read.
"""

from __future__ import annotations

import base64
import json
import logging
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest
from cli_programs import OURS

from listening import Listening, Quiet
from otel_claude import redact
from otel_claude.cli import main

WINDOW = ("--from", "2026-11-19", "--to", "2026-11-20")


def secret(name):
    """Nobody else says this. The sign of each is its name, so that a leak tells where it came from."""
    return f"S3cret9911{name.upper()}xQ7"


def key(name):
    return f"sk-ant-api03-{secret(name)}{'k' * 60}"


FOUND = re.compile(r"S3cret9911\w+?xQ7")


def leaks(text):
    """The planted secrets in a text, also those that are written in base 64."""
    words = [word[:-1] if len(word) % 4 == 1 else word for word in re.findall(r"[A-Za-z0-9+/]{16,}", text)]
    decoded = (base64.b64decode(word + "=" * (-len(word) % 4)).decode(errors="replace") for word in words)
    return sorted({found for each in (text, *decoded) for found in FOUND.findall(each)})


def test_a_leak_is_found():
    encoded = base64.b64encode(f"user:{secret('a')}\n".encode()).decode()
    assert leaks(f"x {secret('b')}, {key('c')} and Basic {encoded}") == [secret("a"), secret("b"), secret("c")]
    assert leaks("nothing") == []


class Repeating(Quiet):
    """Repeats all that it hears, in the ways of servers that mean well."""

    def do_POST(self):  # noqa: N802 - http.server's name
        body = self.posted() if self.headers["content-length"] else b""
        heard = f"{self.requestline} {dict(self.headers)} {body.decode(errors='replace')}"
        self.server.heard.append(heard)
        if self.server.how == "redirect":
            self.send_response(307)
            self.send_header("location", f"{self.server.elsewhere}/x?token={secret('location')}")
            self.send_header("content-length", "0")
            self.end_headers()
        elif self.server.how == "garbage":
            self.wfile.write(f"\x1b[2J{heard}\r\n\r\n".encode())
        else:
            said = json.dumps({"error": {"type": "authentication_error", "message": heard}, "status": "error"})
            if self.server.how == "repeat error":
                said = json.dumps({"error": heard, "status": "error"})
            self.send_response(401, "Unauthorized")
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(said)))
            self.end_headers()
            self.wfile.write(said.encode())

    do_GET = do_POST  # noqa: N815 - the same


class Elsewhere(Quiet):
    """Must hear nothing."""

    def do_POST(self):  # noqa: N802 - http.server's name
        self.server.heard.append(f"{self.requestline} {dict(self.headers)}")
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    do_GET = do_POST  # noqa: N815 - the same


@pytest.fixture
def elsewhere():
    with Listening(Elsewhere) as listening:
        listening.server.heard = []
        yield listening
    assert listening.server.heard == []


@pytest.fixture
def bad(elsewhere, request):
    """A server that behaves as the test's parameter says."""
    with Listening(Repeating) as listening:
        listening.server.how, listening.server.heard = request.param, []
        listening.server.elsewhere = elsewhere.url
        yield listening
        if request.param == "refuse":
            assert listening.server.heard == []


def address(listening, name):
    """Where a server is, with a user, a password and a token. A port that nobody listens on for one that refuses."""
    port = 9 if listening.server.how == "refuse" else listening.port
    return f"http://user:{quote(secret(name + 'password'))}@127.0.0.1:{port}/?token={secret(name + 'token')}"


BAD_SERVERS = ["refuse", "repeat", "repeat error", "redirect", "garbage"]
HEADERS = (
    f"authorization=Basic%20{base64.b64encode(b'u:' + secret('basic').encode()).decode()},api-key={secret('otlp')}"
)
VARIABLES = {
    "ANTHROPIC_API_KEY": key("apikey"),
    "ANTHROPIC_AUTH_TOKEN": secret("authtoken"),
    "ANTHROPIC_ADMIN_KEY": f"admin-{secret('adminkey')}",
    "ANTHROPIC_CUSTOM_HEADERS": f"X-Planted: {secret('custom')}",
    "OTEL_EXPORTER_OTLP_HEADERS": HEADERS,
    "OTEL_EXPORTER_OTLP_METRICS_HEADERS": f"x-api-key={secret('metrics')}",
    "OTEL_METRICS_EXPORTER": f"otlp,{secret('exporter')}",
    "OTEL_METRIC_EXPORT_INTERVAL": secret("interval"),
    "OTEL_CONFIG_FILE": f"/etc/{key('config')}",
    "OTEL_CLAUDE_API_KEY": secret("formerly"),
    "OTEL_CLAUDE_API_KEY_FORMAT": secret("format"),
    "OTEL_CLAUDE_SPANS": secret("spans"),
    "OTEL_CLAUDE_PRICES": f"/nowhere/{key('prices')}",
    "OTEL_CLAUDE_BAGGAGE_TAGS": secret("baggage"),
    "OTEL_CLAUDE_TAG_LIMIT": secret("taglimit"),
    "OTEL_CLAUDE_LEGACY_METRICS": secret("legacy"),
    "OTEL_CLAUDE_AGENT_SDK": secret("agent"),
    "OTEL_CLAUDE_SUMMARY_JSON": f"/nowhere/{key('json')}/x.json",
    "OTEL_CLAUDE_NO_SUCH_SETTING": secret("nosuch"),
    "WEB_CONCURRENCY": secret("workers"),
    "HTTPS_PROXY": f"http://user:{secret('proxy')}@127.0.0.1:9",
    "NO_PROXY": "127.0.0.1",
}


@pytest.fixture
def said(otel_claude, monkeypatch, caplog):
    """Runs a command in this process with all variables planted: all that it and our loggers said."""
    caplog.set_level(logging.DEBUG, "otel_claude")
    # `otel_claude` took away what there was.
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)

    def said(*arguments):
        caplog.clear()
        code, out, err = otel_claude(*arguments)
        logs = [logging.Formatter().format(each) for each in caplog.records if each.name.startswith("otel_claude")]
        return code, "\n".join([out, err, *logs])

    return said


@pytest.mark.parametrize("bad", BAD_SERVERS, indirect=True)
@pytest.mark.parametrize("form", [(), ("--json",)], ids=["text", "json"])
@pytest.mark.parametrize(
    ("protocol", "by_file"),
    [("http/protobuf", False), ("grpc", False), (secret("protocol"), False), ("grpc", True)],
    ids=["http", "grpc", "other", "by a file"],
)
def test_doctor(said, bad, monkeypatch, form, protocol, by_file):
    if not by_file:
        # With it no endpoint is asked.
        monkeypatch.delenv("OTEL_CONFIG_FILE")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address(bad, "endpoint"))
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
    code, text = said("doctor", *form)
    assert code == 1
    assert "OTEL_CLAUDE_API_KEY is not read: use OTEL_CLAUDE_API_KEY_FORMAT" in text
    assert "OTEL_CLAUDE_TAG_LIMIT is not accepted: it takes a whole number" in text
    assert leaks(text) == []


@pytest.mark.parametrize("value", [f"a={secret('v')}\nb", f"a={secret('v')}\u2713", f"{secret('n')} b=x"])
def test_doctor_with_headers_that_cannot_be_sent(said, bad, monkeypatch, value):
    monkeypatch.delenv("OTEL_CONFIG_FILE")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_HEADERS", value)
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "otlp")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", bad.url)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
    _, text = said("doctor")
    assert "An entry in it is no header of HTTP, written as name=value, so it is not sent." in text
    # As the exporter does, which leaves it out.
    assert len(bad.server.heard) == 1
    assert leaks(text + str(bad.server.heard)) == []


test_doctor_with_headers_that_cannot_be_sent = pytest.mark.parametrize("bad", ["repeat"], indirect=True)(
    test_doctor_with_headers_that_cannot_be_sent
)


@pytest.mark.parametrize("bad", BAD_SERVERS, indirect=True)
@pytest.mark.parametrize("user", [False, True], ids=["", "user"])
def test_organization(said, bad, monkeypatch, user):
    given = address(bad, "base").partition("/?")[0]
    monkeypatch.setenv("ANTHROPIC_BASE_URL", given if user else f"http://{given.rpartition('@')[2]}")
    code, text = said("organization", "--once")
    assert (code, leaks(text)) == (2, [])
    # It was asked, with the key, for which httpx sends the address's user; and no redirect was followed.
    assert (secret("adminkey") in str(bad.server.heard)) == (bad.server.how != "refuse" and not user)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ANTHROPIC_ADMIN_KEY", f"sk-ant-admin01-{secret('first')}\n{secret('second')}"),
        ("ANTHROPIC_ADMIN_KEY", f"{secret('first')} \u00e9 {secret('second')}"),
        ("ANTHROPIC_BASE_URL", f"http://user:12/{secret('first')}@127.0.0.1:9"),
        ("ANTHROPIC_BASE_URL", f"http://127.0.0.1:{secret('first')}/"),
        ("ANTHROPIC_CUSTOM_HEADERS", f"X-Planted: {secret('first')}\u2028"),
        ("ANTHROPIC_CUSTOM_HEADERS", f"X Planted {secret('second')}: {secret('first')}"),
        ("HTTPS_PROXY", f"ftp://user:{secret('first')}@127.0.0.1:9"),
        ("HTTPS_PROXY", f"http://user:{secret('first')}@127.0.0.1:{secret('second')}"),
    ],
)
def test_what_the_http_library_refuses_is_not_quoted(said, monkeypatch, name, value):
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv(name, value)
    code, text = said("organization", "--once")
    assert (code, leaks(text)) == (2, [])
    assert "Traceback" not in text


PASSWORD, TOKEN = ["--username=user", "--password-file=t"], ["--bearer-token-file=t"]


@pytest.mark.parametrize("bad", BAD_SERVERS, indirect=True)
@pytest.mark.parametrize("options", [PASSWORD, [*PASSWORD, "--json"], TOKEN, [*TOKEN, "--json"]])
def test_reconcile(said, bad, monkeypatch, simulator, tmp_path, options):
    monkeypatch.chdir(tmp_path)
    Path("t").write_text(f"{secret('credential')}\n")
    Path("headers").write_text(f"X-Api-Key: {secret('header')}\nX-Other: {secret('other')}\n")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", simulator.url)
    monkeypatch.setenv("ANTHROPIC_ADMIN_KEY", f"sk-ant-admin01-{secret('adminkey')}{'A' * 60}")
    url = f"http://127.0.0.1:{9 if bad.server.how == 'refuse' else bad.port}"
    code, text = said("reconcile", *WINDOW, "--prometheus", url, "--header", "@headers", *options)
    assert (code, leaks(text)) == (2, [])
    assert "cannot tell: Prometheus at http://127.0.0.1" in text
    basic = base64.b64encode(f"user:{secret('credential')}".encode()).decode()
    for sent in (f"Bearer {secret('credential')}" if TOKEN[0] in options else f"Basic {basic}", secret("header")):
        assert (sent in str(bad.server.heard)) == (bad.server.how != "refuse")
    if bad.server.how == "redirect":
        assert f"leads to {bad.server.elsewhere}/x?token=*** (307)" in text


USAGES = [
    ("reconcile", *WINDOW, "--prometheus", f"http://user:{secret('a')}/b@127.0.0.1"),
    ("reconcile", *WINDOW, "--prometheus", f"ftp://user:{secret('a')}@127.0.0.1"),
    ("reconcile", *WINDOW, "--prometheus", f"user:{secret('a')}@127.0.0.1:9090"),
    ("reconcile", "--from", key("a"), "--to", key("b"), "--prometheus", "http://127.0.0.1:9"),
    ("reconcile", *WINDOW, "--prometheus", "http://127.0.0.1:9", "--tolerance", key("a")),
    ("reconcile", *WINDOW, "--prometheus", "http://127.0.0.1:9", "--against", key("a")),
    ("reconcile", *WINDOW, "--prometheus", f"http://u:{secret('a')}@127.0.0.1:9", secret("a")),
    ("reconcile", *WINDOW, "--prometheus", f"http://127.0.0.1:9/?token={secret('a')}"),
    ("reconcile", *WINDOW, "--prometheus", "http://127.0.0.1:9", "--header", f"Authorization: {secret('a')}"),
    ("reconcile", *WINDOW, "--prometheus", "http://127.0.0.1:9", "--password", secret("a")),
    ("organization", "--admin-key", secret("a")),
    ("organization", f"--admin-key={secret('a')}"),
    ("organization", "--interval", key("a")),
    ("organization", f"--{key('a')}"),
    ("price", key("a")),
    ("price", "--list", "--prices", key("a")),
    ("price", "--list", "--at", key("a")),
    ("price", "--list", "--model", key("a")),
    ("price", "-", "--platform", key("a")),
    ("export", key("a"), "--out", key("b")),
    ("export", "rules", "--out", f"/proc/{key('b')}"),
    ("export", "rules", "--out", "/proc/x", "--naming", key("a")),
    ("export", "rules", "--out", "/proc/x", "--budget", key("a")),
    ("export", "rules", "--out", "/proc/x", "--monthly-budget", key("a")),
    ("run", key("a")),
    ("run", "--json", f"/nowhere/{key('a')}/x.json", "true"),
    ("doctor", f"--{key('a')}"),
    ("demo", "--seconds", key("a")),
    ("demo", "--live"),
    (key("a"),),
]


@pytest.mark.parametrize("arguments", USAGES, ids=[f"{each[0][:12]} {number}" for number, each in enumerate(USAGES)])
def test_what_is_not_accepted_is_not_quoted(said, monkeypatch, simulator, arguments):
    monkeypatch.setenv("ANTHROPIC_BASE_URL", f"http://user:{secret('base')}@127.0.0.1:9/?k={secret('query')}")
    code, text = said(*arguments)
    assert code in (2, 127)
    assert text.strip()
    assert leaks(text) == []
    assert "Traceback" not in text


def test_a_price_file_of_secrets(said, tmp_path):
    path = tmp_path / "credentials.json"
    for content in (f'"{secret("a")}"', f"{secret('a')}=1", json.dumps({key("a"): key("b"), "name": [key("c")]})):
        path.write_text(content)
        code, text = said("price", "--list", "--prices", path)
        assert (code, leaks(text)) == (2, [])


@pytest.mark.parametrize("bad", ["repeat"], indirect=True)
def test_without_the_module_that_hides_them_they_are_seen(said, bad, monkeypatch):
    """The tests above can fail."""
    monkeypatch.delenv("OTEL_CONFIG_FILE")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", bad.url)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address(bad, "endpoint"))
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
    assert leaks(said("organization", "--once")[1] + said("doctor")[1]) == []
    for name in ("text", "own", "url", "clean"):
        monkeypatch.setattr(redact, name, lambda given, *_: given)
    doctor = leaks(said("doctor")[1])
    assert {secret("endpointpassword"), secret("prices")} <= set(doctor)
    monkeypatch.setattr(redact, "reason", str)
    monkeypatch.setattr("otel_claude.organization.client._KEY", re.compile(r"(?s).*"))
    monkeypatch.setenv("ANTHROPIC_ADMIN_KEY", f"{secret('first')}\n{secret('second')}")
    assert secret("first") in leaks(said("organization", "--once")[1])


def test_logs_of_libraries_at_debug(environment, bad):
    """The SDK's own switch writes requests and headers to stderr."""
    given = {
        **environment, **VARIABLES, "ANTHROPIC_LOG": "debug",
        "ANTHROPIC_BASE_URL": address(bad, "base").partition("/?")[0],
    }  # fmt: skip
    command = [*OURS, "organization", "--once"]
    ran = subprocess.run(command, env=given, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 2
    assert "HTTP Request" in ran.stderr
    assert leaks(ran.stdout + ran.stderr) == []


test_logs_of_libraries_at_debug = pytest.mark.parametrize("bad", ["repeat"], indirect=True)(
    test_logs_of_libraries_at_debug
)


class Taking(Quiet):
    """Takes OTLP, and keeps it."""

    def do_POST(self):  # noqa: N802 - http.server's name
        self.server.heard.append(self.posted())
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()


CALLING = """
import anthropic
anthropic.Anthropic().messages.create(
    model="claude-sonnet-4-6", max_tokens=9, messages=[{"role": "user", "content": "x"}]
)
"""


def test_a_program_under_run_and_its_telemetry(environment, simulator, tmp_path):
    """Spans, metrics, the summary, and what we log of settings."""
    with Listening(Taking) as receiver:
        receiver.server.heard = []
        left_out = ("OTEL_CONFIG_FILE", "ANTHROPIC_AUTH_TOKEN")  # They would keep it from calling and exporting.
        planted = {name: value for name, value in VARIABLES.items() if name not in left_out}
        given = {
            **environment, **planted,
            "OTEL_METRICS_EXPORTER": "otlp", "OTEL_TRACES_EXPORTER": "otlp", "OTEL_METRIC_EXPORT_INTERVAL": "60000",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://user:{secret('endpoint')}@127.0.0.1:{receiver.port}",
            "ANTHROPIC_BASE_URL": simulator.url,
        }  # fmt: skip
        program = tmp_path / "program.py"
        program.write_text(CALLING)
        command = [*OURS, "run", "--json", str(tmp_path / "summary.json"), sys.executable, str(program)]
        ran = subprocess.run(command, env=given, capture_output=True, text=True, timeout=60, check=False)
    text = ran.stdout + ran.stderr + (tmp_path / "summary.json").read_text()
    telemetry = b"".join(receiver.server.heard).decode(errors="replace")
    assert ran.returncode == 0, text
    assert "OTEL_CLAUDE_API_KEY is not read" in text
    assert "claude.client.cost.usd" in telemetry
    assert "gen_ai.operation.name" in telemetry
    assert leaks(text) + leaks(telemetry) == []


def test_main_shows_the_place_of_a_fault_of_ours_and_not_its_message(monkeypatch, capsys):
    def broken(*_, **__):
        raise RuntimeError(secret("message"))

    monkeypatch.setattr("otel_claude.cli.doctor.examine", broken)
    with pytest.raises(SystemExit) as ended:
        main(["doctor"])
    text = capsys.readouterr().err
    assert ended.value.code == 2  # 1 is the answer of a command that found something wrong
    assert "failed (RuntimeError). This is a fault of otel-claude" in text
    assert "in command" in text
    assert leaks(text) == []
