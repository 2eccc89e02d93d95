"""Any JSON through the real SDK: never an exception that the bare SDK does not raise, never a wrong number as exact."""

import json

import pytest
from hostile_bench import CALLS, COST, UNPRICED, Bench
from hostile_oracle import WORST, fold, tokens
from hypothesis import given
from hypothesis import strategies as st
from support import api
from support.library import http

KEYS = [
    *api.USAGE, "type", "id", "model", "stop_reason", "usage", "message", "delta", "error", "details", "error_code",
    "iterations", "ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens", "output_tokens_details", "thinking_tokens",
    "server_tool_use", "web_search_requests", "fallback_credit", "status", "content", "index", "content_block", "speed",
]  # fmt: skip
TYPES = ["message", "message_start", "message_delta", "message_stop", "content_block_start", "content_block_delta",
         "content_block_stop", "ping", "error", "completion", "new_event"]  # fmt: skip
NUMBERS = st.sampled_from([0, 1, 7, -1, 2**30 - 1, 2**30, 2**63, 2**64, -(2**63), 10**100, 1.5, 1e308, -0.0,
                           float("nan"), float("inf"), float("-inf"), True, "12", None])  # fmt: skip
text = st.text(st.characters(codec=None, categories=None, exclude_categories=("Cs",)), max_size=12)
scalars = st.none() | st.booleans() | st.integers() | NUMBERS | st.floats() | text | st.sampled_from(TYPES)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | text, inner, max_size=4),
    max_leaves=12,
)
counts = st.integers(0, 5_000) | st.integers(0, 5_000) | NUMBERS
usages = st.fixed_dictionaries(
    {},
    optional={
        "input_tokens": counts,
        "output_tokens": counts,
        "cache_read_input_tokens": counts,
        "cache_creation_input_tokens": counts,
        "cache_creation": st.none()
        | st.fixed_dictionaries({}, optional={"ephemeral_5m_input_tokens": counts, "ephemeral_1h_input_tokens": counts})
        | anything,
        "service_tier": st.sampled_from(["standard", "priority", "batch", None]) | anything,
        "output_tokens_details": anything,
        "server_tool_use": anything,
    },
)


@pytest.fixture(scope="module")
def bench():
    with pytest.MonkeyPatch.context() as patch, Bench(patch) as made:
        yield made


def whole(body, status=200, headers=None):
    """The body as JSON, NaN and Infinity as Python writes them."""
    content = json.dumps(body).encode()
    named = {**api.HEADERS, "content-type": "application/json", **(headers or {})}
    return lambda _request: http.Response(status, headers=named, content=content)


def sse(chunks):
    content = b"".join(chunks)
    headers = {**api.HEADERS, "content-type": "text/event-stream"}
    return lambda _request: http.Response(200, headers=headers, content=content)


def event(data, name=None):
    name = name or (data.get("type") if isinstance(data, dict) else None)
    name = name if isinstance(name, str) and name.isidentifier() else "message_delta"
    return f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()


def same(bench, answer, **more):
    """Instrumented as bare. What a label is made of is fit to be one."""
    expected = bench.bare(answer, **more)
    assert bench.seen(answer, **more) == expected
    assert all(value and value.isprintable() and len(value) <= 200 for value in bench.labels())
    assert bench.total(CALLS) == 1


def exact(bench):
    """Whether the cost is presented as known to the cent."""
    return UNPRICED not in bench.metrics


@given(anything)
def test_any_body(bench, body):
    same(bench, whole(body))


@given(st.integers(400, 599), anything)
def test_any_refusal(bench, status, body):
    same(bench, whole(body, status))
    assert bench.total(COST) is None


@given(st.binary(max_size=200))
def test_any_bytes(bench, content):
    headers = {**api.HEADERS, "content-type": "application/json"}
    same(bench, lambda _request: http.Response(200, headers=headers, content=content))


@given(st.lists(st.binary(max_size=60) | anything.map(event), max_size=6))
def test_any_stream(bench, chunks):
    same(bench, sse(chunks), stream=True)


@given(usages)
def test_any_usage_of_a_whole_answer(bench, usage):
    same(bench, whole(api.message(usage=usage)))
    told = fold([usage], streamed=False)
    assert bench.tokens() == tokens(told)
    if WORST in told.values():
        assert not exact(bench)


@given(usages, st.lists(usages, max_size=4), st.booleans())
def test_any_usages_of_a_stream(bench, first, later, stops):
    events = [api.start(first), *api.BLOCK, *[api.delta(usage, stop_reason=None) for usage in later]]
    if stops:
        events += [{"type": "message_delta", "delta": {"stop_reason": "end_turn"}}, api.STOP]
    same(bench, sse(map(event, events)), stream=True)
    told = fold([first, *later], streamed=True)
    assert bench.tokens() == tokens(told)
    if WORST in told.values() or not stops or "output_tokens" not in told:
        assert not exact(bench)


@given(st.permutations([api.start(), *api.BLOCK, api.delta({"output_tokens": 7}), api.delta(), api.STOP]))
def test_any_order(bench, events):
    same(bench, sse(map(event, events)), stream=True)
    kinds = [one["type"] for one in events]
    started, stopped = kinds.index("message_start"), kinds.index("message_stop")
    deltas = [one["usage"]["output_tokens"] for one in events[started:stopped] if one["type"] == "message_delta"]
    if exact(bench):
        assert deltas, "exact, though no count of the output was told"
        assert bench.total("gen_ai.client.inference.usage.output_tokens") == deltas[-1]


def test_an_error_after_the_end_changes_nothing(bench):
    events = [*api.events(), api.error("overloaded_error")]
    same(bench, sse(map(event, events)), stream=True)
    ((key, count),) = bench.metrics["claude.client.attempts"].items()
    assert (count, dict(key)["claude.attempt.outcome"], "error.type" in dict(key)) == (1, "success", False)


@pytest.mark.parametrize("depth", [500, 5_000, 200_000])
@pytest.mark.parametrize("opening", ["[", '{"usage":'])
def test_deep_nesting(bench, depth, opening):
    closing = "]" if opening == "[" else "}"
    body = f'{{"type":"message","usage":{opening * depth}1{closing * depth}}}'.encode()
    same(bench, lambda _request: http.Response(200, headers={"content-type": "application/json"}, content=body))
    data = b"event: message_delta\ndata: " + body + b"\n\n"
    same(bench, sse([data]), stream=True)


@pytest.mark.parametrize(
    "number", ["1" * 5_000, "1e400", "-1e400", "0." + "3" * 5_000, "NaN", "-Infinity", "1E+2", "00"]
)
def test_numbers_that_are_none(bench, number):
    body = json.dumps(api.message()).replace('"output_tokens": 50', f'"output_tokens": {number}').encode()
    same(bench, lambda _request: http.Response(200, headers={"content-type": "application/json"}, content=body))
    assert bench.total("gen_ai.client.inference.usage.output_tokens") is None
    assert not exact(bench)


def test_the_same_key_twice(bench):
    body = json.dumps(api.message()).replace('"output_tokens": 50', '"output_tokens": 50, "output_tokens": 60').encode()
    same(bench, lambda _request: http.Response(200, headers={"content-type": "application/json"}, content=body))
    assert bench.total("gen_ai.client.inference.usage.output_tokens") == 60, "as JSON readers do: the last"
