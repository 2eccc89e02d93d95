"""Advice: where money can be saved, as rules. A rule is data and one query, which the command, panels and alert share.

A query gives US dollars of a window, of each service and model to which the rule applies. What makes it apply is in
the query too, so that nothing else decides. docs/savings.md is written from this table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Final, Literal

from otel_claude import semconv as c
from otel_claude.semconv import Metric

from ..pricing import shipped
from ..pricing.types import Model
from ..promql.names import JOB
from ..promql.queries import Queries
from ..promql.recorded import MINUTES

Certainty = Literal["exact", "upper bound", "estimate"]
Expression = Callable[[Queries, str], str]
"""Writes a query of a window, such as `30d`."""

ADVICE: Final = "advice"
"""The label that names the rule, where queries of several rules are one."""
MODEL: Final = "model"
"""The label of the model there: of the responses or, for calls without one, of the requests."""
PLACE: Final = (JOB, c.RESPONSE_MODEL)
_REQUESTED: Final = (JOB, c.REQUEST_MODEL)

MIN_CALLS: Final = 100
"""Calls, or results of batches, of a service and model in a period: below, nothing is advised."""
_CACHEABLE: Final = 1024
"""Tokens. Shorter prompts cannot be cached on most models."""
_FEW_HITS: Final = 0.1
_SPREAD: Final = 10
_LIMITED: Final = 0.01
_TRUNCATED: Final = 0.05
_ABANDONED: Final = 0.02
_MOSTLY: Final = 0.5
_SEARCHING: Final = 0.25
_BUSY: Final = 3
"""Calls in five minutes from which on a prompt of five minutes' lifetime is surely kept."""
_DAY: Final = "1d"
_WRITE_5M, _WRITE_1H = 1.25, 2.0
"""What writing to the cache costs, of the price of input (pricing page of 2026-10-10)."""
_FAST, _US, _BATCH = 2.0, 1.1, 0.5
"""What fast mode, inference in the United States alone and batches multiply prices by (pricing page of 2026-10-10).

A test holds the price table against these five.
"""
_CHANGES: Final = ("model_changed", "system_changed", "tools_changed", "messages_changed")
_NO_RESULT: Final = ("no_response", "incomplete_stream")


@dataclass(frozen=True)
class Rule:
    """One thing that can be changed.

    Attributes:
        id: Its name in JSON, and the value of the label `advice`.
        certainty: Whether the dollars are exact, the most there can be, or an estimate.
        title: What is wrong, in a few words.
        usd: US dollars of a window, by `by`, where the rule applies.
        applies: When it applies, in words.
        arithmetic: How the dollars are worked out, in words.
        change: What to change.
        risk: What that can cost.
        docs: Where it is described, relative to docs/.
        by: The labels that tell places apart.
        evidence: Further numbers about a place, each as a query.
        slots: Whether it looks at single slots of five minutes, which are not in raw series.
    """

    id: str
    certainty: Certainty
    title: str
    usd: Expression
    applies: str
    arithmetic: str
    change: str
    risk: str
    docs: str
    by: tuple[str, ...] = PLACE
    evidence: Mapping[str, Expression] = field(default_factory=dict[str, Expression])
    slots: bool = False

    def named(self, q: Queries, window: str) -> str:
        """Its dollars by service and model, with its name as a label."""
        model = q.translator.bare(c.REQUEST_MODEL if c.REQUEST_MODEL in self.by else c.RESPONSE_MODEL)
        usd = f'label_replace({self.usd(q, window)}, "{MODEL}", "$1", "{model}", "(.*)")'
        return q.by((ADVICE, JOB, MODEL), f'label_replace({usd}, "{ADVICE}", "{self.id}", "", "")')


def found(rules: Iterable[Rule], q: Queries, window: str) -> str:
    """The dollars of some rules in one query, by rule, service and model."""
    return " or ".join(rule.named(q, window) for rule in rules)


def as_batches(q: Queries, window: str) -> str:
    """The dollars that calls would have cost less as batches: half of what their tokens cost at standard speed."""
    calls = (
        q.translator.match(c.OPERATION_NAME, "!=", c.BATCH),
        q.translator.match(c.SPEED, "!=", "fast"),
        q.translator.match(c.COST_TYPE, "!=", "web_search"),
    )
    return f"{_BATCH:g} * {q.spent(window, PLACE, *calls)}"


# What is asked.


def _of(metric: Metric, by: tuple[str, ...] = PLACE, *values: tuple[str, str]) -> Expression:
    return lambda q, window: q.increase(metric, window, by, *(q.match(*value) for value in values))


def _cost(kind: str) -> Expression:
    return _of(c.COST, PLACE, (c.COST_TYPE, kind))


def _ratio(part: Expression, whole: Expression) -> Expression:
    return lambda q, window: f"{part(q, window)} / {whole(q, window)}"


def _requests(q: Queries, window: str, by: tuple[str, ...] = PLACE) -> str:
    """Calls that used input, or results of batches where there are none.

    The counts of a histogram have a twentieth of the series of calls, which are told apart by how they ended.
    """
    return f"({q.count(c.CALL_INPUT_TOKENS, window, by)} or {q.increase(c.BATCH_RESULTS, window, by)})"


def _enough(q: Queries, window: str, by: tuple[str, ...] = PLACE) -> str:
    return f"{_requests(q, window, by)} >= {MIN_CALLS}"


def _uncached_tokens(q: Queries, window: str) -> str:
    """Input tokens that were neither read from the cache nor written to it."""
    total, read, written = (
        q.increase(metric, window, PLACE) for metric in (c.INPUT_TOKENS, c.CACHE_READ_TOKENS, c.CACHE_WRITE_TOKENS)
    )
    return f"({total} - ({read} or 0 * {total}) - ({written} or 0 * {total}))"


def _uncached_per_call(q: Queries, window: str) -> str:
    return f"{_uncached_tokens(q, window)} / {_requests(q, window)}"


def _input_quantile(quantile: float) -> Expression:
    return lambda q, window: q.quantile(quantile, c.CALL_INPUT_TOKENS, window, PLACE)


@cache
def _read_prices() -> tuple[tuple[float, str], ...]:
    """What a cache read costs, of the price of input, and of which models: a regular expression of their names.

    The last has an expression of those that it does not match, which are all others.
    """
    models: dict[float, list[str]] = {}
    for model in shipped().models.values():
        if not model.unpriced and model.status != "retired":
            prices = model.standard[-1].prices
            models.setdefault(prices.cache_read / prices.input, []).extend(_names(model))
    usual = max(models, key=lambda share: len(models[share]))
    others = {share: names for share, names in models.items() if share != usual}
    return (
        *((share, _expression(names)) for share, names in sorted(others.items())),
        (usual, _expression([name for names in others.values() for name in names])),
    )


def _names(model: Model) -> list[str]:
    known = shipped().known
    return sorted({model.id, *(name for name, of in known.items() if of == model.id)})


def _expression(names: list[str]) -> str:
    """Any writing of models: a cloud's prefix, a date, a version."""
    return f".*({'|'.join(sorted(names))})(-20.{{6}}|@20.{{6}})?(-v.*|:.*)?"


def _by_read_price(q: Queries, term: Callable[[float, str], str]) -> str:
    """A term of dollars by service and model. It gets what a cache read costs there, and a matcher of the models."""
    *others, (usual, not_these) = _read_prices()
    terms = [term(share, q.translator.match(c.RESPONSE_MODEL, "=~", names)) for share, names in others]
    return " or ".join([*terms, term(usual, q.translator.match(c.RESPONSE_MODEL, "!~", not_these))])


def _if_cached(q: Queries, window: str) -> str:
    """What uncached input would have cost less as reads from the cache."""

    def term(read: float, matcher: str) -> str:
        return f"{1 - read:g} * {q.spent(window, PLACE, q.match(c.COST_TYPE, 'input'), matcher)}"

    return _by_read_price(q, term)


# Dollars of each rule.


def _cache_unread(q: Queries, window: str) -> str:
    saved, paid = (q.increase(metric, window, PLACE) for metric in (c.CACHE_SAVINGS, c.CACHE_OVERHEAD))
    return f"({paid} - ({saved} or 0 * {paid}) > 0) and {_enough(q, window)}"


def _cache_missed(q: Queries, window: str) -> str:
    missed = q.increase(
        c.CACHE_MISSED_COST, window, (*PLACE, c.CACHE_MISS_REASON), q.among(c.CACHE_MISS_REASON, *_CHANGES)
    )
    return f"{missed} and on ({', '.join(map(q.translator.label, PLACE))}) ({_enough(q, window)})"


def _prompt_uncached(q: Queries, window: str) -> str:
    short, long = (_input_quantile(quantile)(q, window) for quantile in (0.1, 0.9))
    return (
        f"({_if_cached(q, window)}) and {_enough(q, window)} and {q.cache_hits(window, PLACE)} < {_FEW_HITS:g} "
        f"and {_uncached_per_call(q, window)} >= {_CACHEABLE} "
        f"and {long} <= {_SPREAD} * ({short} >= {_CACHEABLE})"
    )


def _in_slot(q: Queries, metric: Metric, window: str, ago: str, *matchers: str) -> str:
    return q.increase(metric, window, PLACE, *matchers, ago=ago, level=MINUTES.name)


def _after_pause(q: Queries, metric: Metric, *matchers: str) -> str:
    """The share of a day's tokens that came after five minutes to an hour without any use of the cache."""

    def used(window: str, ago: str) -> str:
        read, written = (_in_slot(q, each, window, ago) for each in (c.CACHE_READ_TOKENS, c.CACHE_WRITE_TOKENS))
        return f"({read} > 0 or {written} > 0)"

    tokens = f"{_in_slot(q, metric, '5m', '', *matchers)} > 0"
    paused = f"({tokens} unless {used('5m', '5m')} and {used('55m', '10m')})"
    day = _in_slot(q, metric, _DAY, "", *matchers)
    return q.share(f"sum_over_time({paused}[{_DAY}:{MINUTES.name}])", day)


def _per_slot(q: Queries) -> str:
    """Calls in the five minutes that have any, of a day."""
    calls = _in_slot(q, c.CALLS, "5m", "")
    return f"{_in_slot(q, c.CALLS, _DAY, '')} / count_over_time(({calls} > 0)[{_DAY}:{MINUTES.name}])"


def _ttl_too_long(q: Queries, window: str) -> str:
    def as_written(read: float, matcher: str) -> str:
        return f"{_WRITE_5M / read - 1:g} * {q.spent(window, PLACE, q.match(c.COST_TYPE, 'cache_read'), matcher)}"

    written = _cost("cache_write_1h")(q, window)
    lost = f"({_after_pause(q, c.CACHE_READ_TOKENS)} * ({_by_read_price(q, as_written)}) or 0 * {written})"
    return (
        f"({1 - _WRITE_5M / _WRITE_1H:g} * {written} - {lost} > 0) and {_enough(q, window)} "
        f"and {_per_slot(q)} >= {_BUSY}"
    )


def _ttl_too_short(q: Queries, window: str) -> str:
    dearer = _WRITE_1H / _WRITE_5M

    def as_read(read: float, matcher: str) -> str:
        written = q.spent(window, PLACE, q.match(c.COST_TYPE, "cache_write_5m"), matcher)
        return f"{dearer - read / _WRITE_5M:g} * {written}"

    paused = _after_pause(q, c.CACHE_WRITE_TOKENS, q.match(c.CACHE_TTL, "5m"))
    rest = f"{dearer - 1:g} * {_cost('cache_write_5m')(q, window)}"
    return f"({paused} * ({_by_read_price(q, as_read)}) - {rest} > 0) and {_enough(q, window)}"


def _premium(label: str, value: str, factor: float) -> Expression:
    def usd(q: Queries, window: str) -> str:
        tokens = q.translator.match(c.COST_TYPE, "!=", "web_search")
        return (
            f"{1 - 1 / factor:.15g} * {q.spent(window, PLACE, q.match(label, value), tokens)} and {_enough(q, window)}"
        )

    return usd


def _truncated(q: Queries, window: str) -> str:
    calls = q.calls(window, PLACE, q.match(c.STOP_REASON, "max_tokens"))
    return (
        f"{calls} * {q.cost_per_call(window, PLACE)} and {calls} / {_requests(q, window)} > {_TRUNCATED:g} "
        f"and {_enough(q, window)}"
    )


def _abandoned_calls(q: Queries, window: str) -> str:
    reasons = q.among(c.UNPRICED_REASON, *_NO_RESULT)
    return q.increase(c.UNPRICED, window, _REQUESTED, reasons, q.match(c.OPERATION_NAME, c.CHAT))


def _abandoned(q: Queries, window: str) -> str:
    calls, share = _abandoned_calls(q, window), _ABANDONED
    return (
        f"{calls} * {q.cost_per_call(window, _REQUESTED)} and {calls} / {_requests(q, window, _REQUESTED)} > {share:g} "
        f"and {_enough(q, window, _REQUESTED)}"
    )


_THINKING: Final = _ratio(_of(c.REASONING_TOKENS), _of(c.OUTPUT_TOKENS))
_SEARCHES: Final = _ratio(_cost("web_search"), _of(c.COST))


def _thinking(q: Queries, window: str) -> str:
    share = _THINKING(q, window)
    return f"{_cost('output')(q, window)} * ({share} > {_MOSTLY:g}) and {_enough(q, window)}"


def _web_search(q: Queries, window: str) -> str:
    return f"{_cost('web_search')(q, window)} and {_SEARCHES(q, window)} > {_SEARCHING:g} and {_enough(q, window)}"


_REFUSED: Final = _ratio(_of(c.ATTEMPTS, (JOB,), (c.BLOCKED_REASON, "rate_limit")), _of(c.ATTEMPTS, (JOB,)))


def _rate_limited(q: Queries, window: str) -> str:
    by = (JOB,)
    return (
        f"{q.by(by, _if_cached(q, window))} and {_REFUSED(q, window)} > {_LIMITED:g} "
        f"and {q.cache_hits(window, by)} < {_MOSTLY:g} and {_enough(q, window, by)}"
    )


RULES: Final = (
    Rule(
        "cache_unread", "exact", "The prompt cache is written and not read enough",
        _cache_unread,
        "Cache writes cost more above plain input than cache reads saved.",
        "What cache writes cost above uncached input, less what cache reads saved: what the same calls would have cost "
        "less without any cache.",
        "Remove the cache breakpoints of these calls, or make the beginning of the prompt the same from call to call.",
        "Without breakpoints, calls that would have hit pay full input again.",
        "cache.md",
        evidence={
            "cache_read_usd_saved": _of(c.CACHE_SAVINGS),
            "cache_write_usd_above_input": _of(c.CACHE_OVERHEAD),
            "cache_hit_ratio": lambda q, window: q.cache_hits(window, PLACE),
        },
    ),
    Rule(
        "cache_missed", "estimate", "The cache misses because the prompt changes, says the API",
        _cache_missed,
        "The API diagnosed a change of model, system prompt, tools or messages (the calls asked for diagnostics).",
        "What the missed tokens cost above a cache read. Their number is the API's own, which is approximate.",
        "Keep dates, ids and the order of tools out of the beginning of the prompt; only append to the messages.",
        "None to the answers, as long as what moves is still in the prompt.",
        "cache.md",
        by=(*PLACE, c.CACHE_MISS_REASON),
        evidence={"missed_input_tokens": _of(c.CACHE_MISSED_TOKENS, (*PLACE, c.CACHE_MISS_REASON))},
    ),
    Rule(
        "prompt_uncached", "upper bound", "Prompts of like length are sent without the cache",
        _prompt_uncached,
        f"Fewer than {_FEW_HITS:.0%} of input tokens come from the cache, a call has {_CACHEABLE:,} uncached input "
        f"tokens and more, and input tokens of calls lie close together: their 90th percentile is at most {_SPREAD} "
        f"times their 10th, which is {_CACHEABLE:,} and more. Such prompts often begin alike.",
        "All uncached input at the price of cache reads. What calls have in common is less than all of it, and is "
        "written at least once, at 1.25 times the price.",
        "Put what is the same in each call at the beginning, and a cache breakpoint after it.",
        "Writes cost 1.25 times the input price: prompts that have nothing in common get dearer.",
        "cache.md",
        evidence={
            "uncached_input_tokens_per_call": _uncached_per_call,
            "input_tokens_p10": _input_quantile(0.1),
            "input_tokens_p90": _input_quantile(0.9),
        },
    ),
    Rule(
        "cache_ttl_too_long", "estimate", "One-hour cache writes where five minutes would do",
        _ttl_too_long,
        f"Those five minutes of the last day that have calls have {_BUSY} of them and more on average, so that a "
        "lifetime of five minutes keeps the prompt.",
        "The difference between both prices of writing, less what reads after a pause of five minutes to an hour would "
        "cost as writes. The share of those reads is that of the last day, in slots of five minutes.",
        "Use the five-minute lifetime: each read renews it.",
        "A prompt that is used by few of these calls can lapse between them.",
        "cache.md",
        evidence={
            "share_of_reads_after_a_pause": lambda q, _: _after_pause(q, c.CACHE_READ_TOKENS),
            "calls_per_5m": lambda q, _: _per_slot(q),
        },
        slots=True,
    ),
    Rule(
        "cache_ttl_too_short", "estimate", "Five-minute cache writes that are written again and again",
        _ttl_too_short,
        "Enough of the tokens are written after a pause of five minutes to an hour, so that the dearer hour pays.",
        "What is written after such a pause as reads, and the rest at the price of one-hour writes (1.6 times). The "
        "share is that of the last day, in slots of five minutes.",
        "Use the lifetime of one hour for this prompt.",
        "If it is another prompt each time, one-hour writes cost 1.6 times as much and give nothing.",
        "cache.md",
        evidence={
            "share_of_writes_after_a_pause": lambda q, _: _after_pause(
                q, c.CACHE_WRITE_TOKENS, q.match(c.CACHE_TTL, "5m")
            ),
        },
        slots=True,
    ),
    Rule(
        "fast_mode", "exact", "Fast mode's premium",
        _premium(c.SPEED, "fast", _FAST),
        "Calls ran in fast mode.",
        "Half of what they cost: fast mode costs twice the standard price.",
        "Leave out `speed` where nobody waits for the answer.",
        "Answers come slower.",
        "prices.md",
        evidence={"fast_usd": _of(c.COST, PLACE, (c.SPEED, "fast"))},
    ),
    Rule(
        "us_only", "exact", "The premium of inference in the United States alone",
        _premium(c.INFERENCE_GEO, "us", _US),
        "Calls ran with `inference_geo` set to `us`.",
        "A part in eleven of what they cost: US-only inference costs 1.1 times the price.",
        "Leave out `inference_geo`, or change the workspace's default, where data may be processed elsewhere.",
        "A contract or a law can ask for it.",
        "prices.md",
        evidence={"us_usd": _of(c.COST, PLACE, (c.INFERENCE_GEO, "us"))},
    ),
    Rule(
        "truncated", "estimate", "Responses that end at max_tokens",
        _truncated,
        f"More than {_TRUNCATED:.0%} of calls that used tokens end at max_tokens.",
        "These calls times the mean cost of a call: what is lost if all of them are made again.",
        "Raise max_tokens, or ask for shorter answers.",
        "Longer answers cost more each.",
        "troubleshooting.md",
        evidence={
            "truncated_calls": _of(c.CALLS, PLACE, (c.STOP_REASON, "max_tokens")),
            "usd_per_call": lambda q, window: q.cost_per_call(window, PLACE),
        },
    ),
    Rule(
        "abandoned", "estimate", "Calls that were left, or lost their response",
        _abandoned,
        f"More than {_ABANDONED:.0%} of calls got no response, or a stream that was not read to its end. Requests that "
        "the API refused cost nothing and are not among them.",
        "These calls times the mean cost of a call. What is known of a stream's input is in the spend already.",
        "Raise time-outs, stream long answers, and cancel early rather than late.",
        "Longer time-outs keep connections busy.",
        "metrics.md",
        by=_REQUESTED,
        evidence={
            "abandoned_calls": _abandoned_calls,
            "usd_per_call": lambda q, window: q.cost_per_call(window, _REQUESTED),
        },
    ),
    Rule(
        "thinking", "upper bound", "Most of the output is thinking",
        _thinking,
        f"More than {_MOSTLY:.0%} of output tokens are thinking.",
        "Thinking's share of output tokens times what output cost.",
        "Lower the effort or the budget of thinking for calls that do well without it.",
        "Answers to hard questions get worse.",
        "metrics.md",
        evidence={"thinking_share_of_output": _THINKING},
    ),
    Rule(
        "web_search", "upper bound", "Web searches are a large part of the cost",
        _web_search,
        f"More than {_SEARCHING:.0%} of what the calls cost is for web searches. What searches bring is paid as input "
        "beside that.",
        "What web searches cost.",
        "Limit `max_uses` of the tool, or offer it only where fresh facts are needed.",
        "Answers without fresh facts.",
        "metrics.md",
        evidence={"web_search_share": _SEARCHES},
    ),
    Rule(
        "rate_limited", "upper bound", "A rate limit blocks calls that the cache would relieve",
        _rate_limited,
        f"More than {_LIMITED:.0%} of attempts are refused by a rate limit, and less than half of the input comes from "
        "the cache. On most models cache reads do not count towards the limit of input tokens.",
        "All uncached input at the price of cache reads, as for `prompt_uncached`.",
        "Cache what calls have in common, before a higher limit is asked for.",
        "As for `prompt_uncached`.",
        "cache.md",
        by=(JOB,),
        evidence={
            "rate_limited_share": _REFUSED,
            "cache_hit_ratio": lambda q, window: q.cache_hits(window, (JOB,)),
        },
    ),
)  # fmt: skip

EXACT: Final = tuple(rule for rule in RULES if rule.certainty == "exact")
"""Those that an alert can say."""
