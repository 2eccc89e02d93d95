"""Ordinary calls are priced by counts times rates, and share what they add to: nothing recorded is another for it."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timezone
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from unit_calls import CLIENT, OPUS, USAGE, feed, message, responded, returned, stream
from unit_telemetry import Bench

from otel_claude import semconv as c
from otel_claude.api.request import RequestFeatures
from otel_claude.pricing import ANTHROPIC, Platform
from otel_claude.telemetry.call import Call, ClientInfo
from otel_claude.telemetry.recorder import Recorder
from otel_claude.telemetry.series import CallSeries

_BEDROCK, _BEDROCK_EU = Platform("bedrock", "global"), Platform("bedrock", "eu-central-1")
CLIENTS = (
    CLIENT,
    *(
        ClientInfo("aws.bedrock" if platform.name == "bedrock" else "gcp.vertex_ai", "anthropic", platform)
        for platform in (_BEDROCK, _BEDROCK_EU, Platform("vertex", "global"), Platform("vertex", "us-east5"))
    ),
    ClientInfo("anthropic", "anthropic", None),
)
MODELS = (
    OPUS, "claude-haiku-5-5", "claude-sonnet-5-5", "claude-sonnet-4-20250514", "claude-sonnet-4-5-20250929",
    "claude-opus-4-6", "anthropic.claude-opus-4-6-v1", "claude-next", None,
)  # fmt: skip
DAYS = ("2026-10-06", "2026-10-07", "2026-11-22")
"""The price of cache reads of Sonnet 5.5 changed on the second."""
counts = st.none() | st.integers(0, 5_000) | st.integers(90_000, 1_100_000)
"""Also on both sides of the bounds beyond which a prompt's tokens cost more."""


class Said(NamedTuple):
    """One call: who makes it, when, and what the API says."""

    client: ClientInfo
    requested: str | None
    model: str | None
    stop_reason: str
    day: str
    tags: Any
    streams: bool
    usage: dict[str, Any]


usages = st.fixed_dictionaries(
    {"input_tokens": counts, "output_tokens": counts},
    optional={
        "cache_read_input_tokens": counts,
        "cache_creation_input_tokens": counts,
        "cache_creation": st.fixed_dictionaries(
            {}, optional=dict.fromkeys(["ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens"], counts)
        ),
        "output_tokens_details": st.fixed_dictionaries({}, optional={"thinking_tokens": counts}),
        "service_tier": st.sampled_from([None, "standard", "priority", "batch", "unheard_of"]),
        "speed": st.sampled_from([None, "standard", "fast"]),
        "inference_geo": st.sampled_from([None, "global", "us", "eu", "not_available"]),
        "server_tool_use": st.sampled_from([None, {"web_search_requests": 0}, {"web_search_requests": 1}]),
    },
)
calls = st.builds(
    Said,
    st.sampled_from(CLIENTS),
    st.sampled_from(MODELS),
    st.sampled_from(MODELS),
    st.sampled_from(["end_turn", "max_tokens", "tool_use", "refusal"]),
    st.sampled_from(DAYS),
    st.sampled_from([(), (("tenant", "acme"),), (("tenant", "x" * 300),)]),
    st.booleans(),
    usages,
)


few = st.integers(0, 5_000)
likely = st.builds(
    Said,
    st.sampled_from(CLIENTS[:3]),
    st.just(OPUS),
    st.sampled_from(MODELS[:5]),
    st.sampled_from(["end_turn", "tool_use"]),
    st.just("2026-11-22"),
    st.sampled_from([(), (("tenant", "acme"),)]),
    st.booleans(),
    st.fixed_dictionaries(
        {
            **dict.fromkeys(["input_tokens", "output_tokens", "cache_read_input_tokens"], few),
            "cache_creation": st.fixed_dictionaries(
                dict.fromkeys(["ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens"], few)
            ),
            "output_tokens_details": st.fixed_dictionaries({"thinking_tokens": few}),
            "service_tier": st.sampled_from(["standard", "priority", "batch"]),
            "speed": st.sampled_from([None, "standard"]),
            "inference_geo": st.sampled_from([None, "global", "us"]),
        }
    ),
)
"""Calls most of which are ordinary."""


class GeneralRecorder(Recorder):
    """Takes no call for an ordinary one: it prices each with `price_call` and makes its increments one by one."""

    def _new_series(self, *known: Any) -> CallSeries:
        series = super()._new_series(*known)
        series.rates = None
        return series


def record(recorder, said):
    call = Call(RequestFeatures(said.requested, said.streams), said.client, said.tags)
    call.started_at = datetime.fromisoformat(f"{said.day}T12:00:00").replace(tzinfo=timezone.utc).timestamp()
    recorder.on_start(call)
    attempt = responded(recorder, call)
    known = {"model": said.model, "stop_reason": said.stop_reason}
    if said.streams:
        returned(recorder, call, pending=True)
        feed(recorder, attempt, *stream(said.usage, **known))
    else:
        feed(recorder, attempt, message(said.usage, **known))
        returned(recorder, call)
    return call


def value(point):
    return (point.count, point.sum, point.bucket_counts) if hasattr(point, "count") else point.value


TIMED = (c.DURATION.name, c.TIME_TO_FIRST_CHUNK.name)


def recorded(recorder_type, all_said, *, histogram_tags):
    """All points, and the attributes of all spans; and the calls."""
    kept, reader = InMemorySpanExporter(), InMemoryMetricReader()
    tracing = TracerProvider(shutdown_on_exit=False)
    tracing.add_span_processor(SimpleSpanProcessor(kept))
    metering = MeterProvider([reader], shutdown_on_exit=False)
    bench = Bench(tracing, metering, kept, reader)
    recorder = recorder_type(
        bench.recorder.tracer,
        bench.instruments,
        bench.recorder.prices,
        histogram_tags=histogram_tags,
        complete_failed_call=lambda *_: None,
    )
    made = [record(recorder, said) for said in all_said]
    points = {
        (name, frozenset(point.attributes.items())): point.count if name in TIMED else value(point)
        for name, listed in bench.points().items()
        for point in listed
    }
    spans = [
        {name: each for name, each in span.attributes.items() if name != c.RESPONSE_TIME_TO_FIRST_CHUNK}
        for span in kept.get_finished_spans()
    ]
    metering.shutdown()
    return points, spans, made


def typed(values):
    return {name: (type(each), each) for name, each in values.items()}


@given(st.lists(likely | calls, min_size=1, max_size=4), st.booleans())
def test_ordinary_calls_are_recorded_as_by_the_general_path(all_said, histogram_tags):
    # Twice: calls of a kind that was seen before add to what is there.
    fast, fast_spans, _ = recorded(Recorder, all_said * 2, histogram_tags=histogram_tags)
    slow, slow_spans, general = recorded(GeneralRecorder, all_said * 2, histogram_tags=histogram_tags)
    assert all(call.series is None for call in general)
    assert typed(fast) == typed(slow)
    assert list(map(typed, fast_spans)) == list(map(typed, slow_spans))


PLAIN = {"input_tokens": 1_000, "output_tokens": 300}
SAID = Said(CLIENT, OPUS, OPUS, "end_turn", "2026-11-22", (), streams=False, usage=PLAIN)
ORDINARY = {
    "a message": SAID,
    "a stream": SAID._replace(streams=True),
    "a cache": SAID._replace(usage={**USAGE, "server_tool_use": None}),
    "in the USA": SAID._replace(usage={**PLAIN, "inference_geo": "us"}),
    "tags": SAID._replace(tags=(("tenant", "acme"),)),
    "bedrock": SAID._replace(client=CLIENTS[1], requested="global.anthropic.claude-opus-5-5-v1"),
    "a prompt at the bound": SAID._replace(
        model="claude-sonnet-4-5-20250929", usage={**PLAIN, "input_tokens": 200_000}
    ),
}
GENERAL = {
    "a server tool": SAID._replace(usage=USAGE),
    "a refusal": SAID._replace(stop_reason="refusal"),
    "an unknown model": SAID._replace(model="claude-next"),
    "no output": SAID._replace(usage={"input_tokens": 1_000}),
    "no input": SAID._replace(usage={"output_tokens": 300}),
    "an unknown platform": SAID._replace(client=CLIENTS[-1]),
    "a tier without a price": SAID._replace(usage={**PLAIN, "service_tier": "unheard_of"}),
}


@pytest.mark.parametrize("said", ORDINARY.values(), ids=ORDINARY)
def test_these_are_ordinary(said):
    _, _, (first, second) = recorded(Recorder, [said, said], histogram_tags=False)
    assert first.series is not None
    assert first.series is second.series


@pytest.mark.parametrize("said", GENERAL.values(), ids=GENERAL)
def test_these_are_not(said):
    _, _, (call,) = recorded(Recorder, [said], histogram_tags=False)
    assert call.series is None


def test_a_call_that_was_retried_is_not_ordinary(bench):
    call = Call(RequestFeatures(OPUS), CLIENT, ())
    bench.recorder.on_start(call)
    bench.recorder.on_retry(responded(bench.recorder, call, 529), 0.5)
    feed(bench.recorder, responded(bench.recorder, call), message(PLAIN))
    returned(bench.recorder, call)
    assert call.series is None
    assert bench.values(c.ATTEMPTS, c.STATUS_CODE, c.ATTEMPT_OUTCOME) == {(529, "retried"): 1, (200, "success"): 1}


def test_the_price_of_the_day_is_that_of_the_calls_start():
    """Cache reads of Sonnet 5.5 were halved on 2026-10-07."""
    usage = {**PLAIN, "cache_read_input_tokens": 1_000_000}
    said = SAID._replace(model="claude-sonnet-5-5", usage=usage)
    points, _, _ = recorded(Recorder, [said._replace(day=day) for day in DAYS[:2]], histogram_tags=False)
    sums = Counter()
    for (name, attributes), dollars in points.items():
        if name == c.COST.name:
            sums[dict(attributes)[c.COST_TYPE]] += dollars
    assert sums["cache_read"] == pytest.approx(0.2 + 0.1)


def test_what_is_remembered_of_kinds_of_calls_is_bounded_and_made_again(bench, monkeypatch):
    monkeypatch.setattr("otel_claude.telemetry.recorder._MAX_SERIES", 5)
    for number in range(100):
        record(bench.recorder, SAID._replace(tags=(("tenant", f"t{number % 20}"),)))
        assert len(bench.recorder._series) <= 5
    assert bench.values(c.CALLS, "claude.tag.tenant") == {f"t{number}": 5 for number in range(20)}
    assert ANTHROPIC is CLIENT.platform
