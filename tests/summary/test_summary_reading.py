import json
import time

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from summary_made import MODEL, NOW, OTHER, collected, metric, point

from otel_claude import semconv as c
from otel_claude.summary.from_metrics import totals_of
from otel_claude.summary.totals import Limit, Totals


def sums(*metrics):
    return dict(totals_of(collected(*metrics), NOW).sums)


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        (c.CALLS, point(3, model=MODEL, stop="end_turn"), {("call", MODEL): 3, ("stop", "end_turn"): 3}),
        (c.CALLS, point(2, asked="alias", error="timeout"), {("call", "alias"): 2, ("error", "timeout"): 2}),
        (c.CALLS, point(1), {("call", "_other"): 1}),
        (c.ATTEMPTS, point(4, model=MODEL, outcome="retried", blocked="rate_limit"),
         {("attempt", "retried"): 4, ("blocked", "rate_limit"): 4}),
        (c.UNPRICED, point(1, model=MODEL, why="no_response"), {("unpriced", "no_response", MODEL): 1}),
        (c.UNPRICED, point(1, **{"otel.metric.overflow": True}), {("unpriced", "_other", "_other"): 1}),
        (c.SERVER_TOOL_CALLS, point(2, tool="web_search"), {("tool", "web_search"): 2}),
        (c.RETRY_DELAY, point(1.2345), {("waited",): 1234}),
        (c.INPUT_TOKENS, point(7, model=MODEL), {("tokens", "total_input", MODEL): 7}),
        (c.OUTPUT_TOKENS, point(7, model=MODEL), {("tokens", "output", MODEL): 7}),
        (c.CACHE_READ_TOKENS, point(7, model=MODEL), {("tokens", "cache_read", MODEL): 7}),
        (c.CACHE_WRITE_TOKENS, point(7, model=MODEL, ttl="1h"), {("tokens", "cache_write_1h", MODEL): 7}),
        (c.REASONING_TOKENS, point(7, model=MODEL), {("tokens", "thinking", MODEL): 7}),
        (c.COST, point(0.1, model=MODEL, kind="output"), {("cost", "output", MODEL): 100_000_000_000}),
        (c.COST, point(0.1, **{"otel.metric.overflow": True}), {("cost", "_other", "_other"): 100_000_000_000}),
        (c.COST, point(0.1, model=MODEL, kind="output", operation="batch"),
         {("cost", "output", MODEL): 100_000_000_000, ("batched",): 100_000_000_000}),
        (c.BATCH_RESULTS, point(3, model=MODEL, result="succeeded", stop="end_turn"),
         {("result", "succeeded", MODEL): 3, ("stop", "end_turn"): 3}),
        (c.BATCH_RESULTS, point(2, result="errored", error="overloaded_error"), {("result", "errored", ""): 2}),
        (c.BATCH_RESULTS, point(1, **{"otel.metric.overflow": True}), {("result", "_other", ""): 1}),
        (c.CACHE_SAVINGS, point(0.000001), {("saved",): 1_000_000}),
        (c.CACHE_OVERHEAD, point(0.000001, ttl="5m"), {("overhead",): 1_000_000}),
    ],
)  # fmt: skip
def test_each_metric(name, given, expected):
    assert sums(metric(name, given)) == expected


def test_points_that_differ_in_what_is_not_shown_add_up():
    points = [point(1, model=MODEL, **{"claude.tag.tenant": tenant}) for tenant in "abc"]
    assert sums(metric(c.CALLS, *points)) == {("call", MODEL): 3}


def test_dollars_are_exact_to_the_pico_dollar():
    # What the counters have as an integer leaves as a float, and comes back.
    for amount in (1, 3, 7_000_001, 123_456_789_012, 2_251_799_813_685_247):
        assert sums(metric(c.COST, point(amount / 10**12, model=MODEL, kind="input"))) == {
            ("cost", "input", MODEL): amount
        }


def test_what_is_not_ours_is_skipped():
    theirs = [metric("gen_ai.client.token.usage", point(3)), metric("http.client.duration", point(3))]
    assert sums(*theirs) == {}
    same_name = collected(metric(c.INPUT_TOKENS, point(9, model=MODEL)), scope="another.instrumentation")
    assert totals_of(same_name, NOW).sums == {}


def test_the_tightest_limit_with_its_reset():
    limits = [point(0.4, asked=MODEL, limit="requests"), point(0.9, asked=OTHER, limit="output_tokens")]
    resets = [point(50.0, asked=MODEL, limit="requests"), point(12.5, asked=OTHER, limit="output_tokens")]
    data = collected(metric(c.RATE_LIMIT_UTILIZATION, *limits), metric(c.RATE_LIMIT_RESET, *resets))
    assert totals_of(data, NOW).limit == Limit("output_tokens", OTHER, 0.9, NOW, NOW + 12.5)


def test_a_limit_without_a_reset_or_without_a_utilization():
    only = collected(metric(c.RATE_LIMIT_UTILIZATION, point(0.1, limit="tokens")))
    assert totals_of(only, NOW).limit == Limit("tokens", None, 0.1, NOW)
    assert totals_of(collected(metric(c.RATE_LIMIT_RESET, point(3.0, limit="tokens"))), NOW).limit is None


def test_when_models_retire():
    data = collected(metric(c.RETIREMENT, point(1_796_000_000, asked=MODEL), point(1_800_576_000, asked=OTHER)))
    totals = totals_of(data, NOW)
    assert totals.retirements == {MODEL: 1_796_000_000, OTHER: 1_800_576_000}
    assert Totals.from_json(json.loads(json.dumps(totals.to_json()))).retirements == totals.retirements
    assert Totals().fold([totals, totals]).retirements == totals.retirements


def test_every_name_that_is_read_is_one_that_is_emitted():
    # A renamed metric must not silently leave the summary.
    read = {name.name for name in c.METRICS} - {
        c.DURATION.name, c.TIME_TO_FIRST_CHUNK.name, c.CALL_INPUT_TOKENS.name, c.CALL_OUTPUT_TOKENS.name,
        c.CALL_COST.name, c.RATE_LIMIT_LIMIT.name, c.RATE_LIMIT_REMAINING.name, c.BATCH_REQUESTS.name,
        c.TAG_VALUES.name, c.TAG_CHANGES.name, c.CACHE_MISSED_TOKENS.name, c.CACHE_MISSED_COST.name,
        c.CACHE_DIAGNOSES.name,
    }  # fmt: skip
    for name in read:
        data = collected(metric(name, point(1, model=MODEL, limit="tokens", outcome="failed", tool="web_search")))
        totals = totals_of(data, NOW)
        assert totals.sums or totals.limit or totals.retirements or name == c.RATE_LIMIT_RESET.name, name


def test_what_the_real_sdk_collects():
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    meter = provider.get_meter(c.SCOPE)
    meter.create_counter(c.CALLS.name).add(2, {c.RESPONSE_MODEL: MODEL, c.STOP_REASON: "end_turn"})
    meter.create_histogram(c.RETRY_DELAY.name).record(0.5)
    totals = totals_of(reader.get_metrics_data(), time.time())
    provider.shutdown()
    assert dict(totals.sums) == {("call", MODEL): 2, ("stop", "end_turn"): 2, ("waited",): 500}
    assert totals.processes == 1
