"""The plan of a fleet: which series its processes send, with what rates. All names come from the package."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from grafana import seconds

from otel_claude import semconv as c
from otel_claude.alerts.recording import recording_groups
from otel_claude.alerts.rules import Recording
from otel_claude.promql.names import BUCKET, BUDGET, BUDGET_USED, JOB, TARGET_INFO, NameTranslator, Part
from otel_claude.promql.recorded import (
    AGENT_PROCESSES,
    ALIVE,
    CORRECTION,
    CORRECTION_LABEL,
    COUNTS_NEW,
    DUE,
    GAUGES,
    HOURS,
    MINUTES,
    PROCESSES,
    STEADY,
    gauge_name,
    increase_name,
)
from otel_claude.semconv import Metric
from otel_claude.semconv import agents as a
from otel_claude.semconv import organization as o

Json = dict[str, Any]

MODELS: Final = (("claude-haiku-4-5", 0.5, 1.0), ("claude-sonnet-4-6", 0.3, 3.0), ("claude-opus-4-7", 0.2, 5.0))
"""Their share of calls, and their price beside the first's."""
KEYS: Final = ("sk-ant-api03-aaa...AAAA", "sk-ant-api03-bbb...BBBB")
TAGS: Final = ("search", "support", "summaries", "agents")
TAG: Final = f"{c.TAG_PREFIX}feature"
MICRO: Final = 1e-6
"""Dollars are counted in millionths, so that the truth is whole numbers."""
COST_TYPES: Final = (("input", 4000), ("cache_read", 1500), ("cache_write_5m", 2500), ("output", 9000))
"""Millionths of a dollar for each call of the first model."""
ENDS: Final = (("end_turn", 0.75), ("tool_use", 0.17), ("max_tokens", 0.05))
ERRORS: Final = (
    ("RateLimitError", 429, "rate_limit", 0.012), ("OverloadedError", 529, "overloaded", 0.01),
    ("APITimeoutError", 0, "", 0.008),
)  # fmt: skip
"""The type, the status, what blocked, and the share of calls."""
LIMITS: Final = (
    ("requests", 4000.0), ("tokens", 2_400_000.0), ("input_tokens", 2_000_000.0), ("output_tokens", 400_000.0),
)  # fmt: skip
AGENT_LIMITS: Final = ("unified_5h", "unified_7d")
"""Of the account that the program of the Claude Agent SDK uses."""
ORGANIZATION: Final = "otel-claude-organization"
PARTS: Final = ("report", "spend_limits", "rate_limits", "api_keys", "key_use", "workspaces")
TRUE: Final = (
    c.COST, c.INPUT_TOKENS, c.OUTPUT_TOKENS, c.CACHE_READ_TOKENS, c.CACHE_WRITE_TOKENS, c.CALLS,
)  # fmt: skip
"""Of which the truth is written."""
COUNTER: Final = "counter"
TOTAL: Final = "total"
"""A gauge of what its calls add up to since the fleet began, in whichever process."""
VERSION: Final = "1.0.0"
_PHASE: Final = 137_241
"""When in five minutes the rules are evaluated, in milliseconds."""


@dataclass(frozen=True)
class Wanted:
    """How large a fleet is, and when. Times are seconds since the epoch."""

    pods: int
    days: float
    end: int
    seed: int = 1
    label_sets: int = 768
    calls: float = 3000
    """Of the whole fleet in a minute: more pods are no more calls, so that fleets of any size grow the same."""
    raw_hours: float = 6
    gaps: bool = True
    only_cost: bool = False
    """Raw cost and calls of all days, and no other metric."""


def plan(wanted: Wanted) -> Json:
    """All that the writer needs to know."""
    start = math.floor(wanted.end - wanted.days * 86_400) // 3600 * 3600
    cells = max(1, round(wanted.label_sets / (len(MODELS) * len(COST_TYPES))))
    jobs = min(8, wanted.pods, cells)
    # Pods beyond the number of cells share them; fewer pods have several each, of their own job.
    regular = max(jobs, wanted.pods // jobs * jobs)
    pods: list[list[int]] = [[] for _ in range(wanted.pods)]
    for pod in range(wanted.pods):
        pods[pod].append(pod % cells)
    for cell in range(wanted.pods, cells):
        pods[cell % regular].append(cell)
    written = _Series(NameTranslator(), only_cost=wanted.only_cost)
    mine = [[cell for cell in range(cells) if cell % jobs == job] for job in range(jobs)]
    groups: list[Json] = [
        {"cells": [cell], "series": list(written.counters(*_key_and_tag(cell, jobs)))} for cell in range(cells)
    ]
    if not wanted.only_cost:
        for job in range(jobs):
            for key in KEYS:
                of_key = [cell for cell in mine[job] if _key_and_tag(cell, jobs)[0] == key]
                if of_key:
                    groups.append({"cells": of_key, "series": list(written.observed(key))})
            groups.append({"cells": mine[job], "series": [written.info()]})
    for group in groups:
        if wanted.only_cost:
            group["series"] = [each for each in group["series"] if each["all_days"]]
    services = [_service(job) for job in range(jobs)]
    if not wanted.only_cost:
        # One process that reports the organization, in a service of its own.
        groups.append({"cells": [cells], "series": list(written.organization(1000 * wanted.calls / cells))})
    comes_and_goes = jobs - 1 if jobs > 1 else -1
    return {
        "seed": wanted.seed,
        "start": start,
        "end": wanted.end,
        "raw_from": round(wanted.end - wanted.raw_hours * 3600),
        "outages": _outages(start, wanted.end) if wanted.gaps else [],
        "models": [round(1000 * wanted.calls * share / cells) for _, share, _ in MODELS],
        "jobs": [
            *(
                {"labels": labels, "runs": 6 if job == comes_and_goes else 0, "run_minutes": 12}
                for job, labels in enumerate(services)
            ),
            {"labels": {JOB: ORGANIZATION, "service_name": ORGANIZATION}, "runs": 0, "run_minutes": 0},
        ],
        "cells": [*({"job": cell % jobs} for cell in range(cells)), {"job": jobs}],
        "slots": [*({"job": pod[0] % jobs, "cells": pod} for pod in pods), {"job": jobs, "cells": [cells]}],
        "pods": wanted.pods,
        "groups": groups,
        "fixed": [{"phase": _PHASE, **each} for each in _fixed(services, pods, jobs)],
        "levels": [
            {
                "slot": round(level.slot), "delay": round(level.delay), "step": round(level.step),
                "late": round(level.late), "phase": phase, "correction_phase": late,
            }
            for level, phase, late in ((MINUTES, _PHASE, 421_907), (HOURS, 1_234_511, 1_234_511))
        ],
        "mark": [CORRECTION_LABEL, CORRECTION],
    }  # fmt: skip


def _key_and_tag(cell: int, jobs: int) -> tuple[str, str]:
    number = cell // jobs
    kind = number // len(KEYS)
    tag = TAGS[kind] if kind < len(TAGS) else f"feature-{kind}"
    return KEYS[number % len(KEYS)], tag


def _service(job: int) -> dict[str, str]:
    name = f"service-{job}"
    return {
        JOB: f"shop/{name}", "service_name": name, "service_namespace": "shop",
        "deployment_environment_name": "production",
    }  # fmt: skip


def _outages(start: int, end: int) -> list[Json]:
    """The store was away for 45 minutes, and for five hours; not in the last day or the first."""
    days = (end - start) / 86_400
    if days < 2:  # noqa: PLR2004 - the day of a small fleet has one short outage
        return [{"from": start + 5 * 3600 + 120, "seconds": 45 * 60}]
    third = round((end - start) / 3) // 3600 * 3600
    return [
        {"from": start + third + 540, "seconds": 45 * 60},
        {"from": start + 2 * third - 1260, "seconds": 5 * 3600},
    ]


def _fixed(services: list[dict[str, str]], pods: list[list[int]], jobs: int) -> Iterator[Json]:
    """What is recorded that is no growth."""
    minute, slot = round(MINUTES.slot / 5), round(MINUTES.slot)
    for group in recording_groups(NameTranslator()):
        for rule in group.rules:
            if not isinstance(rule, Recording):
                continue
            if rule.name in {ALIVE, COUNTS_NEW}:
                yield {"name": rule.name, "labels": {}, "interval": seconds(group.interval), "value": 1}
            if rule.name == DUE:
                # At each whole minute: whenever a rule is asked then, it is due.
                yield {"name": DUE, "labels": dict(rule.labels), "interval": minute, "phase": 0, "value": 1}
    for job, labels in enumerate(services):
        count = sum(pod[0] % jobs == job for pod in pods)
        yield {"name": PROCESSES, "labels": {JOB: labels[JOB]}, "interval": slot, "value": count}
        yield {"name": STEADY, "labels": {JOB: labels[JOB]}, "interval": slot, "value": 1}
        yield {"name": AGENT_PROCESSES, "labels": {JOB: labels[JOB]}, "interval": slot, "value": count}
    yield {"name": BUDGET_USED, "labels": {BUDGET: "feature=search"}, "interval": slot, "value": 0.5}


class _Series:
    """Writes series of the package's metrics, with the names that Prometheus stores."""

    def __init__(self, translator: NameTranslator, *, only_cost: bool) -> None:
        self._translator = translator
        self._only = only_cost
        groups = recording_groups(translator)
        self._recorded = {rule.name for group in groups for rule in group.rules if isinstance(rule, Recording)}
        self._gauges = dict(GAUGES)

    def counters(self, key: str, tag: str) -> Iterator[Json]:
        """The counters of a cell, which have its tags."""
        for model, (name, _, price) in enumerate(MODELS):
            common = {**_common(name, key), TAG: tag}

            def counter(metric: Metric, weight: float, unit: float = 1, **more: str) -> Json:
                attributes = {attribute: more.get(_short(attribute), "") for attribute in metric.attributes}
                assert set(more) <= set(map(_short, metric.attributes)), (metric.name, more)
                return self._counter(metric, {**common, **attributes}, model, weight, unit)  # noqa: B023

            for kind, weight in COST_TYPES:
                yield counter(c.COST, weight * price, MICRO, type=kind, service_tier="standard", inference_geo="global")
            for metric, weight in (
                (c.INPUT_TOKENS, 3200), (c.OUTPUT_TOKENS, 450), (c.CACHE_READ_TOKENS, 1900), (c.REASONING_TOKENS, 120),
            ):  # fmt: skip
                yield counter(metric, weight, modality="text")
            yield counter(c.CACHE_WRITE_TOKENS, 500, modality="text", ttl="5m")
            yield counter(c.CACHE_SAVINGS, 1700 * price, MICRO)
            yield counter(c.CACHE_OVERHEAD, 130 * price, MICRO, ttl="5m")
            yield counter(c.UNPRICED, 0.008, reason="no_response")
            yield counter(c.UNPRICED, 0.002, reason="incomplete_stream")
            for reason, share in ENDS:
                yield counter(c.CALLS, share, stop_reason=reason)
            yield counter(c.ATTEMPTS, 0.97, status_code="200", outcome="success")
            for error, status, blocked, share in ERRORS:
                yield counter(c.CALLS, share, type=error)
                yield counter(
                    c.ATTEMPTS, 2 * share, status_code=str(status or ""), type=error, outcome="retried", reason=blocked
                )
            yield counter(c.SERVER_TOOL_CALLS, 0.02, name="web_search")
            if key == KEYS[0] and tag == TAGS[0]:
                yield counter(c.BATCH_RESULTS, 0.05, result="succeeded", stop_reason="end_turn")
        if key == KEYS[0] and tag == TAGS[0] and not self._only:
            yield from self._agents(tag)

    def _agents(self, tag: str) -> Iterator[Json]:
        """What the Claude Agent SDK reports of its turns, and the API of sessions: in one cell of each service."""
        base = {
            c.OPERATION_NAME: a.INVOKE_AGENT, c.PROVIDER_NAME: "anthropic", c.CLIENT_LIBRARY: "anthropic",
        }  # fmt: skip
        turns = {**base, a.REPORTED_BY: a.CLAUDE_CODE, TAG: tag}
        for end, share in (("", 0.018), ("error_max_turns", 0.002)):
            yield self._counter(a.AGENT_RESULTS, {**turns, c.ERROR_TYPE: end}, 0, share, 1)
        yield self._counter(a.AGENT_RESULTS_SKIPPED, {**turns, a.SKIPPED_REASON: "resumed"}, 0, 0.0004, 1)
        for limit in AGENT_LIMITS:
            changed = {**turns, c.RATE_LIMIT_NAME: limit, a.RATE_LIMIT_STATUS: "allowed_warning"}
            yield self._counter(a.AGENT_RATE_LIMITS, changed, 0, 0.0004, 1)
            yield self._gauge(c.RATE_LIMIT_UTILIZATION, {**base, c.RATE_LIMIT_NAME: limit}, 0, (0.1, 0.8), 1e-4)
            yield self._gauge(c.RATE_LIMIT_RESET, {**base, c.RATE_LIMIT_NAME: limit}, 0, (60, 18_000), 1)
        types = (("input", 900), ("cache_read", 30_000), ("cache_write_5m", 2000), ("output", 1200))
        for model, (name, _, price) in enumerate(MODELS):
            of_model = {**turns, c.RESPONSE_MODEL: name}
            for kind, weight in types:
                yield self._counter(a.AGENT_TOKENS, {**of_model, c.TOKEN_TYPE: kind}, model, 0.02 * weight, 1)
            yield self._counter(a.AGENT_COST, of_model, model, 600 * price, MICRO)
            session = {**base, c.REQUEST_MODEL: name, a.AGENT_ID: f"agent_{model}", a.AGENT_NAME: f"agent {model}"}
            for kind, weight in types:
                between = (10 * weight, 90 * weight)
                yield self._gauge(a.SESSION_TOKENS, {**session, c.TOKEN_TYPE: kind}, model, between, 1)
            for metric, most, unit in (
                (a.SESSION_COST, 40, 0.01), (a.SESSION_MAX_COST, 9, 0.01), (a.SESSION_BUDGET, 1, 1e-4),
                (a.SESSIONS, 12, 1),
            ):  # fmt: skip
                yield self._gauge(metric, session, model, (most / 4, most), unit)

    def organization(self, rate: float) -> Iterator[Json]:
        """What `otel-claude organization` reports, raw for all days. `rate`: calls of its cell in 1,000 minutes."""
        for series in self._organization(rate):
            yield {**series, "all_days": True}

    def _organization(self, rate: float) -> Iterator[Json]:
        keys = [
            {o.API_KEY_ID: f"apikey_{number}", o.API_KEY_NAME: f"key {number}", c.API_KEY_HINT: hint}
            for number, hint in enumerate(KEYS)
        ]
        workspaces = [
            {c.WORKSPACE_ID: f"wrkspc_{number}", o.WORKSPACE_NAME: f"workspace {number}"} for number in range(len(KEYS))
        ]
        for key, workspace in zip(keys, workspaces, strict=True):
            for model, (name, _, price) in enumerate(MODELS):
                for period, share in (("month", 1.0), ("today", 0.03), ("yesterday", 0.03)):
                    row = {
                        o.ORGANIZATION_PERIOD: period, c.RESPONSE_MODEL: name, **key, **workspace,
                        c.RESPONSE_SERVICE_TIER: "standard", c.SPEED: "standard", c.INFERENCE_GEO: "global",
                    }  # fmt: skip
                    for kind, weight in COST_TYPES:
                        typed = {**row, c.COST_TYPE: kind}
                        for metric, discount in ((o.ORGANIZATION_LIST_COST, 1.0), (o.ORGANIZATION_BILLED_COST, 0.9)):
                            yield self._total(metric, typed, model, share * discount * weight * price, MICRO)
                        tokens = {**row, c.TOKEN_TYPE: kind}
                        yield self._total(o.ORGANIZATION_TOKENS, tokens, model, share * weight / 5, 1)
                    yield self._total(o.ORGANIZATION_REQUESTS, row, model, share, 1)
            yield self._gauge(o.API_KEY_INFO, {**key, **workspace, o.API_KEY_STATUS: "active"}, 0, (1, 1), 1)
            yield self._gauge(o.API_KEY_CREATED, key, 0, (1.7e9, 1.7e9), 1)
            yield self._total(o.API_KEY_REQUESTS, key, 0, 1, 1)
            yield self._gauge(o.WORKSPACE_INFO, workspace, 0, (1, 1), 1)
            limit = {
                o.SPEND_LIMIT_ID: f"limit_{key[o.API_KEY_ID]}", o.SPEND_LIMIT_SCOPE: "workspace",
                o.SPEND_LIMIT_PERIOD: "monthly", **workspace,
            }  # fmt: skip
            yield self._gauge(o.SPEND_LIMIT, limit, 0, (5000, 5000), 1)
            yield self._gauge(o.SPEND_LIMIT_SPENT, limit, 0, (1000, 4000), 0.01)
        for name, *_ in MODELS:
            yield self._gauge(o.RATE_LIMIT_MODEL, {o.RATE_LIMIT_GROUP: name, c.REQUEST_MODEL: name}, 0, (1, 1), 1)
            for limited, most in LIMITS:
                labels = {c.RATE_LIMIT_NAME: limited, o.RATE_LIMIT_GROUP: name}
                yield self._gauge(o.CONFIGURED_LIMIT, labels, 0, (most, most), 1)
        for part in PARTS:
            yield self._gauge(o.ORGANIZATION_DATA_AGE, {o.ORGANIZATION_PART: part}, 0, (60, 600), 1)
            # Each five minutes.
            yield self._counter(o.ORGANIZATION_POLLS, {o.ORGANIZATION_PART: part}, 0, 200 / (rate * MODELS[0][1]), 1)

    def observed(self, key: str) -> Iterator[Json]:
        """The histograms and limits of a key, which have no tags."""
        failed = sum(share for *_, share in ERRORS)
        for model, (name, _, price) in enumerate(MODELS):
            common = _common(name, key)
            size = 1 + 0.4 * model
            yield from self._histogram(c.DURATION, common, model, 1 - failed, 4 * size)
            for error, _, _, share in ERRORS:
                yield from self._histogram(c.DURATION, {**common, c.ERROR_TYPE: error}, model, share, 12 * size)
            yield from self._histogram(c.TIME_TO_FIRST_CHUNK, common, model, 0.6, 0.9 * size)
            yield from self._histogram(c.CALL_INPUT_TOKENS, common, model, 1 - failed, 2500)
            yield from self._histogram(c.CALL_OUTPUT_TOKENS, common, model, 1 - failed, 350)
            yield from self._histogram(c.CALL_COST, common, model, 1 - failed, 0.012 * price)
            yield from self._histogram(c.RETRY_DELAY, common, model, 0.03, 1.5)
            for limit, most in LIMITS:
                labels = {**common, c.RATE_LIMIT_NAME: limit}
                yield self._gauge(c.RATE_LIMIT_LIMIT, labels, model, (most, most), 1)
                yield self._gauge(c.RATE_LIMIT_REMAINING, labels, model, (0.2 * most, 0.9 * most), 1)
                yield self._gauge(c.RATE_LIMIT_UTILIZATION, labels, model, (0.1, 0.8), 1e-4)
                yield self._gauge(c.RATE_LIMIT_RESET, labels, model, (1, 60), 1)
        yield self._gauge(
            c.BATCH_REQUESTS, {**_common(MODELS[0][0], key), c.BATCH_STATUS: "processing"}, 0, (0, 400), 1
        )

    def info(self) -> Json:
        """What Prometheus makes of the attributes of a process."""
        resource = {
            "telemetry.sdk.language": "python", "telemetry.sdk.name": "opentelemetry", "telemetry.sdk.version": VERSION,
        }  # fmt: skip
        return self._series(TARGET_INFO, resource, 0, "info")

    def _counter(self, metric: Metric, attributes: dict[str, str], model: int, weight: float, unit: float) -> Json:
        return {
            **self._series(self._translator.series(metric), attributes, model, COUNTER),
            "weight": weight, "unit": unit, "increase": self._increase(metric, ""),
            "all_days": metric == c.COST or (metric == c.CALLS and self._only), "truth": metric in TRUE,
        }  # fmt: skip

    def _histogram(
        self, metric: Metric, attributes: dict[str, str], model: int, share: float, typical: float
    ) -> Iterator[Json]:
        """Values around a typical one, spread by a factor of e."""
        for bound in (*metric.buckets, math.inf):
            below = 0.5 * (1 + math.erf(math.log(bound / typical) / math.sqrt(2))) if bound < math.inf else 1.0
            le = "+Inf" if bound == math.inf else f"{bound:.10f}".rstrip("0").rstrip(".")
            yield {
                **self._series(self._translator.series(metric, "_bucket"), {**attributes, BUCKET: le}, model, COUNTER),
                "weight": share * below, "begin": share, "unit": 1,
                "increase": self._increase(metric, "_bucket"), "zeros": True,
            }  # fmt: skip
        parts: tuple[tuple[Part, float, float], ...] = (("_count", share, 1), ("_sum", share * typical * 1e6, MICRO))
        for part, weight, unit in parts:
            yield {
                **self._series(self._translator.series(metric, part), attributes, model, COUNTER),
                "weight": weight, "unit": unit, "increase": self._increase(metric, part),
            }  # fmt: skip

    def _gauge(
        self, metric: Metric, attributes: dict[str, str], model: int, between: tuple[float, float], unit: float
    ) -> Json:
        recorded = gauge_name(metric, self._gauges[metric]) if metric in self._gauges else ""
        return {
            **self._series(self._translator.series(metric), attributes, model, "gauge"),
            "low": between[0], "high": between[1], "unit": unit,
            "gauge": recorded if recorded in self._recorded else "",
        }  # fmt: skip

    def _total(self, metric: Metric, attributes: dict[str, str], model: int, weight: float, unit: float) -> Json:
        return {
            **self._series(self._translator.series(metric), attributes, model, TOTAL),
            "weight": weight,
            "unit": unit,
        }

    def _increase(self, metric: Metric, part: Part) -> list[str]:
        names = [increase_name(metric, level.name, part) for level in (MINUTES, HOURS)]
        return [name if name in self._recorded else "" for name in names]

    def _series(self, name: str, attributes: dict[str, str], model: int, kind: str) -> Json:
        labels = {self._translator.bare(attribute): value for attribute, value in attributes.items() if value}
        return {"name": name, "labels": labels, "model": model, "kind": kind, "increase": ["", ""]}


def _common(model: str, key: str) -> dict[str, str]:
    return {
        c.OPERATION_NAME: c.CHAT, c.PROVIDER_NAME: "anthropic", c.CLIENT_LIBRARY: "anthropic", c.REQUEST_MODEL: model,
        c.RESPONSE_MODEL: f"{model}-20260901", c.SERVER_ADDRESS: "api.anthropic.com", c.SERVER_PORT: "443",
        c.WORKSPACE_ID: f"wrkspc_{KEYS.index(key)}", c.API_KEY_HINT: key,
    }  # fmt: skip


def _short(attribute: str) -> str:
    return attribute.rpartition(".")[2]
