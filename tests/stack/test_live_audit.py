"""`scripts/audit`, with advisories that a local server has, has not, or does not give."""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
import servers

VULNERABLE = {
    "id": "OTEL-CLAUDE-TEST-1", "summary": "made for this test", "aliases": [],
    "affected": [{
        "package": {"ecosystem": "PyPI", "name": "wrapt"},
        "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}],
    }],
}  # fmt: skip


@contextmanager
def advisories(status, of_wrapt=()):
    """A server that answers as OSV does."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            found = list(of_wrapt) if query["package"]["name"] == "wrapt" else []
            body = json.dumps({"vulns": found} if found else {}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
        server.shutdown()


def audit(url, tmp_path, **environment):
    own = {"PIP_AUDIT_OSV_URL": url, "XDG_CACHE_HOME": str(tmp_path), **environment}
    command = [servers.ROOT / "scripts/audit"]
    return subprocess.run(command, env={**os.environ, **own}, capture_output=True, text=True, check=False)


def nowhere():
    (port,) = servers.free_ports(1)
    return f"http://127.0.0.1:{port}/v1/query"


def test_no_advisory_is_about_what_is_pinned(tmp_path):
    with advisories(200) as url:
        done = audit(url, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    said = "No known vulnerabilities found"
    assert done.stdout.splitlines() == [f"requirements/{name}.txt: {said}" for name in ("dev", "image")]


def test_an_advisory_is_shown(tmp_path):
    with advisories(200, [VULNERABLE]) as url:
        done = audit(url, tmp_path, AUDIT="optional")
    assert done.returncode == 1
    assert "OTEL-CLAUDE-TEST-1" in done.stdout


@pytest.mark.parametrize(("environment", "code"), [({}, 1), ({"AUDIT": ""}, 1), ({"AUDIT": "optional"}, 0)])
@pytest.mark.parametrize("status", [None, 503])
def test_advisories_that_cannot_be_read_are_a_failure_unless_they_are_optional(tmp_path, environment, code, status):
    if status is None:
        done = audit(nowhere(), tmp_path, **environment)
    else:
        with advisories(status) as url:
            done = audit(url, tmp_path, **environment)
    assert done.returncode == code
    assert "requirements/dev.txt: the advisories cannot be read from here, so nothing was audited." in done.stderr
    assert "vulnerabilities" not in done.stdout
