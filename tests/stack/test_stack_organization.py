"""The files that run the organization's process. Its dashboard is looked at with all others."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]


def test_the_deployment_is_one_replica_with_the_key_from_a_secret():
    made = yaml.safe_load((ROOT / "deploy/kubernetes/organization.yaml").read_text())
    spec = made["spec"]
    assert (spec["replicas"], spec["strategy"]["type"]) == (1, "Recreate")
    (container,) = spec["template"]["spec"]["containers"]
    assert container["command"] == ["otel-claude", "organization"]
    by_name = {each["name"]: each for each in container["env"]}
    assert by_name["ANTHROPIC_ADMIN_KEY"]["valueFrom"]["secretKeyRef"] == {"name": "anthropic-admin", "key": "key"}
    assert "ANTHROPIC_API_KEY" not in by_name
    assert spec["template"]["metadata"]["labels"] == spec["selector"]["matchLabels"]


@pytest.mark.parametrize("name", ["otel-claude-organization.service", "otel-claude-reconcile.service"])
def test_the_units_read_the_key_from_a_credential(name):
    text = (ROOT / "deploy/systemd" / name).read_text()
    assert "LoadCredential=admin-key:/etc/otel-claude/admin-key" in text
    assert "sk-ant" not in text
    command = re.search(r"otel-claude (organization|reconcile)[^\n]*", text)[0]
    for option in re.findall(r"--[a-z-]+", command):
        assert option in {"--admin-key-file", "--from", "--to", "--prometheus", "--tolerance", "--tolerance-percent"}
