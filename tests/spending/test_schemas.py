"""The schemas of the answers: what they accept and what not. Real answers: tests/stack/test_live_spending.py."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from answer_schemas import COMMANDS, mistakes, schema
from otel_claude.cli import main
from otel_claude.spending.explain import MEASURES
from otel_claude.spending.usage import CODE_DIMENSIONS, DIMENSIONS, WIDTHS

DOCS = (Path(__file__).parents[2] / "docs/answers.md").read_text()
PERIOD = {"from": "2026-11-27T00:00:00Z", "to": "2026-11-28T00:00:00Z", "usd": "1.25"}
ANSWERS = {
    "spend": {
        "schema": 1, "source": "prometheus", **PERIOD, "by": ["job", "tag.team"], "unpriced_calls": 0, "unpriced": [],
        "rows": [{
            "job": "shop", "tag.team": None, "usd": "1.25", "calls": 3, "uncached_input_tokens": 5,
            "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0, "output_tokens": 1, "share": "1.000000",
            "cache_hit_ratio": None,
        }],
    },
    "explain": {
        "schema": 1, "before": PERIOD, "after": PERIOD, "change_usd": "-0.50",
        "causes": [{"cause": "price", "usd": "-0.50", "measure": "x", "where": [
            {"job": "shop", "tag.team": "a", "model": "m", "model_before": "n", "usd": "-0.50", "before": "5",
             "after": "0.25"},
        ]}],
        "normal": {"weeks_between": 1, "periods_usd": ["1.25"], "median_usd": "1.25", "is_normal": None},
    },
    "advise": {
        "schema": 1, **PERIOD,
        "advice": [{"id": "cache_unread", "certainty": "exact", "usd_per_month": "12.00",
                    "where": {"job": "shop", "model": "m"}, "evidence": {"usd": {"value": "1.00", "query": "q"}},
                    "change": "x", "risk": "y"}],
        "options": [{"id": "batches", "usd_per_month": "3.00"}],
    },
}  # fmt: skip
"""As the issue of each command and docs/answers.md have them."""


@pytest.mark.parametrize("command", COMMANDS)
def test_a_schema_is_one_and_is_documented(command):
    Draft202012Validator.check_schema(schema(command))
    assert schema(command)["title"] == f"otel-claude {command} --json, schema 1"
    assert f"schema/{command}.schema.json" in DOCS
    assert mistakes(command, ANSWERS[command]) == []


def of(answer, path):
    for step in path[:-1]:
        answer = answer[step]
    return answer, path[-1]


WRONG = [
    ("spend", ("schema",), 2),
    ("spend", ("usd",), 1.25),
    ("spend", ("usd",), "1.2"),
    ("spend", ("from",), "2026-11-27"),
    ("spend", ("source",), "both"),
    ("spend", ("rows", 0, "calls"), "3"),
    ("spend", ("rows", 0, "share"), 1),
    ("spend", ("rows", 0, "job"), 5),
    ("spend", ("rows", 0, "tag.team"), 5),
    ("explain", ("causes", 0, "cause"), "luck"),
    ("explain", ("causes", 0, "where"), []),
    ("explain", ("causes", 0, "where", 0, "before"), 5),
    ("explain", ("before", "from"), None),
    ("explain", ("normal", "is_normal"), "yes"),
    ("advise", ("advice", 0, "certainty"), "likely"),
    ("advise", ("advice", 0, "usd_per_month"), 12),
    ("advise", ("advice", 0, "where", "job"), 1),
    ("advise", ("advice", 0, "evidence", "usd"), "1.00"),
    ("advise", ("options", 0, "usd_per_month"), None),
]


@pytest.mark.parametrize(("command", "path", "value"), WRONG)
def test_what_is_wrong_is_found(command, path, value):
    answer = copy.deepcopy(ANSWERS[command])
    place, name = of(answer, path)
    place[name] = value
    assert mistakes(command, answer)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_field_of_an_answer_is_required(command):
    for name in ANSWERS[command]:
        without = {key: value for key, value in ANSWERS[command].items() if key != name}
        assert mistakes(command, without) == [f"$: {name!r} is a required property"]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_new_field_breaks_nobody(command):
    answer = copy.deepcopy(ANSWERS[command]) | {"new": 1}
    assert mistakes(command, answer, is_closed=False) == []
    assert mistakes(command, answer) != []


def test_every_dimension_and_every_cause_is_written_down():
    fields = schema("spend")["$defs"]["row"]
    dimensions = set(fields["properties"]) - set(fields["required"]) - {"others"}
    assert dimensions == {*WIDTHS, *DIMENSIONS, *CODE_DIMENSIONS}
    causes = schema("explain")["properties"]["causes"]["items"]["properties"]["cause"]["enum"]
    assert set(causes) == MEASURES.keys()


@pytest.mark.parametrize("by", ["model", "type", "model,type"])
def test_the_answer_of_a_file(tmp_path, capsys, by):
    file = tmp_path / "summary.json"
    model = {"model": "m", "calls": 2, "parts": {"input": "0.5", "output": "1"}, "tokens": {"input": 5, "output": 1}}
    file.write_text(json.dumps({"models": [model], "unpriced": [{"reason": "unknown_model", "calls": 1}]}))
    with pytest.raises(SystemExit) as ended:
        main(["spend", "--file", str(file), "--by", by, "--json"])
    assert not ended.value.code
    said = json.loads(capsys.readouterr().out)
    assert mistakes("spend", said) == []
    assert (said["source"], said["from"], said["usd"], said["unpriced_calls"]) == ("file", None, "1.50", 1)
