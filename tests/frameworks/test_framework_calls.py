"""Programs of each framework, unchanged, under `opentelemetry-instrument`: what was served is what was measured."""

from __future__ import annotations

from collections import Counter

import pytest
from frameworks_expected import SECRETS, counts, price

from otel_claude import semconv as c

SCOPES = {"native": c.NATIVE_SCOPE, "ours": c.SCOPE}
DOLLAR_ROUNDING = 1e-12


def of_calls(run):
    """The spans that are a call: by their scope. A framework's own are not."""
    return [span for span in run.received.spans if span.scope in SCOPES.values()]


def answered(run):
    """The served records that made an answer, with their counts as the program could have read them."""
    left = any(end == "left" for _, _, end in run.row.calls)
    return {r.message_id: (r, counts(r.used, left=left)) for r in run.seen if r.used is not None}


def expected_counts(run):
    added = Counter()
    for _, types in answered(run).values():
        added.update(types)
    return added


def test_the_program_runs_as_it_would_alone(run):
    assert run.code == 0, run.errors
    assert len(run.unseen) == run.row.unseen
    assert {record.status for record in run.unseen} <= {200}
    assert "otel_claude" not in run.errors
    assert "opentelemetry" not in run.errors


def test_each_call_has_one_span(run):
    spans = of_calls(run)
    assert {span.scope for span in spans} == {SCOPES[run.tracing]}
    told = Counter()
    for span in spans:
        has = span.attributes
        way = "stream" if has.get(c.REQUEST_STREAM) else "plain"
        told[has[c.REQUEST_MODEL], way, has.get(c.STOP_REASON) or has.get(c.ERROR_TYPE) or "left"] += 1
    assert told == run.row.calls
    assert sorted(s.attributes[c.RESPONSE_ID] for s in spans if c.RESPONSE_ID in s.attributes) == sorted(answered(run))


def test_other_spans_are_none_of_ours(run):
    others = Counter(s.attributes.get(c.OPERATION_NAME, s.name) for s in run.received.spans if s not in of_calls(run))
    assert others == run.row.own_spans


def test_parents(run):
    names = {s.id: s.attributes.get(c.OPERATION_NAME, s.name) for s in run.received.spans}
    parents = Counter(names.get(s.parent, "unknown") for s in of_calls(run) if s.parent)
    assert parents == run.row.parents


def test_each_span_has_what_its_answer_used(run):
    for span in of_calls(run):
        if (found := answered(run).get(span.attributes.get(c.RESPONSE_ID))) is None:
            continue
        record, used = found
        has = span.attributes
        total = sum(amount for kind, amount in used.items() if kind != "output")
        assert has[c.USAGE_INPUT] == total
        assert has.get(c.USAGE_OUTPUT) == used.get("output")
        assert has[c.USAGE_CACHE_READ] == used["cache_read"]
        assert has[c.USAGE_CACHE_WRITE] == used["cache_write_5m"] + used["cache_write_1h"]
        assert has[c.COST_AMOUNT] == pytest.approx(float(price(record.model, used)), abs=DOLLAR_ROUNDING)
        assert has[c.COST_STATUS] == ("exact" if "output" in used else "lower_bound")


def test_token_counters_are_what_was_served(run):
    served, received = expected_counts(run), run.received
    assert received.sum(c.INPUT_TOKENS.name) == sum(amount for kind, amount in served.items() if kind != "output")
    assert received.sum(c.OUTPUT_TOKENS.name) == served["output"]
    assert received.sum(c.CACHE_READ_TOKENS.name) == served["cache_read"]
    writes = received.counter(c.CACHE_WRITE_TOKENS.name, c.CACHE_TTL)
    assert {ttl: writes[(ttl,)] for ttl in ("5m", "1h")} == {ttl: served[f"cache_write_{ttl}"] for ttl in ("5m", "1h")}
    thought = sum(
        (r.used.get("output_tokens_details") or {}).get("thinking_tokens", 0) for r, _ in answered(run).values()
    )
    assert received.sum(c.REASONING_TOKENS.name) == thought
    assert [kind for kind in run.row.caches if not served[kind]] == []


def test_cost_is_that_of_what_was_served(run):
    spent = Counter()
    for record, used in answered(run).values():
        for kind, amount in used.items():
            spent[record.model, kind] += float(price(record.model, {kind: amount}))
    told = run.received.counter(c.COST.name, c.RESPONSE_MODEL, c.COST_TYPE)
    assert {key for key, dollars in told.items() if dollars} == {key for key, dollars in spent.items() if dollars}
    for key, dollars in spent.items():
        assert told[key] == pytest.approx(dollars, abs=DOLLAR_ROUNDING), key


def test_calls_attempts_and_what_has_no_price(run):
    calls, received = run.row.calls, run.received
    ends = Counter()
    for (_, _, end), number in calls.items():
        ends[end] += number
    told = received.counter(c.CALLS.name, c.STOP_REASON, c.ERROR_TYPE)
    assert {stop or error or "left": number for (stop, error), number in told.items()} == ends
    attempts = received.counter(c.ATTEMPTS.name, c.ATTEMPT_OUTCOME, c.STATUS_CODE)
    refused = ends["invalid_request_error"]
    wanted = {
        ("success", 200): sum(ends.values()) - refused,
        ("retried", 529): run.row.retried,
        ("failed", 400): refused,
    }
    assert attempts == {key: number for key, number in wanted.items() if number}
    assert sum(attempts.values()) == len(run.seen)
    unpriced = received.counter(c.UNPRICED.name, c.UNPRICED_REASON)
    assert unpriced == ({("incomplete_stream",): ends["left"]} if ends["left"] else {})
    assert sum(s.events for s in of_calls(run)) == run.row.retried


def test_streams_have_a_time_to_first_chunk(run):
    streams = sum(number for (_, way, _), number in run.row.calls.items() if way == "stream")
    assert run.received.sum(c.TIME_TO_FIRST_CHUNK.name) == streams
    assert run.received.sum(c.DURATION.name) == sum(run.row.calls.values())


def test_tags(run):
    told = run.received.counter(c.CALLS.name, c.TAG_PREFIX + "feature")
    wanted = run.row.tags if run.row.tags is not None else {None: sum(run.row.calls.values())}
    assert told == {(feature,): number for feature, number in wanted.items()}


def test_nothing_of_prompts_and_answers_leaves_the_process(run):
    sent = run.received.bytes
    if run.row.content:
        sent = str([span for span in run.received.spans if span in of_calls(run)]).encode()
    assert [secret for secret in SECRETS if secret.encode() in sent] == []
