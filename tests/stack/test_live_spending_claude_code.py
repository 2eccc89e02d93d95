"""`otel-claude spend --source claude-code`: what Claude Code reports, in each way of stores, apart from calls."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from contextlib import contextmanager
from typing import NamedTuple

import pytest
import servers
from test_live_backfill import prometheus, write
from test_live_spending import COMMAND, asked, time_of

from otel_claude import semconv as c
from otel_claude.promql.recorded import ALIVE, increase_name
from otel_claude.semconv import claude_code as cc

pytestmark = [pytest.mark.timeout(240)]

SLOT, HOUR = 300, 3600
END = int(time.time()) // HOUR * HOUR - HOUR
START = END - 3 * HOUR
PERIOD = ("--from", time_of(START), "--to", time_of(END))
SLOTS = (END - START) // SLOT
ANN, BEN = "a1" * 32, "b2" * 32
"""Ids of users. Ben has an account, so his e-mail address is known too."""


class Session(NamedTuple):
    """What sessions alike report in five minutes."""

    user: str
    email: str
    team: str
    model: str
    source: str
    usd: float
    requests: int
    tokens: dict[str, int]


SESSIONS = (
    Session(ANN, "", "search", "claude-sonnet-4-6", "main", 0.25, 3,
            {"input": 1000, "cacheRead": 8000, "cacheCreation": 500, "output": 250}),
    Session(ANN, "", "search", "claude-haiku-4-5", "subagent", 0.125, 2, {"input": 400, "output": 100}),
    Session(BEN, "ben@example.com", "shop", "claude-sonnet-4-6", "main", 0.5, 4,
            {"input": 2000, "cacheRead": 16_000, "cacheCreation": 1000, "output": 500}),
)  # fmt: skip
FAILED = 1
"""Requests of the first kind of session that fail in five minutes."""
CALLS_USD = 7
"""What an application's calls cost in five minutes: no part of it."""
HAIKU = "claude-haiku-4-5-20251001"
"""As a row shows `claude-haiku-4-5`."""


def growth():
    """Each metric of Claude Code with its labels, and by how much it grows in five minutes."""
    for number, each in enumerate(SESSIONS):
        labels = {
            "job": "claude-code", "user_id": each.user, "team": each.team, "model": each.model,
            "query_source": each.source, "speed": "normal", **({"user_email": each.email} if each.email else {}),
        }  # fmt: skip
        yield cc.CODE_COST, labels, each.usd
        yield cc.CODE_REQUESTS, labels, each.requests
        if number == 0:
            yield cc.CODE_ERRORS, labels | {"status_code": "529"}, FAILED
        for kind, count in each.tokens.items():
            yield cc.CODE_TOKENS, labels | {"type": kind}, count


def written(name, labels, value, at):
    pairs = ",".join(f'{label}="{text}"' for label, text in labels.items())
    return f"{name}{{{pairs}}} {value} {at}\n"


def recorded():
    lines = {ALIVE: [f"{ALIVE} 1 {at}\n" for at in range(START - HOUR, END + 2 * SLOT, SLOT)]}
    calls = (c.COST, {"job": "shop", "claude_cost_type": "input"}, CALLS_USD)
    for metric, labels, amount in (*growth(), calls):
        name = increase_name(metric, "5m")
        lines.setdefault(name, []).extend(
            written(name, labels, amount, at + 90) for at in range(START + SLOT, END + 1, SLOT)
        )
    return lines


def deltas(times=1):
    """Raw deltas, each sample in the middle of its five minutes."""
    lines = {}
    for metric, labels, amount in growth():
        pairs = labels | {"instance": "collector-0", "claude_temporality": "delta"}
        lines.setdefault(metric.prometheus, []).extend(
            written(metric.prometheus, pairs, amount, (at - 150) * times) for at in range(START + SLOT, END + 1, SLOT)
        )
    return lines


def sums():
    """Raw sums of a Collector that began two hours before, as they are scraped."""
    lines = {}
    for metric, labels, amount in growth():
        pairs = labels | {"instance": "collector-0"}
        lines.setdefault(metric.prometheus, []).extend(
            written(metric.prometheus, pairs, amount * (24 + number), START + number * SLOT)
            for number in range(SLOTS + 1)
        )
    return lines


@contextmanager
def in_prometheus(folder, lines):
    data = folder / "data"
    data.mkdir(parents=True)
    for name, of in lines.items():
        write(data, "unknown", name, of)
    with prometheus(data) as server:
        yield server


@contextmanager
def in_victoria_metrics(folder):
    with servers.victoria_metrics(folder) as server:
        lines = "".join(line for of in deltas(1000).values() for line in of).encode()
        for path, body in (("api/v1/import/prometheus", lines), ("internal/force_flush", None)):
            with urllib.request.urlopen(urllib.request.Request(f"{server.url}/{path}", body), timeout=60) as answer:
                assert answer.status < 300
        yield server


WAYS = {
    "recorded": lambda folder: in_prometheus(folder, recorded()),
    "raw deltas": lambda folder: in_prometheus(folder, deltas()),
    "raw sums": lambda folder: in_prometheus(folder, sums()),
    "victoria-metrics": in_victoria_metrics,
}


@pytest.fixture(scope="module", params=WAYS)
def store(request, stack, tmp_path_factory):
    with WAYS[request.param](tmp_path_factory.mktemp("code") / "store") as server:
        server.way = request.param
        yield server


def spent(store, *options):
    return json.loads(asked(store, "spend", "--source", "claude-code", *PERIOD, "--json", *options))


def user(each):
    return each.email or each.user[:12]


BY = {
    "job": lambda each: "claude-code",
    "model": lambda each: HAIKU if "haiku" in each.model else each.model,
    "user": user,
    "team": lambda each: each.team,
    "query_source": lambda each: each.source,
    "speed": lambda each: "normal",
}


@pytest.mark.parametrize("by", BY)
def test_it_is_what_sessions_reported_by_every_dimension(store, by):
    wanted = Counter()
    for each in SESSIONS:
        wanted[BY[by](each)] += each.usd * SLOTS
    said = spent(store, "--by", by)
    assert {row[by]: float(row["usd"]) for row in said["rows"]} == wanted
    assert (said["source"], said["schema"], said["unpriced_calls"]) == ("claude-code", 1, 0)
    assert float(said["usd"]) == sum(wanted.values())


@pytest.mark.parametrize(("by", "width"), [("hour", HOUR), ("day", 24 * HOUR)])
def test_it_is_what_sessions_reported_in_each_hour_and_day(store, by, width):
    wanted, each = Counter(), sum(each.usd for each in SESSIONS)
    for at in range(START, END, SLOT):
        wanted[time_of(at // width * width)] += each
    assert {row[by]: float(row["usd"]) for row in spent(store, "--by", by)["rows"]} == wanted


def test_tokens_and_requests_are_those_of_sessions(store):
    (row,) = (row for row in spent(store, "--by", "team")["rows"] if row["team"] == "search")
    first, second = SESSIONS[:2]
    assert row == {
        "team": "search", "usd": row["usd"], "calls": (first.requests + second.requests + FAILED) * SLOTS,
        "uncached_input_tokens": 1400 * SLOTS, "cache_read_input_tokens": 8000 * SLOTS,
        "cache_creation_input_tokens": 500 * SLOTS, "output_tokens": 350 * SLOTS, "share": row["share"],
        "cache_hit_ratio": f"{8000 / 9900:.6f}",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("where", "wanted"),
    [
        ("model=claude-haiku-4-5", (0.125,)),
        (f"model={HAIKU}", (0.125,)),
        ("model=claude-sonnet-4-6", (0.25, 0.5)),
        ("user=ben@example.com", (0.5,)),
        (f"user={ANN[:12]}", (0.25, 0.125)),
        (f"user={ANN}", (0.25, 0.125)),
        ("query_source=subagent", (0.125,)),
    ],
)
def test_filters_take_what_rows_show_and_what_metrics_have(store, where, wanted):
    assert float(spent(store, "--where", where)["usd"]) == sum(wanted) * SLOTS


def test_it_is_never_mixed_with_calls(store):
    code = asked(store, "spend", "--source", "claude-code", *PERIOD)
    assert "Of Claude Code alone, as its sessions report it at prices of its own." in " ".join(code.split())
    assert f"{sum(each.usd for each in SESSIONS) * SLOTS:.2f}" in code
    if store.way == "recorded":
        said = json.loads(asked(store, "spend", *PERIOD, "--by", "job", "--json"))
        assert [(row["job"], row["usd"]) for row in said["rows"]] == [("shop", f"{CALLS_USD * SLOTS:.2f}")]
        assert said["source"] == "prometheus"
        return
    ran = subprocess.run(
        [*COMMAND, "spend", "--prometheus", store.url, *PERIOD], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 2
    assert "has nothing that otel-claude measured from" in ran.stderr


def test_without_events_calls_are_not_known(stack, tmp_path):
    """As where Claude Code sends to the store itself."""
    lines = {name: of for name, of in deltas().items() if name in {cc.CODE_COST.prometheus, cc.CODE_TOKENS.prometheus}}
    with in_prometheus(tmp_path / "store", lines) as server:
        assert {row["calls"] for row in spent(server)["rows"]} == {None}
        header, *rows = asked(server, "spend", "--source", "claude-code", *PERIOD, "--format", "markdown").splitlines()
    calls = header.split("|").index(" Calls ")
    assert {row.split("|")[calls].strip() for row in rows[1:]} == {""}


REFUSED = [
    (("--by", "type"), "'type' is no dimension: choose of day, hour, job, model, user, team, query_source, speed"),
    (("--by", "tag.team"), "'tag.team' is no dimension: choose of "),
    (("--where", "key=x"), "'key' is no dimension: choose of "),
    (("--from", time_of(START - 8 * HOUR), "--to", time_of(START - 7 * HOUR)), "has nothing that Claude Code exported"),
]


@pytest.mark.parametrize(("options", "message"), REFUSED)
def test_what_it_has_not_is_one_sentence(store, options, message):
    command = [sys.executable, "-m", "otel_claude.cli", "spend", "--source", "claude-code", "--prometheus", store.url]
    ran = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert message in ran.stderr.splitlines()[-1]
