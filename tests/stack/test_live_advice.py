"""`otel-claude advise` on a real Prometheus and VictoriaMetrics: each planted waste with its dollars, and none of a
clean history."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path

import pytest
import servers
from test_live_backfill import prometheus, promtool

from answer_schemas import mistakes
from otel_claude import semconv as c
from otel_claude.alerts.spend import savings_alerts
from otel_claude.alerts.thresholds import Thresholds
from otel_claude.dashboards.savings import TABLES
from otel_claude.promql.names import NameTranslator
from otel_claude.promql.queries import Queries
from otel_claude.promql.recorded import ALIVE, DUE, HOURS, increase_name
from otel_claude.spending.history import recorded_after

pytestmark = [pytest.mark.timeout(400)]

SLOT, HOUR, DAY = 300, 3600, 86_400
DAYS = 7
END = int(time.time() - 2 * HOUR) // DAY * DAY
"""The history ends with the last day that was over two hours ago: all of its hours are recorded."""
SLOTS = DAYS * DAY // SLOT
MONTH = Decimal(30) / DAYS
DOCS = (Path(__file__).parents[2] / "docs").iterdir()
COMMAND = (sys.executable, "-m", "otel_claude.cli")
SONNET, RETIRING = "claude-sonnet-5-5", "claude-sonnet-4-5-20250929"
INPUT, READ, WRITE_5M, WRITE_1H, OUTPUT = (Decimal(price) / 10**6 for price in ("2", "0.10", "2.50", "4", "10"))
"""US dollars of a token of Sonnet 5.5."""
BOUNDS = [4.0**power for power in range(14)]


@dataclass(frozen=True)
class Use:
    """What a service does in five minutes: so many calls, each with so many tokens."""

    calls: int = 4
    uncached: int = 500
    read: int = 0
    written_5m: int = 0
    written_1h: int = 0
    output: int = 200
    thinking: int = 0
    searches: int = 0
    lengths: tuple[int, ...] = ()
    """Input tokens of single calls, if they are not alike."""
    model: str = SONNET
    every: int = 1
    """It works in one of so many slots."""
    labels: tuple[tuple[str, str], ...] = ()
    """Of what it costs."""
    further: dict = field(default_factory=dict)
    """More counters, by metric and labels."""

    @property
    def total(self):
        return self.uncached + self.read + self.written_5m + self.written_1h

    def costs(self):
        """US dollars by type, of one slot."""
        amounts = {
            "input": self.uncached * INPUT, "cache_read": self.read * READ,
            "cache_write_5m": self.written_5m * WRITE_5M, "cache_write_1h": self.written_1h * WRITE_1H,
            "output": self.output * OUTPUT, "web_search": self.searches / Decimal(100),
        }  # fmt: skip
        return {kind: self.calls * usd for kind, usd in amounts.items() if usd}

    @property
    def usd(self):
        """US dollars of one slot in which it works."""
        return sum(self.costs().values())

    def growth(self):
        """By how much each counter grows in one slot, with its labels beside those of the service."""
        calls = self.calls
        found = {
            (c.INPUT_TOKENS, "", ()): calls * self.total,
            (c.OUTPUT_TOKENS, "", ()): calls * self.output,
            (c.CACHE_READ_TOKENS, "", ()): calls * self.read,
            (c.CACHE_WRITE_TOKENS, "", (("claude_cache_ttl", "5m"),)): calls * self.written_5m,
            (c.CACHE_WRITE_TOKENS, "", (("claude_cache_ttl", "1h"),)): calls * self.written_1h,
            (c.REASONING_TOKENS, "", ()): calls * self.thinking,
            (c.CACHE_SAVINGS, "", ()): calls * self.read * (INPUT - READ),
            (c.CACHE_OVERHEAD, "", (("claude_cache_ttl", "5m"),)): calls * self.written_5m * (WRITE_5M - INPUT),
            (c.CACHE_OVERHEAD, "", (("claude_cache_ttl", "1h"),)): calls * self.written_1h * (WRITE_1H - INPUT),
        }
        found |= {(c.COST, "", (("claude_cost_type", kind), *self.labels)): usd for kind, usd in self.costs().items()}
        lengths = self.lengths or (self.total,) * calls
        for bound in BOUNDS:
            found[c.CALL_INPUT_TOKENS, "_bucket", (("le", f"{bound:.1f}"),)] = sum(each <= bound for each in lengths)
        found[c.CALL_INPUT_TOKENS, "_bucket", (("le", "+Inf"),)] = len(lengths)
        found |= {(metric, "", labels): amount for (metric, labels), amount in self.further.items()}
        ended = sum(amount for (metric, _), amount in self.further.items() if metric is c.CALLS)
        found[c.CALLS, "", (("anthropic_message_stop_reason", "end_turn"),)] = calls - ended
        return {key: amount for key, amount in found.items() if amount}


CACHED = Use(uncached=100, read=4000, written_5m=100)
CLEAN = {
    "cached": CACHED,
    "cached for an hour": replace(CACHED, written_5m=0, written_1h=100, every=6),
    "short prompts": Use(),
    "prompts of any length": Use(uncached=5000, lengths=(60, 300, 1500, 18_140)),
    "no cache in batches of work": Use(uncached=500, every=7),
    "waste of a few calls": Use(calls=3, uncached=8000, every=72, labels=(("claude_speed", "fast"),)),
}
MAX_TOKENS = (c.CALLS, (("anthropic_message_stop_reason", "max_tokens"),))
WASTE = {
    "unread": Use(uncached=100, read=100, written_5m=2000),
    "diagnosed": replace(
        CACHED, further={(c.CACHE_MISSED_COST, (("claude_cache_miss_reason", "system_changed"),)): Decimal("0.03")}
    ),
    "uncached": Use(uncached=8000),
    "hourly": Use(uncached=100, read=4000, written_1h=400),
    "rewritten": Use(uncached=100, read=4000, written_5m=4000, every=6),
    "fast": Use(labels=(("claude_speed", "fast"),)),
    "american": Use(labels=(("claude_inference_geo", "us"),), searches=1),
    "truncated": Use(further={MAX_TOKENS: 1}),
    "abandoned": Use(further={(c.UNPRICED, (("claude_unpriced_reason", "no_response"),)): 1}),
    "thinking": Use(output=1000, thinking=800),
    "searching": Use(searches=1),
    "limited": Use(
        uncached=900,
        further={
            (c.ATTEMPTS, (("claude_attempt_outcome", "success"),)): 4,
            (c.ATTEMPTS, (("claude_attempt_outcome", "rate_limited"), ("claude_blocked_reason", "rate_limit"))): 1,
        },
    ),
    "retiring": Use(model=RETIRING),
}
BUSY = WASTE["hourly"]
EXPECTED = {
    # The rule, the service, and US dollars of one slot in which it works.
    ("cache_unread", "unread"): 4 * (2000 * (WRITE_5M - INPUT) - 100 * (INPUT - READ)),
    ("cache_missed", "diagnosed"): Decimal("0.03"),
    ("prompt_uncached", "uncached"): 4 * 8000 * (INPUT - READ),
    ("cache_ttl_too_long", "hourly"): 4 * 400 * (WRITE_1H - WRITE_5M),
    ("cache_ttl_too_short", "rewritten"): 4 * 4000 * (WRITE_5M - READ),
    ("fast_mode", "fast"): WASTE["fast"].usd / 2,
    ("us_only", "american"): 4 * (500 * INPUT + 200 * OUTPUT) / 11,
    ("truncated", "truncated"): WASTE["truncated"].usd / 4,
    ("abandoned", "abandoned"): WASTE["abandoned"].usd / 4,
    ("thinking", "thinking"): 4 * 800 * OUTPUT,
    ("web_search", "american"): 4 / Decimal(100),
    ("web_search", "searching"): 4 / Decimal(100),
    ("rate_limited", "limited"): 4 * 900 * (INPUT - READ),
    # Sonnet 4.5 costs 3 and 15 USD per million, and Sonnet 5.5 two thirds of that.
    ("model_retires", "retiring"): WASTE["retiring"].usd / 3,
}
CERTAINTIES = {
    "exact": {"cache_unread", "fast_mode", "us_only"},
    "upper bound": {"prompt_uncached", "thinking", "web_search", "rate_limited"},
    "estimate": {
        "cache_missed", "cache_ttl_too_long", "cache_ttl_too_short", "truncated", "abandoned", "model_retires",
    },
}  # fmt: skip


def labels_of(job, use, part=""):
    """Histograms have no tags."""
    tags = {} if part else {"claude_tag_team": "ads" if job == "fast" else "search"}
    return tags | {
        "job": job, "gen_ai_provider_name": "anthropic", "gen_ai_operation_name": "chat",
        "gen_ai_request_model": use.model, "gen_ai_response_model": use.model,
    }  # fmt: skip


def written(pairs):
    return ",".join(f'{name}="{value}"' for name, value in pairs.items())


def recorded(services, day):
    """What the rules record of a day: slots a minute and a half after they end, hours some minutes after."""
    lines = {ALIVE: [f"{ALIVE} 1 {at}\n" for at in range(day, day + DAY, SLOT)]}
    lines[DUE] = [f'{DUE}{{rules="1h"}} {at} {at + 400}\n' for at in range(day, day + DAY, HOUR)]
    for job, use in services.items():
        for (metric, part, further), amount in use.growth().items():
            pairs = written(labels_of(job, use, part) | dict(further))
            for level, length, delay in (("5m", SLOT, 90), ("1h", HOUR, 400)):
                name = increase_name(metric, level, part)
                for at in range(day + length, day + DAY + 1, length):
                    slots = sum(end // SLOT % use.every == 0 for end in range(at - length + SLOT, at + 1, SLOT))
                    if slots:
                        lines.setdefault(name, []).append(f"{name}{{{pairs}}} {amount * slots} {at + delay}\n")
    return "".join(f"# TYPE {name} gauge\n{''.join(of)}" for name, of in lines.items()) + "# EOF\n"


def store_of(services, root):
    data, file = root / "data", root / "day.txt"
    data.mkdir()
    for day in range(END - DAYS * DAY, END, DAY):
        file.write_text(recorded(services, day))
        promtool("tsdb", "create-blocks-from", "openmetrics", "--quiet", file, data)
    return prometheus(data)


@pytest.fixture(scope="module")
def wasteful(stack, tmp_path_factory):
    with store_of(CLEAN | WASTE, tmp_path_factory.mktemp("waste")) as server:
        yield server


@pytest.fixture(scope="module")
def clean(stack, tmp_path_factory):
    with store_of(CLEAN, tmp_path_factory.mktemp("clean")) as server:
        yield server


def time_of(moment):
    return datetime.fromtimestamp(moment, timezone.utc).isoformat().replace("+00:00", "Z")


PERIOD = ("--from", time_of(END - DAYS * DAY), "--to", time_of(END))


def run(store, *options, period=PERIOD):
    asked_for = [*COMMAND, "advise", "--prometheus", store.url, *period, *options]
    return subprocess.run(asked_for, capture_output=True, text=True, check=False)


def asked(store, *options, period=PERIOD):
    ran = run(store, *options, period=period)
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout


def found(said):
    return {(each["id"], each["where"]["job"]): each for each in said["advice"]}


def slots_of(job):
    return SLOTS // WASTE[job].every


@pytest.fixture(scope="module")
def said(wasteful):
    return json.loads(asked(wasteful, "--min-usd", "0", "--json"))


def test_each_waste_is_found_and_nothing_else(said):
    assert found(said).keys() == EXPECTED.keys()


@pytest.mark.parametrize(("rule", "job"), EXPECTED)
def test_its_dollars_are_those_planted(said, rule, job):
    each, usd = found(said)[rule, job], EXPECTED[rule, job] * slots_of(job)
    assert float(each["usd"]) == pytest.approx(float(usd), rel=1e-9 if rule in CERTAINTIES["exact"] else 1e-2)
    assert float(each["usd_per_month"]) == pytest.approx(float(Decimal(each["usd"]) * MONTH), abs=1e-6)
    assert rule in CERTAINTIES[each["certainty"]]


def test_it_is_ranked_and_says_what_and_why(said):
    worth = [Decimal(each["usd"]) for each in said["advice"]]
    assert worth == sorted(worth, reverse=True)
    assert mistakes("advise", said) == []
    assert said["schema"] == 1
    assert (said["from"], said["to"]) == (PERIOD[1], PERIOD[3])
    whole = sum(use.usd * (SLOTS // use.every) for use in (CLEAN | WASTE).values())
    assert float(said["usd"]) == pytest.approx(float(whole), rel=1e-9)
    texts = ("title", "arithmetic", "change", "risk")
    assert [
        (each["id"], text) for each in said["advice"] for text in texts if len(each[text]) < len("Let it be.")
    ] == []
    assert {each["docs"].partition("#")[0] for each in said["advice"]} <= {f"docs/{each.name}" for each in DOCS}


def test_the_evidence_is_numbers_that_the_queries_give(said, wasteful):
    checked = 0
    for each in said["advice"]:
        for name, item in each["evidence"].items():
            if "query" not in item:
                continue
            labels = {"job": each["where"]["job"]}
            values = [value for row, value in instant(wasteful, item["query"]) if labels.items() <= row.items()]
            assert float(item["value"]) in [pytest.approx(value, rel=1e-6, abs=1e-9) for value in values], (each, name)
            checked += 1
    assert checked > 2 * len(EXPECTED)


def instant(store, query):
    """What Prometheus answers at the moment at which the command asks."""
    asked_for = urllib.parse.urlencode({"query": query, "time": END + recorded_after(HOURS).total_seconds()})
    with urllib.request.urlopen(f"{store.url}/api/v1/query?{asked_for}", timeout=60) as answer:
        return [(row["metric"], float(row["value"][1])) for row in json.load(answer)["data"]["result"]]


def test_the_panels_show_the_same_dollars(said, wasteful):
    shown = {}
    for panel in TABLES:
        written = panel.targets[0].query(Queries(NameTranslator()))
        rows = instant(wasteful, written.replace("$__range", f"{DAYS * DAY}s").replace("${level}", "1h"))
        shown |= {(row["advice"], row["job"]): usd for row, usd in rows}
    expected = {key: float(each["usd"]) for key, each in found(said).items() if key[0] != "model_retires"}
    assert shown == pytest.approx(expected)


def test_the_alert_says_the_same_dollars(said, wasteful):
    (alert,) = savings_alerts(Queries(NameTranslator()), Thresholds(savings=5))
    fired = {(row["advice"], row["job"]): usd for row, usd in instant(wasteful, alert.expression)}
    exact = {key: float(each["usd_per_month"]) for key, each in found(said).items() if key[0] in CERTAINTIES["exact"]}
    assert fired == pytest.approx({key: usd for key, usd in exact.items() if usd > 5})
    assert fired


def test_what_is_worth_less_is_left_out(said, wasteful):
    worth = sorted({Decimal(each["usd_per_month"]) for each in said["advice"]})
    threshold = (worth[5] + worth[6]) / 2
    kept = found(json.loads(asked(wasteful, "--min-usd", str(threshold), "--json")))
    expected = {key for key, each in found(said).items() if Decimal(each["usd_per_month"]) >= threshold}
    assert kept.keys() - {("model_retires", "retiring")} == expected - {("model_retires", "retiring")}


def test_a_clean_history_gets_no_advice(clean):
    said = json.loads(asked(clean, "--min-usd", "0", "--json"))
    assert said["advice"] == []
    assert {each["id"] for each in said["options"]} == {"batch", "cheaper_model"}
    assert "No advice" in asked(clean)


def test_options_are_what_the_same_tokens_cost_otherwise(said):
    options = {(each["id"], each["where"]["job"]): each for each in said["options"]}
    short = CLEAN["short prompts"]
    usd = float(short.usd * SLOTS)
    assert float(options["batch", "short prompts"]["usd"]) == pytest.approx(usd / 2)
    # Haiku 5.5: 0.10 and 0.50 USD per million.
    assert options["cheaper_model", "short prompts"]["model"] == "claude-haiku-5-5"
    assert float(options["cheaper_model", "short prompts"]["usd"]) == pytest.approx(usd * 0.95)
    assert float(options["batch", "american"]["usd"]) == pytest.approx(usd / 2)
    assert ("batch", "fast") not in options
    assert options["cheaper_model", "retiring"]["model"] == SONNET


def test_only_what_is_asked_for(wasteful):
    for where in ("job=fast", "tag.team=ads"):
        chosen = json.loads(asked(wasteful, "--min-usd", "0", "--where", where, "--json"))
        assert found(chosen).keys() == {("fast_mode", "fast")}
        assert chosen["options"] == []
    said = json.loads(asked(wasteful, "--min-usd", "0", "--where", f"model={RETIRING}", "--json"))
    assert {each["where"]["job"] for each in said["options"]} == {"retiring"}
    assert found(said).keys() == {("model_retires", "retiring")}


def test_the_terminal_shows_it(wasteful):
    shown = asked(wasteful)
    assert "What to change" in shown
    assert "upper bound" in shown
    assert "Options: true of any history" in shown


def raw(services, start, end):
    """The sums that processes export each five minutes. Each lives for six hours."""
    for job, use in services.items():
        sums = Counter()
        for at in range(start + SLOT, end + 1, SLOT):
            life = (at - SLOT) // (6 * HOUR)
            if (at - SLOT) % (6 * HOUR) == 0:
                sums.clear()
            for (metric, part, further), amount in use.growth().items():
                sums[metric, part, further] += amount if at // SLOT % use.every == 0 else 0
                pairs = labels_of(job, use, part) | {"instance": f"{job}-{life}"} | dict(further)
                if value := sums[metric, part, further]:
                    yield f"{metric.prometheus}{part}{{{written(pairs)}}} {value} {at * 1000}\n"


@pytest.fixture(scope="module")
def victoria(stack, tmp_path_factory):
    """VictoriaMetrics with the raw series of three days. It has no rules."""
    with servers.victoria_metrics(tmp_path_factory.mktemp("victoria")) as server:
        lines = "".join(raw(CLEAN | WASTE, END - 3 * DAY, END)).encode()
        for path, body in (("api/v1/import/prometheus", lines), ("internal/force_flush", None)):
            with urllib.request.urlopen(urllib.request.Request(f"{server.url}/{path}", body), timeout=60) as answer:
                assert answer.status < 300
        yield server


def test_on_victoria_metrics_it_is_the_same(victoria):
    said = json.loads(asked(victoria, "--min-usd", "0", "--json", period=("--last", "2d", "--to", time_of(END))))
    assert found(said).keys() == EXPECTED.keys()
    for (rule, job), each in found(said).items():
        usd = EXPECTED[rule, job] * (2 * DAY // SLOT // WASTE[job].every)
        assert float(each["usd"]) == pytest.approx(float(usd), rel=2e-2), (rule, job)


@pytest.fixture(scope="module")
def unruled(stack, tmp_path_factory):
    """Prometheus with the raw series of two days, and no rules."""
    root = tmp_path_factory.mktemp("unruled")
    data, file = root / "data", root / "raw.txt"
    data.mkdir()
    lines = {}
    for line in raw(CLEAN | WASTE, END - 2 * DAY, END):
        name, _, at = line.partition("{")[0], *line.rpartition(" ")[1:]
        lines.setdefault(name, []).append(f"{line.rpartition(' ')[0]} {int(at) // 1000}\n")
    file.write_text("".join(f"# TYPE {name} unknown\n{''.join(of)}" for name, of in lines.items()) + "# EOF\n")
    promtool("tsdb", "create-blocks-from", "openmetrics", "--quiet", file, data)
    with prometheus(data) as server:
        yield server


def test_without_rules_it_reads_a_day_and_says_so(unruled):
    period = ("--last", "12h", "--to", time_of(END))
    ran = run(unruled, "--min-usd", "0", "--json", period=period)
    assert (ran.returncode, "the raw series are read" in ran.stderr) == (0, True)
    # Rules of single slots read recorded ones.
    slots = {"cache_ttl_too_long", "cache_ttl_too_short"}
    assert found(json.loads(ran.stdout)).keys() == {key for key in EXPECTED if key[0] not in slots}
    ran = run(unruled, period=("--last", "2d", "--to", time_of(END)))
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "Install the rules" in ran.stderr
