"""The comparison finds what differs, and prices sums as the calls in them."""

import copy
import io
from decimal import Decimal

import pytest
from rich.console import Console

from otel_claude import pricing
from otel_claude_demo import screen
from otel_claude_demo.comparison import compare
from otel_claude_demo.rates import Way, cost
from otel_claude_demo.simulator import Served, ServedLog

NOW = 1_795_000_000.0
MODEL = "claude-sonnet-5-5"
USAGE = {
    "input_tokens": 10,
    "cache_creation_input_tokens": 5,
    "cache_read_input_tokens": 40,
    "cache_creation": {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 2},
    "output_tokens": 7,
    "service_tier": "standard",
    "inference_geo": "global",
}
# Sonnet 5.5 in November 2026: 2 USD a million for input, 0.10 for reads, 2.50 and 4 for writes, 10 for output.
PARTS = {
    "input": "0.00002",
    "cache_read": "0.000004",
    "cache_write_5m": "0.0000075",
    "cache_write_1h": "0.000008",
    "output": "0.00007",
}
SUMMARY = {
    "models": [
        {
            "model": MODEL,
            "tokens": {"input": 10, "cache_read": 40, "cache_write_5m": 3, "cache_write_1h": 2, "output": 7},
            "parts": PARTS,
        }
    ],
    "server_tools": {},
    "attempts": {"total": 1},
    "batches": {"results": {}},
}


def served(**changes):
    fields = {
        "time": NOW, "path": "/v1/messages", "platform": "anthropic", "status": 200, "model": MODEL, "scenario": "",
        "key_hint": "", "attempt": 0, "stream": False, "outcome": "finished", "request_id": "r", "usage": USAGE,
        "used": USAGE,
    }  # fmt: skip
    return Served(**{**fields, **changes})


def log(*records):
    made = ServedLog()
    for record in records:
        made.add(record)
    return made


def differences(made, summary=SUMMARY):
    return list(compare(made, summary, pricing.shipped(), at=NOW).differences())


def changed(path, value):
    data = copy.deepcopy(SUMMARY)
    holder = data
    *way, last = path
    for name in way:
        holder = holder[name]
    holder[last] = value
    return data


def test_the_same():
    assert differences(log(served())) == []


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("models", 0, "tokens", "output"), 6, f"{MODEL}, output: 7 tokens served, 6 measured"),
        (("models", 0, "parts", "input"), "0.000020000001", "20,000,000 pico-dollars served, 20,000,001 measured"),
        (("models", 0, "model"), "another", "another, cache_read: 0 tokens served, 40 measured"),
        (("models",), [], f"{MODEL}, input: 10 tokens served, 0 measured"),
        (("attempts", "total"), 2, "1 HTTP requests served, 2 measured"),
        (("server_tools", "web_search"), 1, "0 web searches served, 1 measured"),
        (("batches", "results"), {"succeeded": 1}, "0 results of batches served, 1 measured"),
    ],
)
def test_a_difference_is_told(path, value, said):
    assert any(said in line for line in differences(log(served()), changed(path, value)))


def test_what_cannot_be_measured_is_apart():
    left = served(outcome="aborted", usage={**USAGE, "output_tokens": 1})
    silent = served(outcome="aborted", usage=None, status=None)
    compared = compare(log(left, silent), SUMMARY, pricing.shipped(), at=NOW)
    assert (compared.apart.left, compared.apart.unheard) == (2, 14)
    assert list(compared.differences()) == [
        f"{MODEL}, output: 0 tokens served, 7 measured",
        f"{MODEL}, output: 0 pico-dollars served, 70,000,000 measured",
        "2 HTTP requests served, 1 measured",
    ]


def test_answers_in_batches_are_served_at_half_the_price():
    batch = served(path="/v1/messages/batches/b", used={**USAGE, "service_tier": "batch"})
    halves = {name: str(Decimal(part) / 2) for name, part in PARTS.items()}
    summary = changed(("models", 0, "parts"), halves) | {"attempts": {"total": 0}}
    assert differences(log(batch), summary | {"batches": {"results": {"succeeded": 1}}}) == []
    assert differences(log(batch), summary) == ["1 results of batches served, 0 measured"]


def test_sums_are_not_priced_as_one_long_prompt():
    # A single prompt of more than 100,000 tokens costs five times as much.
    haiku = Way("claude-haiku-5-5")
    assert cost(pricing.shipped(), haiku, {"input": 1_000_000}, at=NOW)["input"] == 100_000_000_000


def test_no_price_is_an_error():
    with pytest.raises(ValueError, match="claude-unheard-of has no exact price: unknown_model"):
        cost(pricing.shipped(), Way("claude-unheard-of"), {"input": 1}, at=NOW)


@pytest.mark.parametrize("summary", [SUMMARY, changed(("attempts", "total"), 2)])
def test_the_screen_says_whether(summary):
    stream = io.StringIO()
    console = Console(file=stream, width=80, highlight=False, markup=False)
    same = screen.compared(console, compare(log(served()), summary, pricing.shipped(), at=NOW))
    assert same is (summary is SUMMARY)
    said = stream.getvalue().splitlines()
    assert max(map(len, said)) <= 80
    if same:
        assert said[-1] == "Measured = served: 62 tokens and $0.000110, equal in every token type and model."
    else:
        assert said[-2:] == ["Measured and served are NOT the same:", "  1 HTTP requests served, 2 measured"]
