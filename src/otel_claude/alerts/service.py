"""The alerts about service: errors, refusals, limits, time, and telemetry that stopped."""

from __future__ import annotations

from typing import Final

from otel_claude import semconv as c

from ..promql.names import JOB, RETENTION
from ..promql.queries import Queries
from ..promql.recorded import ALIVE, PROCESSES, STEADY
from .rules import LIMITS, Alert
from .thresholds import FAST, SLOW, Burn, Thresholds

_SHARE: Final = "{{ $value | humanizePercentage }}"
_SECONDS: Final = "{{ $value | humanizeDuration }}"
_LIMIT_BY: Final = (JOB, c.REQUEST_MODEL, c.API_KEY_HINT, c.RATE_LIMIT_NAME)
NO_OUTAGE: Final = f"count_over_time({ALIVE}[15m]) >= 2"
"""The rules were evaluated all the time: what is not there was not sent."""
_SLOW_ERRORS: Final = (SLOW[0].factor, "6h", "30m")
"""Slower than six hours, a call's errors are history."""


def reliability_alerts(q: Queries, t: Thresholds) -> tuple[Alert, ...]:
    """Errors, refusals and time."""
    job = q.translator.template(JOB)
    enough = f"{q.increase(c.ATTEMPTS, '10m', (JOB,))} >= {t.calls:g}"
    slow_burn = (Burn(*_SLOW_ERRORS),)
    return (
        Alert(
            "ClaudeErrorBudgetBurnFast", "critical", _failing(q, FAST, t),
            f"{_SHARE} of the calls of {job} to Claude fail (objective: under {t.error_budget:.0%}).",
            "The panel “Failed calls, by type” says which error. Errors of 5xx and 529 are Anthropic's, 429 and money "
            "are your limits, the rest is the application's.", wait="2m", dashboard=LIMITS,
        ),
        Alert(
            "ClaudeErrorBudgetBurnSlow", "warning", _failing(q, slow_burn, t),
            f"{_SHARE} of the calls of {job} to Claude fail, for hours (objective: under {t.error_budget:.0%}).",
            "As for ClaudeErrorBudgetBurnFast; slower, so a ticket.", wait="15m", keep="30m", dashboard=LIMITS,
        ),
        Alert(
            "ClaudeRateLimited", "warning", f"{q.blocked('rate_limit', '10m', (JOB,))} > {t.rate_limited:g} and "
            f"{enough}",
            f"{_SHARE} of the requests of {job} are refused for a rate limit (429).",
            "See which limit is full. Spread the load, cache more of the prompt, or ask for a higher limit.",
            dashboard=LIMITS,
        ),
        Alert(
            "ClaudeOverloaded", "warning", f"{q.blocked('overloaded', '10m', (JOB,))} > {t.overloaded:g} and {enough}",
            f"{_SHARE} of the requests of {job} are refused because the API is overloaded (529).",
            "Not your limit. Look at Anthropic's status page; fall back to another model, or wait.", dashboard=LIMITS,
        ),
        _money(
            q, "ClaudeCreditBalanceExhausted", "credit_balance", "the credit balance is too low",
            "Buy credits in the Console, or turn on auto-reload.",
        ),
        _money(
            q, "ClaudeSpendLimitReached", "spend_limit", "a spend limit is reached",
            "Raise the limit of the organization or workspace in the Console, or wait for the month.",
        ),
        *_times(q, t),
    )  # fmt: skip


def _failing(q: Queries, burns: tuple[Burn, ...], t: Thresholds) -> str:
    by = (JOB,)
    pairs = (
        f"({q.errors(burn.long, by)} > {burn.factor * t.error_budget:g} and "
        f"{q.errors(burn.short, by)} > {burn.factor * t.error_budget:g} and {q.calls(burn.long, by)} >= {t.calls:g})"
        for burn in burns
    )
    return " or ".join(pairs)


def _money(q: Queries, name: str, reason: str, what: str, action: str) -> Alert:
    # Raw, for its message is urgent and what it reads is little: refused attempts alone.
    refused = q.raw_increase(c.ATTEMPTS, "10m", (JOB,), q.match(c.BLOCKED_REASON, reason))
    return Alert(
        name, "critical", f"{refused} > 0 and on () {NO_OUTAGE}",
        f"Claude refuses {q.translator.template(JOB)}: {what} ({{{{ $value }}}} requests in ten minutes).",
        f"Nothing works until somebody acts. {action}", wait="0m", dashboard=LIMITS,
    )  # fmt: skip


def _times(q: Queries, t: Thresholds) -> tuple[Alert, ...]:
    by = (JOB, c.REQUEST_MODEL)
    job, model = (q.translator.template(label) for label in by)
    enough = f"{q.calls('10m', by)} >= {t.calls:g}"
    return (
        Alert(
            "ClaudeLatencyHigh", "warning", f"{q.quantile(0.95, c.DURATION, '10m', by)} > {t.duration_p95:g} and "
            f"{enough}",
            f"The slowest twentieth of the calls of {job} to {model} take {_SECONDS} or longer (an estimate).",
            "Retries, longer answers, or a slow API: compare with the attempts, the output tokens per call and other "
            "models.",
            wait="10m", dashboard=LIMITS,
        ),
        Alert(
            "ClaudeFirstChunkSlow", "warning",
            f"{q.quantile(0.95, c.TIME_TO_FIRST_CHUNK, '10m', by)} > {t.first_chunk_p95:g} and {enough}",
            f"The slowest twentieth of the streams of {job} from {model} begin after {_SECONDS} or later (an "
            "estimate).",
            "Long prompts without a cache hit begin late. If all models are slow, look at Anthropic's status page.",
            wait="10m", dashboard=LIMITS,
        ),
    )  # fmt: skip


def limit_alerts(q: Queries, t: Thresholds) -> tuple[Alert, ...]:
    """Limits that are nearly full."""
    translator = q.translator
    return (
        Alert(
            "ClaudeLimitHeadroomLow", "warning", f"{q.used(_LIMIT_BY)} > {1 - t.headroom:g}",
            f"The limit {translator.template(c.RATE_LIMIT_NAME)} of {translator.template(c.REQUEST_MODEL)} (key "
            f"{translator.template(c.API_KEY_HINT)}) is {_SHARE} used, as {translator.template(JOB)} sees it.",
            "The next burst will be refused. Spread the load, cache more of the prompt, or ask for a higher limit.",
            wait="3m", dashboard=LIMITS,
        ),
    )  # fmt: skip


def telemetry_alerts(q: Queries, t: Thresholds) -> tuple[Alert, ...]:
    """Telemetry that stopped, and telemetry that counts wrongly."""
    job = q.translator.template(JOB)
    there = f"count_over_time({STEADY}[1d]) >= {12 * t.steady_hours:g}"
    return (
        Alert(
            "ClaudeTelemetryAbsent", "warning",
            # After an outage of the store nobody is known to be there.
            f"{there} unless on ({JOB}) last_over_time({PROCESSES}[15m]) and on () {NO_OUTAGE}",
            f"{job} sent metrics for hours of the last day, and none in the last ten minutes.",
            "If it was not stopped on purpose: look at its log for failed exports, then at the Collector's.",
            wait="0m", keep="15m", dashboard=LIMITS,
        ),
        Alert(
            "ClaudeCounterFell", "warning", f"{q.by((JOB,), f'resets({q.select(c.CALLS)}[15m])')} > 0",
            f"Counters of {job} fell {{{{ $value }}}} times in a quarter of an hour: its spend is counted wrongly.",
            "Two processes write one series, or one that restarts writes into the series of its predecessor. Remove a "
            "fixed service.instance.id from the service's settings.", wait="0m", keep="1h", dashboard=LIMITS,
        ),
        Alert(
            "ClaudeRetentionShort", "info", f"max({RETENTION}) < {30 * 86_400} and max({RETENTION}) > 0",
            "Prometheus keeps metrics for {{ $value | humanizeDuration }}, and monthly budgets look back for thirty "
            "days.",
            "What a budget used in a month is shown too low. Keep metrics for 32 days, or trust the alerts on the pace "
            "alone.",
            wait="1h", keep="1h", by_job=False,
        ),
    )  # fmt: skip
