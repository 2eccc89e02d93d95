"""What the `claude` program reports through the real Claude Agent SDK, from messages that a test wrote."""

import asyncio
import gc
import os

import pytest
from agent_support import (
    HAIKU,
    RESET,
    SECRET,
    SONNET,
    assistant,
    by_client,
    by_query,
    rate_limit,
    result,
    usage,
)
from claude_agent_sdk import ClaudeSDKClient, __version__, query
from claude_agent_sdk._internal.query import Query
from opentelemetry.instrumentation.utils import suppress_instrumentation

from otel_claude import tags
from otel_claude.agent_sdk import patch

VERSION = tuple(int(part) for part in __version__.split("."))
pytestmark = pytest.mark.filterwarnings(
    # Before 0.2 the SDK itself leaves streams open.
    *(["ignore::pytest.PytestUnraisableExceptionWarning"] if VERSION < (0, 2) else ["error"])
)
OF_TURN = (100, 2000, 30, 7)
"""Tokens: uncached input, cache reads, cache writes, output."""
TOKEN_TYPES = ("input", "cache_read", "cache_write", "output")


def once(cost=0.25, **more):
    return {SONNET: usage(OF_TURN, cost, **more)}


def times(number, cost=0.25):
    return {SONNET: usage(tuple(number * tokens for tokens in OF_TURN), number * cost)}


def counted(number, model=SONNET):
    return {(model, name): number * tokens for name, tokens in zip(TOKEN_TYPES, OF_TURN, strict=True)}


@pytest.mark.parametrize("run", [by_query, by_client])
async def test_a_result(quiet, program, run):
    found = await run(program.options([assistant(), result(once(), once(), OF_TURN)]), "hello")
    assert [type(message).__name__ for message in found] == ["AssistantMessage", "ResultMessage"]
    assert quiet.tokens == counted(1)
    assert quiet.cost == {SONNET: 0.25}
    assert quiet.results == {None: 1}
    assert quiet.uncounted == {}
    assert set(quiet.metrics()) == {"claude.agent.usage.tokens", "claude.agent.cost.usd", "claude.agent.results"}
    (key,) = quiet.metrics()["claude.agent.cost.usd"]
    assert dict(key) == {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.response.model": SONNET,
        "claude.reported_by": "claude_code",
    }


async def test_each_model_by_itself(quiet, program):
    new = {**once(), HAIKU: usage((1, 2, 3, 4), 0.125)}
    await by_query(program.options([result(new, new, OF_TURN)]))
    assert quiet.tokens == {
        **counted(1),
        **dict(zip([(HAIKU, name) for name in TOKEN_TYPES], (1, 2, 3, 4), strict=True)),
    }
    assert quiet.cost == {SONNET: 0.25, HAIKU: 0.125}


async def test_cache_writes_by_time_to_live(quiet, program):
    split = {"cacheCreationEphemeral5mInputTokens": 10, "cacheCreationEphemeral1hInputTokens": 15}
    new = once(**split, thinkingTokens=3)
    await by_query(program.options([result(new, new, OF_TURN)]))
    writes = {kind: tokens for (_, kind), tokens in quiet.tokens.items() if kind.startswith("cache_write")}
    assert writes == {"cache_write_5m": 10, "cache_write_1h": 15, "cache_write": 5}


PROVIDERS = {"firstParty": "anthropic", "bedrock": "aws.bedrock", "vertex": "gcp.vertex_ai", "gateway": "_other"}


@pytest.mark.parametrize("name", PROVIDERS)
async def test_provider(quiet, program, name):
    new = once(provider=name)
    await by_query(program.options([result(new, new, OF_TURN)]))
    assert quiet.values("claude.agent.cost.usd", "gen_ai.provider.name") == {PROVIDERS[name]: 0.25}


TURNS = {
    # What each result tells, and what is counted in the end. `new` is told since claude 2.1.309.
    "what is new is told": ([result(times(n), once(), OF_TURN) for n in (1, 2, 3)], 3, {}),
    "totals alone": ([result(times(n), None, OF_TURN) for n in (1, 2, 3)], 3, {}),
    "a turn that used nothing": ([result(times(n), None, OF_TURN) for n in (1, 1, 2)], 2, {}),
    "what is new wins over totals": ([result(times(9), once(), OF_TURN), result(times(99), once(), OF_TURN)], 2, {}),
    "totals that began again": ([result(times(n), None, OF_TURN) for n in (2, 1, 2)], 4, {}),
    "totals of no model any more": ([result(times(2), None), result({}, None), result(times(1), None)], 3, {}),
    "no usage at all": ([result(), result(times(1), once())], 1, {"no_usage": 1}),
    "the first one failed at its start": ([result({}, None, is_error=True), result(times(1), once())], 1, {}),
}


@pytest.mark.parametrize("name", TURNS)
async def test_turns_of_one_run(quiet, program, name):
    results, number, uncounted = TURNS[name]
    await by_client(program.options(*[[told] for told in results]), *["hello"] * len(results))
    assert quiet.tokens == counted(number)
    assert quiet.cost == {SONNET: number * 0.25}
    assert sum(quiet.results.values()) == len(results)
    assert quiet.uncounted == uncounted


CLEARED = {
    "told what is new": [result(times(2), times(2)), result({}, {}), result(times(1), once())],
    "totals alone": [result(times(2), None), result({}, None), result(times(1), None)],
}


@pytest.mark.skipif(VERSION < (0, 2), reason="older ones do not know the message of a reset")
@pytest.mark.parametrize("name", CLEARED)
async def test_a_conversation_that_was_cleared_begins_at_zero(quiet, program, name):
    first, cleared, last = CLEARED[name]
    await by_client(program.options([first], [RESET, cleared], [last]), "a", "/clear", "b")
    assert quiet.tokens == counted(3)


async def test_a_reset_makes_totals_begin_at_zero_even_where_they_have_grown(quiet, program):
    if VERSION < (0, 2):
        pytest.skip("older ones do not know the message of a reset")
    await by_client(program.options([result(times(1), None)], [RESET, result(times(3), None)]), "a", "b")
    assert quiet.tokens == counted(4)


RESUMED = {
    # How the second run goes on, its first result, what is counted in the end, and what is not.
    "told what is new": ({"resume": "session-1"}, result(times(5), once(), OF_TURN), 3, {}),
    "a program whose totals begin at zero": ({"resume": "session-1"}, result(times(1), None, OF_TURN), 3, {}),
    "a program whose totals go on": ({"resume": "session-1"}, result(times(3), None, OF_TURN), 3, {}),
    "a fork": (
        {"resume": "session-1", "fork_session": True},
        result(times(3), None, OF_TURN, session_id="fork"),
        3,
        {},
    ),
    "the latest": ({"continue_conversation": True}, result(times(3), None, OF_TURN), 3, {}),
    "by an argument": ({"extra_args": {"resume": "session-1"}}, result(times(3), None, OF_TURN), 3, {}),
    "more was used than the turn says": ({"resume": "session-1"}, result(times(7), None, OF_TURN), 2, {"resumed": 1}),
    "the turn does not say": ({"resume": "session-1"}, result(times(3), None), 2, {"resumed": 1}),
    "a session that was never heard of": (
        {"resume": "another"},
        result(times(9), None, OF_TURN, session_id="another"),
        2,
        {"resumed": 1},
    ),
}


@pytest.mark.parametrize("name", RESUMED)
async def test_a_session_that_is_resumed_counts_once(quiet, program, name):
    how, first, number, uncounted = RESUMED[name]
    await by_client(program.options([result(times(1), None)], [result(times(2), None)]), "a", "b")
    await by_query(program.options([first], **how))
    assert quiet.tokens == counted(number)
    assert quiet.uncounted == uncounted


async def test_after_a_result_that_could_not_be_told_the_next_ones_can(quiet, program):
    turns = [[result(times(number), None, OF_TURN)] for number in (9, 10, 11)]
    await by_client(program.options(*turns, resume="another"), "a", "b", "c")
    assert quiet.tokens == counted(2)
    assert quiet.uncounted == {"resumed": 1}


ENDS = {
    "success": ({}, None),
    "too many turns": ({"subtype": "error_max_turns", "is_error": True}, "error_max_turns"),
    "the budget": ({"subtype": "error_max_budget_usd"}, "error_max_budget_usd"),
    "refused by the API": ({"is_error": True, "api_error_status": 529}, "529"),
    "refused by something": ({"is_error": True}, "error"),
}


@pytest.mark.parametrize("name", ENDS)
async def test_how_a_turn_ended(quiet, program, name):
    changes, error_type = ENDS[name]
    await by_query(program.options([result(once(), once(), OF_TURN, **changes)]))
    assert quiet.results == {error_type: 1}
    assert quiet.cost == {SONNET: 0.25}


MALFORMED = {
    "a count that is a string": {SONNET: usage(("1", 2, 3, 4), 0.25)},
    "a count below zero": {SONNET: usage((-1, 2, 3, 4), 0.25)},
    "no cost": {SONNET: usage((1, 2, 3, 4), None)},
    "a cost that is text": {SONNET: usage((1, 2, 3, 4), "0.25")},
    "a cost that is endless": {SONNET: usage((1, 2, 3, 4), 1e300)},
    "a model that is a list": {SONNET: [1, 2]},
    "a list": [once()],
    "text": "a lot",
}


@pytest.mark.parametrize("name", MALFORMED)
async def test_what_cannot_be_read_is_not_guessed(quiet, program, name):
    found = await by_query(program.options([result(MALFORMED[name], MALFORMED[name], OF_TURN)]))
    assert len(found) == 1
    assert (quiet.tokens, quiet.cost) == ({}, {})
    assert quiet.uncounted == {"no_usage": 1}


async def test_tags_are_those_of_the_moment_of_reading(quiet, program):
    with tags(tenant="acme"):
        await by_query(program.options([result(once(), once(), OF_TURN)]))
    await by_query(program.options([result(once(), once(), OF_TURN)]))
    assert quiet.values("claude.agent.cost.usd", "claude.tag.tenant") == {"acme": 0.25, None: 0.25}


async def test_each_turn_of_a_client_has_its_own_tags(quiet, program):
    chosen = program.options(*[[result(times(number), once())] for number in (1, 2)])
    async with ClaudeSDKClient(options=chosen) as client:
        for tenant in ("acme", "other"):
            with tags(tenant=tenant):
                await client.query("hello")
                async for _ in client.receive_response():
                    pass
    assert quiet.values("claude.agent.results", "claude.tag.tenant") == {"acme": 1, "other": 1}


# Rate limits.

NEEDS_LIMITS = pytest.mark.skipif(VERSION < (0, 2), reason="older ones do not know the message of a limit")
SOON = 4102444800


@NEEDS_LIMITS
async def test_a_limit_is_shown_with_those_of_calls(quiet, program):
    event = rate_limit(status="allowed_warning", rateLimitType="five_hour", utilization=0.91, resetsAt=SOON)
    found = await by_query(program.options([event, result(once(), once())]))
    assert type(found[0]).__name__ == "RateLimitEvent"
    metrics = quiet.metrics()
    (key,) = metrics["claude.client.rate_limit.utilization"]
    assert dict(key) == {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.provider.name": "anthropic",
        "claude.rate_limit.name": "unified_5h",
    }
    assert metrics["claude.client.rate_limit.utilization"][key] == 0.91
    assert metrics["claude.client.rate_limit.reset"][key] > 1e9
    labels = ("claude.rate_limit.name", "claude.rate_limit.status")
    assert quiet.values("claude.agent.rate_limit.events", *labels) == {("unified_5h", "allowed_warning"): 1}


@NEEDS_LIMITS
async def test_all_windows_of_a_limit(quiet, program):
    windows = {"five_hour": {"utilization": 0.5, "resetsAt": SOON}, "seven_day": {"utilization": 1.5, "resetsAt": SOON}}
    event = rate_limit(status="rejected", rateLimitType="seven_day", resetsAt=SOON, unifiedWindows=windows)
    await by_query(program.options([event, result(once(), once())]))
    used = {dict(key)["claude.rate_limit.name"]: value for key, value in
            quiet.metrics()["claude.client.rate_limit.utilization"].items()}  # fmt: skip
    assert used == {"unified_5h": 0.5}
    assert quiet.values("claude.agent.rate_limit.events", "claude.rate_limit.status") == {"rejected": 1}


@NEEDS_LIMITS
async def test_a_limit_of_which_nothing_is_known(quiet, program):
    events = [
        rate_limit(status="allowed"),
        rate_limit(status="rejected", rateLimitType="of_tomorrow", utilization=0.5, resetsAt=SOON),
        rate_limit(status="allowed", rateLimitType="overage", utilization="many", resetsAt="soon"),
        rate_limit(status="allowed", rateLimitType="overage", utilization=0.1, resetsAt=1),
    ]
    await by_query(program.options([*events, result(once(), once())]))
    assert not [name for name in quiet.metrics() if "client" in name]
    labels = ("claude.rate_limit.name", "claude.rate_limit.status")
    assert quiet.values("claude.agent.rate_limit.events", *labels) == {
        ("_other", "allowed"): 1, ("_other", "rejected"): 1, ("unified_overage", "allowed"): 2,
    }  # fmt: skip


# Switches.

ON = "CLAUDE_CODE_ENABLE_TELEMETRY"
SWITCHES = [
    # OTEL_CLAUDE_AGENT_SDK, the program's variable here, the same in the options, whether it is counted
    ("auto", None, None, True),
    ("auto", "1", None, False),
    ("auto", "true", None, False),
    ("auto", "0", None, True),
    ("auto", None, "1", False),
    ("auto", "1", "0", True),
    ("on", "1", "1", True),
    ("off", None, None, False),
]


@pytest.mark.parametrize(("mode", "here", "of_options", "is_counted"), SWITCHES)
@pytest.mark.parametrize("by", ["variable", "argument"])
async def test_switches(telemetry, program, monkeypatch, by, mode, here, of_options, is_counted):  # noqa: PLR0913, PLR0917
    if by == "variable":
        monkeypatch.setenv("OTEL_CLAUDE_AGENT_SDK", mode)
        telemetry.instrument()
    else:
        telemetry.instrument(agent_sdk=mode)
    if here is not None:
        monkeypatch.setenv(ON, here)
    env = {} if of_options is None else {ON: of_options}
    chosen = program.options(*[[result(times(number), once())] for number in (1, 2)], env=env)
    assert len(await by_client(chosen, "a", "b")) == 2
    assert telemetry.cost == ({SONNET: 0.5} if is_counted else {})
    told = [text for text in telemetry.warnings if ON in text]
    assert len(told) == (1 if mode == "auto" and not is_counted else 0)
    assert telemetry.warnings == told
    assert all("OTEL_CLAUDE_AGENT_SDK=on" in text for text in told)


async def test_suppressed(quiet, program):
    with suppress_instrumentation():
        await by_query(program.options([result(once(), once())]))
    assert quiet.metrics() == {}


async def test_after_uninstrument(quiet, program):
    original = Query.__dict__["receive_messages"].__wrapped__
    quiet.instrumentor.uninstrument()
    assert Query.__dict__["receive_messages"] is original
    await by_query(program.options([result(once(), once())]))
    assert quiet.metrics() == {}
    quiet.instrument()
    await by_query(program.options([result(once(), once())]))
    assert quiet.cost == {SONNET: 0.25}


async def test_an_sdk_without_the_patched_function(telemetry, program, monkeypatch):
    telemetry.instrumentor.uninstrument()
    monkeypatch.delattr(Query, "receive_messages")
    telemetry.instrument()
    (said,) = telemetry.warnings
    assert f"claude-agent-sdk {__version__} has no Query.receive_messages" in said


# What the application gets is what it got before.


async def test_a_failure_of_ours_is_not_the_applications(telemetry, program, monkeypatch):
    def broken(_message):
        raise RuntimeError(SECRET)

    monkeypatch.setattr("otel_claude.agent_sdk.recorder.parse_result", broken)
    found = await by_query(program.options([assistant(), result(once(), once())]))
    assert len(found) == 2
    (said,) = telemetry.warnings
    assert "could not read a result of the Claude Agent SDK" in said
    assert SECRET not in said


async def test_options_that_cannot_be_looked_at(telemetry, program, monkeypatch):
    def broken(_query):
        raise RuntimeError

    monkeypatch.setattr(patch, "options_of", broken)
    assert len(await by_query(program.options([result(once(), once())]))) == 1
    assert len(telemetry.warnings) == 1


async def test_an_application_that_stops_reading(quiet, program):
    chosen = program.options([assistant(), assistant(), result(once(), once())])
    messages = query(prompt="hello", options=chosen)
    async for _ in messages:
        break
    await messages.aclose()
    gc.collect()
    await asyncio.sleep(0)
    assert quiet.metrics() == {}


async def test_an_application_that_raises(quiet, program):
    messages = query(prompt="hello", options=program.options([result(once(), once())]))
    await anext(messages)
    with pytest.raises(ZeroDivisionError):
        await messages.athrow(ZeroDivisionError)
    assert quiet.results == {None: 1}


@pytest.mark.skipif(VERSION < (0, 2), reason="before, the SDK waits a minute for a program that is gone")
async def test_a_program_that_dies(quiet, program, tmp_path):
    chosen = program.options([result(once(), once())], [])
    claude = tmp_path / "run 1" / "claude"
    claude.write_text("#!/bin/sh\nexit 3\n")
    with pytest.raises(Exception, match=r"3|ready|closed|Failed|terminated|reset"):
        await by_client(chosen, "hello")
    assert quiet.metrics() == {}


async def test_nothing_of_a_message_leaves(quiet, program, caplog):
    caplog.set_level(0)
    await by_query(program.options([assistant(), result(once(), once())]))
    told = str(quiet.metrics()) + "".join(r.getMessage() for r in caplog.records if r.name == "otel_claude")
    assert SECRET not in told
    assert "session-1" not in told
    assert os.environ["PATH"] not in told
