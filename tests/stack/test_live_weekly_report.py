"""The weekly report: a real Prometheus, the commands of the delivered unit and CronJob, and a chat that listens."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
import servers
from manifests import pods
from test_live_backfill import prometheus, promtool
from test_live_spending import Use, growth_of

from listening import Listening, Quiet
from otel_claude.promql.recorded import ALIVE, DUE, increase_name

pytestmark = [pytest.mark.timeout(300)]

SCRIPT = servers.DEPLOY / "systemd/weekly_report.py"
SLOT, HOUR, DAY = 300, 3600, 86_400
WEEK = 7 * DAY
SECRET = "T0K3N-of-the-webhook"
# All hours of the day before are recorded.
TODAY = (datetime.now(timezone.utc) - timedelta(hours=2)).replace(hour=0, minute=0, second=0, microsecond=0)
MONDAY = TODAY - timedelta(days=TODAY.weekday())
END = int(MONDAY.timestamp())
USUAL = Use()
SERVICES = {"checkout": (USUAL, replace(USUAL, calls=6)), "search <b> & co": (USUAL, USUAL)}
"""What a service does in the weeks before, and in the last one."""


def recorded(start):
    """What rules record of all services up to the last Monday."""
    lines = {ALIVE: [f"{ALIVE} 1 {at}\n" for at in range(start, END + HOUR, SLOT)]}
    lines[DUE] = [f'{DUE}{{rules="1h"}} {at} {at + 400}\n' for at in range(start, END + HOUR, HOUR)]
    for job, uses in SERVICES.items():
        for level, length, delay in (("5m", SLOT, 90), ("1h", HOUR, 400)):
            for at in range(start + length, END + 1, length):
                use = uses[at > END - WEEK]
                for (metric, further), amount in growth_of(use).items():
                    if amount:
                        pairs = {"job": job, "gen_ai_response_model": use.model, **dict(further)}
                        written = ",".join(f'{name}="{value}"' for name, value in pairs.items())
                        name = increase_name(metric, level)
                        value = amount * (length // SLOT)
                        lines.setdefault(name, []).append(f"{name}{{{written}}} {value} {at + delay}\n")
    return lines


@contextmanager
def stored(folder, lines):
    data, file = folder / "data", folder / "lines.txt"
    data.mkdir(parents=True)
    if lines:
        file.write_text("".join(f"# TYPE {name} gauge\n{''.join(of)}" for name, of in lines.items()) + "# EOF\n")
        promtool("tsdb", "create-blocks-from", "openmetrics", "--quiet", file, data)
    with prometheus(data) as server:
        yield server


@pytest.fixture(scope="module")
def store(stack, tmp_path_factory):
    with stored(tmp_path_factory.mktemp("weeks"), recorded(END - 5 * WEEK)) as server:
        yield server


class Chat(Quiet):
    """Takes messages, and repeats what it heard."""

    def do_POST(self):  # noqa: N802 - http.server's name
        self.server.heard.append((self.path, self.headers["content-type"], json.loads(self.posted())))
        said = f"you sent {self.path}".encode()
        self.send_response(self.server.code)
        if self.server.code == 307:
            self.send_header("location", self.server.elsewhere)
        self.send_header("content-length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)


@pytest.fixture
def chat():
    listening = Listening(Chat)
    listening.server.heard, listening.server.code = [], 200
    with listening:
        yield listening


def of_unit():
    (line,) = re.findall(
        r"^ExecStart=(.*)$", (SCRIPT.parent / "otel-claude-weekly-report.service").read_text(), re.MULTILINE
    )
    return shlex.split(line)


def of_cron_job():
    return pods()["otel-claude-weekly-report"]["spec"]["containers"][0]["command"]


PLACES = {
    r"^(/opt/otel-claude/bin/)?python$": sys.executable,
    r"^/.*weekly_report\.py$": str(SCRIPT),
    r"(\$\{CREDENTIALS_DIRECTORY\}/webhook|/webhook/url)$": "{file}",
    r"http://\S+:9090$": "{store}",
}


def reported(file, address, command=of_unit, *more):
    arguments = command()
    for pattern, ours in PLACES.items():
        arguments = [re.sub(pattern, ours.format(file=file, store=address), each) for each in arguments]
    done = subprocess.run([*arguments, *more], capture_output=True, text=True, check=False)
    assert SECRET not in done.stdout + done.stderr
    assert done.stdout == ""
    return done


@pytest.fixture
def webhook(chat, tmp_path):
    file = tmp_path / "webhook"
    file.write_text(f"{chat.url}/services/{SECRET}\n")
    return file


@pytest.mark.parametrize("command", [of_unit, of_cron_job])
def test_the_message(store, chat, webhook, command):
    done = reported(webhook, store.url, command)
    assert done.returncode == 0, done.stderr
    ((path, kind, sent),) = chat.server.heard
    assert (path, kind, sent.keys()) == (f"/services/{SECRET}", "application/json", {"text"})
    days = f"{MONDAY - timedelta(7):%Y-%m-%d} to {MONDAY - timedelta(1):%Y-%m-%d}"
    assert sent["text"].partition("\n*Where to save*")[0] == (
        f"*Claude, {days} (UTC): $120.96*, +$24.19 (+25.0%) against the week before. "
        "That is not normal: the last 4 weeks cost $96.77 to $96.77.\n"
        "• checkout: $72.58 (60.0%)\n"
        "• search &lt;b&gt; &amp; co: $48.38 (40.0%)\n"
        "*Why it changed*\n"
        "• +$24.19: more calls, most of all checkout with claude-sonnet-5-5"
    )


def test_further_options_go_to_the_commands(store, chat, webhook):
    assert reported(webhook, store.url, of_unit, "--where", "job=checkout").returncode == 0
    ((_, _, sent),) = chat.server.heard
    assert "(UTC): $72.58*, +$24.19 (+50.0%)" in sent["text"]


def test_in_the_first_week_it_says_what_was_spent_alone(stack, chat, webhook, tmp_path):
    with stored(tmp_path / "week", recorded(END - WEEK)) as server:
        done = reported(webhook, server.url)
    assert done.returncode == 0
    assert "otel-claude: explain: not all of " in done.stderr
    ((_, _, sent),) = chat.server.heard
    assert sent["text"].partition("\n*Where to save*")[0].splitlines()[1:] == [
        "• checkout: $72.58 (60.0%)",
        "• search &lt;b&gt; &amp; co: $48.38 (40.0%)",
        "Why it changed cannot be said; the log of this report says what is missing.",
    ]


def test_without_data_nothing_is_posted(stack, chat, webhook, tmp_path):
    with stored(tmp_path / "empty", {}) as server:
        done = reported(webhook, server.url)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "has no recorded series" in done.stderr
    assert chat.server.heard == []


def test_without_a_server_nothing_is_posted(chat, webhook):
    done = reported(webhook, "http://127.0.0.1:9")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "otel-claude: spend: Prometheus at http://127.0.0.1:9 does not answer" in done.stderr
    assert chat.server.heard == []


def test_a_webhook_that_is_away(store, tmp_path):
    (tmp_path / "webhook").write_text(f"http://127.0.0.1:9/services/{SECRET}")
    done = reported(tmp_path / "webhook", store.url)
    assert (done.returncode, done.stderr) == (
        2, "weekly_report: the webhook does not answer: Connection refused\n"
    )  # fmt: skip


@pytest.mark.parametrize("code", [307, 403, 404, 500])
def test_a_webhook_that_refuses(store, chat, webhook, code):
    chat.server.code, chat.server.elsewhere = code, f"{chat.url}/elsewhere"
    done = reported(webhook, store.url)
    assert (done.returncode, done.stderr) == (2, f"weekly_report: the webhook refuses the message ({code})\n")
    assert len(chat.server.heard) == 1


FILES = [
    (None, "No such file or directory"),
    ("", "it must have the address of the webhook alone, as https://..."),
    (f"https://a.example/{SECRET}\nhttps://b.example/{SECRET}\n", "it must have the address of the webhook alone"),
    (f"file:///{SECRET}", "it must have the address of the webhook alone"),
    (f"https://127.0.0.1:no-port/{SECRET}", None),
]


@pytest.mark.parametrize(("content", "words"), FILES)
def test_what_is_no_address_of_a_webhook(store, tmp_path, content, words):
    file = tmp_path / "webhook"
    if content is not None:
        file.write_text(content)
    done = reported(file, store.url)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    said = f"weekly_report: --webhook-file {file}: {words}" if words else "weekly_report: the webhook does not answer: "
    assert done.stderr.startswith(said)


def test_advice_is_in_it():
    spec = importlib.util.spec_from_file_location("weekly_report", SCRIPT)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    spend = {
        "from": "2026-11-16T00:00:00Z", "to": "2026-11-23T00:00:00Z", "usd": "12.00", "unpriced_calls": 3,
        "rows": [{"job": None, "usd": "12.00", "share": "1.000000", "others": 7}],
    }  # fmt: skip
    explain = {
        "before": {"usd": "0.00"}, "change_usd": "-1.5", "normal": {"is_normal": None, "periods_usd": []},
        "causes": [{"cause": "cache", "usd": "-1.5", "where": []}, {"cause": "input", "usd": "0.001", "where": []}],
    }  # fmt: skip
    advise = {
        "advice": [
            {"id": "cache_unread", "certainty": "exact", "usd_per_month": "1234.5", "change": "Write less <b>",
             "where": {"job": "checkout", "model": None}},
        ],
    }  # fmt: skip
    assert script.message(spend, explain, advise) == (
        "*Claude, 2026-11-16 to 2026-11-22 (UTC): $12.00*, -$1.50 against the week before.\n"
        "• 7 others: $12.00 (100.0%)\n"
        "3 calls have no exact price, and are missing in whole or in part.\n"
        "*Why it changed*\n"
        "• -$1.50: the cache saves more\n"
        "*Where to save*\n"
        "• $1,234.50 a month (exact, checkout): Write less &lt;b&gt;"
    )
    assert script.message(spend, None, {"advice": []}).splitlines()[-1].startswith("Why it changed cannot be said")
