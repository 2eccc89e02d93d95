"""How commands reach Prometheus and the Admin API: secrets from files, headers, private authorities, one origin."""

from __future__ import annotations

import base64
import json
import re
import socket
import subprocess
from pathlib import Path

import pytest
from cli_programs import OURS

from certificates import authority, over_tls
from listening import Listening, Quiet
from otel_claude.cli.commands import COMMANDS

WINDOW = ("--from", "2026-11-19", "--to", "2026-11-20")
ADMIN = "sk-ant-admin01-" + "A" * 80
SECRET = "S3cret-9911"
NO_CALLS = "has no calls that otel-claude measured in this window"


class Api(Quiet):
    """Prometheus' query API without series, for those who send the header that is wanted."""

    def do_POST(self):  # noqa: N802 - http.server's name
        self.posted()
        self.do_GET()

    def do_GET(self):  # noqa: N802 - the same
        heard = {name.lower(): value for name, value in self.headers.items()}
        self.server.heard.append(heard)
        granted = self.server.wanted.items() <= heard.items()
        body = json.dumps({"status": "success", "data": {"result": []}} if granted else {"error": repr(heard)}).encode()
        self.send_response(200 if granted else 401)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def prometheus():
    listening = Listening(Api)
    listening.server.heard, listening.server.wanted = [], {}
    return listening


@pytest.fixture
def reconcile(otel_claude, monkeypatch, simulator):
    monkeypatch.setenv("ANTHROPIC_BASE_URL", simulator.url)
    monkeypatch.setenv("ANTHROPIC_ADMIN_KEY", ADMIN)

    def reconcile(address, *arguments):
        code, out, err = otel_claude("reconcile", *WINDOW, "--prometheus", address, *arguments)
        assert (code, out, err.count("\n")) == (2, "", 1)
        return err

    return reconcile


def basic(user, password):
    return {"authorization": f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"}


SENT = [
    ("a password", {"p": f"{SECRET}\n"}, ["--username", "ann", "--password-file", "p"], basic("ann", SECRET)),
    ("an umlaut", {"p": "Gehe\u00edm-9911"}, ["--username", "j\u00f6rg", "--password-file", "p"],
     basic("j\u00f6rg", "Gehe\u00edm-9911")),
    ("a token", {"t": f"\n {SECRET}\r\n"}, ["--bearer-token-file", "t"], {"authorization": f"Bearer {SECRET}"}),
    ("a header", {}, ["--header", "X-Scope-OrgID: team-a"], {"x-scope-orgid": "team-a"}),
    ("headers of a file", {"h": f"X-Api-Key: {SECRET}\n\nX-Scope-OrgID:team-a\n"}, ["--header", "@h"],
     {"x-api-key": SECRET, "x-scope-orgid": "team-a"}),
    ("all of them", {"h": f"X-Api-Key: {SECRET}-2", "t": SECRET},
     ["--header", "X-Scope-OrgID: a|b", "--header", "@h", "--header", "X-B: c", "--bearer-token-file", "t"],
     {"authorization": f"Bearer {SECRET}", "x-api-key": f"{SECRET}-2", "x-scope-orgid": "a|b", "x-b": "c"}),
]  # fmt: skip


def written(tmp_path, files, arguments):
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    named = {f"@{name}": f"@{tmp_path / name}" for name in files} | {name: tmp_path / name for name in files}
    return [named.get(each, each) for each in arguments]


@pytest.mark.parametrize(("files", "arguments", "wanted"), [row[1:] for row in SENT], ids=[row[0] for row in SENT])
def test_credentials_of_files_and_headers_reach_prometheus_with_every_request(
    reconcile, prometheus, tmp_path, files, arguments, wanted
):
    prometheus.server.wanted = wanted
    with prometheus:
        assert NO_CALLS in reconcile(prometheus.url, *written(tmp_path, files, arguments))
    assert len(prometheus.server.heard) > 3
    assert all(wanted.items() <= heard.items() for heard in prometheus.server.heard)


@pytest.mark.parametrize(("files", "arguments", "wanted"), [row[1:] for row in SENT], ids=[row[0] for row in SENT])
def test_a_server_that_repeats_them_is_shown_without_them(reconcile, prometheus, tmp_path, files, arguments, wanted):
    prometheus.server.wanted = {"x-never": "granted"}
    with prometheus:
        err = reconcile(prometheus.url, *written(tmp_path, files, arguments))
    assert "refuses the query (401)" in err
    assert SECRET not in err
    assert all(value not in err for name, value in wanted.items() if name in {"authorization", "x-api-key"})


class Leading(Quiet):
    def do_GET(self):  # noqa: N802 - http.server's name
        self.send_response(307)
        self.send_header("location", self.server.elsewhere)
        self.send_header("content-length", "0")
        self.end_headers()

    do_POST = do_GET  # noqa: N815 - the same


def test_nothing_is_sent_past_the_origin(reconcile, prometheus, tmp_path):
    with prometheus, Listening(Leading) as leading:
        leading.server.elsewhere = f"{prometheus.url}/api/v1/query"
        (tmp_path / "t").write_text(SECRET)
        err = reconcile(leading.url, "--bearer-token-file", tmp_path / "t", "--header", "X-Scope-OrgID: a")
    assert f"leads to {prometheus.url}/api/v1/query (307)" in err
    assert prometheus.server.heard == []


ARGUMENTS = [
    ("a password in the address", "http://ann:{secret}@127.0.0.1:9", [],
     "has a user or a password in it, which every user of this machine can read: give --username and --password-file"),
    ("a password with a slash", "http://ann:80/{secret}@127.0.0.1", [], "has a user or a password in it"),
    ("a token in the address", "http://127.0.0.1:9/?token={secret}", [], "A token belongs in --bearer-token-file"),
    ("a token in the fragment", "http://127.0.0.1:9/#{secret}", [], "A token belongs in --bearer-token-file"),
    ("a header of credentials", "http://127.0.0.1:9", ["--header", "Authorization: Bearer {secret}"],
     "Write the header into a file and give --header @FILE"),
    ("a header of credentials by name", "http://127.0.0.1:9", ["--header", "X-Auth-Token:{secret}"], "--header @FILE"),
    ("a header of credentials by value", "http://127.0.0.1:9", ["--header", "X-A: Bearer {secret}"], "--header @FILE"),
    ("a header without a value", "http://127.0.0.1:9", ["--header", "X-Scope-OrgID"], "--header: it is no header"),
    ("a header of two lines", "http://127.0.0.1:9", ["--header", "X-A: b\r\nX-C: d"],
     "--header: it has a character that no header can have"),
    ("a header twice", "http://127.0.0.1:9", ["--header", "X-A: b", "--header", "x-a: c"], "x-a is given twice"),
    ("a user alone", "http://127.0.0.1:9", ["--username", "ann"], "--username and --password-file belong together"),
    ("a password alone", "http://127.0.0.1:9", ["--password-file", "{file}"], "belong together"),
    ("a user with a colon", "http://127.0.0.1:9", ["--username", "a:b", "--password-file", "{file}"],
     "--username: a name with a colon cannot be sent"),
    ("two credentials", "http://127.0.0.1:9",
     ["--username", "a", "--password-file", "{file}", "--bearer-token-file", "{file}"],
     "--bearer-token-file: the header authorization is given twice"),
    ("no file", "http://127.0.0.1:9", ["--bearer-token-file", "/nowhere/at/all"],
     "--bearer-token-file /nowhere/at/all: No such file or directory"),
    ("a directory", "http://127.0.0.1:9", ["--bearer-token-file", "/"], "--bearer-token-file /: Is a directory"),
    ("an endless file", "http://127.0.0.1:9", ["--bearer-token-file", "/dev/zero"], "it has more than 65,536 bytes"),
    ("an empty file", "http://127.0.0.1:9", ["--bearer-token-file", "/dev/null"],
     "--bearer-token-file /dev/null: it is empty"),
    ("a file of two lines", "http://127.0.0.1:9", ["--bearer-token-file", "{lines}"],
     "it has 2 lines, and must have the secret alone"),
    ("a binary file", "http://127.0.0.1:9", ["--bearer-token-file", "{binary}"], "it is no text in UTF-8"),
    ("a token that cannot be sent", "http://127.0.0.1:9", ["--bearer-token-file", "{umlaut}"],
     "--bearer-token-file: it has a character that no header can have"),
    ("TLS without https", "http://127.0.0.1:9", ["--ca-file", "{file}"], "--ca-file and --cert-file are for https://"),
    ("an authority that is none", "https://127.0.0.1:9", ["--ca-file", "{file}"], "it has no certificate in PEM form"),
    ("an authority that is not there", "https://127.0.0.1:9", ["--ca-file", "/nowhere"],
     "--ca-file /nowhere: No such file or directory"),
    ("a certificate that is none", "https://127.0.0.1:9", ["--cert-file", "{file}"],
     "it is no certificate with its key in PEM form (--key-file)"),
    ("a key alone", "https://127.0.0.1:9", ["--key-file", "{file}"], "--key-file is the key of --cert-file: give that"),
    ("a key of the Admin API's alone", "https://127.0.0.1:9", ["--admin-cert-key-file", "{file}"],
     "--admin-cert-key-file is the key of --admin-cert-file: give that"),
]  # fmt: skip


@pytest.mark.parametrize(("address", "arguments", "words"), [r[1:] for r in ARGUMENTS], ids=[r[0] for r in ARGUMENTS])
def test_what_is_not_accepted_is_one_sentence_without_the_secret(reconcile, tmp_path, address, arguments, words):
    contents = {"file": SECRET, "lines": f"{SECRET}\n{SECRET}", "binary": b"\xff\xfe", "umlaut": f"{SECRET}\u2713"}
    paths = {name: tmp_path / name for name in contents}
    for name, content in contents.items():
        paths[name].write_bytes(content if isinstance(content, bytes) else content.encode())
    given = [each.format(secret=SECRET, **paths) for each in (address, *arguments)]
    err = reconcile(*given)
    assert words in err
    assert SECRET not in err


@pytest.mark.parametrize("option", ["--password", "--bearer-token", "--admin-key"])
@pytest.mark.parametrize("form", ["{} {}", "{}={}"])
def test_an_option_for_the_secret_itself_names_the_one_for_its_file(otel_claude, option, form):
    arguments = form.format(option, SECRET).split()
    code, out, err = otel_claude("reconcile", *WINDOW, "--prometheus", "http://127.0.0.1:9", *arguments)
    assert (code, out) == (2, "")
    assert f"{option}-file" in err
    assert SECRET not in err


def test_with_json_the_verdict_says_why(otel_claude):
    code, out, _ = otel_claude("reconcile", *WINDOW, "--prometheus", "http://h", "--json", "--username", "ann")
    assert (code, json.loads(out)["verdict"]) == (2, "cannot_tell")


def test_a_private_authority(reconcile, prometheus, tmp_path):
    ca = over_tls(prometheus, tmp_path)
    with prometheus:
        assert "its certificate is not accepted (" in reconcile(prometheus.url)
        assert prometheus.server.heard == []
        assert NO_CALLS in reconcile(prometheus.url, "--ca-file", ca)


def test_a_client_certificate(reconcile, prometheus, tmp_path):
    ca = over_tls(prometheus, tmp_path, clients=True)
    (tmp_path / "client").mkdir()
    _, cert, key = authority().write(tmp_path / "client")
    with prometheus:
        assert "does not answer" in reconcile(prometheus.url, "--ca-file", ca)
        assert prometheus.server.heard == []
        assert NO_CALLS in reconcile(prometheus.url, "--ca-file", ca, "--cert-file", cert, "--key-file", key)
        cert.write_bytes(cert.read_bytes() + key.read_bytes())
        assert NO_CALLS in reconcile(prometheus.url, "--ca-file", ca, "--cert-file", cert)


def test_a_key_with_a_passphrase_is_refused_and_nobody_is_asked(reconcile, tmp_path):
    _, cert, key = authority().write(tmp_path, b"passphrase")
    err = reconcile("https://127.0.0.1:9", "--cert-file", cert, "--key-file", key)
    assert f"--key-file {key}: it has a passphrase" in err


class AdminApi(Quiet):
    """The Admin API of nobody: keeps what it was sent."""

    def do_GET(self):  # noqa: N802 - http.server's name
        self.server.heard.append(dict(self.headers))
        body = json.dumps({"error": {"message": f"you sent {dict(self.headers)}"}}).encode()
        self.send_response(401)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def admin_api(monkeypatch):
    listening = Listening(AdminApi)
    listening.server.heard = []
    return listening


@pytest.fixture
def key_file(tmp_path):
    (tmp_path / "admin-key").write_text(f"{ADMIN}\n")
    return tmp_path / "admin-key"


@pytest.mark.parametrize("by", ["variable", "option"])
def test_an_admin_key_of_a_file(otel_claude, monkeypatch, simulator, key_file, by):
    monkeypatch.setenv("ANTHROPIC_BASE_URL", simulator.url)
    if by == "variable":
        monkeypatch.setenv("ANTHROPIC_ADMIN_KEY_FILE", str(key_file))
    arguments = ["--admin-key-file", key_file] if by == "option" else []
    code, out, err = otel_claude("organization", "--once", *arguments)
    assert (code, err) == (0, "")
    assert "US dollars at list price" in out
    assert simulator.served[-1].key_hint == "sk-ant-admin01-A...AAAA"


def test_an_admin_key_twice_is_refused(otel_claude, monkeypatch, key_file):
    monkeypatch.setenv("ANTHROPIC_ADMIN_KEY", ADMIN)
    monkeypatch.setenv("ANTHROPIC_ADMIN_KEY_FILE", str(key_file))
    assert otel_claude("organization", "--once") == (
        2, "",
        "otel-claude: ANTHROPIC_ADMIN_KEY and --admin-key-file (ANTHROPIC_ADMIN_KEY_FILE) are both set: give one\n",
    )  # fmt: skip


def test_a_file_of_an_admin_key_that_is_not_there_is_named(otel_claude, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_ADMIN_KEY_FILE", "/nowhere/key")
    assert otel_claude("organization", "--once") == (
        2, "", "otel-claude: --admin-key-file /nowhere/key: No such file or directory\n",
    )  # fmt: skip


def test_the_admin_api_behind_a_private_authority_and_client_certificates(
    otel_claude, monkeypatch, admin_api, key_file, tmp_path
):
    ca = over_tls(admin_api, tmp_path, clients=True)
    (tmp_path / "client").mkdir()
    _, cert, key = authority().write(tmp_path / "client")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", admin_api.url)
    monkeypatch.setenv("ANTHROPIC_ADMIN_KEY_FILE", str(key_file))
    given = ("--admin-ca-file", ca, "--admin-cert-file", cert, "--admin-cert-key-file", key)
    monkeypatch.setattr("anthropic._base_client.SyncAPIClient._sleep_for_retry", lambda *_, **__: None)
    with admin_api:
        assert "its certificate is not accepted" in otel_claude("organization", "--once")[2]
        assert admin_api.server.heard == []
        assert "Anthropic does not know ANTHROPIC_ADMIN_KEY" in otel_claude("organization", "--once", *given)[2]
    assert ADMIN in str(admin_api.server.heard)


def test_logs_of_libraries_show_no_key_of_a_file(environment, admin_api, tmp_path):
    """The SDK's own switch writes requests and headers to stderr."""
    (tmp_path / "key").write_text(f"admin-{SECRET}")
    with admin_api:
        given = {
            **environment, "ANTHROPIC_BASE_URL": admin_api.url, "ANTHROPIC_LOG": "debug",
            "ANTHROPIC_ADMIN_KEY_FILE": str(tmp_path / "key"),
        }  # fmt: skip
        command = [*OURS, "organization", "--once"]
        ran = subprocess.run(command, env=given, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 2
    assert SECRET in str(admin_api.server.heard)
    assert "HTTP Request" in ran.stderr
    assert SECRET not in ran.stdout + ran.stderr


SECURITY = (Path(__file__).parents[2] / "SECURITY.md").read_text(encoding="utf-8")


def test_the_page_on_security_has_every_command_and_only_options_that_there_are(otel_claude):
    rows = re.findall(r"^\| (`[^|]*) \| ", SECURITY.partition("## Connections of the commands")[2], re.MULTILINE)
    names = [name for row in rows for name in re.findall(r"`([a-z-]+)`", row)]
    assert {row.name for row in COMMANDS} <= set(names)
    pages = [otel_claude(row.name, "--help")[1] for row in COMMANDS]
    options = set(re.findall(r"--[a-z]+(?:-[a-z]+)*", SECURITY))
    assert len(options) > 10
    assert [option for option in options if not any(f"{option} " in page for page in pages)] == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("price", "--list"),
        ("export", "rules", "--out", "out"),
        ("doctor", "--offline"),
        ("run", "nothing"),
        ("--help",),
    ],
)
def test_a_command_that_connects_to_nobody_opens_no_connection(otel_claude, monkeypatch, tmp_path, arguments):
    def refuse(*_, **__):
        raise AssertionError("a connection was opened")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    for name in ("connect", "connect_ex", "sendto", "bind"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    code, out, err = otel_claude(*arguments)
    assert code in (0, 1, 127)
    assert "fault of otel-claude" not in err
    assert out or code == 127
