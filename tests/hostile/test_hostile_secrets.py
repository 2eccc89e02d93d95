"""Planted keys and prompts, also in the odd places: none is in telemetry, logs, `repr` or the summary."""

import io
import json
import logging
import socket

import pytest
from hostile_bench import Bench
from opentelemetry import baggage, context
from support import api
from support.face import BASE_URL
from support.library import anthropic, http
from support.server import Server, either, plain, refused, stream

from otel_claude import ClaudeInstrumentor, _diagnostics, tags
from otel_claude.sdk import client as sdk_client
from otel_claude.settings import Settings
from otel_claude.summary import SummaryMetricExporter
from otel_claude.telemetry.open_calls import open_calls
from otel_claude.telemetry.recorder import Recorder

SECRET = "planted-secret-9911"
OTHER_KEY = "-".join(["sk", "ant", "api03", SECRET + "z" * 80])
PLANTED = (SECRET, api.PROMPT, api.COMPLETION, api.ARGUMENT, api.KEY, api.KEY[24:64], api.TOKEN, OTHER_KEY[30:70])
TOOL = {"name": f"tool_{SECRET}", "description": api.PROMPT, "input_schema": {"type": "object", "title": SECRET}}
ASKED = {
    **api.ARGS,
    "system": [{"type": "text", "text": SECRET, "cache_control": {"type": "ephemeral"}}],
    "metadata": {"user_id": SECRET},
    "stop_sequences": [SECRET],
    "tools": [TOOL],
    "extra_headers": {"x-secret": SECRET, "x-other": api.TOKEN},
    "extra_query": {"token": SECRET},
    "extra_body": {"container": SECRET, "mcp_servers": [{"authorization_token": SECRET}]},
}
USED = {"type": "tool_use", "id": f"toolu_{SECRET}", "name": f"tool_{SECRET}", "input": {"secret": api.ARGUMENT}}
ODD_HEADERS = {**api.HEADERS, "set-cookie": SECRET, "x-secret": SECRET, f"anthropic-ratelimit-{SECRET}-reset": SECRET}


class Kept(logging.Handler):
    def __init__(self):
        super().__init__(logging.DEBUG)
        self.texts = []

    def emit(self, record):
        if record.name.startswith("otel_claude"):
            self.texts.append(logging.Formatter().format(record))


@pytest.fixture
def spoken():
    handler, root = Kept(), logging.getLogger("otel_claude")
    root.addHandler(handler)
    level = root.level
    root.setLevel(logging.DEBUG)
    yield handler.texts
    root.removeHandler(handler)
    root.setLevel(level)


def client(*replies, **options):
    options = {"api_key": api.KEY, "base_url": f"{BASE_URL}/proxy/{SECRET}", "max_retries": 0, **options}
    return anthropic.Anthropic(http_client=Server(*replies).client(), **options)


def quoting(_request):
    raise http.ConnectError(f"could not connect with {api.KEY}: {api.PROMPT}")


def exercise(reprs):
    """Calls of every kind of end. Each open call of ours is shown to `reprs` meanwhile."""
    body = api.message(content=[{"type": "text", "text": api.COMPLETION}, USED], stop_sequence=SECRET)
    answers = either([*api.events()[:6], api.delta(), api.STOP], body)
    good = client(lambda request: shown(reprs, answers, request))
    token = context.attach(baggage.set_baggage("tenant", SECRET, baggage.set_baggage("allowed", "acme")))
    try:
        with tags(feature="search"):
            good.messages.create(**ASKED)
            list(good.messages.create(**ASKED, stream=True))
            next(good.messages.create(**ASKED, stream=True))
    finally:
        context.detach(token)
    client(plain(body, headers=ODD_HEADERS), api_key=None, auth_token=api.TOKEN).messages.create(**ASKED)
    client(plain(body), api_key=OTHER_KEY).messages.create(**api.ARGS, extra_headers={"X-Api-Key": OTHER_KEY[:60]})
    bad = refused(400, "invalid_request_error", f"{api.PROMPT} {SECRET}", param=SECRET, error_code=f"no {SECRET}\n")
    broken = stream([*api.events()[:4], api.error("api_error", f"{api.COMPLETION} {SECRET}")])
    for failing in (bad, broken, quoting, stream(api.events()[:4], http.ReadError)):
        with pytest.raises(Exception):  # noqa: B017 - of four kinds
            list(client(failing).messages.create(**ASKED, stream=True))


def shown(reprs, answers, request):
    for call in list(open_calls):
        reprs += [repr(call), str(call), repr(call.attempts), repr(call.client), repr(call.request), repr(call.size)]
    return answers(request)


def test_planted_secrets_come_out_nowhere(monkeypatch, spoken):
    reprs, calls, record = [], [], Recorder.record

    def keep(self, call, ended_at):
        # The context is the application's own, with the baggage that it put there.
        calls.append(repr({**vars(call), "context": None}))
        record(self, call, ended_at)
        calls[-1] += repr({**vars(call), "context": None})

    monkeypatch.setattr(Recorder, "record", keep)
    out = io.StringIO()
    with Bench(monkeypatch) as bench:
        bench.instrument(baggage_tags="allowed", legacy_metrics=True)
        exercise(reprs)
        data = bench.reader.get_metrics_data()
        summary = SummaryMetricExporter({"OTEL_CLAUDE_SUMMARY_JSON": ""}, out)
        summary.export(data)
        summary.shutdown()
        ClaudeInstrumentor().uninstrument()
    assert len(calls) == 9
    spans = [span.to_json() for span in bench.spans.get_finished_spans()]
    ours = [text for text in spans if '"claude.' in text]
    everything = [
        data.to_json(),
        *ours,
        *spoken,
        *reprs,
        *calls,
        out.getvalue(),
        repr(Settings()),
        repr(ClaudeInstrumentor()),
    ]
    assert [(secret, text[:300]) for text in everything for secret in PLANTED if secret in text] == []
    assert "acme" in data.to_json()
    assert len(ours) >= 8
    assert "claude-sonnet-4-6" in out.getvalue() or "$" in out.getvalue()


@pytest.mark.parametrize("hop", ["can_record", "client_info", "parse_request", "request_api_key"])
def test_a_failure_of_ours_that_quotes_a_secret_is_logged_without_it(monkeypatch, spoken, hop):
    def broken(*_args):
        raise ValueError(f"{api.KEY} {SECRET}")

    with Bench(monkeypatch) as bench:
        bench.instrument()
        monkeypatch.setattr(sdk_client, hop, broken)
        client(plain()).messages.create(**api.ARGS)
        ClaudeInstrumentor().uninstrument()
    assert len(spoken) == 2
    assert not [text for text in spoken if SECRET in text or api.KEY in text]
    _diagnostics._logged.clear()


def test_no_network_of_our_own(monkeypatch):
    """Every socket is refused, and everything is done: nobody of ours asked for one."""
    asked = []

    def refuse(*args, **_kwargs):
        asked.append(args)
        raise OSError("no network in this test")

    for name in ("connect", "connect_ex", "bind", "sendto", "sendmsg"):
        monkeypatch.setattr(socket.socket, name, refuse, raising=False)
    for name in ("create_connection", "getaddrinfo", "gethostbyname", "gethostbyaddr", "create_server", "socketpair"):
        monkeypatch.setattr(socket, name, refuse)
    with Bench(monkeypatch) as bench:
        bench.instrument()
        good = client(either())
        good.messages.create(**api.ARGS)
        list(good.messages.create(**api.ARGS, stream=True))
        client(plain(api.message(model="claude-nobody-knows"))).messages.create(**api.ARGS)
        assert json.loads(bench.reader.get_metrics_data().to_json())
        ClaudeInstrumentor().uninstrument()
    assert asked == []
