"""What else is measured, made to fail in turn: results of batches, sessions, agents, the summary. The rest stays."""

from __future__ import annotations

import pytest
from unit_batches import BATCHED, LINES, PARTS, line, reader_of
from unit_calls import message

from otel_claude import pricing
from otel_claude import semconv as c
from otel_claude.agent_sdk import recorder as agent_recorder
from otel_claude.agent_sdk.recorder import AgentRecorder
from otel_claude.agent_sdk.totals import Connection
from otel_claude.api.managed_agents import Session
from otel_claude.semconv import agents as a
from otel_claude.summary import exporter, from_metrics
from otel_claude.telemetry import batches, increments, managed_agents, recorder
from otel_claude.telemetry.attributes import AttributeSets
from otel_claude.telemetry.call import UNKNOWN_CLIENT
from otel_claude.telemetry.dedup import Deduplicator
from otel_claude.telemetry.managed_agents import Owner
from otel_claude.telemetry.metrics import Instruments, instruments_of
from otel_claude.telemetry.rate_limits import RateLimits


class PlantedError(Exception):
    """A bug of ours."""


def fail(*_args, **_kwargs):
    raise PlantedError("planted secret")


def fail_once(original):
    """The first use fails."""
    used = []

    def first(*args, **kwargs):
        used.append(1)
        return fail() if len(used) == 1 else original(*args, **kwargs)

    return first


def read(bench, *lines):
    reader = reader_of(bench.recorder)
    for each in lines:
        reader.read(each)
    reader.end()


def cost(bench):
    return sum(bench.values(c.COST, c.COST_TYPE).values())


def test_a_result_that_cannot_be_read_is_counted_and_the_next_ones_are_whole(bench, monkeypatch, warnings):
    monkeypatch.setattr(batches, "parse_batch_result", fail_once(batches.parse_batch_result))
    read(bench, line("x"), LINES["succeeded"])
    assert bench.values(c.BATCH_RESULTS, c.BATCH_RESULT) == {"_other": 1, "succeeded": 1}
    assert bench.values(c.UNPRICED, c.UNPRICED_REASON) == {"invalid_result": 1}
    assert cost(bench) == pytest.approx(sum(PARTS.values()))
    (warning,) = warnings()
    assert "could not read a result of a batch (PlantedError)" in warning


def test_results_without_a_price_are_counted_with_their_tokens(bench, monkeypatch, warnings):
    monkeypatch.setattr(recorder, "price_batch_result", fail)
    read(bench, LINES["succeeded"], LINES["errored"])
    assert bench.values(c.BATCH_RESULTS, c.BATCH_RESULT) == {"succeeded": 1, "errored": 1}
    assert bench.values(c.UNPRICED, c.UNPRICED_REASON) == {"pricing_error": 1}
    assert bench.value(c.OUTPUT_TOKENS) == 300
    assert cost(bench) == 0
    assert len(warnings()) == 1


TOKENS = (c.INPUT_TOKENS, c.OUTPUT_TOKENS, c.CACHE_READ_TOKENS, c.CACHE_WRITE_TOKENS, c.REASONING_TOKENS)
INCREMENTS = {
    "_batch_result": (c.BATCH_RESULTS,),
    "_reasons": (c.UNPRICED,),
    "_tokens": TOKENS,
    "_server_tools": (c.SERVER_TOOL_CALLS,),
    "_costs": (c.COST, c.CACHE_SAVINGS, c.CACHE_OVERHEAD),
}
"""Each part of what a result adds to the counters, and the counters of it."""
RESULTS = (
    line("a", type="succeeded", message=message({**BATCHED, "server_tool_use": {"web_fetch_requests": 1}})),
    line("b", type="succeeded", message=message(BATCHED, name="msg_b", model="claude-unknown-9")),
)


def fail_later(*_args, **_kwargs):
    """A generator, which fails when it is asked for its first value."""
    yield fail()


@pytest.mark.parametrize("part", INCREMENTS)
def test_increments_of_a_result_that_fail_take_no_others(bench, monkeypatch, warnings, part):
    counters = [metric.name for metrics in INCREMENTS.values() for metric in metrics]
    monkeypatch.setattr(increments, part, fail_later)
    read(bench, *RESULTS)
    lost = [metric.name for metric in INCREMENTS[part]]
    assert sorted(counters) == sorted(lost + [name for name in bench.points() if name in counters])
    (warning,) = [text for text in warnings() if "claude-unknown-9" not in text]
    assert "(PlantedError)" in warning


def test_results_whose_memory_fails_are_counted(bench, monkeypatch, warnings):
    monkeypatch.setattr(Deduplicator, "add", fail)
    read(bench, LINES["succeeded"])
    assert cost(bench) == pytest.approx(sum(PARTS.values()))
    assert len(warnings()) == 1


def test_an_instrument_that_a_meter_refuses_leaves_the_others(bench, monkeypatch, warnings):
    create = Instruments._create

    def some(self, metric):
        return fail() if metric is c.DURATION else create(self, metric)

    monkeypatch.setattr(Instruments, "_create", some)
    made = Instruments(bench.metering.get_meter("other"), AttributeSets(1))
    assert c.DURATION.name not in made.histograms
    assert c.CALL_COST.name in made.histograms
    (warning,) = warnings()
    assert f"could not create {c.DURATION.name}" in warning


def test_a_session_that_cannot_be_shown_leaves_the_others(bench, monkeypatch, warnings):
    shown = bench.instruments.sessions
    for name in ("sesn_1", "sesn_2"):
        shown.update(Session(name, model="m"), Owner(UNKNOWN_CLIENT, None), bench.instruments.sets)
    values_of, together = managed_agents._VALUES[a.SESSIONS.name]
    monkeypatch.setitem(managed_agents._VALUES, a.SESSIONS.name, (fail_once(values_of), together))
    assert list(bench.values(a.SESSIONS).values()) == [1]
    assert len(warnings()) == 1


@pytest.fixture
def on_message(bench):
    made = instruments_of(bench.metering, "1", AttributeSets(10), keep=True)
    made.add_agents()
    return AgentRecorder(made, Connection({}, None), ()).on_message


RESULT = {
    "type": "result",
    "subtype": "success",
    "session_id": "s",
    "modelUsage": {"m": {"inputTokens": 1, "outputTokens": 2, "costUSD": 0.5}},
}


@pytest.mark.parametrize(("owner", "name"), [(Connection, "since_last_result"), (agent_recorder, "parse_result")])
def test_a_turn_of_an_agent_is_counted_whatever_fails(bench, on_message, monkeypatch, warnings, owner, name):
    with monkeypatch.context() as broken:
        broken.setattr(owner, name, fail)
        on_message(RESULT)
    assert sum(bench.values(a.AGENT_RESULTS, c.ERROR_TYPE).values()) == 1
    reason = "failed" if owner is Connection else "no_usage"
    assert bench.values(a.AGENT_RESULTS_SKIPPED, a.SKIPPED_REASON) == {reason: 1}
    assert len(warnings()) == 1
    on_message(RESULT)
    assert bench.value(a.AGENT_COST) == 0.5


def test_limits_of_an_agent_that_cannot_be_kept_are_still_events(bench, on_message, monkeypatch, warnings):
    monkeypatch.setattr(RateLimits, "report", fail)
    on_message({"type": "rate_limit_event", "rate_limit_info": {"status": "allowed", "rateLimitType": "five_hour"}})
    assert list(bench.values(a.AGENT_RATE_LIMITS, c.RATE_LIMIT_NAME).items()) == [("unified_5h", 1)]
    assert len(warnings()) == 1


def test_a_sum_that_the_summary_cannot_read_leaves_the_others(bench, monkeypatch, warnings):
    read(bench, LINES["succeeded"])
    whole = from_metrics.totals_of(bench.reader.get_metrics_data(), 0.0).sums
    monkeypatch.setitem(from_metrics._SUMS, c.COST.name, fail)
    left = from_metrics.totals_of(bench.reader.get_metrics_data(), 0.0).sums
    assert left == {key: amount for key, amount in whole.items() if key[0] not in ("cost", "batched")}
    assert left
    assert len(warnings()) == 1


def test_a_summary_without_a_price_table_is_given(monkeypatch, tmp_path):
    monkeypatch.setattr(pricing, "load", fail)
    file = tmp_path / "summary.json"
    exporter.report(exporter.Totals({("call", "m"): 1}), {"OTEL_CLAUDE_SUMMARY_JSON": str(file)}, None)
    assert '"price_table": null' in file.read_text()
