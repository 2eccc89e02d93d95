"""`otel-claude export backfill` and promtool: the growth of before the rules, and of an outage too long for them."""

from __future__ import annotations

import subprocess
import time
from contextlib import contextmanager

import pytest
import servers

from otel_claude import semconv as c
from otel_claude.export import export
from otel_claude.promql.names import NameTranslator
from otel_claude.promql.queries import Queries
from otel_claude.promql.recorded import increase_name

pytestmark = [pytest.mark.timeout(240)]

MINUTE, SLOT, HOUR = 60, 300, 3600
NOW = int(time.time()) // HOUR * HOUR
QUERIES = Queries(NameTranslator())
RAW, RECORDED, HOURLY = c.COST.prometheus, increase_name(c.COST, "5m"), increase_name(c.COST, "1h")


def spent(process, at):
    """What a process has spent at a minute: each has a pace of its own. They are sums in binary without rounding."""
    began, pace = process
    return (at - began) // MINUTE * pace


def processes(since, until):
    """Three services of two processes, one after the other: the second begins in the middle."""
    middle = (since + until) // 2
    for job in range(3):
        for number, (begins, ends) in enumerate(((since, middle), (middle, until))):
            yield f"service-{job}", f"{job}-{number}", (begins, 0.25 * (job + 1)), ends


def raw(since, until, away=(0, 0)):
    """Samples of each minute, but for those of an outage of the store."""
    for job, instance, process, ends in processes(since, until):
        for at in range(process[0] + MINUTE, ends + 1, MINUTE):
            if not away[0] <= at < away[1]:
                yield f'{RAW}{{job="{job}",instance="{instance}"}} {spent(process, at)} {at}\n'


def recorded(since, until):
    """The slots that rules recorded in a time, a minute and a half after the end of each."""
    for end in range(since + SLOT, until + 1, SLOT):
        for job in {job for job, *_ in processes(since, until)}:
            pace = 0.25 * (int(job[-1]) + 1) * (SLOT // MINUTE)
            yield f'{RECORDED}{{job="{job}"}} {pace} {end + 90}\n'


def promtool(*arguments):
    ran = subprocess.run(
        [servers.program("promtool"), *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def dumped(blocks):
    """The samples of blocks, each its value and its moment in Unix milliseconds."""
    (blocks / "wal").mkdir()  # Prometheus 3.14 dumps no folder without one.
    match = f'--match={{__name__="{RECORDED}"}}'
    return [line.split()[-2:] for line in promtool("tsdb", "dump", match, blocks).splitlines()]


def write(data, kind, name, lines):
    """Blocks of samples."""
    file = data.parent / f"{name}.txt"
    file.write_text(f"# TYPE {name} {kind}\n" + "".join(lines) + "# EOF\n")
    promtool("tsdb", "create-blocks-from", "openmetrics", "--quiet", file, data)


@contextmanager
def prometheus(data):
    (port,) = servers.free_ports(1)
    url = f"http://127.0.0.1:{port}"
    config = data.parent / "prometheus.yaml"
    config.write_text("global: {evaluation_interval: 1m}\n")
    arguments = (
        f"--config.file={config}", f"--storage.tsdb.path={data}", f"--web.listen-address=127.0.0.1:{port}",
        "--storage.tsdb.retention.time=60d", "--log.level=warn",
    )  # fmt: skip
    with servers.running("prometheus", arguments, f"{url}/-/ready", data.parent / "server"):
        yield servers.Store(url)


def backfilled(data, rules, start, end):
    """Evaluates a file of rules against the server on the data, and puts the blocks beside the others."""
    with prometheus(data) as store:
        evaluated(store, rules, start, end, data)


def evaluated(store, rules, start, end, output):
    promtool(
        "tsdb", "create-blocks-from", "rules", f"--url={store.url}", f"--start={start}", f"--end={end}",
        f"--output-dir={output}", rules,
    )  # fmt: skip


@pytest.fixture
def rules(stack, tmp_path):
    """The files that the command writes."""
    return {path.stem.removeprefix("otel-claude-"): path for path in export("backfill", tmp_path / "rules")}


def truth(since, until):
    return sum(spent(process, ends) for _, _, process, ends in processes(since, until))


FIRST = NOW - 8 * HOUR - 25 * MINUTE
"""The end of the first slot that rules recorded, in the middle of an hour."""


def recorded_hours(until):
    """The hours that rules recorded, of their own slots."""
    for end in range(FIRST // HOUR * HOUR + HOUR, until + 1, HOUR):
        slots = len(range(max(FIRST, end - HOUR + SLOT), end + 1, SLOT))
        for job in range(3):
            yield f'{HOURLY}{{job="service-{job}"}} {0.25 * (job + 1) * slots * (SLOT // MINUTE)} {end + 400}\n'


def test_a_history_is_what_was_spent_before_the_rules(rules, tmp_path):
    data, since, until = tmp_path / "data", NOW - 40 * HOUR, NOW - 2 * HOUR
    data.mkdir()
    write(data, "counter", RAW.removesuffix("_total"), raw(since, until))
    write(data, "gauge", RECORDED, recorded(FIRST - SLOT, until))
    write(data, "gauge", HOURLY, recorded_hours(until))
    backfilled(data, rules["history-5m"], since, f"{FIRST + 59}.999")
    backfilled(data, rules["history-1h"], since, FIRST + 2 * HOUR)
    with prometheus(data) as store:
        for level in ("5m", "1h"):
            total = QUERIES.increase(c.COST, "60h", level=level)
            assert float(store.instant(total, NOW)[0]["value"][1]) == truth(since, until)
            by_job = store.instant(QUERIES.increase(c.COST, "60h", ("job",), level=level), NOW)
            assert {row["metric"]["job"]: float(row["value"][1]) for row in by_job} == {
                f"service-{job}": 0.25 * (job + 1) * (until - since) / MINUTE for job in range(3)
            }


def test_a_history_is_whole_whatever_the_path_of_its_file(rules, tmp_path):
    """On the path depends when in each five minutes the rules are evaluated: before a slot is due, or after."""
    data, since = tmp_path / "data", NOW - 5 * HOUR
    until = since + 2 * HOUR
    data.mkdir()
    write(data, "counter", RAW.removesuffix("_total"), raw(since, until))
    before_due = set()
    with prometheus(data) as store:
        for number in range(100):
            path, blocks = tmp_path / f"{number}.yaml", tmp_path / f"blocks-{number}"
            path.write_text(rules["history-5m"].read_text())
            evaluated(store, path, since, f"{until + SLOT + 59}.999", blocks)
            samples = dumped(blocks)
            assert sum(float(value) for value, _ in samples) == truth(since, until)
            before_due.add(int(samples[0][1]) // 1000 % SLOT < MINUTE)
            if number > 4 and len(before_due) > 1:
                return
    raise AssertionError(before_due)


def test_a_repair_brings_what_an_outage_of_fourteen_hours_cost(rules, tmp_path):
    data, since, until = tmp_path / "data", NOW - 40 * HOUR, NOW - 2 * HOUR
    away = (NOW - 20 * HOUR, NOW - 6 * HOUR)
    data.mkdir()
    write(data, "counter", RAW.removesuffix("_total"), raw(since, until, away))
    write(data, "gauge", RECORDED, [*recorded(since, away[0]), *recorded(away[1], until)])
    lost = truth(since, until) * (away[1] - away[0]) / (until - since)
    # Two hours after its end: a step of half an hour is evaluated about an hour after it.
    at = away[1] + 2 * HOUR + 12 * MINUTE
    with prometheus(data) as store:
        total = QUERIES.increase(c.COST, "60h", level="5m")
        assert float(store.instant(total, NOW)[0]["value"][1]) == truth(since, until) - lost
    backfilled(data, rules["repair"], at, at + SLOT)
    with prometheus(data) as store:
        (repaired,) = store.instant(f'sum(sum_over_time({RECORDED}{{claude_increase="repair"}}[60h]))', NOW)
        assert float(repaired["value"][1]) == lost
        assert float(store.instant(total, NOW)[0]["value"][1]) == truth(since, until)


def test_a_repair_of_what_is_whole_adds_nothing(rules, tmp_path):
    data, since, until = tmp_path / "data", NOW - 40 * HOUR, NOW - 2 * HOUR
    data.mkdir()
    write(data, "counter", RAW.removesuffix("_total"), raw(since, until))
    write(data, "gauge", RECORDED, recorded(since, until))
    backfilled(data, rules["repair"], NOW - 4 * HOUR, NOW - 4 * HOUR + SLOT)
    with prometheus(data) as store:
        assert store.instant(f'sum_over_time({RECORDED}{{claude_increase="repair"}}[60h])', NOW) == []
