"""The real `claude` program, as the SDK brings it, against the simulator: what it reports is what was served.

The program is given no way to any other server, and a key that is none.
"""

import contextlib
import os
import re
from collections import Counter
from pathlib import Path

import claude_agent_sdk
import pytest
from agent_support import HAIKU, SONNET, by_client, by_query, options
from claude_agent_sdk import ClaudeSDKClient, ResultMessage

from otel_claude_demo.simulator import Simulator

PACKAGE = Path(claude_agent_sdk.__file__).parent
PROGRAM = PACKAGE / "_bundled" / "claude"
pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason="this version brings no program")
VERSION = tuple(map(int, re.findall(r"\d+", (PACKAGE / "_cli_version.py").read_text()))) if PROGRAM.exists() else ()
TELLS_WHAT_IS_NEW = VERSION >= (2, 1, 309)
TOTALS_GO_ON = VERSION > (2, 1, 257)
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def simulator():
    with Simulator() as running:
        yield running


@pytest.fixture
def settings(simulator, tmp_path):
    """Options for the program: a home of its own, no way out but to the simulator."""
    env = {
        "ANTHROPIC_BASE_URL": simulator.url,
        "ANTHROPIC_API_KEY": "-".join(["sk", "ant", "api03", "x" * 90]),
        "HOME": str(tmp_path),
        "CLAUDE_CONFIG_DIR": str(tmp_path / "claude"),
        "HTTPS_PROXY": NOWHERE,
        "HTTP_PROXY": NOWHERE,
        "NO_PROXY": "127.0.0.1",
        "DISABLE_AUTOUPDATER": "1",
        "DISABLE_TELEMETRY": "1",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    }
    work = tmp_path / "work"
    work.mkdir()

    def make(*, env_too=None, **more):
        given = {"tools": [], "model": SONNET, "system_prompt": "Be short.", "setting_sources": [], **more}
        return options(env={**env, **(env_too or {})}, cwd=str(work), **given)

    return make


def served(simulator):
    """Model and type → tokens."""
    found = Counter()
    for total in simulator.served.totals():
        writes = total.cache_write_5m + total.cache_write_1h
        kinds = {"input": total.input, "cache_read": total.cache_read, "cache_write": writes, "output": total.output}
        found.update({(total.model.removesuffix("-20251001"), kind): tokens for kind, tokens in kinds.items()})
    return {key: tokens for key, tokens in found.items() if tokens}


def reported(telemetry):
    """The same, of what was counted: cache writes together, as older programs tell them."""
    found = Counter()
    for (model, kind), tokens in telemetry.tokens.items():
        found[model.removesuffix("-20251001"), "cache_write" if kind.startswith("cache_write") else kind] += tokens
    return dict(found)


@contextlib.contextmanager
def newer_versions_raise(text):
    """What older versions only tell in a result."""
    try:
        yield
    except Exception as error:
        if text not in str(error).lower():
            raise


def results(messages):
    return [message for message in messages if isinstance(message, ResultMessage)]


async def test_turns_of_one_session(quiet, settings, simulator):
    told = results(await by_client(settings(), "one", "two", "three"))
    assert len(told) == 3
    assert reported(quiet) == served(simulator)
    # The program's own total, which it says is an estimate, is the last result's.
    assert quiet.cost == {SONNET: pytest.approx(told[-1].total_cost_usd, abs=1e-9)}
    assert quiet.results == {None: 3}
    assert quiet.uncounted == {}


async def test_resumed_forked_and_continued_sessions_count_once(quiet, settings, simulator):
    first = results(await by_client(settings(), "one", "two"))[-1].session_id
    await by_client(settings(resume=first), "three", "four")
    await by_query(settings(resume=first), "five")
    fork = results(await by_query(settings(resume=first, fork_session=True), "six"))[-1]
    await by_query(settings(continue_conversation=True), "seven")
    assert fork.session_id != first
    assert reported(quiet) == served(simulator)
    assert quiet.results == {None: 7}
    assert quiet.uncounted == {}


async def test_a_session_that_another_process_had(telemetry, settings, simulator):
    """As after a restart: this process has heard of no session."""
    first = results(await by_client(settings(), "one", "two"))[-1].session_id
    telemetry.instrument()
    before = reported(telemetry)
    assert before == served(simulator)
    await by_client(settings(resume=first), "three", "four")
    counts_all = TELLS_WHAT_IS_NEW or not TOTALS_GO_ON
    assert telemetry.uncounted == ({} if counts_all else {"resumed": 1})
    assert (reported(telemetry) == served(simulator)) == counts_all
    # The turn after the one that could not be told is counted again.
    assert sum(reported(telemetry).values()) > sum(before.values())
    assert all(tokens <= served(simulator)[key] for key, tokens in reported(telemetry).items())


async def test_clear_and_compact(quiet, settings, simulator):
    await by_client(settings(), "a long talk", "/clear", "another", "/compact", "go on")
    assert reported(quiet) == served(simulator)
    assert quiet.uncounted == {}


async def test_a_model_that_is_changed(quiet, settings, simulator):
    async with ClaudeSDKClient(options=settings()) as client:
        for model in (None, HAIKU):
            if model is not None:
                await client.set_model(model)
            await client.query("hello")
            async for _ in client.receive_response():
                pass
    told, all_served = reported(quiet), served(simulator)
    assert {model for model, _ in told} == {SONNET, HAIKU}
    assert {key: tokens for key, tokens in told.items() if SONNET in key} == {
        key: tokens for key, tokens in all_served.items() if SONNET in key
    }
    # Newer programs try the model first, by a call that asks for one token, and do not report that call.
    assert all_served[HAIKU, "output"] - told[HAIKU, "output"] in (0, 1)


async def test_tools_and_their_turns(quiet, settings, simulator, tmp_path):
    (tmp_path / "work" / "a file").write_text("text")
    chosen = settings(tools=["Glob"], allowed_tools=["Glob"], permission_mode="default", max_turns=3)
    await by_query(chosen, "look around")
    assert len(simulator.served) > 1
    assert reported(quiet) == served(simulator)


async def test_a_budget_that_is_used_up(quiet, settings, simulator):
    chosen = settings(max_budget_usd=0.000001)
    with newer_versions_raise("budget"):
        await by_query(chosen, "hello")
    assert quiet.results == {"error_max_budget_usd": 1}
    assert reported(quiet) == served(simulator)


async def test_an_api_that_refuses(quiet, settings, simulator):
    chosen = settings(env_too={"ANTHROPIC_CUSTOM_HEADERS": "x-simulator-scenario: credit_balance"})
    with newer_versions_raise("credit"):
        await by_query(chosen, "hello")
    assert quiet.results == {"400": 1}
    assert (quiet.tokens, quiet.cost) == ({}, {})


async def test_a_program_with_telemetry_of_its_own(telemetry, settings, simulator):
    chosen = settings(env_too={"CLAUDE_CODE_ENABLE_TELEMETRY": "1", "OTEL_METRICS_EXPORTER": "none"})
    await by_client(chosen, "hello", "again")
    assert len(simulator.served) >= 2
    assert telemetry.metrics() == {}
    assert len(telemetry.warnings) == 1
    telemetry.instrument(agent_sdk="on")
    await by_query(chosen, "hello")
    assert telemetry.results == {None: 1}


def test_the_programs_environment_is_no_part_of_this_test(settings):
    assert not [name for name in os.environ if name.startswith("ANTHROPIC_")]
    assert settings().env["HTTPS_PROXY"] == NOWHERE
