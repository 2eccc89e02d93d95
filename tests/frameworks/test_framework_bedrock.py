"""Programs of frameworks that call Bedrock with boto3, unchanged, under `opentelemetry-instrument`: each call once."""

from __future__ import annotations

from collections import Counter

import pytest
from frameworks_expected import SECRETS, counts, price

from otel_claude import semconv as c

GLOBAL = "global.anthropic."


def of_calls(run):
    return [span for span in run.received.spans if span.scope == c.SCOPE]


def used(run):
    """The model and the tokens by type of each answer that was served."""
    return [(record.model, counts(record.used, left=False)) for record in run.seen if record.used is not None]


def test_the_program_runs_as_it_would_alone(bedrock_run):
    assert bedrock_run.code == 0, bedrock_run.errors
    assert "otel_claude" not in bedrock_run.errors


def test_each_call_has_one_span(bedrock_run):
    found = Counter()
    for span in of_calls(bedrock_run):
        has = span.attributes
        model = has[c.REQUEST_MODEL].removeprefix(GLOBAL).removesuffix("-v1:0")
        found[model, "stream" if has.get(c.REQUEST_STREAM) else "plain", has[c.STOP_REASON]] += 1
        assert has[c.COST_STATUS] == "exact"
    assert found == bedrock_run.row.calls
    others = [s for s in bedrock_run.received.spans if s.scope != c.SCOPE]
    assert Counter(s.attributes.get(c.OPERATION_NAME, s.name) for s in others) == bedrock_run.row.own_spans


def test_tokens_and_dollars_are_what_was_served(bedrock_run):
    served, received = Counter(), bedrock_run.received
    for _, types in used(bedrock_run):
        served.update(types)
    assert received.sum(c.INPUT_TOKENS.name) == sum(n for kind, n in served.items() if kind != "output")
    assert received.sum(c.OUTPUT_TOKENS.name) == served["output"]
    assert received.sum(c.CACHE_READ_TOKENS.name) == served["cache_read"]
    writes = received.counter(c.CACHE_WRITE_TOKENS.name, c.CACHE_TTL)
    assert {ttl: writes[(ttl,)] for ttl in ("5m", "1h")} == {ttl: served[f"cache_write_{ttl}"] for ttl in ("5m", "1h")}
    assert [kind for kind in bedrock_run.row.caches if not served[kind]] == []
    dollars = float(sum(price(model, types) for model, types in used(bedrock_run)))
    assert received.sum(c.COST.name) == pytest.approx(dollars, abs=1e-12)
    assert sum(s.attributes[c.COST_AMOUNT] for s in of_calls(bedrock_run)) == pytest.approx(dollars, abs=1e-12)
    assert received.sum(c.UNPRICED.name) == 0


def test_calls_attempts_and_first_chunks(bedrock_run):
    calls, received = bedrock_run.row.calls, bedrock_run.received
    assert received.counter(c.CALLS.name, c.CLIENT_LIBRARY) == {("botocore",): sum(calls.values())}
    attempts = {("success", 200): sum(calls.values()), ("retried", 503): bedrock_run.row.retried}
    assert received.counter(c.ATTEMPTS.name, c.ATTEMPT_OUTCOME, c.STATUS_CODE) == {
        k: n for k, n in attempts.items() if n
    }
    assert received.sum(c.ATTEMPTS.name) == len(bedrock_run.seen)
    assert received.sum(c.DURATION.name) == sum(calls.values())
    streams = sum(number for (_, way, _), number in calls.items() if way == "stream")
    assert received.sum(c.TIME_TO_FIRST_CHUNK.name) == streams


def test_nothing_of_prompts_and_answers_leaves_the_process(bedrock_run):
    sent = bedrock_run.received.bytes
    if bedrock_run.row.content:
        sent = str(of_calls(bedrock_run)).encode()
    assert [secret for secret in SECRETS if secret.encode() in sent] == []
