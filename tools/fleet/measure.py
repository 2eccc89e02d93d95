"""Measures what a fleet's dashboards and rules cost on a real server, and how far their numbers are from the truth."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, cast

import grafana
from store import Answer, Store

from otel_claude import semconv as c
from otel_claude.alerts.budgets import budget_recordings, tag_budget
from otel_claude.alerts.definitions import alert_groups
from otel_claude.alerts.recording import recording_groups
from otel_claude.alerts.rules import Recording
from otel_claude.alerts.thresholds import Thresholds
from otel_claude.dashboards.panels import USAGE_UID
from otel_claude.export import Options, dashboards
from otel_claude.promql.names import NameTranslator
from otel_claude.promql.queries import LONG
from otel_claude.promql.recorded import CORRECTION_LABEL, COUNTERS, HOURS, MINUTES, duration, increase_name

Json = dict[str, Any]

RANGES: Final = ("5m", "1h", "6h", "24h", "7d", "30d")
GOAL: Final = 1.0
MOVERS_GOAL: Final = 1.5
_MONTH: Final = 30 * 86_400
_ENOUGH: Final = 5.0
"""Seconds from which on a query is not asked again."""
_SPEND: Final = "Spend"
DIMENSIONS: Final = ("job", c.RESPONSE_MODEL, c.COST_TYPE, c.API_KEY_HINT, f"{c.TAG_PREFIX}feature")


def goal(title: str, range_: int) -> float:
    """Seconds in which a panel must answer."""
    return MOVERS_GOAL if range_ >= _MONTH and "movers" in title else GOAL


def measure(store: Store, folder: Path, kind: str, ranges: Iterable[str], only: Iterable[str] = ()) -> Json:
    """Everything about one fleet on one server."""
    plan = json.loads((folder / "plan.json").read_text())
    end = plan["end"]
    options = Options(store=kind)
    made = {name.removesuffix(".json"): json.loads(text) for name, text in dashboards(options).items()}
    chosen = {uid: made[uid] for uid in (only or made)}
    began = store.memory()
    found: Json = {
        "pods": plan["pods"], "days": (end - plan["start"]) / 86_400, "store": kind, "memory_at_start": began,
        "panels": [], "rules": [],
    }  # fmt: skip
    for range_ in ranges:
        for uid, dashboard in chosen.items():
            found["panels"].extend(_panels(store, uid, dashboard, range_, end))
            print(f"{range_}: {uid} is measured", file=sys.stderr, flush=True)
    found["memory_after_panels"], found["memory_most"] = store.memory(), store.memory("VmHWM")
    found["rules"] = _rules(store, options, end // 60 * 60 - 60)
    found["truth"] = list(_differences(store, made[USAGE_UID], folder, ranges, recorded=options.queries.recorded))
    found["agreement"] = _agreement(store, options, end) if options.queries.recorded else []
    found["memory_after_rules"] = store.memory()
    return found


def size(store: Store, folder: Path) -> Json:
    """How much there is of a fleet."""
    samples = disk = 0
    for meta in (folder / "data").glob("*/meta.json"):
        samples += json.loads(meta.read_text())["stats"]["numSamples"]
        disk += sum(file.stat().st_size for file in meta.parent.rglob("*") if file.is_file())
    plan = json.loads((folder / "plan.json").read_text())
    # In the last minutes each process wrote once a minute.
    at = plan["end"] - 60
    series = store.post("query", query='count({__name__=~".+", __name__!~"claude:.+"})', time=at)["result"]
    names = [name for name in store.get("label/__name__/values", start=at - 3600, end=at) if name.startswith("claude:")]
    recorded = [store.post("query", query=f"sum(count_over_time({name}[1h]))", time=at)["result"] for name in names]
    raw, by_rules = (sum(int(each[0]["value"][1]) for each in found if each) for found in ([series], recorded))
    return {
        "block_samples": samples, "block_bytes": disk, "bytes_per_sample": disk / max(samples, 1),
        "head_series": int(store.metric("prometheus_tsdb_head_series")), "raw_series": raw,
        "samples_per_second": raw / 60 + by_rules / 3600, "recorded_per_second": by_rules / 3600,
    }  # fmt: skip


def _panels(store: Store, uid: str, dashboard: Json, written: str, end: int) -> list[Json]:
    range_ = grafana.seconds(written)
    titled = [
        (panel["id"], panel["title"], grafana.questions(panel, range_, end)) for panel in grafana.panels(dashboard)
    ]
    titled += [(name, f"variable: {name}", [question]) for name, question in grafana.choices(dashboard, range_, end)]
    rows: list[Json] = []
    for id_, title, questions in titled:
        answers = [_best(store, question, goal(title, range_)) for question in questions]
        rows.append(
            {
                "dashboard": uid,
                "id": id_, "panel": title, "range": written, "goal": goal(title, range_),
                "slowest": max(answer.busy for answer in answers), "seconds": sum(answer.busy for answer in answers),
                "clock": max(answer.seconds for answer in answers),
                "cpu": sum(answer.cpu for answer in answers), "samples": sum(answer.samples for answer in answers),
                "peak": max(answer.peak for answer in answers), "series": sum(answer.series for answer in answers),
                "error": next((answer.error for answer in answers if answer.error), ""),
                "queries": [dict(question.parameters).get("query", question.path) for question in questions],
            }
        )  # fmt: skip
    return rows


def _best(store: Store, question: grafana.Question, wanted: float) -> Answer:
    """The first answer if it is quick, as it is when nothing had to be read from the disk; else the best of three."""
    answer = store.ask(question.path, **dict(question.parameters))
    if wanted / 4 < answer.busy < _ENOUGH:
        again = (store.ask(question.path, **dict(question.parameters)) for _ in range(2))
        answer = min((answer, *again), key=lambda each: each.busy)
    return answer


def _rules(store: Store, options: Options, end: int) -> list[Json]:
    """Each rule as a query of one moment: seconds without the writing of the answer."""
    q, budget = options.queries, (tag_budget("feature=search:500"),)
    groups = (
        *recording_groups(q.translator, q.store), *budget_recordings(q, budget),
        *alert_groups(q, Thresholds(), budget),
    )  # fmt: skip
    rows: list[Json] = []
    for group in groups:
        interval = grafana.seconds(group.interval) if group.interval[-1] in grafana.UNITS else 60
        for rule in group.rules:
            answers = [store.ask("query", query=rule.expression, time=end) for _ in range(2)]
            best = min(answers, key=lambda each: each.busy)
            execution = min(best.execution, best.cpu)
            cost = asdict(best)
            del cost["result"], cost["execution"]
            rows.append(
                {"group": group.name, "interval": interval, "rule": rule.name, "record": isinstance(rule, Recording),
                 "labels": dict(rule.labels), "execution": execution, "per_minute": execution * 60 / interval, **cost}
            )  # fmt: skip
    return rows


def _agreement(store: Store, options: Options, end: int) -> list[Json]:
    """What the rules make of the raw series of one slot, less what was written as recorded."""
    translator, level = options.queries.translator, MINUTES
    names = {increase_name(metric, level.name, part) for metric, part in COUNTERS}
    slot = round((end // level.slot - 2) * level.slot)
    late = slot + level.delay + level.slot - 0.001
    rows: list[Json] = []
    for group in recording_groups(translator):
        for rule in group.rules:
            if not isinstance(rule, Recording) or rule.name not in names or rule.labels:
                continue
            made = _by_labels(store, rule.expression, slot + level.delay)
            written = _by_labels(
                store, f'last_over_time({rule.name}{{{CORRECTION_LABEL}=""}}[{duration(level.slot)}])', late
            )
            worst = max((abs(value - written.get(key, 0)) for key, value in made.items()), default=0.0)
            rows.append(
                {"rule": rule.name, "series": len(made), "differ": len(made.keys() ^ written.keys()), "worst": worst}
            )
    return rows


def _by_labels(store: Store, query: str, at: float) -> dict[tuple[tuple[str, str], ...], float]:
    found = cast("list[Json]", store.post("query", query=query, time=f"{at:.3f}")["result"])
    return {
        tuple(sorted((name, value) for name, value in each["metric"].items() if name != "__name__")): float(
            each["value"][1]
        )
        for each in found
    }


def _differences(
    store: Store, dashboard: Json, folder: Path, ranges: Iterable[str], *, recorded: bool
) -> Iterable[Json]:
    """What the panel says that shows spend, for whole intervals, less the truth; and the same by each dimension."""
    truth = json.loads((folder / "truth.json").read_text())
    panel = next(panel for panel in grafana.panels(dashboard) if panel["title"] == _SPEND)
    translator = NameTranslator()
    cost = [each for each in truth["series"] if each["name"] == translator.series(c.COST)]
    for written in ranges:
        range_ = grafana.seconds(written)
        if range_ % 3600:
            continue
        level = HOURS if range_ > LONG else MINUTES
        late = level.delay + level.slot - 0.001 if recorded else 0
        hour = int((truth["end"] - late) // 3600 * 3600)
        first, last = max(0, (hour - range_ - truth["start"]) // 3600), (hour - truth["start"]) // 3600
        query = grafana.filled(panel["targets"][0]["expr"], range_, grafana.step(panel, range_))
        shown = _sums(store, query, hour + late)
        expected = sum(sum(each["hours"][first:last]) for each in cost)
        row: Json = {"range": written, "truth": expected, "shown": sum(shown.values()), "parts": {}}
        for dimension in DIMENSIONS:
            label = translator.bare(dimension)
            # The panel's own selector, split.
            parts = _sums(store, query.replace("sum(", f"sum by ({label}) (", 1), hour + late, label)
            wanted: dict[str, float] = {}
            for each in cost:
                name = each["labels"].get(label, "")
                wanted[name] = wanted.get(name, 0) + sum(each["hours"][first:last])
            row["parts"][dimension] = {
                "total": sum(parts.values()),
                "worst": max((abs(parts.get(name, 0) - value) for name, value in wanted.items()), default=0),
            }
        yield row


def _sums(store: Store, query: str, at: float, label: str = "") -> dict[str, float]:
    found = cast("list[Json]", store.post("query", query=query, time=f"{at:.3f}")["result"])
    return {each["metric"].get(label, ""): float(each["value"][1]) for each in found}
