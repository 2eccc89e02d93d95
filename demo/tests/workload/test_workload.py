"""The workload: each service does all that it can, and counts what the simulator says it served."""

import json
import random
from collections import Counter

import pytest

from otel_claude_demo.simulator import Simulator
from otel_claude_demo.simulator.tariff import TOKEN_TYPES
from otel_claude_demo.workload import EVERY, main
from otel_claude_demo.workload.acts import LIMITS, SERVICES, UNLISTED, client, round_of
from otel_claude_demo.workload.agents import AGENTS, AgentTally, Sessions
from otel_claude_demo.workload.tally import Tally


@pytest.fixture
def simulator():
    with Simulator(limits=LIMITS) as running:
        yield running


def served(simulator):
    """Tokens by model and type of the answers that reached their client whole, without batches.

    What has no price is no part of it: the workload counts it as a call alone.
    """
    tokens = Counter()
    for record in simulator.served:
        if record.platform == "anthropic" and record.outcome == "finished" and record.used and record.model != UNLISTED:
            split = record.used["cache_creation"]
            counts = (
                record.used["input_tokens"],
                record.used["cache_read_input_tokens"],
                split["ephemeral_5m_input_tokens"],
                split["ephemeral_1h_input_tokens"],
                record.used["output_tokens"],
            )
            tokens.update({f"{record.model} {name}": count for name, count in zip(TOKEN_TYPES, counts, strict=True)})
    return tokens


def test_there_are_four_services():
    assert EVERY == ("support-chat", "code-agent", "nightly-report", "research-agents")


@pytest.mark.parametrize("service", SERVICES)
def test_a_services_tally_is_what_was_served(simulator, service):
    tally = Tally()
    with client(service, simulator.url) as calling:
        round_of(service, calling, tally, random.Random(1), every=True)
    assert tally.calls >= len(SERVICES[service]) - 1
    assert tally.failed == {"support-chat": 1, "code-agent": 2, "nightly-report": 3}[service]
    assert tally.tokens.total() > 0
    assert +tally.tokens == +served(simulator)


def test_the_keys_of_the_services_differ(simulator):
    keys = {client(service, simulator.url).api_key for service in EVERY}
    assert len(keys) == len(EVERY)


def test_sessions_are_worked_in(simulator):
    tally = AgentTally()
    with client(AGENTS, simulator.url) as calling:
        sessions = Sessions(calling, tally)
        for _ in range(5):
            sessions.round()
    assert len(tally.sessions) == 4
    assert all(session["output"] > 0 and session["cents"] > 0 for session in tally.sessions.values())
    assert {session["agent"] for session in tally.sessions.values()} == {"Researcher", "Reviewer"}
    assert {session["budget"] for session in tally.sessions.values()} == {80, None}


def test_one_service_prints_its_tally(simulator, capsys):
    assert main(["--service", "support-chat", "--url", simulator.url, "--rounds", "1", "--pause", "0"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert +Counter(said["tokens"]) == +served(simulator)
    assert said["failed"] == 1


def test_an_unknown_service_is_refused(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--service", "no such service"])
    assert ended.value.code == 2
    assert "no such service" in capsys.readouterr().err
