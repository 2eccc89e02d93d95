"""Budgets of tag values: what `--budget tenant=acme:500` asks for, and the rules that watch it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final, NamedTuple
from urllib.parse import quote

from otel_claude import semconv as c
from otel_claude.tags import is_key, is_value

from ..promql.names import BUDGET, BUDGET_USED
from ..promql.queries import Queries
from .rules import Alert, Group, Recording
from .spend import burning
from .thresholds import FAST, SLOW

_MONTH: Final = "30d"
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
    if not equals:
        raise ValueError(f"the budget {text!r} names no tag: it is written as tenant=acme:500")
    if not is_key(key):
        raise ValueError(
            f"the budget {text!r} names no tag: {key!r} cannot be a tag's key, which has lower case letters, digits, "
            "'_' and '.', and begins with a letter"
        )
    # Prometheus reads the labels of alerts as templates.
    if not is_value(value) or "{{" in value:
        raise ValueError(
            f"the budget {text!r} names no tag: {value!r} cannot be a tag's value here, which has 1 to 200 printable "
            "characters and no '{{'"
        )
    if not (math.isfinite(dollars) and dollars > 0):
        raise ValueError(f"the budget {text!r} must be more than 0 dollars: it is written as tenant=acme:500")
    return TagBudget(key, value, dollars)


def budget_recordings(q: Queries, budgets: Iterable[TagBudget]) -> tuple[Group, ...]:
    """Which share of each budget was used. No group where there are no budgets."""
    rules = tuple(
        Recording(BUDGET_USED, f"{q.spent(_MONTH, (), _tag(q, budget))} / {budget.dollars:g}", ((BUDGET, budget.name),))
        for budget in budgets
    )
    return (Group("otel-claude-budgets", rules, "5m"),) if rules else ()


def budget_alerts(q: Queries, budgets: Iterable[TagBudget]) -> tuple[Group, ...]:
    """Near the budget, over it, and on the way there. No group where there are no budgets."""
    alerts = tuple(alert for budget in budgets for alert in _alerts(q, budget))
    return (Group("otel-claude-alerts-budgets", alerts, "5m"),) if alerts else ()


def _alerts(q: Queries, budget: TagBudget) -> tuple[Alert, ...]:
    translator, dollars, tag = q.translator, budget.dollars, _tag(q, budget)
    name = budget.name
    month = f'{BUDGET_USED}{{{BUDGET}="{_quoted(budget.name)}"}} * {dollars:g}'
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
            "ClaudeTagBudgetBurnFast", "warning", burning(q, FAST, dollars, tag),
            f"Claude is being paid {usd} per hour for {name}; at this pace its budget of {dollars:g} USD is gone "
            "within days.",
            _ACTION, wait="2m", by_job=False, labels=labels, choice=choice,
        ),
        Alert(
            "ClaudeTagBudgetBurnSlow", "info", burning(q, SLOW, dollars, tag),
            f"Claude is being paid {usd} per hour for {name}, for a day or longer; its budget of {dollars:g} USD will "
            "not last for thirty days.",
            _ACTION, wait="15m", keep="1h", by_job=False, labels=labels, choice=choice,
        ),
    )  # fmt: skip


def _tag(q: Queries, budget: TagBudget) -> str:
    return q.match(c.TAG_PREFIX + budget.key, _quoted(budget.value))


def _quoted(value: str) -> str:
    """For a string in PromQL."""
    return value.replace("\\", "\\\\").replace('"', '\\"')
