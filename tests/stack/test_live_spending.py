"""`otel-claude spend` and `explain` on a real Prometheus whose history is known: every dollar, and why it changed."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from decimal import Decimal

import pytest
import servers
from test_live_backfill import prometheus, promtool

from answer_schemas import mistakes
from otel_claude import semconv as c
from otel_claude.dashboards.movers import WHY
from otel_claude.promql.names import NameTranslator
from otel_claude.promql.queries import Queries
from otel_claude.promql.recorded import ALIVE, DUE, MINUTES, increase_name
from otel_claude.spending.history import recorded_after

pytestmark = [pytest.mark.timeout(400)]

SLOT, HOUR, DAY = 300, 3600, 86_400
DAYS = 23
END = int(time.time() - 2 * HOUR) // DAY * DAY
"""The history ends with the last day that was over two hours ago: all of its hours are recorded."""
CHANGED = END - DAY
"""On its last day the services change."""
COMMAND = (sys.executable, "-m", "otel_claude.cli")

KEY = "sk-ant-api03-R2D...igAA"
RATES = {"claude-sonnet-5-5": (3, 15), "claude-opus-5-5": (5, 25), "claude-haiku-4-5-20251001": (1, 5)}
"""Dollars per million tokens, in and out."""


@dataclass(frozen=True)
class Use:
    """What a service does in five minutes: how many calls, each with so many tokens."""

    model: str = "claude-sonnet-5-5"
    calls: int = 4
    uncached: int = 1000
    read: int = 0
    written: int = 0
    output: int = 200
    thinking: int = 0
    searches: int = 0

    def costs(self):
        """Dollars by type."""
        into, out = RATES[self.model]
        tokens = {
            "input": self.uncached * Decimal(into), "cache_read": self.read * Decimal(into) / 10,
            "cache_write_5m": self.written * Decimal(into) * 5 / 4, "output": self.output * Decimal(out),
        }  # fmt: skip
        found = {kind: self.calls * value / 1_000_000 for kind, value in tokens.items() if value}
        return found | ({"web_search": self.calls * self.searches / Decimal(100)} if self.searches else {})

    @property
    def usd(self):
        return sum(self.costs().values())


USUAL = Use()
CACHED = Use(uncached=100, read=4000, written=100)
SERVICES = {
    # Before, and on the last day. None: it does nothing.
    "steady": (USUAL, USUAL),
    "steady-cached": (CACHED, CACHED),
    "busy": (USUAL, replace(USUAL, calls=6)),
    "long-prompt": (USUAL, replace(USUAL, uncached=2000)),
    "broken-cache": (CACHED, replace(CACHED, uncached=4200, read=0, written=0)),
    "verbose": (USUAL, replace(USUAL, output=500)),
    "thinker": (replace(USUAL, output=300, thinking=100), replace(USUAL, output=900, thinking=700)),
    "dearer": (USUAL, replace(USUAL, model="claude-opus-5-5")),
    "searching": (replace(USUAL, searches=1), replace(USUAL, searches=2)),
    "new": (None, USUAL),
    "gone": (replace(USUAL, model="claude-haiku-4-5-20251001"), None),
}
TEAMS = {job: ("search", "ads")[number % 2] for number, job in enumerate(SERVICES)}
ANSWERED = {"gone": "claude-haiku-4-5"}
"""What the API calls a model, where that is another name than a row shows."""
CAUSES = {
    "busy": "calls", "long-prompt": "input", "broken-cache": "cache", "verbose": "output", "thinker": "thinking",
    "dearer": "price", "searching": "web_search", "new": "new", "gone": "gone",
}  # fmt: skip


def used(job, at):
    """What a service does in the five minutes that end at a moment."""
    return SERVICES[job][at > CHANGED]


def growth_of(use):
    """By how much each counter grows while it is used so, with its labels beside those of the service."""
    total = use.uncached + use.read + use.written
    found = {
        (c.CALLS, ()): use.calls,
        (c.INPUT_TOKENS, ()): use.calls * total,
        (c.OUTPUT_TOKENS, ()): use.calls * use.output,
        (c.CACHE_READ_TOKENS, ()): use.calls * use.read,
        (c.CACHE_WRITE_TOKENS, (("claude_cache_ttl", "5m"),)): use.calls * use.written,
        (c.REASONING_TOKENS, ()): use.calls * use.thinking,
        (c.SERVER_TOOL_CALLS, (("gen_ai_tool_name", "web_search"),)): use.calls * use.searches,
    }
    return found | {(c.COST, (("claude_cost_type", kind),)): usd for kind, usd in use.costs().items()}


def recorded(day):
    """What the rules record of a day: slots a minute and a half after they end, hours some minutes after."""
    lines = {ALIVE: [f"{ALIVE} 1 {at}\n" for at in range(day, day + DAY, SLOT)]}
    lines[DUE] = [f'{DUE}{{rules="1h"}} {at} {at + 400}\n' for at in range(day, day + DAY, HOUR)]
    for job in SERVICES:
        labels = {
            "job": job, "gen_ai_provider_name": "anthropic", "claude_tag_team": TEAMS[job],
            "gen_ai_operation_name": "chat", "claude_api_key_hint": KEY, "claude_client_library": "anthropic",
        }  # fmt: skip
        use = used(job, day + SLOT)
        for (metric, further), amount in growth_of(use).items() if use else ():
            if not amount:
                continue
            pairs = labels | {"gen_ai_response_model": ANSWERED.get(job, use.model)} | dict(further)
            written = ",".join(f'{name}="{value}"' for name, value in pairs.items())
            for level, length, delay in (("5m", SLOT, 90), ("1h", HOUR, 400)):
                name, value = increase_name(metric, level), amount * (length // SLOT)
                lines.setdefault(name, []).extend(
                    f"{name}{{{written}}} {value} {at + delay}\n" for at in range(day + length, day + DAY + 1, length)
                )
    return "".join(f"# TYPE {name} gauge\n{''.join(of)}" for name, of in lines.items()) + "# EOF\n"


@pytest.fixture(scope="module")
def store(stack, tmp_path_factory):
    """Prometheus with what the rules recorded of the history."""
    root = tmp_path_factory.mktemp("spending")
    data, file = root / "data", root / "day.txt"
    data.mkdir()
    for day in range(END - DAYS * DAY, END, DAY):
        file.write_text(recorded(day))
        promtool("tsdb", "create-blocks-from", "openmetrics", "--quiet", file, data)
    with prometheus(data) as server:
        yield server


def asked(store, command, *options):
    ran = subprocess.run(
        [*COMMAND, command, "--prometheus", store.url, *options], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    if "json" in options or "--json" in options:
        assert mistakes(command, json.loads(ran.stdout)) == []
    return ran.stdout


def time_of(moment):
    return datetime.fromtimestamp(moment, timezone.utc).isoformat().replace("+00:00", "Z")


def truth(start, end, name):
    """Dollars by whatever a function of a service, its use and the end of a slot says."""
    sums = {}
    for job in SERVICES:
        for at in range(start + SLOT, end + 1, SLOT):
            if use := used(job, at):
                for value, usd in name(job, use, at).items():
                    sums[value] = sums.get(value, Decimal(0)) + usd
    return sums


BY = {
    "job": lambda job, use, at: {job: use.usd},
    "model": lambda job, use, at: {use.model: use.usd},
    "type": lambda job, use, at: use.costs(),
    "tag.team": lambda job, use, at: {TEAMS[job]: use.usd},
    "day": lambda job, use, at: {time_of((at - 1) // DAY * DAY): use.usd},
    "hour": lambda job, use, at: {time_of((at - 1) // HOUR * HOUR): use.usd},
    "library": lambda job, use, at: {"anthropic": use.usd},
    "operation": lambda job, use, at: {"chat": use.usd},
    "key": lambda job, use, at: {KEY: use.usd},
}
PERIODS = {
    "a day": (END - DAY, END),
    "a week that begins in an hour": (END - 8 * DAY + 35 * 60, END - DAY + 5 * 60),
    "three weeks": (END - 21 * DAY, END),
    "some minutes": (END - HOUR, END - HOUR + 3 * SLOT),
}


@pytest.mark.parametrize("by", BY)
@pytest.mark.parametrize("period", PERIODS)
def test_spend_is_the_truth_by_every_dimension(store, period, by):
    start, end = PERIODS[period]
    said = json.loads(
        asked(store, "spend", "--from", time_of(start), "--to", time_of(end), "--by", by, "--format", "json")
    )
    expected = truth(start, end, BY[by])
    found = {row[by]: Decimal(row["usd"]) for row in said["rows"]}
    assert found.keys() == expected.keys()
    assert all(abs(found[name] - usd) < Decimal("1e-6") for name, usd in expected.items())
    assert sum(found.values()) == Decimal(said["usd"])
    assert abs(sum(Decimal(row["share"]) for row in said["rows"]) - 1) < Decimal("0.001")
    assert said["schema"] == 1
    assert (said["from"], said["to"]) == (time_of(start), time_of(end))
    assert said["unpriced_calls"] == 0


def test_calls_and_tokens_are_the_truth(store):
    said = json.loads(
        asked(
            store,
            "spend",
            "--from",
            time_of(END - 2 * DAY),
            "--to",
            time_of(END),
            "--by",
            "job,day",
            "--format",
            "json",
        )
    )
    (row,) = (each for each in said["rows"] if (each["job"], each["day"]) == ("steady-cached", time_of(END - DAY)))
    slots = DAY // SLOT * CACHED.calls
    names = (
        "calls",
        "uncached_input_tokens",
        "cache_read_input_tokens",
        "cache_creation_input_tokens",
        "output_tokens",
    )
    assert tuple(row[name] for name in names) == (slots, 100 * slots, 4000 * slots, 100 * slots, 200 * slots)
    assert row["cache_hit_ratio"] == "0.952381"


def test_filters_and_the_rest(store):
    base = ("--from", time_of(END - 2 * DAY), "--to", time_of(CHANGED))
    one = json.loads(asked(store, "spend", *base, "--by", "job", "--where", "job=steady", "--format", "json"))
    assert [row["job"] for row in one["rows"]] == ["steady"]
    assert Decimal(one["usd"]) == USUAL.usd * (DAY // SLOT)
    top = json.loads(asked(store, "spend", *base, "--by", "job", "--top", "2", "--format", "json"))
    assert [(row["job"] is None, row.get("others")) for row in top["rows"]] == [(False, None), (False, None), (True, 8)]
    assert sum(Decimal(row["usd"]) for row in top["rows"]) == Decimal(top["usd"])
    rows = list(csv.DictReader(io.StringIO(asked(store, "spend", *base, "--by", "job", "--format", "csv"))))
    assert {row["job"] for row in rows} == SERVICES.keys() - {"new"}
    markdown = asked(store, "spend", *base, "--by", "type", "--format", "markdown").splitlines()
    assert markdown[0] == "| Type | USD | Share |"
    assert markdown[1] == "| --- | ---: | ---: |"
    assert markdown[-1].startswith("| Total | ")


@pytest.mark.parametrize(
    ("model", "jobs"),
    [
        ("claude-haiku-4-5-20251001", {"gone"}),  # as the row shows it
        ("claude-haiku-4-5", {"gone"}),  # as the API answered
        ("claude-opus-5-5", set()),
        ("claude-sonnet-5-5", SERVICES.keys() - {"gone", "new"}),
    ],
)
def test_a_model_is_chosen_by_the_name_that_its_row_shows_and_by_the_one_that_was_answered(store, model, jobs):
    period = ("--from", time_of(CHANGED - DAY), "--to", time_of(CHANGED))
    options = ("--by", "job", "--where", f"model={model}", "--json")
    ran = subprocess.run(
        [*COMMAND, "spend", "--prometheus", store.url, *period, *options], capture_output=True, text=True, check=False
    )
    assert ran.returncode == (0 if jobs else 2), ran.stderr
    found = {row["job"]: Decimal(row["usd"]) for row in json.loads(ran.stdout or '{"rows": []}')["rows"]}
    assert found == {job: SERVICES[job][0].usd * (DAY // SLOT) for job in jobs}


def test_explain_looks_at_a_chosen_model_alone(store):
    period = ("--from", time_of(CHANGED), "--to", time_of(END), "--json")
    said = json.loads(asked(store, "explain", *period, "--where", "model=claude-haiku-4-5-20251001"))
    assert [(each["cause"], [place["job"] for place in each["where"]]) for each in said["causes"]] == [
        ("gone", ["gone"])
    ]
    assert set(said["normal"]["periods_usd"]) == {said["before"]["usd"]}
    said = json.loads(asked(store, "explain", *period, "--where", "model=claude-opus-5-5", "--where", "job=dearer"))
    assert [(each["cause"], each["usd"]) for each in said["causes"]] == [("new", said["after"]["usd"])]


def test_explain_names_each_planted_cause_with_its_dollars(store):
    said = json.loads(asked(store, "explain", "--from", time_of(CHANGED), "--to", time_of(END), "--json"))
    change = Decimal(said["change_usd"])
    assert sum(Decimal(cause["usd"]) for cause in said["causes"]) == change
    assert change == Decimal(said["after"]["usd"]) - Decimal(said["before"]["usd"])
    for job, cause in CAUSES.items():
        before, after = (use.usd * (DAY // SLOT) if use else Decimal(0) for use in SERVICES[job])
        (found,) = (each for each in said["causes"] if each["cause"] == cause)
        (place,) = (each for each in found["where"] if each["job"] == job)
        assert float(place["usd"]) == pytest.approx(float(after - before), rel=0.01), (job, place)
    assert not any(place["job"].startswith("steady") for cause in said["causes"] for place in cause["where"])
    (moved,) = (place for cause in said["causes"] if cause["cause"] == "price" for place in cause["where"])
    assert (moved["model_before"], moved["model"]) == ("claude-sonnet-5-5", "claude-opus-5-5")
    assert len(said["normal"]["periods_usd"]) == 3
    assert said["normal"]["is_normal"] is False


def test_explain_of_a_usual_day_finds_nothing(store):
    said = json.loads(asked(store, "explain", "--from", time_of(END - 2 * DAY), "--to", time_of(CHANGED), "--json"))
    assert (said["change_usd"], said["causes"]) == ("0.00", [])


def test_the_same_day_of_earlier_weeks_says_whether_it_is_normal(store):
    said = asked(store, "explain", "--from", time_of(CHANGED), "--to", time_of(END), "--week-before")
    assert "That is more than what the same time cost in the last 3 weeks: " in said
    few = asked(store, "explain", "--from", time_of(END - 7 * DAY), "--to", time_of(END - 6 * DAY))
    assert "cannot be told: 2 earlier weeks are recorded, and 3 are needed" in few


def test_the_panel_of_changes_shows_what_was_planted(store):
    """The day against that of the week before, as the row "Why it changed" has it."""
    columns = {}
    for column, target in zip(WHY.columns[2:], WHY.targets, strict=True):
        asked_for = target.query(Queries(NameTranslator())).replace("$__range", "1d").replace("${level}", "5m")
        found = store.instant(asked_for, END + recorded_after(MINUTES).total_seconds())
        columns[column.title] = {row["metric"]["job"]: float(row["value"][1]) for row in found}
    assert columns["Calls"]["busy"] == pytest.approx(0.5)
    assert columns["Input per call"]["long-prompt"] == pytest.approx(1)
    assert columns["Output per call"]["verbose"] == pytest.approx(1.5)
    assert columns["Cache hits before"]["broken-cache"] == pytest.approx(4000 / 4200)
    assert columns["Cache hits"].get("broken-cache", 0) == 0
    assert columns["Change"]["new"] == pytest.approx(float(USUAL.usd) * DAY / SLOT)
    assert not columns["Change"].keys() & {"steady", "steady-cached"}


def raw(start, end):
    """The sums that processes export each five minutes. Each lives for a day, but those of one service for an hour."""
    for job in SERVICES:
        life, sums = HOUR if job == "busy" else DAY, Counter()
        for at in range(start + SLOT, end + 1, SLOT):
            if (at - SLOT) % life == 0:
                sums.clear()
            if (use := used(job, at)) is None:
                continue
            for (metric, further), amount in growth_of(use).items():
                sums[metric, further] += amount
                process = f"{job}-{(at - SLOT) // life}"
                pairs = {"job": job, "instance": process, "gen_ai_response_model": use.model, **dict(further)}
                written = ",".join(f'{name}="{value}"' for name, value in pairs.items())
                yield f"{metric.prometheus}{{{written}}} {sums[metric, further]} {at * 1000}\n"


@pytest.fixture(scope="module")
def victoria(stack, tmp_path_factory):
    """VictoriaMetrics with the raw series of five days. It has no rules."""
    with servers.victoria_metrics(tmp_path_factory.mktemp("victoria")) as server:
        lines = "".join(raw(END - 5 * DAY, END)).encode()
        for path, body in (("api/v1/import/prometheus", lines), ("internal/force_flush", None)):
            with urllib.request.urlopen(urllib.request.Request(f"{server.url}/{path}", body), timeout=60) as answer:
                assert answer.status < 300
        yield server


@pytest.mark.parametrize("by", ["job", "model", "type", "day", "hour"])
def test_on_victoria_metrics_it_is_the_same(victoria, by):
    start, end = END - 3 * DAY, END
    said = json.loads(
        asked(victoria, "spend", "--from", time_of(start), "--to", time_of(end), "--by", by, "--format", "json")
    )
    found, expected = {row[by]: Decimal(row["usd"]) for row in said["rows"]}, truth(start, end, BY[by])
    assert found.keys() == expected.keys()
    assert all(abs(found[name] - usd) < Decimal("1e-6") for name, usd in expected.items())


def test_on_victoria_metrics_causes_are_the_same(store, victoria):
    period = ("--from", time_of(CHANGED), "--to", time_of(END), "--json")
    one, other = (json.loads(asked(server, "explain", *period)) for server in (store, victoria))
    causes = [{each["cause"]: float(each["usd"]) for each in said["causes"]} for said in (one, other)]
    assert causes[0] == pytest.approx(causes[1], abs=1e-6)


BEFORE = time_of(END - 26 * DAY)
REFUSED = [
    ("half of a period is recorded", (), ("--from", BEFORE, "--to", time_of(END)), " recorded"),
    (
        "nothing is recorded for two days",
        (),
        ("--from", BEFORE, "--to", time_of(END - 24 * DAY)),
        "has no recorded series",
    ),
    (
        "a day without anything",
        (),
        ("--from", BEFORE, "--to", time_of(END - 25 * DAY)),
        "has nothing that otel-claude measured",
    ),
    ("a time that is none", (), ("--from", "yesterday"), "--from 'yesterday' is no time. Write it as 2026-11-20"),
    (
        "a length that is none",
        (),
        ("--last", "a week"),
        "--last 'a week' is no length of time. Write it as 24h, 7d or 4w",
    ),
    ("a moment within five minutes", (), ("--from", "2026-11-20T13:01"), "begins and ends at whole five minutes"),
    (
        "the end before the beginning",
        (),
        ("--from", time_of(END), "--to", time_of(CHANGED)),
        "--to is not after --from",
    ),
    ("the future", (), ("--to", "2100-01-01"), "ends in the future"),
    ("a filter that is none", (), ("--where", "checkout"), "--where 'checkout' is no filter. Write it as job=checkout"),
    ("a server that is away", ("--prometheus", "http://127.0.0.1:9"), (), "does not answer: Connection refused"),
    ("no server", ("--prometheus", ""), (), "--prometheus is no address"),
]


@pytest.mark.parametrize("command", ["spend", "explain"])
@pytest.mark.parametrize(
    ("server", "options", "message"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_what_cannot_be_answered_is_one_sentence(store, command, server, options, message):
    given = server or ("--prometheus", store.url)
    ran = subprocess.run([*COMMAND, command, *given, *options], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.splitlines()[-1].startswith(f"otel-claude: {command}: ")
    assert message in ran.stderr
