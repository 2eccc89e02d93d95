import io
import sys

import pytest
from rich.console import Console
from summary_made import MODEL, NOW, OTHER, usual

from otel_claude.pricing.types import DAY
from otel_claude.summary import render
from otel_claude.summary.json import json_of
from otel_claude.summary.render import page_of
from otel_claude.summary.totals import Limit, Totals


def page(totals):
    return page_of(totals, prices="2026-11-22", dimensions="this program", now=NOW + 1)


def facts(totals):
    return {fact.label: " ".join(fact.lines) for fact in page(totals).facts}


def shown(totals, width=80):
    stream = io.StringIO()
    console = Console(file=stream, width=width, highlight=False, markup=False)
    render.draw(page(totals), console)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("pico", "places", "text"),
    [
        (0, 2, "0.00"), (10**12, 2, "1.00"), (1_234_567 * 10**12, 2, "1,234,567.00"), (1, 6, "<0.000001"),
        (5 * 10**9, 2, "0.01"), (4_999_999_999, 2, "<0.01"), (-(10**12), 2, "-1.00"), (123_456_789_012, 6, "0.123457"),
    ],
)  # fmt: skip
def test_dollars(pico, places, text):
    assert render.usd(pico, places) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0"), (99_999, "99,999"), (100_000, "100.0k"), (999_949, "999.9k"), (999_950, "1.00M"), (99_999_999, "100M"),
     (123_456_789, "123M"), (5_000_000_000, "5.00B")],
)  # fmt: skip
def test_tokens_take_at_most_seven_characters(count, text):
    assert render.tokens(count) == text
    assert len(text) <= 7


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(0, 0, "-"), (0, 5, "0 %"), (1, 1000, "<1 %"), (1, 2, "50 %"), (999, 1000, "99 %"), (5, 5, "100 %")],
)
def test_share(part, whole, text):
    assert render.share(part, whole) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.25, "250 ms"), (59.94, "59.9 s"), (61, "1 min 1 s"), (3720, "1 h 2 min")]
)
def test_seconds(value, text):
    assert render.seconds(value) == text


def test_what_is_counted_in_words():
    assert [render.times(1, "call"), render.times(1200, "call"), render.times(3, "process")] == [
        "1 call", "1,200 calls", "3 processes",
    ]  # fmt: skip


def test_the_headline_says_how_sure_it_is():
    assert page(usual()).headline == "12 calls to Claude: $0.088950"
    bound = usual(add=[("unpriced", 1, "incomplete_stream", MODEL)])
    assert page(bound).headline == "12 calls to Claude: at least $0.088950"
    unknown = Totals({("call", "new"): 2, ("unpriced", "unknown_model", "new"): 2})
    assert page(unknown).headline == "2 calls to Claude: not known"
    many = usual().fold([usual()])
    assert page(many).headline == "24 calls to Claude in 2 processes: $0.177900"


BATCHED = [
    ("result", 3, "succeeded", MODEL), ("result", 2, "errored", ""), ("result", 1, "expired", ""),
    ("batched", 68_100_000_000),
]  # fmt: skip


def test_results_of_batches_beside_calls():
    both = usual(add=[*BATCHED, ("unpriced", 1, "invalid_result", "_other")])
    assert page(both).headline == "12 calls to Claude, 6 results of batches: at least $0.088950"
    table = page(both).tables[1]
    assert table.columns[:2] == ("Model", "Count")
    assert [row[:2] for row in table.rows] == [(MODEL, "13"), (OTHER, "2")]
    # Those without an answer tell no model.
    assert table.total[:2] == ("total", "15")
    assert facts(both)["Batches"] == "6 results for $0.068100: succeeded 3, errored 2, expired 1"
    assert facts(both)["Not exact"].startswith("1 request, invalid_result: ")
    data = json_of(both, table="2026-11-22", now=NOW)
    assert data["batches"] == {"results": {"succeeded": 3, "errored": 2, "expired": 1}, "usd": "0.0681"}
    assert [(row["calls"], row["results"]) for row in data["models"]] == [(10, 3), (2, 0)]


def test_a_program_that_only_reads_results():
    only = Totals({("result", "succeeded", MODEL): 2, ("cost", "output", MODEL): 10**10, ("batched",): 10**10})
    assert page(only).headline == "2 results of batches: $0.010000"
    assert page(only).tables[1].rows == [(MODEL, "2", "0", "0", "0", "0", "0.010000")]
    assert (only.is_empty, only.processes) == (False, 1)
    assert "Batches" not in facts(usual())
    assert json_of(usual(), table="2026-11-22", now=NOW)["batches"] == {"results": {}, "usd": "0.00"}
    unread = Totals({("result", "_other", ""): 1, ("unpriced", "invalid_result", "_other"): 1})
    assert page(unread).headline == "1 result of batches: not known"
    assert facts(unread)["Not exact"].startswith("1 result, invalid_result: ")


def test_types():
    table = page(usual()).tables[0]
    assert table.rows == [
        ("input, uncached", "450", "0.000500", "1 %"),
        ("cache read", "50,000", "0.005000", "6 %"),
        ("cache write 5m", "10,000", "0.025000", "28 %"),
        ("cache write 1h", "2,000", "0.008000", "9 %"),
        ("output", "3,090", "0.030450", "34 %"),
        ("  of it thinking", "700", "", ""),
        ("web search", "2 requests", "0.020000", "22 %"),
    ]
    assert table.total == ("total", "65,540", "0.088950", "")


def test_models():
    table = page(usual()).tables[1]
    assert table.rows == [
        (MODEL, "10", "50", "50,000", "12,000", "3,000", "0.068100"),
        (OTHER, "2", "400", "0", "0", "90", "0.020850"),
    ]
    assert table.total == ("total", "12", "450", "50,000", "12,000", "3,090", "0.088950")


def test_what_is_not_known_is_never_0():
    totals = Totals({
        ("call", "new"): 2, ("unpriced", "unknown_model", "new"): 2,
        ("tokens", "total_input", "new"): 30, ("tokens", "output", "new"): 5,
    })  # fmt: skip
    types, models = page(totals).tables
    assert types.rows == [("input, uncached", "30", "", ""), ("output", "5", "", "")]
    assert types.total[2] == "unknown"
    assert models.rows[0][-1] == "unknown"
    partly = page(usual(add=[("unpriced", 1, "incomplete_stream", MODEL)])).tables[1]
    assert [row[-1] for row in partly.rows] == [">=0.068100", "0.020850"]


def test_facts():
    assert facts(usual(add=[("unpriced", 3, "unknown_model", "x")])) == {
        "Errors": "2 calls failed: overloaded_error 2",
        "Attempts": "17 attempts, 5 of them retried after waiting 8.2 s",
        "Blocked by": "overloaded 4, rate_limit 3",
        "Cache": "saved $0.095000, cost $0.009000 more: net +$0.086000 80 % of the input was read from it",
        "Tightest limit": f"input_tokens ({MODEL}): 85 % used, resets in 40.2 s",
        "Not exact": "3 calls, unknown_model: The price table has no such model, or the answer names none. What to do: "
        "Upgrade otel-claude, or give the model a price or an alias in the file that OTEL_CLAUDE_PRICES names.",
        "Stopped": "end_turn 9, max_tokens 1",
        "Prices": "table of 2026-11-22",
    }


def test_a_cache_that_was_written_and_never_read_has_a_negative_net():
    totals = Totals({
        ("call", MODEL): 1, ("tokens", "total_input", MODEL): 100, ("tokens", "cache_write_5m", MODEL): 90,
        ("overhead",): 45_000_000,
    })  # fmt: skip
    cache = next(fact for fact in page(totals).facts if fact.label == "Cache")
    assert cache.lines[0] == "saved $0.000000, cost $0.000045 more: net -$0.000045"
    assert cache.style == "red"


def test_no_cache_no_errors_no_limit():
    assert facts(Totals({("call", MODEL): 1})) == {"Cache": "not used", "Prices": "table of 2026-11-22"}


@pytest.mark.parametrize(
    ("limit", "text"),
    [
        (Limit("requests", None, 0.5, NOW, NOW + 600), "requests: 50 % used, resets in 9 min 59 s"),
        (
            Limit("requests", None, 1.0, NOW - 99, NOW - 9),
            "requests: 100 % used, 1 min 40 s before the end, reset by now",
        ),
        (Limit("tokens", None, 0.004, NOW, NOW + 1.5), "tokens: <1 % used, resets in <1 s"),
        (Limit("tokens", None, 0.004, NOW), "tokens: <1 % used"),
    ],
)  # fmt: skip
def test_the_tightest_limit(limit, text):
    assert facts(usual(limit=limit))["Tightest limit"] == text


@pytest.mark.parametrize(
    ("days", "text", "style"),
    [
        (61, "claude-x retires on 2026-01-24 on Anthropic's own platform", ""),
        (59, "claude-x retires on 2026-01-22 on Anthropic's own platform", "yellow"),
        (-1, "claude-x retired on 2025-11-23 on Anthropic's own platform", "yellow"),
    ],
)
def test_when_a_model_retires(days, text, style):
    totals, today = usual(), NOW // DAY * DAY
    totals.retirements["claude-x"] = int(today + days * DAY)
    (fact,) = [fact for fact in page(totals).facts if fact.label == "Retirement"]
    assert (fact.lines, fact.style) == ((text,), style)
    assert json_of(totals, table="2026-11-22", now=NOW)["retirements"] == {"claude-x": text.split()[3]}


def test_a_reason_that_nobody_explained():
    assert facts(usual(add=[("unpriced", 1, "brand_new", MODEL)]))["Not exact"] == "1 call, brand_new"


def test_80_columns_are_enough():
    text = shown(usual(add=[("unpriced", 3, "unknown_endpoint", "us.anthropic.claude-sonnet-4-5-20250929-v1:0")]))
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in text
    for line in ("12 calls to Claude: at least $0.088950", f"{MODEL}     "):
        assert line in text
    # No amount is cut, whatever the width of the names.
    assert text.count(">=0.088950") == 2
    assert "…" not in text


def test_plain_text_says_the_same():
    lines = list(render.plain(page(usual())))
    text = "\n".join(lines)
    assert max(map(len, lines)) <= 80
    assert "12 calls to Claude: $0.088950" in text
    assert [MODEL, "10", "50", "50,000", "12,000", "3,000", "0.068100"] in [line.split() for line in lines]
    assert any(line.startswith("Blocked by      overloaded 4, rate_limit 3") for line in lines)


def test_without_rich(monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "rich"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "rich.console", None)
    stream = io.StringIO()
    render.show(page(usual()), stream)
    assert stream.getvalue().splitlines()[-1] == "For a better layout: pip install 'otel-claude[cli]'"
    assert "12 calls to Claude: $0.088950" in stream.getvalue()


def test_no_colour_and_no_great_width_where_there_is_no_terminal(monkeypatch):
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.setenv("COLUMNS", "300")
    stream = io.StringIO()
    render.show(page(usual()), stream)
    assert "\x1b" not in stream.getvalue()
    assert max(map(len, stream.getvalue().splitlines())) <= 100


def test_json():
    data = json_of(usual(add=[("unpriced", 1, "incomplete_stream", MODEL)]), table="2026-11-22", now=NOW + 1)
    assert (data["usd"], data["status"], data["calls"], data["processes"]) == ("0.08895", "lower_bound", 12, 1)
    assert data["parts"] == {
        "input": "0.0005", "cache_read": "0.005", "cache_write_5m": "0.025", "cache_write_1h": "0.008",
        "output": "0.03045", "web_search": "0.02",
    }  # fmt: skip
    assert data["tokens"]["input"] == 450
    assert [(row["model"], row["usd"], row["status"]) for row in data["models"]] == [
        (MODEL, "0.0681", "lower_bound"), (OTHER, "0.02085", "exact"),
    ]  # fmt: skip
    assert data["cache"] == {
        "saved_usd": "0.095", "overhead_usd": "0.009", "net_usd": "0.086", "hit_ratio": 50_000 / 62_450,
    }  # fmt: skip
    assert data["attempts"] == {"total": 17, "success": 10, "retried": 5, "failed": 2}
    assert (data["retry_wait_seconds"], data["price_table"]) == (8.25, "2026-11-22")
    assert data["tightest_limit"] == {
        "name": "input_tokens", "model": MODEL, "utilization": 0.85, "seconds_ago": 1.0, "seconds_to_reset": 40.2,
    }  # fmt: skip
    assert data["unpriced"][0]["reason"] == "incomplete_stream"
    assert data["unpriced"][0]["remedy"].startswith("Read streams")


def test_json_of_what_is_not_known():
    unknown = Totals({("call", "new"): 2, ("unpriced", "unknown_model", "new"): 2})
    data = json_of(unknown, table="2026-11-22", now=NOW)
    assert data["usd"] is None
    assert data["models"][0]["usd"] is None
    assert data["status"] == "unpriced"
    assert data["retry_wait_seconds"] == 0
    assert data["tightest_limit"] is None
    assert data["cache"]["hit_ratio"] is None
