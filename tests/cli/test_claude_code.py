"""`otel-claude claude-code`: what events of Claude Code cost; and `doctor --claude-code`: what a machine exports."""

import io
import json
import os
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from receivers import http

from foreign_json import replaced
from otel_claude.claude_code import LEAKS, SETTINGS, managed_settings
from otel_claude.cli.doctor import claude_code

ON = managed_settings()["env"] | {"OTEL_RESOURCE_ATTRIBUTES": "team=search"}
SONNET = {"model": "claude-sonnet-4-6"}  # 3 USD in, 15 out, 0.30 read, 3.75 and 6 written, per million


def attribute(key, value):
    kind = {str: "stringValue", int: "intValue", float: "doubleValue", bool: "boolValue"}[type(value)]
    return {"key": key, "value": {kind: str(value) if kind == "intValue" else value}}


def line(*events, **resource):
    records = [{"attributes": [attribute(*pair) for pair in event.items()]} for event in events]
    of = {"attributes": [attribute(*pair) for pair in resource.items()]}
    return json.dumps({"resourceLogs": [{"resource": of, "scopeLogs": [{"logRecords": records}]}]})


def request(number=1, **more):
    """1,000 input, 200 output, 5,000 read, 2,000 and 1,000 written: 0.003 + 0.003 + 0.0015 + 0.0075 + 0.006."""
    return {
        "event.name": "api_request", "event.timestamp": "2026-11-20T10:00:00.000Z", "request_id": f"req_{number}",
        "user.id": "814a24f92f1c", "anthropic.provider": "firstParty", **SONNET, "input_tokens": 1000,
        "output_tokens": 200, "cache_read_tokens": 5000, "cache_creation_tokens": 3000,
        "cache_creation_5m_tokens": 2000, "cache_creation_1h_tokens": 1000, "cost_usd": 0.021, "speed": "normal",
        **more,
    }  # fmt: skip


@pytest.fixture
def cost(otel_claude, tmp_path):
    """What the command says of lines: exit code, JSON, and what it complains of."""

    def cost(*lines, options=()):
        file = tmp_path / "events.jsonl"
        file.write_text("\n".join(lines))
        code, out, errors = otel_claude("claude-code", "--file", str(file), "--json", *options)
        return code, json.loads(out) if out else None, errors

    return cost


def test_a_request_costs_by_our_table_what_the_program_says(cost):
    code, said, errors = cost(line(request()))
    assert (code, errors) == (0, "")
    assert said == {
        "requests": 1, "reported_usd": "0.021", "usd": "0.021", "difference_usd": "0.00", "status": "exact",
        "by": "user",
        "rows": [
            {"user": "814a24f92f1c", "requests": 1, "reported_usd": "0.021", "usd": "0.021", "difference_usd": "0.00",
             "status": "exact"},
        ],
        "reasons": {}, "events": {"api_request": 1}, "unread": [], "table": "2026-11-22",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("by", "names"),
    [
        ("user", {"a@x.org", "814a24f92f1c"}),  # an address where there is one
        ("team", {"search", "none"}),
        ("model", {"claude-sonnet-4-6"}),
        ("query-source", {"sdk", "none"}),
        ("speed", {"normal"}),
        ("service", {"claude-code"}),
    ],
)
def test_requests_are_split(cost, by, names):
    first = request(**{"user.email": "a@x.org", "team": "search", "query_source": "sdk"})
    _, said, _ = cost(line(first, request(2), **{"service.name": "claude-code"}), options=("--by", by))
    assert {row[by] for row in said["rows"]} == names
    assert sum(row["requests"] for row in said["rows"]) == 2


def test_a_request_that_is_written_twice_counts_once(cost):
    _, said, _ = cost(line(request()), line(request()), line(request(2)))
    assert (said["requests"], said["usd"]) == (2, "0.042")


@pytest.mark.parametrize(
    ("events", "usd", "difference", "status", "reasons"),
    [
        ([{"event.name": "api_refusal", "request_id": "req_1"}, request(output_tokens=0)], "0.00", "-0.021", "exact",
         {}),
        ([request(model="claude-nobody-9")], None, "-0.021", "unpriced", {"unknown_model": 1}),
        ([request(), request(2, model="claude-nobody-9")], "0.021", "-0.021", "lower_bound", {"unknown_model": 1}),
        ([request(**{"anthropic.provider": "bedrock"})], None, "-0.021", "unpriced", {"unknown_platform": 1}),
        ([request(**{"event.timestamp": "yesterday"})], None, "-0.021", "unpriced", {"no_timestamp": 1}),
        ([request(cost_usd="much")], "0.021", "0.021", "exact", {}),
        ([request(cost_usd=1e300)], "0.021", "0.021", "exact", {}),
    ],
)  # fmt: skip
def test_where_both_differ(cost, events, usd, difference, status, reasons):
    """A refusal costs nothing by our table; a model that it does not have is not known."""
    _, said, _ = cost(line(*events))
    assert (said["usd"], said["difference_usd"], said["status"], said["reasons"]) == (usd, difference, status, reasons)


def test_prices_are_those_of_the_user(cost, tmp_path):
    prices = tmp_path / "prices.json"
    prices.write_text(json.dumps({"discounts": [{"factor": "0.5"}]}))
    code, said, _ = cost(line(request()), options=("--prices", str(prices)))
    assert (code, said["usd"], said["reported_usd"]) == (0, "0.0105", "0.021")


def test_lines_that_are_no_json_are_named(cost):
    code, said, errors = cost(line(request()), "{", "", "[" * 100_000, '"text"', line({"event.name": "api_error"}))
    assert (code, said["requests"]) == (1, 1)
    assert [text.partition(" of ")[0] for text in said["unread"]] == ["line 2", "line 4"]
    assert errors == f"otel-claude: claude-code: 2 lines are no JSON, the first is {said['unread'][0]}\n"
    assert said["events"] == {"api_request": 1, "api_error": 1}


@pytest.mark.parametrize(
    "text",
    [
        '{"resourceLogs": 5}',
        '{"resourceLogs": [5, null, {"scopeLogs": {"a": 1}}]}',
        '{"resourceLogs": [{"scopeLogs": [{"logRecords": [null, {"attributes": [7, {"key": 1, "value": 2}]}]}]}]}',
        '{"resourceLogs": [{"scopeLogs": [{"logRecords": [{"attributes": [{"key": "event.name", "value": {}}]}]}]}]}',
    ],
)
def test_what_is_no_log_is_no_event(cost, text):
    code, _, errors = cost(text)
    assert code == 2
    assert errors.startswith("otel-claude: claude-code: there is no api_request event in it. Is OTEL_LOGS_EXPORTER")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--by", "moon"), "--by 'moon' is not known. It takes one of: user, team, model, query-source, speed"),
        (("--file", "/no/such"), "/no/such: No such file or directory"),
        (("--prices", "/no/such"), "/no/such"),
    ],
)
def test_what_cannot_be_is_refused(cost, options, said):
    code, _, errors = cost(line(request()), options=options)
    assert code == 2
    assert said in errors


NAME = "\x1b[2J\u202e" + "x" * 300
EVENT = {"attributes": [attribute(*pair) for pair in request(team="search").items()]}
LOG = {"resourceLogs": [{"resource": {"attributes": []}, "scopeLogs": [{"logRecords": [EVENT]}]}]}
RECORD = ("resourceLogs", 0, "scopeLogs", 0, "logRecords")
places = st.sampled_from([
    (), RECORD[:1], RECORD[:2], RECORD[:3], RECORD[:4], RECORD, (*RECORD, 0), (*RECORD, 0, "attributes"),
    *((*RECORD, 0, "attributes", number) for number in range(len(EVENT["attributes"]))),
    *((*RECORD, 0, "attributes", number, "value", kind) for number in range(len(EVENT["attributes"]))
      for kind in ("stringValue", "intValue", "doubleValue")),
])  # fmt: skip
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    | st.sampled_from([NAME, "\ud800", "[bold]x", "=1+1", "9" * 5000, 10**400, -(1 << 70), "1e999",
                       "0001-01-01T00:00+12:00", "9999-12-31T23:59:59-12:00", "sk-ant-api03-" + "k" * 80])
)  # fmt: skip
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, *HealthCheck])
@given(at=places, value=values, by=st.sampled_from(["user", "team", "model"]), on_a_terminal=st.booleans())
def test_any_value_anywhere_in_an_event(  # noqa: PLR0917 - each is drawn
    otel_claude, monkeypatch, tmp_path, at, value, by, on_a_terminal
):
    file = tmp_path / "events.jsonl"
    file.write_text(f"{json.dumps(replaced(LOG, at, value))}\n{line(request(2))}\n", encoding="utf-8")
    monkeypatch.setattr("sys.stdout.isatty", lambda: on_a_terminal)
    code, out, err = otel_claude("claude-code", "--file", file, "--by", by)
    out = re.sub(r"\x1b\[[0-9;]*m", "", out)  # the looks of a terminal's table
    assert (code, "fault of otel-claude" in err, bool(out)) == (0, False, True)
    assert all(each.isprintable() for text in (out, err) for each in text.split("\n"))
    assert "sk-ant-api03-kk" not in out
    assert not on_a_terminal or max(map(len, out.splitlines())) <= 120


def test_names_are_those_of_strangers(cost):
    """As everywhere: one line, no key, at most 200 characters."""
    key = "sk-ant-api03-" + "k" * 80
    events = request(team="x" * 300), request(2, team=f"a {key}"), request(3, team="a\x1b[2J")
    _, said, _ = cost(line(*events), options=("--by", "team"))
    assert {row["team"] for row in said["rows"]} == {"x" * 197 + "...", "a ***", "none"}


def test_a_line_without_an_end_is_not_kept(otel_claude, monkeypatch, tmp_path):
    monkeypatch.setattr("otel_claude.cli.answers.MAX_SIZE", 1 << 20)
    monkeypatch.setattr(Path, "open", lambda *_: io.BufferedReader(Endless()))
    code, _, err = otel_claude("claude-code", "--file", tmp_path / "endless")
    assert (code, err.endswith("it has a line of more than 1,048,576 bytes\n")) == (2, True)


class Endless(io.RawIOBase):
    def readable(self):
        return True

    def readinto(self, into):
        into[:] = bytes(len(into))
        return len(into)


# What is on a developer's machine.


@pytest.fixture
def machine(tmp_path):
    """Findings by their subjects, of an environment, a user's settings and managed ones."""

    def machine(environment=None, own=None, managed=None):
        home, place = tmp_path / "home", tmp_path / "etc/managed-settings.json"
        for file, content in ((home / ".claude/settings.json", own), (place, managed)):
            file.parent.mkdir(parents=True, exist_ok=True)
            if content is not None:
                file.write_text(content if isinstance(content, str) else json.dumps({"env": content}))
        found = claude_code.findings(environment or {}, home, managed=place)
        return {Path(finding.subject).name: finding for finding in found}

    return machine


def levels(findings):
    return {subject: finding.level for subject, finding in findings.items()}


def test_managed_settings_of_ours_are_right(machine):
    assert levels(machine({"OTEL_RESOURCE_ATTRIBUTES": "team=a"}, managed=ON)) == {
        "Settings": "ok", "CLAUDE_CODE_ENABLE_TELEMETRY": "ok", "OTEL_METRICS_EXPORTER": "ok",
        "OTEL_LOGS_EXPORTER": "ok", "Content": "ok",
    }  # fmt: skip


def test_without_any_nothing_is_exported(machine):
    found = machine()
    assert levels(found) == {"Settings": "note", "CLAUDE_CODE_ENABLE_TELEMETRY": "warning", "Content": "ok"}
    assert found["CLAUDE_CODE_ENABLE_TELEMETRY"].text == "It is not set, so Claude Code exports nothing."


@pytest.mark.parametrize(
    ("environment", "own", "managed", "level"),
    [
        ({"CLAUDE_CODE_ENABLE_TELEMETRY": "0"}, ON, None, "ok"),  # a user's settings beat the environment
        (ON, {"CLAUDE_CODE_ENABLE_TELEMETRY": "0"}, None, "warning"),
        (None, {"CLAUDE_CODE_ENABLE_TELEMETRY": "0"}, ON, "ok"),  # managed ones beat both
        (ON, None, {"CLAUDE_CODE_ENABLE_TELEMETRY": "0"}, "warning"),
    ],
)
def test_which_settings_count(machine, environment, own, managed, level):
    assert levels(machine(environment, own, managed))["CLAUDE_CODE_ENABLE_TELEMETRY"] == level


@pytest.mark.parametrize(
    ("name", "value", "level", "said"),
    [
        ("OTEL_METRICS_EXPORTER", "none", "warning", "It is none, so there are no metrics."),
        ("OTEL_LOGS_EXPORTER", "", "warning", "It is not set, so there are no events, which alone say failed requests"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "", "warning", "It is not set: everything goes to localhost."),
        ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "cumulative", "warning", "It is cumulative: a resumed"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "60000", "note", "It is 60000. What a session that is killed"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "", "note", "It is not set: 60000. What a session"),
        ("OTEL_RESOURCE_ATTRIBUTES", "", "note", "It has no team, so spend cannot be split by one."),
        ("OTEL_CLAUDE_AGENT_SDK", "on", "warning", "It is on, so what the Claude Agent SDK runs is counted here and"),
        *((name, "1", "warning", f"It is on: {what} leave this machine.") for name, what in LEAKS.items()),
    ],
)
def test_each_variable(machine, name, value, level, said):
    finding = machine({**ON, name: value})[name]
    assert finding.level == level
    assert finding.text.startswith(said)
    assert finding.do


@pytest.mark.parametrize("text", ["{", "[" * 100_000])
def test_a_settings_file_that_is_none(machine, text):
    found = machine(ON, managed=text)["managed-settings.json"]
    assert (found.level, found.text) == ("error", "It is no JSON.")


def test_a_settings_file_that_is_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "settings.json")
    (found, *_) = claude_code.findings({"CLAUDE_CONFIG_DIR": str(tmp_path)}, tmp_path, managed=tmp_path / "none")
    assert (found.level, found.text) == ("error", "It cannot be read: it is no regular file.")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("OTEL_METRICS_EXPORTER", "It is another one, so there are no metrics."),
        ("OTEL_LOGS_EXPORTER", "It is another one, so there are no events, which alone say failed requests, "),
        ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "It is another one: a resumed session begins at zero "),
        ("OTEL_METRIC_EXPORT_INTERVAL", "It is another one. What a session that is killed had not exported is "),
    ],
)
@pytest.mark.parametrize("given", ["S3cret-in-the-wrong-place", "9" * 5000, "\x1b[2J", "\u00b2"])
def test_what_is_not_accepted_is_not_quoted(machine, name, text, given):
    """It may be a secret in the wrong variable."""
    assert machine({**ON, name: given})[name].text.startswith(text)


def test_paths_on_the_terminal_are_plain(otel_claude, monkeypatch, tmp_path):
    place = tmp_path / "\x1b[2J"
    place.mkdir()
    (place / "settings.json").write_text("{")
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(place))
    _, out, _ = otel_claude("doctor", "--claude-code", "--offline")
    assert " [2J/settings.json: It is no JSON." in out
    assert "\x1b" not in out


def test_a_user_without_a_home(otel_claude, monkeypatch):
    """As in a container whose user has no entry."""

    def none(number):
        raise KeyError(number)

    monkeypatch.delenv("HOME")
    monkeypatch.setattr("pwd.getpwuid", none)
    code, _, err = otel_claude("doctor", "--claude-code", "--offline")
    assert (code, err) == (1, "")


@pytest.mark.parametrize(("status", "level"), [(200, "ok"), (401, "error")])
def test_the_endpoint_of_the_settings_is_asked_with_their_headers(otel_claude, monkeypatch, tmp_path, status, level):
    with http(None, status=status) as server:
        env = ON | {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://user:S3cretPassword@127.0.0.1:{server.server_port}",
            "OTEL_EXPORTER_OTLP_HEADERS": "x-team=S3cretHeader",
        }
        (tmp_path / "settings.json").write_text(json.dumps({"env": env}))
        monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path))
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-team=another")
        _, out, err = otel_claude("doctor", "--claude-code", "--json")
    found = {each["subject"]: each for each in json.loads(out)["findings"]}
    assert (found["OTLP"]["level"], len(server.received)) == (level, 1)
    assert {name.lower(): text for name, text in server.received[0][2].items()}["x-team"] == "S3cretHeader"
    assert "S3cret" not in out + err
    assert os.environ["OTEL_EXPORTER_OTLP_HEADERS"] == "x-team=another"
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" not in os.environ


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, *HealthCheck])
@given(
    document=values.map(json.dumps)
    | st.dictionaries(st.sampled_from([*ON, *LEAKS, "A=B", "\0", ""]), values).map(lambda env: json.dumps({"env": env}))
    | st.text(max_size=20)
)
def test_any_settings_file(otel_claude, monkeypatch, tmp_path, document):
    (tmp_path / "settings.json").write_text(document, encoding="utf-8", errors="surrogatepass")
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path))
    monkeypatch.setattr("otel_claude.cli.doctor.connection._http", lambda: None)
    code, out, err = otel_claude("doctor", "--claude-code")
    assert (code in {0, 1}, err) == (True, "")
    assert all(each.isprintable() for each in out.split("\n"))


def test_the_command_prints_settings_and_what_each_lets_out(otel_claude, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    code, out, _ = otel_claude("doctor", "--claude-code", "--offline")
    assert code == 1
    assert json.dumps(managed_settings(), indent=2) in out
    for name, (_, about) in SETTINGS.items():
        assert f"{name}: {about}" in out
    for name, what in LEAKS.items():
        assert f"{name}: {what}" in out
    _, out, _ = otel_claude("doctor", "--claude-code", "--offline", "--json")
    said = json.loads(out)
    assert (said["managed_settings"], said["lets_out"]) == (managed_settings(), LEAKS)
