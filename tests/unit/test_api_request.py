"""Features and size of a request: scalars and counts of a body, of which nothing is consumed."""

from __future__ import annotations

import pytest

from otel_claude.api.request import RequestFeatures, RequestSize, measure_request, parse_request


class Untouchable:
    """A one-shot iterator that may not be read."""

    def __iter__(self):
        return self

    def __next__(self):
        pytest.fail("it was read")

    def __bool__(self):
        return pytest.fail("its truth was asked for")


BODY = {
    "model": "claude-opus-5-5",
    "stream": True,
    "max_tokens": 1_024,
    "service_tier": "auto",
    "thinking": {"type": "enabled", "budget_tokens": 2_000},
    "output_config": {"effort": "high", "format": {"type": "json_schema"}},
    "billing_policy": {"bill_to": "user_profile"},
    "messages": [{"role": "user", "content": "planted"}],
}

REQUESTS = [
    (BODY, None, RequestFeatures("claude-opus-5-5", True, True, 1_024, "auto", "enabled", 2_000, "high", True)),
    ({}, None, RequestFeatures()),
    (None, None, RequestFeatures()),
    ([BODY], None, RequestFeatures()),
    ({"model": "a"}, {"model": "b", "stream": True}, RequestFeatures("b", stream=True)),
    ({"model": "a"}, 5, RequestFeatures("a")),
    (None, {"model": "b"}, RequestFeatures("b")),
    ({"output_format": {"type": "json_schema"}}, None, RequestFeatures(json_output=True)),
    ({"output_format": {"type": "text"}}, None, RequestFeatures()),
    ({"billing_policy": {"bill_to": "organization"}}, None, RequestFeatures()),
    ({"model": 5, "stream": 1, "max_tokens": "9", "service_tier": []}, None, RequestFeatures()),
    ({"thinking": 5, "output_config": "", "billing_policy": []}, None, RequestFeatures()),
    ({"max_tokens": True, "thinking": {"type": 5, "budget_tokens": 0.5}}, None, RequestFeatures()),
    ({"max_tokens": 1 << 63, "thinking": {"budget_tokens": -(1 << 63) - 1}}, None, RequestFeatures()),
    ({"model": "x" * 1_001}, None, RequestFeatures()),
    ({"temperature": 0, "top_p": 0.9, "top_k": 40}, None, RequestFeatures(temperature=0.0, top_p=0.9, top_k=40)),
    ({"temperature": 1.0}, {"temperature": 0.5}, RequestFeatures(temperature=0.5)),
    ({"temperature": True, "top_p": "0.9", "top_k": 40.0}, None, RequestFeatures()),
    ({"temperature": float("nan"), "top_p": float("inf"), "top_k": 1 << 63}, None, RequestFeatures()),
    ({"temperature": 1 << 63, "stop_sequences": ["planted"], "conversation_id": "of no body"}, None, RequestFeatures()),
]  # fmt: skip


@pytest.mark.parametrize(("body", "extra", "expected"), REQUESTS)
def test_the_scalars_of_a_request(body, extra, expected):
    assert parse_request(body, extra, spans=True) == expected
    # Without a span of ours only what prices and metrics depend on.
    assert parse_request(body, extra, spans=False) == RequestFeatures(*expected[:3])


MARK = {"cache_control": {"type": "ephemeral"}}
SIZES = [
    ({}, (None, None, 0)),
    (None, (None, None, None)),
    ({"messages": [], "tools": []}, (0, 0, 0)),
    ({"messages": [{}, {}], "tools": [{}, {}, {}]}, (3, 2, 0)),
    ({"messages": [{"content": [{}, MARK]}, {"content": "text"}], "tools": [MARK], "system": [MARK]}, (1, 2, 3)),
    ({"system": "text", **MARK}, (None, None, 1)),
    ({"messages": [{"content": [{"cache_control": None}]}]}, (None, 1, 0)),
    ({"messages": [5, None, []], "tools": "x"}, (None, 3, 0)),
]


@pytest.mark.parametrize(("body", "counts"), SIZES)
def test_the_size_of_a_request(body, counts):
    size = measure_request(body, breakpoints=True)
    assert (size.tools, size.messages, size.cache_breakpoints) == counts
    assert measure_request(body, breakpoints=False) == size._replace(cache_breakpoints=None)


FREE = [
    ("web_search_20260209", True),
    ("web_fetch_20260209", True),
    ("web_search_20261101", True),
    ("web_search_20250305", False),
    ("web_search_20260208", False),
    ("web_search", False),
    ("code_execution_20260209", False),
    ("my_web_search_20260209", False),
    ("web_search_latest", False),
    (5, False),
    (None, False),
]


@pytest.mark.parametrize(("kind", "free"), FREE)
def test_code_execution_is_free_beside_web_tools_of_february_2026(kind, free):
    assert (
        measure_request({"tools": [{"type": "custom"}, {"type": kind}]}, breakpoints=False).code_execution_free is free
    )


@pytest.mark.parametrize("field", ["messages", "tools", "system", "model", "thinking", "output_config", "stream"])
def test_iterators_are_not_consumed(field):
    body = {"model": "claude-opus-5-5", field: Untouchable()}
    expected = None if field == "model" else "claude-opus-5-5"
    assert parse_request(body, None, spans=True) == RequestFeatures(expected)
    assert measure_request(body, breakpoints=True) == RequestSize(None, None, 0)


def test_an_iterator_of_blocks_in_a_message_is_not_consumed():
    body = {"messages": [{"content": Untouchable()}, {"content": (part for part in [MARK])}]}
    assert measure_request(body, breakpoints=True) == RequestSize(None, 2, 0)
    assert list(body["messages"][1]["content"]) == [MARK]
