"""What else is measured, made to fail in turn: results of batches, sessions, agents, the summary. The rest stays."""

from __future__ import annotations

import pytest
from otel_claude.telemetry.record import UNKNOWN_CALLER
from unit_batches import LINES, PARTS, line, reader_of

from otel_claude import pricing
from otel_claude import semconv as c
from otel_claude.agent_sdk import recorder as listener
from otel_claude.agent_sdk.recorder import Listener
from otel_claude.agent_sdk.totals import Connection, Sessions
from otel_claude.api import Session
from otel_claude.semconv.agents import AGENT_COST, AGENT_RATE_LIMITS, AGENT_RESULTS, AGENT_UNCOUNTED, UNCOUNTED_REASON
from otel_claude.semconv.agents import SESSIONS as SESSION_COUNT
from otel_claude.summary import from_metrics as reading
from otel_claude.summary import report
from otel_claude.telemetry import batches, recorder
from otel_claude.telemetry import managed_agents as sessions
from otel_claude.telemetry.attributes import Labeller
from otel_claude.telemetry.dedup import Counted
from otel_claude.telemetry.managed_agents import Owner
from otel_claude.telemetry.metrics import Instruments, instruments_of
from otel_claude.telemetry.rate_limits import Limits


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
    reading = reader_of(bench.recorder).results("msgbatch_1", None)
    for each in lines:
        reading.read(each)
    reading.ended()


def cost(bench):
    return sum(bench.values(c.COST, c.COST_TYPE).values())


def test_a_result_that_cannot_be_read_is_counted_and_the_next_ones_are_whole(bench, monkeypatch, warnings):
    monkeypatch.setattr(batches, "result", fail_once(batches.result))
    read(bench, line("x"), LINES["succeeded"])
    assert bench.values(c.BATCH_REQUESTS, c.BATCH_RESULT) == {"_other": 1, "succeeded": 1}
    assert bench.values(c.UNPRICED, c.UNPRICED_REASON) == {"unreadable_result": 1}
    assert cost(bench) == pytest.approx(sum(PARTS.values()))
    (warning,) = warnings()
    assert "while it read a result of a batch (PlantedError)" in warning


def test_results_without_a_price_are_counted_with_their_tokens(bench, monkeypatch, warnings):
    monkeypatch.setattr(recorder, "bill_since", fail)
    read(bench, LINES["succeeded"], LINES["errored"])
    assert bench.values(c.BATCH_REQUESTS, c.BATCH_RESULT) == {"succeeded": 1, "errored": 1}
    assert bench.values(c.UNPRICED, c.UNPRICED_REASON) == {"pricing_error": 1}
    assert bench.value(c.OUTPUT_TOKENS) == 300
    assert cost(bench) == 0
    assert len(warnings()) == 1


def test_results_whose_memory_fails_are_counted(bench, monkeypatch, warnings):
    monkeypatch.setattr(Counted, "first", fail)
    read(bench, LINES["succeeded"])
    assert cost(bench) == pytest.approx(sum(PARTS.values()))
    assert len(warnings()) == 1


def test_an_instrument_that_a_meter_refuses_leaves_the_others(bench, monkeypatch, warnings):
    create = Instruments._create

    def some(self, metric):
        return fail() if metric is c.DURATION else create(self, metric)

    monkeypatch.setattr(Instruments, "_create", some)
    made = Instruments(bench.metering.get_meter("other"), Labeller(1))
    assert c.DURATION.name not in made.histograms
    assert c.CALL_COST.name in made.histograms
    (warning,) = warnings()
    assert f"created {c.DURATION.name}" in warning


def test_a_session_that_cannot_be_shown_leaves_the_others(bench, monkeypatch, warnings):
    shown = bench.instruments.sessions
    for name in ("sesn_1", "sesn_2"):
        shown.heard(Session(name, model="m"), Owner(UNKNOWN_CALLER, None), bench.instruments.labels)
    value_of, together = sessions._READ[SESSION_COUNT.name]
    monkeypatch.setitem(sessions._READ, SESSION_COUNT.name, (fail_once(value_of), together))
    assert list(bench.values(SESSION_COUNT).values()) == [1]
    assert len(warnings()) == 1


@pytest.fixture
def heard(bench):
    made = instruments_of(bench.metering, "1", Labeller(10), keep=True)
    made.add_agents()
    return Listener(made, Connection(Sessions(), None), ()).heard


RESULT = {
    "type": "result",
    "subtype": "success",
    "session_id": "s",
    "modelUsage": {"m": {"inputTokens": 1, "outputTokens": 2, "costUSD": 0.5}},
}


@pytest.mark.parametrize(("owner", "name"), [(Connection, "news"), (listener, "result")])
def test_a_turn_of_an_agent_is_counted_whatever_fails(bench, heard, monkeypatch, warnings, owner, name):
    with monkeypatch.context() as broken:
        broken.setattr(owner, name, fail)
        heard(RESULT)
    assert sum(bench.values(AGENT_RESULTS, c.ERROR_TYPE).values()) == 1
    reason = "failed" if owner is Connection else "no_usage"
    assert bench.values(AGENT_UNCOUNTED, UNCOUNTED_REASON) == {reason: 1}
    assert len(warnings()) == 1
    heard(RESULT)
    assert bench.value(AGENT_COST) == 0.5


def test_limits_of_an_agent_that_cannot_be_kept_are_still_events(bench, heard, monkeypatch, warnings):
    monkeypatch.setattr(Limits, "seen", fail)
    heard({"type": "rate_limit_event", "rate_limit_info": {"status": "allowed", "rateLimitType": "five_hour"}})
    assert list(bench.values(AGENT_RATE_LIMITS, c.RATE_LIMIT_NAME).items()) == [("unified_5h", 1)]
    assert len(warnings()) == 1


def test_a_sum_that_the_summary_cannot_read_leaves_the_others(bench, monkeypatch, warnings):
    read(bench, LINES["succeeded"])
    whole = reading.totals_of(bench.reader.get_metrics_data(), 0.0).sums
    monkeypatch.setitem(reading._SUMS, c.COST.name, fail)
    left = reading.totals_of(bench.reader.get_metrics_data(), 0.0).sums
    assert left == {key: amount for key, amount in whole.items() if key[0] not in ("cost", "batched")}
    assert left
    assert len(warnings()) == 1


def test_a_summary_without_a_price_table_is_given(monkeypatch, tmp_path):
    monkeypatch.setattr(pricing, "load", fail)
    file = tmp_path / "summary.json"
    report.Report({"OTEL_CLAUDE_SUMMARY_JSON": str(file)}, None).give(report.Totals({("call", "m"): 1}))
    assert '"price_table": null' in file.read_text()
