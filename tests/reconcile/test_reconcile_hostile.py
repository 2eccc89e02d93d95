"""A Prometheus that answers anything: one sentence and the exit code that is documented, whatever it says."""

from __future__ import annotations

import io
import time
from decimal import Decimal
from email.message import Message
from http.client import HTTPException, IncompleteRead
from urllib.error import HTTPError

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foreign_json import any_value, dumped, replaced
from otel_claude import prometheus as client
from otel_claude.cli import main
from otel_claude.cli.connections import AdminOptions
from otel_claude.prometheus import IncompleteDataError, Prometheus
from otel_claude.reconcile.measured import Cell, KeyAndModel
from otel_claude.reconcile.reported import Reported

KEY, MODEL = "sk-ant-api03-R2D...igAA", "claude-opus-5-5"
THEIRS = Reported(listed={Cell(KeyAndModel(KEY, MODEL), "output"): Decimal(1)}, names={KEY: "shop"})
ROW = {"metric": {"claude_api_key_hint": KEY, "gen_ai_response_model": MODEL}, "value": [1763683200, "0.5"]}
ANSWER = {"status": "success", "data": {"resultType": "vector", "result": [ROW]}}
HOSTILE = (
    '=HYPERLINK("http://evil/","x")', "\x1b[2J\x1b]0;owned\x07", "a\r\nb\u202ec\x9b31m", "x" * 10_000, "\ud800",
    "NaN", "+Inf", "-Inf", "1e400", "1E+999999999", "1e-999999999", "-1", "1e308", "", "0x10", "999999999999999999y",
)  # fmt: skip
values = any_value(HOSTILE)
PATHS = [
    (), ("status",), ("data",), ("data", "result"), ("data", "result", 0), ("data", "result", 0, "metric"),
    ("data", "result", 0, "metric", "claude_api_key_hint"), ("data", "result", 0, "value"),
    ("data", "result", 0, "value", 1), ("warnings",), ("isPartial",),
]  # fmt: skip
BUILDS = [("data", "application"), ("data", "version"), ("data", "storageRetention")]


@pytest.fixture
def reconcile(monkeypatch, capsys):
    """The command against a Prometheus that answers what is given, and an organization that spent a dollar."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(AdminOptions, "reader", lambda _: io.BytesIO())
    monkeypatch.setattr("otel_claude.cli.reconcile.reported", lambda *_: THEIRS)

    def reconcile(send, *arguments):
        monkeypatch.setattr(client, "send", lambda request, *_: send(request))
        window = ("--from", "2026-11-19", "--to", "2026-11-20", "--prometheus", "http://p")
        with pytest.raises(SystemExit) as ended:
            main(["reconcile", *window, *arguments])
        said = capsys.readouterr()
        code = ended.value.code
        assert "fault of otel-claude" not in said.err
        assert (code in (0, 1) and not said.err) or (code == 2 and said.err.count("\n") == 1)
        assert all(each.isprintable() for text in (said.out, said.err) for each in text.split("\n"))
        return code, said.out, said.err

    return reconcile


KEPT = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, *HealthCheck])
FORMS = st.sampled_from([(), ("--json",), ("--csv",)])


def about_itself(request):
    return "/status/" in request.full_url


@KEPT
@given(at=st.sampled_from(PATHS), value=values, build=st.sampled_from(BUILDS), other=values, form=FORMS)
def test_any_value_anywhere_in_an_answer(reconcile, at, value, build, other, form):
    answer, itself = dumped(replaced(ANSWER, at, value)), dumped(replaced(ANSWER, build, other))
    reconcile(lambda request: io.BytesIO(itself if about_itself(request) else answer), *form)


BODIES = st.binary(max_size=60) | values.map(dumped) | st.sampled_from([b"[" * 10**6, b"9" * 5000, b'{"status":'])


@KEPT
@given(body=BODIES, form=FORMS)
def test_any_body(reconcile, body, form):
    assert reconcile(lambda _: io.BytesIO(body), *form)[0] == 2


@KEPT
@given(status=st.integers(300, 599), body=BODIES | values.map(lambda value: dumped({"error": value})),
       location=st.none() | st.text(st.characters(exclude_characters="\r\n"), max_size=40), form=FORMS)  # fmt: skip
def test_any_refusal(reconcile, status, body, location, form):
    headers = Message()
    if location is not None:
        headers["location"] = location

    def send(request):
        raise HTTPError(request.full_url, status, "Reason\x1b[2J", headers, io.BytesIO(body))

    assert reconcile(send, *form)[0] == 2


@pytest.mark.parametrize(
    "error",
    [
        HTTPException("x"),
        IncompleteRead(b"x"),
        ValueError("x"),
        UnicodeError("x"),
        TimeoutError(),
        OSError(),
        OSError(5),
    ],
)
def test_any_failure_of_the_connection(reconcile, error):
    def send(_request):
        raise error

    code, _, err = reconcile(send)
    assert code == 2
    assert "does not answer" in err


WRONG = [
    ("no data", {"status": "success"}, "is no Prometheus"),
    ("no result", {"status": "success", "data": {}}, "is no Prometheus"),
    ("a matrix", replaced(ANSWER, ("data", "result", 0), {"metric": {}, "values": []}), "is no Prometheus"),
    ("a scalar", replaced(ANSWER, ("data", "result"), [1, "2"]), "is no Prometheus"),
    ("labels that are none", replaced(ANSWER, ("data", "result", 0, "metric"), []), "is no Prometheus"),
    ("no number", replaced(ANSWER, ("data", "result", 0, "value", 1), "NaN"), "is no Prometheus"),
    ("a list", [], "is no Prometheus"),
]


@pytest.mark.parametrize(("answer", "words"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_an_answer_of_another_shape_is_said(reconcile, answer, words):
    code, _, err = reconcile(lambda _: io.BytesIO(dumped(answer)))
    assert (code, words in err) == (2, True)


PARTIAL = [
    ("Thanos", {"warnings": ["No StoreAPIs matched for this query\x1b[2J"]},
     "warns: No StoreAPIs matched for this query [2J"),
    ("Mimir", {"warnings": ["partial response", "more"]}, "warns: partial response"),
    ("another one", {"warnings": "partial"}, "warns: partial"),
    ("VictoriaMetrics cluster", {"isPartial": True}, "warns: the answer is partial"),
]  # fmt: skip


@pytest.mark.parametrize(("more", "words"), [row[1:] for row in PARTIAL], ids=[row[0] for row in PARTIAL])
def test_a_partial_answer_is_no_whole_one(reconcile, more, words):
    code, out, err = reconcile(lambda _: io.BytesIO(dumped({**ANSWER, **more})))
    assert (code, out) == (2, "")
    assert f"otel-claude: reconcile: cannot tell: Prometheus at http://p {words}" in err


@pytest.mark.parametrize("more", [{"infos": ["PromQL info: metric might not be a counter"]}, {"warnings": []},
                                  {"isPartial": False}, {"warnings": None}])  # fmt: skip
def test_what_is_said_beside_a_whole_answer_changes_nothing(reconcile, more):
    assert reconcile(lambda _: io.BytesIO(dumped({**ANSWER, **more})))[0] == 1


def test_the_keys_of_strangers_are_no_formulas_in_csv(reconcile):
    for text in ("=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", "\uff1d1", " =1"):
        answer = replaced(ANSWER, ("data", "result", 0, "metric", "gen_ai_response_model"), text)
        _, out, _ = reconcile(lambda _, answer=answer: io.BytesIO(dumped(answer)), "--csv")
        cells = [cell for line in out.splitlines()[1:] for cell in line.split(",")]
        assert [cell for cell in cells if cell.startswith(("=", "@", "+", "\uff1d", "-1+"))] == []
        assert f"'{text.strip()}" in cells


class Endless(io.BytesIO):
    def read1(self, size=-1):
        return b"x" * (1 << 20)


def test_an_answer_without_an_end_is_not_kept(monkeypatch):
    monkeypatch.setattr(client, "send", lambda *_: Endless())
    with pytest.raises(IncompleteDataError, match="answers with more than 64 MiB"):
        Prometheus("http://p").query("up", 0)


def test_an_answer_that_comes_byte_by_byte_is_not_waited_for(monkeypatch):
    class Slow(io.BytesIO):
        def read1(self, size=-1):
            clock[0] += 60
            return b"x"

    clock = [time.monotonic()]
    monkeypatch.setattr(client, "send", lambda *_: Slow())
    monkeypatch.setattr(client.time, "monotonic", lambda: clock[0])
    with pytest.raises(IncompleteDataError, match="it timed out"):
        Prometheus("http://p").query("up", 0)
