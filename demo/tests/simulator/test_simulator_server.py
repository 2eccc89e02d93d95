"""The server around it: loopback alone, a thread, in process, the command line; no key and no body is kept."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx2
import pytest
from anthropic import Anthropic, AsyncAnthropic

import otel_claude_demo.simulator
from otel_claude_demo.simulator import SCENARIOS, Pace, Simulator, create_app, served_by
from otel_claude_demo.simulator.__main__ import main

ASK = {"model": "claude-sonnet-5-5", "max_tokens": 200, "messages": [{"role": "user", "content": "Hello"}]}


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com", ""])
def test_it_refuses_to_listen_to_others(host: str):
    with pytest.raises(ValueError, match="is no loopback address"):
        Simulator(host=host)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.2"])
def test_it_listens_on_loopback(host: str):
    with Simulator(host=host) as running, Anthropic(base_url=running.url, api_key="k") as client:
        assert client.messages.create(**ASK).usage.output_tokens > 0
    assert running.url.startswith("http://127.0.0.")


def test_a_port_in_use_is_an_error(shared: Simulator):
    with pytest.raises(OSError, match="in use"), Simulator(port=shared.port):
        pass


def test_it_stops_at_once_even_while_a_client_hangs_and_starts_again():
    running = Simulator()
    running.start()
    threads = [
        threading.Thread(target=_hang, args=(running.url, scenario)) for scenario in ("hang", "stall", "slow=60")
    ]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 10
    while len(running._server.server_state.tasks) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.1)
    begun = time.monotonic()
    running.stop()
    for thread in threads:
        thread.join(2)
    assert time.monotonic() - begun < 1
    assert {record.outcome for record in running.served} == {"aborted"}
    assert len(running.served) == 3
    with running, Anthropic(base_url=running.url, api_key="k") as client:
        client.messages.create(**ASK, extra_headers={"x-simulator-scenario": "latency=0.01"})


def test_it_does_not_wait_for_connections_that_are_merely_kept(http: httpx2.Client):
    def stopped() -> float:
        running = Simulator()
        running.start()
        Anthropic(base_url=running.url, api_key="k", http_client=http).messages.create(**ASK)
        begun = time.monotonic()
        running.stop()
        return time.monotonic() - begun

    # uvicorn by itself takes a tenth of a second at least. A busy machine may be slow once, not each time.
    assert min(stopped() for _ in range(3)) < 0.08


def _hang(url: str, scenario: str) -> None:
    headers = {"x-simulator-scenario": scenario, "x-api-key": "k"}
    with contextlib.suppress(httpx2.HTTPError):
        httpx2.post(f"{url}/v1/messages", json={**ASK, "stream": True}, headers=headers, timeout=5)


def test_concurrent_calls_give_the_same_sums_in_any_order():
    def total(workers: int):
        with Simulator(seed=3) as running:

            def work() -> None:
                with Anthropic(base_url=running.url, api_key="k") as client:
                    for _ in range(24 // workers):
                        client.messages.create(**ASK)

            threads = [threading.Thread(target=work) for _ in range(workers)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert len(running.served) == 24
            return running.served.totals()

    assert total(1) == total(6)


def test_pace_is_obeyed_plain_and_streamed(http: httpx2.Client):
    with Simulator(pace=Pace(latency=0.05, tokens_per_second=200)) as running:
        client = Anthropic(base_url=running.url, api_key="k", http_client=http)
        headers = {"x-simulator-scenario": "output=40"}
        begun = time.monotonic()
        client.messages.create(**ASK, extra_headers=headers)
        plain = time.monotonic() - begun
        begun = time.monotonic()
        events = iter(client.messages.create(**ASK, extra_headers=headers, stream=True))
        next(events)
        first = time.monotonic() - begun
        list(events)
        streamed = time.monotonic() - begun
    assert 0.225 <= plain < 1
    assert first < streamed - 0.1
    assert 0.225 <= streamed < 1


async def test_in_process_without_sockets():
    app = create_app(seed=5)
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport) as http:
        client = AsyncAnthropic(base_url="http://simulator", api_key="k", http_client=http)
        plain, events = await asyncio.gather(client.messages.create(**ASK), client.messages.create(**ASK, stream=True))
        last = [event async for event in events][-2]
    served = {record.stream: record.usage["output_tokens"] for record in served_by(app)}
    assert served == {False: plain.usage.output_tokens, True: last.usage.output_tokens}


def test_neither_key_nor_body_is_kept_or_logged(shared: Simulator, key: str, caplog, capfd):
    secret = "the-content-of-the-prompt"
    caplog.set_level(logging.DEBUG)
    with httpx2.Client(base_url=shared.url, headers={"x-api-key": key}) as http:
        for scenario in ("", "overloaded", "cut"):
            body = {**ASK, "messages": [{"role": "user", "content": secret}]}
            with contextlib.suppress(httpx2.RemoteProtocolError):
                answer = http.post("/v1/messages", json=body, headers={"x-simulator-scenario": scenario})
                assert secret not in answer.text
                assert key not in answer.text
    logged = caplog.text + "".join(capfd.readouterr()) + repr(list(shared.served))
    assert secret not in logged
    assert key not in logged
    assert shared.served[0].key_hint == "sk-ant-api03-R2D...igAA"


def test_what_was_served_and_the_scenarios_can_be_asked_for(shared: Simulator):
    with Anthropic(base_url=shared.url, api_key="k") as client:
        usage = client.messages.create(**ASK).usage
    with httpx2.Client(base_url=shared.url) as http:
        served = http.get("/simulator/served").json()
        assert served["requests"] == 1
        assert served["totals"][0]["output"] == usage.output_tokens
        assert list(http.get("/simulator/scenarios").json()) == list(SCENARIOS)


def test_it_imports_nothing_else_of_the_package():
    folder = Path(otel_claude_demo.simulator.__file__).parent
    for module in folder.glob("*.py"):
        for node in ast.walk(ast.parse(module.read_text())):
            names = [node.module] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            ours = [name for name in names if name and name.startswith("otel_claude")]
            assert all(name.startswith("otel_claude_demo.simulator") for name in ours), module


def test_the_command_line_serves_until_interrupted():
    command = [
        sys.executable,
        "-m",
        "otel_claude_demo.simulator",
        "--port",
        "0",
        "--seed",
        "1",
        "--scenario",
        "output=9",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        url = line.split(" at ")[1].split()[0]
        text = line + "".join(process.stdout.readline() for _ in range(3))
        assert f"export ANTHROPIC_BASE_URL={url}" in text
        with Anthropic(base_url=url, api_key="k") as client:
            assert client.messages.create(**ASK).usage.output_tokens == 9
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=5)
        assert (process.returncode, errors) == (0, ""), errors
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [(["--host", "0.0.0.0"], "no loopback address"), (["--scenario", "none"], "unknown scenario 'none'")],
)
def test_wrong_options_are_explained(arguments, complaint, capsys):
    assert main(["--port", "0", *arguments]) == 2
    assert complaint in capsys.readouterr().err


def test_the_scenarios_can_be_listed(capsys):
    assert main(["--list-scenarios"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(SCENARIOS)
    assert os.linesep.join(lines).count("429") == 4
