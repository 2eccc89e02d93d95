"""`otel-claude reconcile` where no server is needed: bad input is one line and exit code 2, never a number."""

from __future__ import annotations

import http.server
import json
import threading

import pytest

from otel_claude.cli import main
from otel_claude.prometheus import IncompleteDataError, Prometheus
from otel_claude_demo.simulator import Simulator

pytestmark = pytest.mark.process

ADMIN = "sk-ant-admin01-" + "A" * 80
WINDOW = ("--from", "2026-11-19", "--to", "2026-11-20")


@pytest.fixture(scope="module")
def simulator():
    with Simulator() as running:
        yield running


@pytest.fixture
def reconcile(monkeypatch, capsys, simulator):
    monkeypatch.setenv("ANTHROPIC_BASE_URL", simulator.url)
    monkeypatch.setenv("ANTHROPIC_ADMIN_KEY", ADMIN)

    def reconcile(*arguments):
        with pytest.raises(SystemExit) as ended:
            main(["reconcile", *arguments])
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    return reconcile


BAD = [
    ("a future date", ("--from", "2026-11-19", "--to", "2099-01-01"), "--to 2099-01-01 is in the future"),
    ("an end before its beginning", ("--from", "2026-11-20", "--to", "2026-11-19"), "is not after --from"),
    ("no time", ("--from", "yesterday", "--to", "2026-11-19"), "--from 'yesterday' is no time"),
    ("seconds", ("--from", "2026-11-19T10:00:30", "--to", "2026-11-20"), "must be whole minutes"),
    ("half hours of days", ("--from", "2026-11-17T10:30", "--to", "2026-11-20"), "whole hours"),
    ("a tolerance that is none", (*WINDOW, "--tolerance", "much"), "--tolerance 'much' is no number"),
    ("a negative tolerance", (*WINDOW, "--tolerance", "-1"), "--tolerance must be from 0 to 10^15"),
    ("an endless tolerance", (*WINDOW, "--tolerance", "Infinity"), "--tolerance must be from 0 to 10^15"),
    ("a tolerance of a billion digits", (*WINDOW, "--tolerance", "1e999999999"), "--tolerance must be from 0 to 10^15"),
    ("a share of a billion digits", (*WINDOW, "--tolerance-percent", "1e-999999999"), "--tolerance-percent must be"),
    ("a time before all times", ("--from", "0001-01-01T00:00+12:00", "--to", "2026-11-20"), "is no time"),
    ("a time after all times", ("--from", "2026-11-20", "--to", "9999-12-31T23:59-12:00"), "is no time"),
    ("bytes that are no text", ("--from", "\udcff\udc1b", "--to", "2026-11-20"), "is no time"),
    ("a matcher of such bytes", (*WINDOW, "--match", "job=\udcff"), "does not answer: Connection refused"),
    ("another side", (*WINDOW, "--against", "invoice"), "--against takes list or billed"),
    ("another store", (*WINDOW, "--store", "influx"),
     "--store takes prometheus or mimir or victoria-metrics, not 'influx'"),
    ("both forms", (*WINDOW, "--json", "--csv"), "choose --json or --csv"),
    ("a window before the reports begin", ("--from", "2025-06-01", "--to", "2025-06-02"), "within the last 365 days"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "words"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_bad_input(reconcile, arguments, words):
    code, out, err = reconcile(*arguments, "--prometheus", "http://127.0.0.1:9")
    assert (code, out) == (2, "")
    assert words in err
    assert err.count("\n") == 1


def test_prometheus_is_not_there(reconcile):
    code, out, err = reconcile(*WINDOW, "--prometheus", "http://127.0.0.1:9", "--json")
    assert code == 2
    assert json.loads(out)["verdict"] == "cannot_tell"
    assert "Prometheus at http://127.0.0.1:9 does not answer" in err


@pytest.fixture
def answering():
    """A server that gives one answer, and keeps what it was asked."""
    servers, asked = [], []

    def answering(status, body):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append(self.path)
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self):
                self.rfile.read(int(self.headers["content-length"]))
                self.do_GET()

            def log_message(self, *arguments):
                pass

        server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return server.server_address[1]

    answering.asked = asked
    yield answering
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (200, b"<html>hello</html>", "does not answer"),
        (200, b"[]", "is no Prometheus"),
        (404, b"not found", "refuses the query (404): not found"),
        (400, b'{"status": "error", "error": "parse error"}', "refuses the query (400): parse error"),
        (503, b"", "refuses the query (503)"),
    ],
)
def test_what_is_no_prometheus(answering, status, body, words):
    with pytest.raises(IncompleteDataError) as raised:
        Prometheus(f"http://127.0.0.1:{answering(status, body)}").query("up", 0)
    assert words in str(raised.value)


def test_a_path_before_that_of_the_api(answering):
    port = answering(200, b'{"status": "success", "data": {"result": []}}')
    server = Prometheus(f"http://127.0.0.1:{port}/prometheus/")
    assert server.query("up", 0) == []
    assert server.address == f"http://127.0.0.1:{port}/prometheus"
    assert answering.asked == ["/prometheus/api/v1/query"]


@pytest.mark.parametrize(("said", "days"), [("15d", 15), ("1y", 365), ("2w or 512MB", 14), ("512MB", None), ("", None)])
def test_retention(answering, said, days):
    body = json.dumps({"status": "success", "data": {"storageRetention": said}}).encode()
    found = Prometheus(f"http://127.0.0.1:{answering(200, body)}").retention()
    assert (found and found.days) == days


ADDRESSES = [
    "prometheus:9090", "ftp://prometheus", "http://", "nonsense", "", "http://h:99999", "http://h:port", "http://[::1",
    "http://h\x00", "http://h\n/x", "http:///api", "http://\ud800",
]  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_that_is_none(address):
    with pytest.raises(IncompleteDataError, match="is no address"):
        Prometheus(address)
