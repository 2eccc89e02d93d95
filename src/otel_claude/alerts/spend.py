"""The alerts about money: budgets, jumps, the cache, and what could not be priced."""

from __future__ import annotations

from typing import Final

from otel_claude import semconv as c

from ..dashboards.panels import SAVINGS_UID
from ..promql.names import JOB
from ..promql.queries import Queries, seconds
from ..promql.recorded import ALIVE, SILENT
from ..spending.advice import ADVICE, EXACT, MODEL, found
from .rules import Alert, Severity
from .thresholds import FAST, HOURS_OF_A_MONTH, SLOW, Burn, Thresholds

_USD: Final = '{{ $value | printf "%.2f" }} USD'
_SHARE: Final = "{{ $value | humanizePercentage }}"
_CHANGED: Final = ("system_changed", "tools_changed")
_NO_PRICE_BY_DESIGN: Final = ("billed_elsewhere", "provisioned_throughput", "priority_tier")
_NO_PRICE_IN_TABLE: Final = ("unknown_model", "no_published_price", "not_yet_priced", "unknown_speed")
_SILENT: Final = f"unless on ({JOB}) last_over_time({SILENT}[1h])"
"""When processes are heard again, the spend of their silence is counted in one slot: the last hour's says nothing."""
_NO_OUTAGE: Final = f"and on () count_over_time({ALIVE}[1h]) >= 11"
"""The same where silence is not recorded, for an outage of the store."""
_MONTHLY_ACTION: Final = (
    "Open the table “Top spenders”, and compare with yesterday: one service, one model or one key is usually "
    "behind it. If it is meant, raise the budget."
)


def spend_alerts(q: Queries, t: Thresholds) -> tuple[Alert, ...]:
    """Budgets and jumps."""
    job, hour, day = q.translator.template(JOB), t.daily_budget * t.hour_of_daily_budget, q.spent("1d")
    by_job, week_ago = q.spent("1h", (JOB,)), q.spent("1h", (JOB,), ago="1w")
    an_hour = _SILENT if q.recorded else _NO_OUTAGE
    return (
        Alert(
            "ClaudeSpendRateHigh", "warning", f"{by_job} > {hour:g} {an_hour}",
            f"{job} spent {_USD} on Claude in the last hour (limit {hour:g} USD).",
            "See which model and type grew on the service's dashboard. A loop that calls again and again shows as "
            "many calls, a prompt that grew as a higher cost per call.",
        ),
        Alert(
            "ClaudeDailyBudget80", "warning", f"{day} > {0.8 * t.daily_budget:g} and {day} <= {t.daily_budget:g}",
            f"Claude cost {_USD} in the last 24 hours, over 80 % of the daily budget of {t.daily_budget:g} USD.",
            "Decide now what may be slowed down before the budget is reached.", by_job=False,
        ),
        Alert(
            "ClaudeDailyBudgetExceeded", "critical", f"{day} > {t.daily_budget:g}",
            f"Claude cost {_USD} in the last 24 hours, over the daily budget of {t.daily_budget:g} USD.",
            _MONTHLY_ACTION, by_job=False,
        ),
        Alert(
            "ClaudeMonthlyBudgetBurnFast", "critical", burning(q, FAST, t.monthly_budget),
            f"Claude is being paid {_USD} per hour; at this pace the monthly budget of {t.monthly_budget:g} USD is "
            "gone within days.",
            _MONTHLY_ACTION, wait="2m", by_job=False,
        ),
        Alert(
            "ClaudeMonthlyBudgetBurnSlow", "warning", burning(q, SLOW, t.monthly_budget),
            f"Claude is being paid {_USD} per hour, for a day or longer; the monthly budget of {t.monthly_budget:g} "
            "USD will not last.",
            _MONTHLY_ACTION, wait="15m", keep="1h", by_job=False,
        ),
        Alert(
            "ClaudeSpendAnomaly", "warning",
            f"{by_job} > {t.anomaly_factor:g} * {week_ago} and {by_job} > {t.anomaly_floor:g} {an_hour}",
            f"{job} spent {_USD} on Claude in the last hour, over {t.anomaly_factor:g} times the same hour last week.",
            "More or costlier calls? Compare calls and cost per call with last week's, then look at what was "
            "deployed.",
            wait="15m", keep="30m",
        ),
    )  # fmt: skip


def burning(q: Queries, burns: tuple[Burn, ...], monthly_budget: float, *matchers: str) -> str:
    """Dollars per hour, where both windows of any pair are over their pace."""
    even = monthly_budget / HOURS_OF_A_MONTH
    pairs = (
        " and ".join(
            f"{q.spent(window, (), *matchers)} / {seconds(window) / 3600:.6g} > {burn.factor * even:.6g}"
            for window in (burn.long, burn.short)
        )
        for burn in burns
    )
    return " or ".join(f"({pair})" for pair in pairs)


def value_alerts(q: Queries, t: Thresholds) -> tuple[Alert, ...]:
    """The cache, truncated responses, and what has no price."""
    translator, model = q.translator, (JOB, c.REQUEST_MODEL)
    job, name = translator.template(JOB), translator.template(c.REQUEST_MODEL)
    saved, paid = (q.increase(metric, "6h", model) for metric in (c.CACHE_SAVINGS, c.CACHE_OVERHEAD))
    # Of calls alone: results of batches are counted as unpriced too, and are no calls.
    priceable = (
        translator.match(c.UNPRICED_REASON, "!~", "|".join((*_NO_PRICE_BY_DESIGN, *_NO_PRICE_IN_TABLE))),
        q.match(c.OPERATION_NAME, c.CHAT),
    )
    enough = f"{q.calls('1h', (JOB,))} >= {t.calls:g}"
    hour, day = (q.cache_hits(window, model) for window in ("1h", "1d"))
    changed = q.among(c.CACHE_MISS_REASON, *_CHANGED)
    unpriced = q.share(q.increase(c.UNPRICED, "1h", (JOB,), *priceable), q.calls("1h", (JOB,)))
    return (
        Alert(
            "ClaudeCacheWrittenNotRead", "warning",
            f"{paid} - ({saved} or 0 * {paid}) > {t.cache_overhead_floor:g}",
            f"The prompt cache of {job} for {name} cost {_USD} more than it saved in six hours.",
            "The prompt's beginning changes from call to call, or calls are further apart than the cache lives. Fix "
            "the prompt, use the 1h cache, or remove the breakpoint.", wait="30m", keep="1h",
        ),
        Alert(
            "ClaudeCacheHitsDropped", "warning",
            f"{hour} < {t.cache_drop:g} * {day} and {day} > {t.cache_drop_floor:g} and "
            f"{q.increase(c.INPUT_TOKENS, '1h', model)} > {t.cache_drop_tokens:g}",
            f"Cache hits of {job} for {name} fell to {_SHARE} of its input tokens.",
            "Look at what was deployed: a date, an id or another order of tools at the prompt's beginning ends every "
            "hit.",
            wait="15m", keep="30m",
        ),
        Alert(
            # A deployment makes each conversation miss once, and is out of the window before this has waited.
            "ClaudeCachePrefixChanges", "warning",
            f"{q.increase(c.CACHE_DIAGNOSES, '30m', (JOB, c.CACHE_MISS_REASON), changed)} > {t.cache_misses:g}",
            f"{{{{ $value }}}} calls of {job} in half an hour missed the cache: "
            f"{q.translator.template(c.CACHE_MISS_REASON)}, says the API.",
            "A prompt's beginning should be the same from call to call. Look for a date or an id in the system prompt, "
            "and for tools in changing order.",
            wait="45m", keep="30m",
        ),
        Alert(
            "ClaudeResponsesTruncated", "warning", f"{q.truncated('1h', (JOB,))} > {t.truncated:g} and {enough}",
            f"{_SHARE} of the responses to {job} in the last hour stopped at max_tokens.",
            "Raise max_tokens, or ask for less. A truncated response is paid for and often asked for again.",
            wait="15m", keep="30m",
        ),
        Alert(
            "ClaudeUsageUnpriced", "warning",
            f"{unpriced} > {t.unpriced:g} and {enough}",
            f"{_SHARE} of the calls of {job} in the last hour have no exact price; its spend is shown too low.",
            "The panel of reasons says why: incomplete streams, time-outs, a gateway.", wait="15m", keep="1h",
        ),
        Alert(
            "ClaudePriceTableOutdated", "warning",
            f"{q.increase(c.UNPRICED, '1h', model, q.among(c.UNPRICED_REASON, *_NO_PRICE_IN_TABLE))} > 0",
            f"Calls of {job} to {name} have no price: {{{{ $value }}}} in the last hour.",
            "Upgrade otel-claude, or give the price in the file that OTEL_CLAUDE_PRICES names.", wait="1m", keep="1h",
        ),
        _retirement(q, "ClaudeModelRetires", "warning", t.retires_days, t.retires_soon_days),
        _retirement(q, "ClaudeModelRetiresSoon", "critical", t.retires_soon_days),
    )  # fmt: skip


def savings_alerts(q: Queries, t: Thresholds) -> tuple[Alert, ...]:
    """What advice is worth exactly, as `otel-claude advise` says it. None unless a threshold was given."""
    if not t.savings:
        return ()
    monthly = f"30 / 7 * ({found(EXACT, q, '7d')})"
    return (
        Alert(
            "ClaudeSavingsAvailable", "info", f"{monthly} > {t.savings:g}",
            f"{{{{ $labels.{JOB} }}}} could save {_USD} a month on {{{{ $labels.{MODEL} }}}}: "
            f"{{{{ $labels.{ADVICE} }}}}.",
            "`otel-claude advise` says what to change and what it risks. The rule is in docs/savings.md.",
            wait="0m", keep="2h", dashboard=SAVINGS_UID,
        ),
    )  # fmt: skip


def _retirement(q: Queries, name: str, severity: Severity, days: float, unless_days: float | None = None) -> Alert:
    """A model in use whose end is near. The value is what it cost in a week: 0 where nothing of it has a price."""
    at = q.retires_at()
    left = f"{at} - time()"
    near = f"({left}) < {days * 86_400:.0f}"
    if unless_days is not None:
        near += f" and ({left}) >= {unless_days * 86_400:.0f}"
    job, model = (q.translator.template(label) for label in (JOB, c.REQUEST_MODEL))
    return Alert(
        name, severity, f"({q.spent_on_models('7d')} or 0 * {at}) and ({near})",
        f"{model} retires on Anthropic's platform within {days:g} days; {job} spent {_USD} on it in the last week.",
        "From that day on its calls fail. The table “Models that retire” says when. Try the model that follows it.",
        wait="0m", keep="1h",
    )  # fmt: skip
