"""What holds for every golden file, so that none is rewritten blindly: its dollars, and what no telemetry may say."""

import json
import re
from decimal import Decimal
from pathlib import Path

import pytest
from support import api
from support.golden_acts import ACTS
from support.golden_case import FILES, load, render
from support.golden_oracle import dollars, missed

DOCS = Path(__file__).resolve().parents[2] / "docs"
CASES = {path.stem: load(path) for path in FILES}
PARTS = {"requests", "warnings", "native", "ours", "metrics"}
TRACINGS = ("native", "ours")
OURS = "otel_claude"
HISTOGRAMS = "gen_ai.client.inference.operation"
COUNTERS = "gen_ai.client.inference.usage"


def documented_reasons():
    """Those of the list that docs/prices.md refers to."""
    assert "metrics.md#values-of-claudeunpricedreason" in (DOCS / "prices.md").read_text(encoding="utf-8")
    section = (
        (DOCS / "metrics.md").read_text(encoding="utf-8").partition("\n## Values of `claude.unpriced.reason`\n")[2]
    )
    return set(re.findall(r"^\| `(\w+)` \|", section.partition("\n## ")[0], re.MULTILINE))


DOCUMENTED = documented_reasons()


def every(names=CASES):
    return pytest.mark.parametrize("name", names)


def spans(case, tracing):
    """The spans of calls, by what every one of them has."""
    return [span for span in case["telemetry"][tracing] if "claude.cost.status" in span["attributes"]]


def points(case, metric):
    return case["telemetry"]["metrics"].get(metric, {"points": []})["points"]


def total(case, metric):
    """The sum of a counter, exactly; None if it has no point."""
    told = [Decimal(repr(value)) for _, value in points(case, metric)]
    return sum(told) if told else None


def recorded(case, metric):
    """The sum of a histogram, exactly; None if it has no point."""
    told = [Decimal(repr(value["sum"])) for _, value in points(case, metric)]
    return sum(told) if told else None


@every()
def test_a_file_is_whole_and_in_the_form_in_which_it_is_written(name):
    (path,) = (path for path in FILES if path.stem == name)
    assert set(CASES[name]["telemetry"]) == PARTS
    assert path.read_text(encoding="utf-8") == render(CASES[name]) + "\n"


def test_there_is_a_file_for_everything_that_an_application_can_do():
    assert {case["action"] for case in CASES.values()} == set(ACTS)


@every()
def test_the_cost_is_what_the_replies_cost(name):
    """Also of a lower bound: it is the price of what the API said."""
    case = CASES[name]
    counted, expected = total(case, "claude.client.cost.usd") or 0, dollars(case)
    assert counted == expected
    if points(case, "claude.client.call.cost.usd"):
        assert recorded(case, "claude.client.call.cost.usd") == expected
    amounts = [span["attributes"].get("gen_ai.usage.cost.amount") for span in spans(case, "ours")]
    assert sum(Decimal(repr(amount)) for amount in amounts if amount is not None) == (expected if amounts else 0)


@every([name for name in CASES if name.startswith("diagnosis")])
def test_the_cost_of_misses_is_what_was_billed_for_them(name):
    assert (total(CASES[name], "claude.client.cache.missed.usd") or 0) == missed(CASES[name])


@every()
@pytest.mark.parametrize("tracing", TRACINGS)
def test_there_is_one_span_for_a_call_at_most(name, tracing):
    case = CASES[name]
    calls = total(case, "claude.client.calls") or 0
    assert len(spans(case, tracing)) == calls
    ours = [span for span in case["telemetry"][tracing] if span["scope"] == OURS]
    assert len(ours) == (calls if tracing == "ours" or case["action"] == "post" else 0)


@every()
@pytest.mark.parametrize("tracing", TRACINGS)
def test_the_parts_of_a_cost_add_up_to_it(name, tracing):
    for span in spans(CASES[name], tracing):
        told = span["attributes"]
        parts = [Decimal(repr(value)) for key, value in told.items() if re.fullmatch(r"claude\.cost\.\w+\.usd", key)]
        amount = told.get("gen_ai.usage.cost.amount")
        assert sum(parts) == Decimal(repr(amount or 0))
        assert (amount is None) == (told["claude.cost.status"] == "unpriced")
        assert (told["claude.cost.status"] == "exact") == ("claude.unpriced.reason" not in told)


@every()
@pytest.mark.parametrize("kind", ["input", "output"])
def test_counters_and_histograms_have_the_same_tokens(name, kind):
    counted = total(CASES[name], f"{COUNTERS}.{kind}_tokens")
    by_call = recorded(CASES[name], f"{HISTOGRAMS}.{kind}_tokens")
    if counted is not None and by_call is not None:
        assert counted == by_call


@every()
def test_every_call_that_is_not_exact_is_counted_with_its_reason(name):
    case = CASES[name]
    reasons = {labels["claude.unpriced.reason"] for labels, _ in points(case, "claude.client.unpriced")}
    on_spans = {span["attributes"].get("claude.unpriced.reason") for span in spans(case, "ours")} - {None}
    assert on_spans <= reasons
    assert bool(on_spans) == bool(reasons)
    assert reasons <= DOCUMENTED


@every()
def test_nothing_secret_and_no_content_is_in_the_telemetry(name):
    told = json.dumps(CASES[name]["telemetry"])
    for secret in (
        api.PROMPT,
        api.COMPLETION,
        api.ARGUMENT,
        api.COMPLETION[:8],
        api.TOKEN,
        api.KEY,
        "gateway-cred",
    ):
        assert secret not in told
    # No more of a key than its hint shows.
    assert set(re.findall(r"sk-ant-[\w.-]+", told)) <= {api.HINT}


def test_the_words_that_are_looked_for_are_in_the_files():
    said = " ".join(json.dumps([case["request"], case["replies"]]) for case in CASES.values())
    for word in (api.PROMPT, api.COMPLETION, api.ARGUMENT):
        assert word in said
