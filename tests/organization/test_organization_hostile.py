"""An Admin API that answers anything: each command says one sentence, ends with its code, and shows no stranger's text.

Real answers of the simulator with any value anywhere in them, through the real SDK, to the commands' output.
"""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from functools import partial

import httpx2
import pytest
from anthropic import DefaultHttpxClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from organization_world import ADMIN, OTHER, SHOP_HINT, exported

from foreign_json import dumped, replaced
from otel_claude import redact
from otel_claude.cli import main
from otel_claude.cli.connections import AdminOptions
from otel_claude.organization.client import Reader
from otel_claude.organization.poller import Poller
from otel_claude_demo.simulator import SpendLimit

HOSTILE = (
    '=HYPERLINK("http://evil/","x")', "\x1b[2J\x1b]0;owned\x07", "a\r\nb\u202ec\u2028d\x9b31m", "x" * 100_000, "\ud800",
    "../../v1/messages", "", " ", "NaN", "Infinity", "-1", "1E+999999999", "1e-999999999", "1_000", "\u0661", "true",
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-11-20", "<script>alert(1)</script>",
    f"sk-ant-api03-{'k' * 80}",
)  # fmt: skip
scalars = (
    st.none() | st.booleans() | st.integers() | st.sampled_from([1 << 63, -(1 << 70), 10**400, 1e308, 0.5])
    | st.text(max_size=20) | st.sampled_from(HOSTILE)
)  # fmt: skip
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
)


def places(value, at=()):
    """The paths of all values in a document."""
    yield at
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield from places(each, (*at, key))


@pytest.fixture
def answers(simulator, call, organization, poller):
    """The real answers, by the ends of their addresses."""
    organization.spend_limits = (SpendLimit(50_000, "usage_tier"), SpendLimit(250, "workspace", "Default", "daily"))
    call()
    call(OTHER, model="claude-opus-5-5", speed="fast")
    found = {}

    def keep(response):
        response.read()
        found.setdefault(str(response.url.path), response.json())

    with DefaultHttpxClient(event_hooks={"response": [keep]}) as http:
        Poller(Reader(ADMIN, base_url=simulator.url, http_client=http), clock=poller._clock).poll()
    assert len(found) >= 6
    return found


@pytest.fixture
def serving(monkeypatch, clock):
    """Has the commands read an Admin API that answers what a function says."""
    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.setattr("otel_claude.organization.poller.time.time", clock)
    monkeypatch.setattr("otel_claude.cli.organization.Poller", lambda reader, times: Poller(reader, times, clock))
    monkeypatch.setenv("NO_COLOR", "1")

    def serving(answer):
        def handler(request):
            status, headers, body = answer(request.url.path)
            return httpx2.Response(status, headers={"content-type": "application/json", **headers}, content=body)

        def reader(_options=None):
            http = DefaultHttpxClient(transport=httpx2.MockTransport(handler))
            return Reader(ADMIN, base_url="http://api", http_client=http)

        monkeypatch.setattr(AdminOptions, "reader", reader)
        return reader

    return serving


def ran(capsys, *arguments):
    """A command's code and what it said, which is sentences of ours and nothing that moves a terminal's cursor."""
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    said = capsys.readouterr()
    assert "fault of otel-claude" not in said.err
    assert all(line.startswith("otel-claude: ") for line in said.err.splitlines())
    for text in (said.out, said.err):
        assert all(each.isprintable() for each in text.split("\n")), text
        assert ADMIN not in text
    return ended.value.code or 0, said.out, said.err


def once(capsys):
    code, out, err = ran(capsys, "organization", "--once")
    assert code in (0, 2), err
    return code, out, err


WINDOW = ("--from", "2026-11-20", "--to", "2026-11-20T12:00", "--prometheus", "http://p")


def reconcile(capsys, arguments=()):
    """Against a Prometheus that measured one cent of the shop's key."""
    code, out, err = ran(capsys, "reconcile", *WINDOW, *arguments)
    assert (code in (0, 1) and not err) or (code == 2 and err.count("\n") == 1)
    return code, out, err


@pytest.fixture
def measured(monkeypatch):
    row = {"metric": {"claude_api_key_hint": SHOP_HINT, "claude_cost_type": "output"}, "value": [0, "0.01"]}
    answer = dumped({"status": "success", "data": {"result": [row]}})
    monkeypatch.setattr("otel_claude.prometheus.send", lambda *_: io.BytesIO(answer))


def spend(capsys, by, form):
    code, out, err = ran(capsys, "spend", "--source", "organization", *WINDOW[:4], "--by", by, "--format", form)
    assert (code == 0 and out) or (code == 2 and err.count("\n") == 1)
    return code, out, err


COMMANDS = st.sampled_from([
    once, reconcile, partial(reconcile, arguments=["--json"]), partial(reconcile, arguments=["--csv"]),
    partial(spend, by="key,workspace", form="table"), partial(spend, by="hour,model,type", form="csv"),
    partial(spend, by="day", form="json"), partial(spend, by="model", form="markdown"),
])  # fmt: skip
KEPT = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, *HealthCheck])


@KEPT
@given(data=st.data())
def test_any_value_anywhere_in_an_answer(answers, serving, measured, capsys, data):
    wrong = data.draw(st.sampled_from(sorted(answers)))
    at = data.draw(st.sampled_from(list(places(answers[wrong]))))
    made = replaced(answers[wrong], at, data.draw(values))
    serving(lambda path: (200, {}, dumped(made if path == wrong else answers.get(path, {"data": []}))))
    data.draw(COMMANDS)(capsys)


DEEP = b'{"data":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
BODIES = st.one_of(
    st.binary(max_size=50), st.sampled_from([DEEP, b"[1]", b"null", b"{}", b'{"data":5}', b'{"data":[1,"a",null]}']),
    values.map(dumped), st.integers(0, 10**6).map(lambda count: b"9" * (count % 5000)),
)  # fmt: skip
ERRORS = st.fixed_dictionaries({"error": st.fixed_dictionaries({"message": values, "type": values})}).map(dumped)
HEADERS = st.dictionaries(
    st.sampled_from(["retry-after", "retry-after-ms", "x-should-retry", "content-type", "content-length"]),
    st.sampled_from(["0", "1", "1e9", "inf", "nan", "-5", "Wed, 21 Oct 2099 07:28:00 GMT", "true", "text/html"]),
)


@KEPT
@given(status=st.sampled_from([200, 204, 301, 400, 401, 403, 404, 408, 429, 500, 529, 599]), body=BODIES | ERRORS,
       headers=HEADERS)  # fmt: skip
def test_any_answer(serving, measured, capsys, status, body, headers):
    serving(lambda _: (status, headers, body))
    for command in (once, reconcile):
        code, _, err = command(capsys)
        assert code == 2 or status == 200
        assert err or code == 0


NAMES = [text for text in HOSTILE if text.strip()]


@pytest.mark.parametrize("text", NAMES, ids=range(len(NAMES)))
def test_names_of_strangers_are_shown_and_exported_as_plain_words(answers, serving, measured, capsys, clock, text):
    named = {
        path: json.loads(json.dumps(answer).replace('"key-1"', json.dumps(text)).replace('"Default"', json.dumps(text)))
        for path, answer in answers.items()
    }
    reader = serving(lambda path: (200, {}, dumped(named.get(path, {"data": []}))))
    code, out, err = once(capsys)
    assert (code, err) == (0, "")
    assert "k" * 40 not in out
    code, out, err = reconcile(capsys, ["--csv", "--tolerance", "0"])
    assert (code, err) == (1, "")
    cells = {row["api_key_name"] for row in csv.DictReader(io.StringIO(out))}
    name = redact.name(text)
    assert cells == {f"'{name}" if name.startswith("=") else name, "key-2"}
    poller = Poller(reader(), clock=clock)
    poller.poll()
    labels = {value for points in exported(poller).values() for labels in points for _, value in labels}
    assert name in labels
    assert all(value.isprintable() and len(value) <= 200 for value in labels)


def test_a_wait_of_days_is_said_and_not_slept(serving, capsys, monkeypatch):
    slept = []
    serving(lambda _: (429, {"retry-after": "86400"}, b"{}"))
    monkeypatch.setattr("time.sleep", slept.append)
    assert once(capsys) == (
        2, "The amounts are not known.\n",
        "otel-claude: The Admin API refuses more requests for now (429). Try again in 86400 s.\n",
    )  # fmt: skip
    assert slept == []


@pytest.mark.parametrize("wait", ["1e400", "inf", "nan", "-1", "Wed, 21 Oct 2099 07:28:00 GMT", "9" * 12])
def test_whatever_wait_is_named_something_is_due_within_a_day(serving, clock, wait):
    poller = Poller(serving(lambda _: (429, {"retry-after": wait}, b"{}"))(), clock=clock)
    assert 0 < poller.poll() <= timedelta(days=1).total_seconds()


def test_pages_without_an_end_end(answers, serving, capsys):
    path = next(path for path in answers if path.endswith("/cost"))
    endless = {**answers[path], "data": [], "has_more": True, "next_page": "again"}
    asked = []

    def answer(at):
        asked.append(at)
        return 200, {}, dumped(endless if at == path else answers.get(at, {"data": []}))

    serving(answer)
    code, _, err = once(capsys)
    assert code == 2
    assert "The Admin API's cost report are not as documented: there are more than 1000 pages." in err
    assert asked.count(path) == 1000
