"""A real Prometheus behind TLS and a password: `reconcile` gets in with files, and with nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
import servers

from certificates import authority
from otel_claude_demo.simulator import Simulator

PASSWORD = "s3cret-of-prometheus"
HASH = "$2b$04$abcdefghijklmnopqrstuuzr/34qMbhk8koY/slifteMLwjftqIRm"
"""Of the password, as `htpasswd -nbBC 4` makes it."""
NO_CALLS = "has no calls that otel-claude measured in this window"


@pytest.fixture(scope="module")
def prometheus(stack, tmp_path_factory):
    """Its address, the file of the authority that signed its certificate, and the file of its password."""
    folder = tmp_path_factory.mktemp("prometheus")
    ca, cert, key = authority().write(folder)
    tls = {"cert_file": str(cert), "key_file": str(key)}
    (folder / "web.json").write_text(json.dumps({"tls_server_config": tls, "basic_auth_users": {"ann": HASH}}))
    (folder / "prometheus.yaml").write_text("{}")
    (folder / "password").write_text(f"{PASSWORD}\n")
    (port,) = servers.free_ports(1)
    url = f"https://127.0.0.1:{port}"
    arguments = (
        "--config.file=prometheus.yaml", "--web.config.file=web.json", f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn",
    )  # fmt: skip
    with servers.running("prometheus", arguments, f"{url}/-/ready", folder):
        yield url, ca, folder / "password"


@pytest.fixture(scope="module")
def reconcile():
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANTHROPIC_", "OTEL_"))}
    with Simulator() as simulator:
        kept |= {"ANTHROPIC_BASE_URL": simulator.url, "ANTHROPIC_ADMIN_KEY": "sk-ant-admin01-" + "A" * 80}

        def reconcile(url, *arguments):
            command = [sys.executable, "-m", "otel_claude.cli", "reconcile", "--prometheus", url]
            window = ["--from", "2026-11-20", "--to", "2026-11-21"]
            ran = subprocess.run(
                [*command, *window, *map(str, arguments)], env=kept, capture_output=True, text=True, check=False
            )
            assert (ran.returncode, ran.stdout) == (2, "")
            assert PASSWORD not in ran.stderr
            return ran.stderr

        yield reconcile


def test_with_its_authority_and_the_password_it_answers(prometheus, reconcile):
    url, ca, password = prometheus
    assert NO_CALLS in reconcile(url, "--ca-file", ca, "--username", "ann", "--password-file", password)


def test_without_one_of_them_it_does_not(prometheus, reconcile, tmp_path):
    url, ca, password = prometheus
    user = ("--username", "ann", "--password-file")
    assert "its certificate is not accepted" in reconcile(url, *user, password)
    assert "refuses the query (401): Unauthorized" in reconcile(url, "--ca-file", ca)
    (tmp_path / "wrong").write_text("another")
    assert "refuses the query (401): Unauthorized" in reconcile(url, "--ca-file", ca, *user, tmp_path / "wrong")
    # It speaks TLS alone.
    assert "refuses the query (400)" in reconcile(url.replace("https", "http"), *user, password)
