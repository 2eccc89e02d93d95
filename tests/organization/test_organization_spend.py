"""`otel-claude spend` without a store: of what the Admin API reports, and of the JSON of a summary."""

from __future__ import annotations

import csv
import io
import json
import time
from decimal import Decimal

import pytest
from organization_world import ADMIN, OTHER, OTHER_HINT, SHOP_HINT, Clock

from otel_claude.cli import main

HOUR = 3600


@pytest.fixture
def clock():
    """Three hours ago: what is used then is in the reports by now."""
    return Clock(time.time() - 3 * HOUR)


@pytest.fixture
def spend(monkeypatch, capsys, simulator):
    monkeypatch.setenv("ANTHROPIC_BASE_URL", simulator.url)
    monkeypatch.setenv("ANTHROPIC_ADMIN_KEY", ADMIN)

    def spend(*arguments):
        with pytest.raises(SystemExit) as ended:
            main(["spend", *arguments])
        said = capsys.readouterr()
        return ended.value.code or 0, said.out, said.err

    return spend


def test_what_the_organization_was_billed_in_the_same_form(spend, call, clock):
    usages = [call(model="claude-opus-5-5").usage, call(OTHER).usage]
    clock.now = time.time()
    expected = {
        SHOP_HINT: Decimal(usages[0].input_tokens * 4 + usages[0].output_tokens * 20) / 10**6,
        OTHER_HINT: Decimal(usages[1].input_tokens * 2 + usages[1].output_tokens * 10) / 10**6,
    }
    for by, names in (("key", expected), ("key,type", None), ("model", None), ("day", None), ("hour", None)):
        code, out, err = spend("--source", "organization", "--last", "24h", "--by", by, "--format", "json")
        assert (code, err) == (0, "")
        said = json.loads(out)
        assert Decimal(said["usd"]) == sum(expected.values())
        if names is not None:
            assert {row["key"]: Decimal(row["usd"]) for row in said["rows"]} == names
            assert {row["key"]: row["output_tokens"] for row in said["rows"]} == {
                SHOP_HINT: usages[0].output_tokens, OTHER_HINT: usages[1].output_tokens,
            }  # fmt: skip
        if by == "key,type":
            assert {row["calls"] for row in said["rows"]} == {None}


REFUSED = [
    (("--by", "job"), "the organization's reports have no 'job': choose of model, key, workspace, type, day, hour"),
    (("--where", "job=a"), "--where is for what was measured"),
    (("--by", "hour", "--last", "90m"), "begin and end at whole hours"),
    (("--to", "2100-01-01"), "whole hours are reported up to 2"),
]


@pytest.mark.parametrize(("arguments", "message"), REFUSED, ids=[row[0][0] + row[0][1] for row in REFUSED])
def test_what_the_reports_do_not_say(spend, arguments, message):
    code, out, err = spend("--source", "organization", *arguments)
    assert (code, out) == (2, "")
    assert message in err


SUMMARY = {
    "models": [
        {"model": "claude-opus-5-5", "calls": 3, "parts": {"input": "1.50", "output": "2.00"},
         "tokens": {"input": 100, "cache_read": 300, "cache_write_5m": 0, "cache_write_1h": 0, "output": 50}},
        {"model": "=HYPERLINK(1)", "calls": 1, "parts": {"input": "0.25"},
         "tokens": {"input": 7, "cache_read": 0, "cache_write_5m": 0, "cache_write_1h": 0, "output": 0}},
    ],
    "unpriced": [{"reason": "unknown_model", "calls": 2}],
}  # fmt: skip


def test_a_summary(spend, tmp_path):
    file = tmp_path / "summary.json"
    file.write_text(json.dumps(SUMMARY))
    code, out, err = spend("--file", str(file), "--format", "json")
    assert (code, err) == (0, "")
    said = json.loads(out)
    assert (said["usd"], said["from"], said["unpriced_calls"]) == ("3.75", None, 2)
    assert said["rows"][0] == {
        "model": "claude-opus-5-5", "usd": "3.50", "calls": 3, "uncached_input_tokens": 100,
        "cache_read_input_tokens": 300, "cache_creation_input_tokens": 0, "output_tokens": 50,
        "share": "0.933333", "cache_hit_ratio": "0.750000",
    }  # fmt: skip
    _, out, _ = spend("--file", str(file), "--by", "type", "--format", "json")
    assert {row["type"]: row["usd"] for row in json.loads(out)["rows"]} == {"input": "1.75", "output": "2.00"}


def test_a_name_that_is_a_formula_runs_nothing_in_a_spreadsheet(spend, tmp_path):
    file = tmp_path / "summary.json"
    file.write_text(json.dumps(SUMMARY))
    _, out, _ = spend("--file", str(file), "--format", "csv")
    assert [row["model"] for row in csv.DictReader(io.StringIO(out))] == ["claude-opus-5-5", "'=HYPERLINK(1)"]


@pytest.mark.parametrize("text", ["{}", "[]", "{", '{"models": [{"model": "a"}]}'])
def test_a_file_that_is_no_summary(spend, tmp_path, text):
    file = tmp_path / "other.json"
    file.write_text(text)
    code, out, err = spend("--file", str(file))
    assert (code, out) == (2, "")
    assert err == f"otel-claude: spend: --file {file}: it is not the JSON of a summary\n"
