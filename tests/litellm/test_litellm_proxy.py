"""LiteLLM's proxy, as its users start it: a process of its own, measured from outside."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from messages_api import EVENTS, LIST, SONNET, answer, events

BIN = Path(sys.executable).parent
pytest.importorskip("litellm", exc_type=ImportError)
for needed in ("opentelemetry.distro", "uvicorn", "websockets", "gunicorn"):  # of `litellm[proxy]`, and of ours
    pytest.importorskip(needed)

pytestmark = pytest.mark.filterwarnings("ignore")
KEY = "sk-proxy"
ASK = {"model": "claude", "max_tokens": 10, "messages": [{"role": "user", "content": "x"}]}
REQUESTS = [("/v1/chat/completions", ASK), ("/v1/messages", ASK), ("/v1/chat/completions", {**ASK, "stream": True})]


def test_what_a_proxy_sends(server, tmp_path):
    """`-c`, as opentelemetry-instrument takes `--config` for its own."""
    server.answers = [answer(), answer(), events(*EVENTS)]
    upstream = {"model": f"anthropic/{SONNET}", "api_key": "sk-ant-x", "api_base": server.url}
    models = [{"model_name": "claude", "litellm_params": upstream}]
    (tmp_path / "config.yaml").write_text(json.dumps({"model_list": models, "general_settings": {"master_key": KEY}}))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    environment = {
        **os.environ, "OTEL_METRICS_EXPORTER": "claude_summary", "OTEL_TRACES_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "none", "OTEL_CLAUDE_SUMMARY_JSON": str(tmp_path / "summary.json"),
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    }  # fmt: skip
    command = [BIN / "opentelemetry-instrument", BIN / "litellm", "-c", tmp_path / "config.yaml", "--port", port]
    log = tmp_path / "log"
    with log.open("w") as output:
        proxy = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"authorization": f"Bearer {KEY}"}) as client:
            until = time.monotonic() + 80
            while not is_up(client) and proxy.poll() is None and time.monotonic() < until:
                time.sleep(0.2)
            for path, body in REQUESTS:
                said = client.post(path, json=body, timeout=30)
                assert said.status_code == 200, (said.text, log.read_text())
    finally:
        proxy.send_signal(signal.SIGTERM)
        proxy.wait(20)
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert server.paths == ["/v1/messages"] * 3
    assert (summary["calls"], summary["status"], summary["stop_reasons"]) == (3, "exact", {"end_turn": 3})
    assert float(summary["usd"]) == pytest.approx(3 * LIST)


def is_up(client):
    try:
        return client.get("/health/liveliness").status_code == 200
    except httpx.TransportError:
        return False
