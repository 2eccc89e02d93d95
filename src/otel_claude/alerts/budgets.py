"""Budgets of tag values: what `--budget tenant=acme:500` asks for, and the rules that watch it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final, NamedTuple
from urllib.parse import quote

from otel_claude import semconv as c
from otel_claude.tags import is_key, is_value

from ..promql.names import BUDGET, BUDGET_USED, NameTranslator
from ..promql.queries import Queries
from .rules import Alert, Group, Recording
from .thresholds import FAST, HOURS_OF_A_MONTH

_MONTH: Final = "30d"
_HOURS: Final = {"5m": 1 / 12, "30m": 0.5, "1h": 1.0, "6h": 6.0}
"""The windows of `FAST`, in hours."""
_ACTION: Final = (
    "Open the dashboard, which shows this tag's value alone: which service and which model grew? If it is meant, raise "
    "the budget."
)


class TagBudget(NamedTuple):
    """US dollars that calls with one value of a tag may cost in thirty days, all services together."""

    key: str
    value: str
    dollars: float

    @property
    def name(self) -> str:
        """The tag with its value."""
        return f"{self.key}={self.value}"


def tag_budget(text: str) -> TagBudget:
    """The budget that `tenant=acme:500` names.

    Raises:
        ValueError: It is written otherwise, or its key or value can be no tag's. The message is for the user.
    """
    tag, _, amount = text.rpartition(":")
    key, equals, value = tag.partition("=")
    try:
        dollars = float(amount)
    except ValueError:
        dollars = math.nan
    # Prometheus reads the labels of alerts as templates.
    if not (equals and is_key(key) and is_value(value) and "{{" not in value):
        raise ValueError(f"the budget {text!r} names no tag: it is written as tenant=acme:500")
    if not (math.isfinite(dollars) and dollars > 0):
        raise ValueError(f"the budget {text!r} must be more than 0 dollars: it is written as tenant=acme:500")
    return TagBudget(key, value, dollars)


def spend(window: str) -> str:
    """Dollars that a budget's calls cost in a window."""
    return f"claude:budget_spend_usd:{window}"


def budget_recordings(translator: NameTranslator, budgets: Iterable[TagBudget]) -> tuple[Group, ...]:
    """What the alerts on budgets read. No groups where there are no budgets."""
    q = Queries(translator)
    short, long = list[Recording](), list[Recording]()
    for budget in budgets:
        labels = ((BUDGET, budget.name),)
        tag = translator.match(c.TAG_PREFIX + budget.key, "=", _quoted(budget.value))
        short += [Recording(spend(window), q.spent(window, (), tag), labels) for window in _HOURS]
        # The hours that are over, added up, as for all services together.
        month = f"sum(sum_over_time({_of(budget, '1h')}[{_MONTH}:1h]))"
        long += [
            Recording(spend(_MONTH), month, labels),
            Recording(BUDGET_USED, f"{_of(budget, _MONTH)} / {budget.dollars:g}", labels),
        ]
    groups = (Group("otel-claude-budgets", tuple(short)), Group("otel-claude-budgets-month", tuple(long), "5m"))
    return groups if short else ()


def budget_alerts(translator: NameTranslator, budgets: Iterable[TagBudget]) -> tuple[Group, ...]:
    """Near the budget, over it, and on the way there. No group where there are no budgets."""
    alerts = tuple(alert for budget in budgets for alert in _alerts(translator, budget))
    return (Group("otel-claude-alerts-budgets", alerts),) if alerts else ()


def _alerts(translator: NameTranslator, budget: TagBudget) -> tuple[Alert, ...]:
    month, dollars, name = _of(budget, _MONTH), budget.dollars, translator.template(BUDGET)
    labels = ((BUDGET, budget.name),)
    choice = (
        f"?var-tag={quote(translator.bare(c.TAG_PREFIX + budget.key))}&var-tag_value={quote(budget.value, safe='')}"
    )
    usd = '{{ $value | printf "%.2f" }} USD'
    return (
        Alert(
            "ClaudeTagBudget80", "warning", f"{month} > {0.8 * dollars:g} and {month} <= {dollars:g}",
            f"Claude cost {usd} for {name} in thirty days, over 80 % of its budget of {dollars:g} USD.",
            _ACTION, by_job=False, labels=labels, choice=choice,
        ),
        Alert(
            "ClaudeTagBudgetExceeded", "critical", f"{month} > {dollars:g}",
            f"Claude cost {usd} for {name} in thirty days, over its budget of {dollars:g} USD.",
            _ACTION, by_job=False, labels=labels, choice=choice,
        ),
        Alert(
            "ClaudeTagBudgetBurnFast", "warning", _burning(budget),
            f"Claude is being paid {usd} per hour for {name}; at this pace its budget of {dollars:g} USD is gone "
            "within days.",
            _ACTION, wait="2m", by_job=False, labels=labels, choice=choice,
        ),
    )  # fmt: skip


def _burning(budget: TagBudget) -> str:
    """Dollars per hour, where both windows of any pair are over their pace."""
    even = budget.dollars / HOURS_OF_A_MONTH
    pairs = (
        " and ".join(
            f"{_of(budget, window)} / {_HOURS[window]:.6g} > {burn.factor * even:.6g}"
            for window in (burn.long, burn.short)
        )
        for burn in FAST
    )
    return " or ".join(f"({pair})" for pair in pairs)


def _of(budget: TagBudget, window: str) -> str:
    return f'{spend(window)}{{{BUDGET}="{_quoted(budget.name)}"}}'


def _quoted(value: str) -> str:
    """For a string in PromQL."""
    return value.replace("\\", "\\\\").replace('"', '\\"')
