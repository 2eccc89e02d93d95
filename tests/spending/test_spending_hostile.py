"""`spend`, `explain` and `advise` against a store that answers anything: one sentence, its exit code, plain words."""

from __future__ import annotations

import io
from itertools import count
from urllib.parse import parse_qs

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foreign_json import any_value, dumped, replaced
from otel_claude import prometheus as client
from otel_claude.cli import main

HOSTILE = (
    '=HYPERLINK("http://evil/","x")', "\x1b[2J\x1b]0;owned\x07", "a\r\nb\u202ec\x9b31m", "x" * 10_000, "\ud800",
    "a\\|b<img src=x>", "NaN", "+Inf", "1e400", "1E+999999999", "-1", "1e308", "5e-324", "-1e20", "",
    "999999y999999y999999y",
)  # fmt: skip
values = any_value(HOSTILE)
NUMBERS = (st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**18), 10**18)).map(str)
LABELS = {
    "claude_cost_type": "input", "gen_ai_response_model": "claude-opus-5-5", "job": "shop", "claude_tag_team": "search",
    "claude_unpriced_reason": "no_response", "claude_cache_ttl": "5m", "gen_ai_tool_name": "web_search",
}  # fmt: skip
SAMPLE = ("data", "result", 0, "value")
PATHS = [
    (), ("status",), ("data",), ("data", "result"), ("data", "result", 0), ("data", "result", 0, "metric"), SAMPLE,
    *(("data", "result", 0, "metric", name) for name in LABELS), (*SAMPLE, 0), (*SAMPLE, 1), ("warnings",),
    ("isPartial",),
]  # fmt: skip
BUILDS = [("data",), ("data", "application"), ("data", "version"), ("data", "storageRetention")]
PERIOD = ("--from", "2026-11-10", "--to", "2026-11-12")
COMMANDS = st.sampled_from([
    *(("spend", *PERIOD, "--format", form, "--by", by)
      for form in ("table", "csv", "json", "markdown") for by in ("job,model", "day,tag.team", "hour", "type")),
    ("spend", "--last", "2h"), ("explain", *PERIOD), ("explain", *PERIOD, "--tag", "team", "--json"),
    ("explain", "--last", "3h", "--week-before"), ("advise", *PERIOD), ("advise", "--last", "2d", "--json"),
])  # fmt: skip
KEPT = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, *HealthCheck])


def answered(request, value=("1000000",)):
    """What a store says that has one series of everything, to which all was recorded."""
    query = parse_qs((request.data or b"").decode())
    if "/status/" in request.full_url:
        return {"status": "success", "data": {"application": "Prometheus", "version": "3.1", "storageRetention": "5y"}}
    if "start" not in query:
        return {
            "status": "success",
            "data": {"result": [{"metric": LABELS, "value": [float(query["time"][0]), *value]}]},
        }
    start, end, step = float(query["start"][0]), float(query["end"][0]), float(query["step"][0][:-1])
    samples = [[start + number * step, *value] for number in range(int((end - start) / step) + 1)]
    return {"status": "success", "data": {"result": [{"metric": LABELS, "values": samples, "value": samples[0]}]}}


@pytest.fixture
def otel_claude(monkeypatch, capsys):
    """A command against a store that answers as a function says."""
    monkeypatch.setenv("NO_COLOR", "1")

    def otel_claude(answer, *arguments):
        monkeypatch.setattr(client, "send", lambda request, *_: io.BytesIO(answer(request)))
        with pytest.raises(SystemExit) as ended:
            main([arguments[0], "--prometheus", "http://p", *arguments[1:]])
        out, err = capsys.readouterr()
        code = ended.value.code or 0
        assert "fault of otel-claude" not in err
        assert (code == 0 and out) or (code == 2 and err.count("\n") <= 2 and not out), (code, err)
        assert all(each.isprintable() for text in (out, err) for each in text.split("\n"))
        return code, out, err

    return otel_claude


@pytest.mark.parametrize("command", ["spend", "explain"])
def test_what_is_answered_well_is_shown(otel_claude, command):
    code, out, _ = otel_claude(lambda request: dumped(answered(request)), command, *PERIOD)
    assert (code, "1,000,000.00" in out) == (0, True)


@KEPT
@given(at=st.sampled_from(PATHS), value=values | NUMBERS, before=st.integers(0, 12), build=st.sampled_from(BUILDS),
       other=values, command=COMMANDS)  # fmt: skip
def test_any_value_anywhere_in_an_answer(  # noqa: PLR0917 - each is drawn
    otel_claude, at, value, before, build, other, command
):
    """`before`: after so many answers that are as they should be."""
    asked = count()

    def answer(request):
        said = answered(request)
        if "/status/" in request.full_url:
            return dumped(replaced(said, build, other))
        if next(asked) < before:
            return dumped(said)
        if "values" in said["data"]["result"][0] and at[: len(SAMPLE)] == SAMPLE:
            return dumped(replaced(said, (*SAMPLE[:-1], "values", 0, *at[len(SAMPLE) :]), value))
        return dumped(replaced(said, at, value))

    otel_claude(answer, *command)


BODIES = st.binary(max_size=60) | values.map(dumped) | st.sampled_from([b"[" * 10**6, b"9" * 5000, b'{"status":'])


@KEPT
@given(body=BODIES, command=COMMANDS)
def test_any_body(otel_claude, body, command):
    assert otel_claude(lambda _: body, *command)[0] == 2


SUMMARY = {
    "models": [{"model": "claude-opus-5-5", "parts": {"input": "0.5", "output": "1.5"}, "calls": 3,
                "tokens": {"input": 10, "cache_read": 4, "cache_write_5m": 0, "cache_write_1h": 0, "output": 7}}],
    "unpriced": [{"reason": "no_response", "calls": 2}],
}  # fmt: skip
IN_MODEL = ("models", 0)
IN_SUMMARY = [
    (), ("models",), IN_MODEL, *((*IN_MODEL, name) for name in SUMMARY["models"][0]), (*IN_MODEL, "parts", "input"),
    (*IN_MODEL, "parts", HOSTILE[1]), (*IN_MODEL, "tokens", "input"), ("unpriced",), ("unpriced", 0),
    ("unpriced", 0, "reason"), ("unpriced", 0, "calls"),
]  # fmt: skip


@KEPT
@given(at=st.sampled_from(IN_SUMMARY), value=values | NUMBERS, by=st.sampled_from(["model", "type", "model,type"]),
       form=st.sampled_from(["table", "csv", "json", "markdown"]))  # fmt: skip
def test_any_value_anywhere_in_a_summary(otel_claude, tmp_path, at, value, by, form):
    file = tmp_path / "summary.json"
    file.write_bytes(dumped(replaced(SUMMARY, at, value)))
    code, out, _ = otel_claude(lambda _: b"", "spend", "--file", str(file), "--by", by, "--format", form)
    assert form != "table" or code or max(map(len, out.splitlines())) < 500


@pytest.mark.parametrize("form", ["table", "csv", "json", "markdown"])
@pytest.mark.parametrize(
    ("at", "value"),
    [*(((*IN_MODEL, "parts", "input"), usd) for usd in ("NaN", "sNaN", "Infinity", "1E+999999999", "1e999", "-1e30")),
     ((*IN_MODEL, "calls"), 10**400), ((*IN_MODEL, "tokens", "output"), 10**400),
     (("unpriced", 0, "calls"), -(10**400))],
)  # fmt: skip
def test_amounts_that_cannot_be_are_no_summary(otel_claude, tmp_path, at, value, form):
    file = tmp_path / "summary.json"
    file.write_bytes(dumped(replaced(SUMMARY, at, value)))
    code, _, err = otel_claude(lambda _: b"", "spend", "--file", str(file), "--format", form)
    assert (code, err.endswith("it is not the JSON of a summary\n")) == (2, True)


@pytest.mark.parametrize("form", ["table", "csv", "json", "markdown"])
def test_types_of_cost_in_a_summary_are_plain_and_each_counts(otel_claude, tmp_path, form):
    file = tmp_path / "summary.json"
    parts = {HOSTILE[1]: "0.0", f"{HOSTILE[1]}\x00": "0.25", "input": "1.5"}
    file.write_bytes(dumped(replaced(SUMMARY, (*IN_MODEL, "parts"), parts)))
    code, out, _ = otel_claude(lambda _: b"", "spend", "--file", str(file), "--by", "type", "--format", form)
    assert (code, "\x1b" in out, "0.25" in out) == (0, False, True)


def test_names_of_a_summary_are_plain(otel_claude, tmp_path):
    file = tmp_path / "summary.json"
    hostile = replaced(replaced(SUMMARY, (*IN_MODEL, "model"), HOSTILE[1]), ("unpriced", 0, "reason"), HOSTILE[1])
    file.write_bytes(dumped(hostile))
    for form in ("table", "csv", "markdown", "json"):
        _, out, _ = otel_claude(lambda _: b"", "spend", "--file", str(file), "--format", form)
        assert ("[2J ]0;owned" in out.replace("\\", ""), "\x1b" in out) == (True, False)


def test_names_in_markdown_are_text(otel_claude, tmp_path):
    """A page that shows it makes no image, link, markup or further cell of them."""
    file = tmp_path / "summary.json"
    file.write_bytes(dumped(replaced(SUMMARY, (*IN_MODEL, "model"), "a\\|<img src=x>[b](http://c)*`_&lt;")))
    _, out, _ = otel_claude(lambda _: b"", "spend", "--file", str(file), "--format", "markdown")
    cell = r"a\\\|\<img src=x\>\[b\](http://c)\*\`\_\&lt;"
    assert out.splitlines()[2].startswith(f"| {cell} | 2.00 | 100.0% |")


ODD = [
    ("--last", "99999999d", "is no length of time"),
    ("--last", "0d", "is no length of time"),
    ("--from", "0001-01-01T00:00+12:00", "is no time"),
    ("--from", "0001-01-01", "is before 2020, when nothing was measured"),
    ("--to", "0001-01-01", "is before 2020, when nothing was measured"),
    ("--to", "9999-12-31T23:59:59-12:00", "is no time"),
    ("--to", "9999-12-31", "the period ends in the future"),
    ("--from", "2020-01-01", "Prometheus"),
    ("--store", "x\x1b[2J", "--store takes prometheus or mimir or victoria-metrics"),
    ("--where", "tag.=1", "is no dimension"),
]  # fmt: skip


@pytest.mark.parametrize(("option", "value", "said"), ODD)
@pytest.mark.parametrize("command", ["spend", "explain"])
def test_odd_arguments_get_one_sentence(otel_claude, command, option, value, said):
    code, _, err = otel_claude(lambda request: dumped(answered(request)), command, option, value)
    assert (code, err.startswith(f"otel-claude: {command}: "), said in err) == (2, True, True)


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (("spend", "--top", "inf"), "'inf' is no number"),
        (("spend", "--top", "1e400"), "'1e400' is no number"),
        (("explain", "--against", "0001-01-01", "0001-01-02"), "is before 2020"),
        (("explain", "--against", "2026-11-02", "2026-11-01"), "its end is not after its beginning"),
        (("explain", "--week-before", "--from", "2020-01-01"), "keeps 1825 days, and the period begins earlier"),
    ],
)
def test_odd_arguments_of_one_command(otel_claude, option, said):
    code, _, err = otel_claude(lambda request: dumped(answered(request)), *option)
    assert (code, said in err) == (2, True)


def test_each_hour_of_many_years_is_refused_before_it_is_asked_for(otel_claude):
    """A million rows are no table; where a store does not say for how long it keeps them, nothing else bounds that."""
    options = ("--store", "victoria-metrics", "--from", "2020-01-01", "--by", "hour")
    code, _, err = otel_claude(lambda _: dumped({"status": "success", "data": {"result": []}}), "spend", *options)
    assert (code, "more than 10,000 hours" in err) == (2, True)


@pytest.mark.parametrize("columns", ["20", "80", "120"])
def test_no_number_is_broken_on_any_terminal(otel_claude, monkeypatch, tmp_path, columns):
    """A name goes on in the next line, where it is long; a number would be another one."""
    monkeypatch.setenv("COLUMNS", columns)
    file = tmp_path / "summary.json"
    long = replaced(SUMMARY, (*IN_MODEL, "model"), "claude-" + "x" * 90)
    file.write_bytes(
        dumped(replaced(replaced(long, (*IN_MODEL, "parts", "input"), "123456.5"), (*IN_MODEL, "calls"), 8))
    )
    _, out, _ = otel_claude(lambda _: b"", "spend", "--file", str(file))
    (row,) = (line for line in out.splitlines() if line.startswith("claude-"))
    numbers = [cell for cell in row.split()[1:] if "█" not in cell]
    assert numbers == ["123,458.00", "100.0%", "8", "10", "4", "0", "7", "28.6%"]
    assert ("█" in row) == (columns == "120")
