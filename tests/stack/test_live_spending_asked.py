"""`otel-claude spend` and `explain` ask servers behind a path, a tenant, a password, a token, TLS; and what is none.

A real Prometheus answers, behind a front that wants what such servers want.
"""

from __future__ import annotations

import base64
import json
import subprocess
import urllib.error
import urllib.request

import pytest
from test_live_spending import COMMAND, time_of
from test_live_spending_claude_code import CALLS_USD, END, HOUR, PERIOD, SLOT, SLOTS, in_prometheus, recorded, written

from certificates import over_tls
from listening import Listening, Quiet
from otel_claude import semconv as c

pytestmark = [pytest.mark.timeout(240)]

SECRET = "S3cret-9911"
BASIC = f"Basic {base64.b64encode(f'ann:{SECRET}'.encode()).decode()}"
COMMANDS = {
    "spend": ("--by", "job", "--json", *PERIOD),
    # Half of the period against its other half.
    "explain": ("--json", "--from", time_of(END - 90 * 60), "--to", time_of(END)),
}


class Front(Quiet):
    """Passes on what comes under its path with the headers that it wants."""

    def do_POST(self):  # noqa: N802 - http.server's name
        body = self.posted() if self.headers["content-length"] else None
        front, sent = self.server, {name.lower(): value for name, value in self.headers.items()}
        if not self.path.startswith(f"{front.path}/api/v1/"):
            return self._send(404, b"404 page not found")
        if not front.wanted.items() <= sent.items():
            return self._send(401, b"no org id")
        address = f"{front.store}{self.path.removeprefix(front.path)}"
        kind = {"content-type": sent["content-type"]} if body is not None else {}
        try:
            with urllib.request.urlopen(urllib.request.Request(address, body, kind), timeout=60) as answer:
                said = json.load(answer) | front.added
        except urllib.error.HTTPError as error:
            return self._send(error.code, error.read())
        return self._send(200, json.dumps(said).encode())

    def _send(self, code, body):
        self.send_response(code)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST  # noqa: N815 - the same


@pytest.fixture(scope="module")
def store(stack, tmp_path_factory):
    with in_prometheus(tmp_path_factory.mktemp("asked") / "store", recorded()) as server:
        yield server


@pytest.fixture
def front(store):
    listening = Listening(Front)
    listening.server.store, listening.server.path = store.url, "/mimir/prometheus"
    listening.server.wanted, listening.server.added = {}, {}
    return listening


def ran(command, address, *options):
    arguments = [*COMMAND, command, "--prometheus", address, *map(str, options)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert SECRET not in done.stdout + done.stderr
    assert BASIC.split()[1] not in done.stdout + done.stderr
    return done


def usd(command, said):
    return json.loads(said)["usd"] if command == "spend" else json.loads(said)["after"]["usd"]


def right(command):
    return f"{CALLS_USD * SLOTS / (1 if command == 'spend' else 2):.2f}"


WANTED = [
    ("nothing", {}, {}, ()),
    ("a tenant", {"x-scope-orgid": "team-a"}, {}, ("--header", "X-Scope-OrgID: team-a")),
    ("a password", {"authorization": BASIC}, {"p": SECRET}, ("--username", "ann", "--password-file", "{p}")),
    ("a token", {"authorization": f"Bearer {SECRET}"}, {"t": f"{SECRET}\n"}, ("--bearer-token-file", "{t}")),
    ("a header of a file and a tenant", {"x-api-key": SECRET, "x-scope-orgid": "a|b"}, {"h": f"X-Api-Key: {SECRET}"},
     ("--header", "@{h}", "--header", "X-Scope-OrgID: a|b")),
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("tls", [False, True], ids=["", "over TLS"])
@pytest.mark.parametrize(("wanted", "files", "options"), [row[1:] for row in WANTED], ids=[row[0] for row in WANTED])
def test_behind_a_path_with_what_a_server_wants(front, tmp_path, command, tls, wanted, files, options):  # noqa: PLR0917 - two tables
    front.server.wanted = wanted
    ca = ("--ca-file", over_tls(front, tmp_path)) if tls else ()
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    given = [each.format(**{name: tmp_path / name for name in files}) for each in options]
    with front:
        address = f"{front.url}/mimir/prometheus/"
        granted = ran(command, address, *ca, *given, *COMMANDS[command])
        refused = ran(command, address, *ca, *COMMANDS[command])
        unknown = ran(command, address, *given, *COMMANDS[command])
        elsewhere = ran(command, front.url, *ca, *given, *COMMANDS[command])
    assert (granted.returncode, granted.stderr) == (0, "")
    assert usd(command, granted.stdout) == right(command)
    failures = [
        (wanted, refused, "refuses the query (401): no org id. Give --bearer-token-file, --username"),
        (ca, unknown, "its certificate is not accepted"),
        (True, elsewhere, "refuses the query (404): 404 page not found. Give --prometheus the address under which"),
    ]
    for expected, done, words in failures:
        if expected:
            assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
            assert words in done.stderr


PARTIAL = [
    ("Thanos, Mimir", {"warnings": ["store x is away"]}, "warns: store x is away. A part is no answer"),
    ("VictoriaMetrics", {"isPartial": True}, "warns: the answer is partial. A part is no answer"),
    ("another API", {"status": "ok"}, "its answer is not one of the query API. Give --prometheus the address"),
]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(("added", "words"), [row[1:] for row in PARTIAL], ids=[row[0] for row in PARTIAL])
def test_a_part_of_an_answer_is_none(front, command, added, words):
    front.server.added = added
    with front:
        done = ran(command, f"{front.url}/mimir/prometheus", *COMMANDS[command])
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert words in done.stderr


@pytest.fixture(scope="module")
def without_rules(stack, tmp_path_factory):
    """The raw series alone, of a process that has run for a day."""
    name = c.COST.prometheus
    labels = {"job": "shop", "instance": "1", "claude_cost_type": "input"}
    slots = 24 * HOUR // SLOT
    lines = [written(name, labels, CALLS_USD * n, END - (slots - n) * SLOT) for n in range(1, slots + 1)]
    with in_prometheus(tmp_path_factory.mktemp("raw") / "store", {name: lines}) as server:
        yield server


@pytest.mark.parametrize("command", COMMANDS)
def test_without_rules_a_day_of_raw_series_is_read_and_that_is_said_once(without_rules, command):
    done = ran(command, without_rules.url, *COMMANDS[command])
    assert done.returncode == 0
    assert usd(command, done.stdout) == right(command)
    assert done.stderr == (
        "otel-claude: not all of this period is recorded, so the raw series are read, and what they lack is missing. "
        "Install the rules: otel-claude export rules\n"
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_without_rules_more_than_a_day_is_refused(without_rules, command):
    done = ran(command, without_rules.url, "--from", time_of(END - 48 * HOUR), "--to", time_of(END))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "raw ones are read for up to a day. Install the rules (otel-claude export rules)" in done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_what_a_filter_leaves_out_is_said(store, command):
    done = ran(command, store.url, *COMMANDS[command], "--where", "job=nobody")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "of what --where chooses. Choose another, or run `otel-claude doctor` where it should come" in done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_without_a_server_the_option_is_named(command):
    done = subprocess.run([*COMMAND, command], capture_output=True, text=True, check=False)
    said = f"otel-claude: {command}: --prometheus is missing: say where the metrics are, as http://prometheus:9090\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", said)


def test_cells_of_csv_are_no_formulas(stack, tmp_path):
    name, values = "claude:claude_client_cost_usd:increase5m", ("=1+1", "+1", "-1+cmd", "@SUM(A1)", "\uff1d1", "plain")
    lines = recorded()
    lines[name] = [
        written(name, {"job": "shop", "claude_tag_team": value}, 1, at + 90)
        for value in values for at in range(END - HOUR + SLOT, END + 1, SLOT)
    ]  # fmt: skip
    with in_prometheus(tmp_path / "store", lines) as server:
        done = ran("spend", server.url, *PERIOD, "--by", "tag.team", "--format", "csv")
    first = {line.partition(",")[0].strip('"') for line in done.stdout.splitlines()[1:]}
    assert first == {"'=1+1", "'+1", "'-1+cmd", "'@SUM(A1)", "'\uff1d1", "plain"}
