"""The panels about tokens: their types, the cache, and the shape of calls."""

from __future__ import annotations

from typing import Final

from otel_claude import semconv as c
from otel_claude.semconv import Metric

from ..promql.queries import RANGE, STEP, Queries
from .panels import BLUE, GREEN, ORANGE, PURPLE, RED, YELLOW, Column, Panel, exemplars, line

_NONE: Final = "no tokens"
_INPUT, _READ, _OUTPUT = "input (uncached)", "cache read", "output"
_WRITE_5M, _WRITE_1H = "cache write 5m", "cache write 1h"
TYPE_COLORS: Final = (
    (_INPUT, BLUE), (_READ, GREEN), (_WRITE_5M, YELLOW), (_WRITE_1H, ORANGE), (_OUTPUT, PURPLE),
)  # fmt: skip


def uncached(total: str, read: str, written: str) -> str:
    """Uncached input: the total less what the cache gave and took."""
    return f"{total} - ({read} or 0 * {total}) - ({written} or 0 * {total})"


def _uncached_in_range(q: Queries) -> str:
    return uncached(
        q.increase(c.INPUT_TOKENS, RANGE),
        q.increase(c.CACHE_READ_TOKENS, RANGE),
        q.increase(c.CACHE_WRITE_TOKENS, RANGE),
    )


def _per_minute(q: Queries) -> str:
    total, read, written = (
        q.per_minute(metric) for metric in (c.INPUT_TOKENS, c.CACHE_READ_TOKENS, c.CACHE_WRITE_TOKENS)
    )
    return uncached(total, read, written)


def _writes(q: Queries, ttl: str) -> str:
    return q.match(c.CACHE_TTL, ttl)


TOKENS_PER_MINUTE: Final = Panel(
    201, "Tokens per minute, by type",
    "The four types that are priced apart; together they are all tokens. Cache reads cost a tenth of input, writes "
    "more than input.",
    "lines", "short",
    (
        line(_per_minute, _INPUT),
        line(lambda q: q.per_minute(c.CACHE_READ_TOKENS), _READ),
        line(lambda q: q.per_minute(c.CACHE_WRITE_TOKENS, (), _writes(q, "5m")), _WRITE_5M),
        line(lambda q: q.per_minute(c.CACHE_WRITE_TOKENS, (), _writes(q, "1h")), _WRITE_1H),
        line(lambda q: q.per_minute(c.OUTPUT_TOKENS), _OUTPUT),
    ),
    _NONE, colors=TYPE_COLORS, stacked=True,
)  # fmt: skip
TOKENS_BY_TYPE: Final = Panel(
    202, "Tokens by type",
    "Tokens in the time range, exactly, by the types of the bill. Thinking is part of the output.",
    "bargauge", "short",
    (
        line(_uncached_in_range, _INPUT),
        line(lambda q: q.increase(c.CACHE_READ_TOKENS, RANGE), _READ),
        line(lambda q: q.increase(c.CACHE_WRITE_TOKENS, RANGE, (), _writes(q, "5m")), _WRITE_5M),
        line(lambda q: q.increase(c.CACHE_WRITE_TOKENS, RANGE, (), _writes(q, "1h")), _WRITE_1H),
        line(lambda q: q.increase(c.OUTPUT_TOKENS, RANGE), _OUTPUT),
    ),
    _NONE, base=BLUE, colors=TYPE_COLORS, decimals=1,
)  # fmt: skip
CACHE_HITS: Final = Panel(
    210, "Cache hits",
    "The share of all input tokens that the prompt cache gave. Chats and agents reach 80 % and more; one-off prompts "
    "none. A fall means that the beginning of the prompt changes from call to call: a date, an id, the order of tools.",
    "stat", "percentunit", (line(lambda q: q.cache_hits(RANGE)),), _NONE, decimals=0,
)  # fmt: skip
CACHE_NET: Final = Panel(
    211, "Cache: net saving",
    "Dollars that cache reads saved less what cache writes cost above plain input. Below zero the cache costs more "
    "than it saves: read less often than it is written. Remove the breakpoint, or make prompts share their beginning.",
    "stat", "currencyUSD", (line(lambda q: q.cache_net(RANGE)),), "no cache used",
    thresholds=((0.0, GREEN),), base=RED, min=None, decimals=2,
)  # fmt: skip
CACHE_HITS_OVER_TIME: Final = Panel(
    212, "Cache hits over time, by model",
    "The share of input tokens read from the cache. It should be flat; a step down is a deployment that changed the "
    "prompt.",
    "lines", "percentunit",
    (line(lambda q: q.cache_hits(STEP, (c.RESPONSE_MODEL,)), "", c.RESPONSE_MODEL),), "no input", max=1,
)  # fmt: skip
CACHE_READ_AGAINST_WRITTEN: Final = Panel(
    213, "Cache: read against written",
    "Tokens per bar. Each token written should be read at least once (1h: twice) within its life to pay for itself.",
    "bars", "short",
    (
        line(lambda q: q.increase(c.CACHE_READ_TOKENS, STEP), _READ),
        line(lambda q: q.increase(c.CACHE_WRITE_TOKENS, STEP, (), _writes(q, "5m")), _WRITE_5M),
        line(lambda q: q.increase(c.CACHE_WRITE_TOKENS, STEP, (), _writes(q, "1h")), _WRITE_1H),
    ),
    "no cache used", colors=TYPE_COLORS,
)  # fmt: skip
CACHE_DOLLARS: Final = Panel(
    214, "Cache: dollars",
    "Dollars in the time range: what reads saved, what writes cost above plain input, and the difference. "
    "Net below zero: see “Cache: net saving”.",
    "bargauge", "currencyUSD",
    (
        line(lambda q: q.increase(c.CACHE_SAVINGS, RANGE), "saved by reads"),
        line(lambda q: q.increase(c.CACHE_OVERHEAD, RANGE), "paid for writes"),
        line(lambda q: q.cache_net(RANGE), "net"),
    ),
    "no cache used", base=BLUE, min=None, decimals=2,
    colors=(("saved by reads", GREEN), ("paid for writes", ORANGE), ("net", BLUE)),
)  # fmt: skip
_BY_REASON: Final = (c.CACHE_MISS_REASON,)
CACHE_MISSES: Final = Panel(
    215, "Cache misses, by the API's diagnosis",
    "Why the cache missed, of calls that asked the API. `system_changed` and `tools_changed` are almost always a bug: "
    "a date or an id at the prompt's beginning, tools in another order. Tokens and dollars are approximate; dollars "
    "are what was billed above a cache read.",
    "table", "none",
    (
        line(lambda q: q.increase(c.CACHE_MISSED_COST, RANGE, _BY_REASON)),
        line(lambda q: q.increase(c.CACHE_MISSED_TOKENS, RANGE, _BY_REASON)),
        line(lambda q: q.increase(c.CACHE_DIAGNOSES, RANGE, _BY_REASON)),
    ),
    "no diagnosis asked for", sorted_by="Cost",
    columns=(
        Column(c.CACHE_MISS_REASON, "Reason"), Column("Value #A", "Cost", "currencyUSD", decimals=2),
        Column("Value #B", "Tokens missed", "locale"), Column("Value #C", "Calls", "locale"),
    ),
)  # fmt: skip


def _quantiles(number: int, title: str, description: str, metric: Metric) -> Panel:
    return Panel(
        number, title, description, "lines", "short", (
            line(lambda q: q.quantile(0.95, metric, STEP), "p95 (estimate)"),
            line(lambda q: q.quantile(0.5, metric, STEP), "p50 (estimate)"),
            exemplars(metric),
        ), "no calls", colors=(("p95 (estimate)", ORANGE), ("p50 (estimate)", BLUE)),
    )  # fmt: skip


INPUT_PER_CALL: Final = _quantiles(
    220, "Input tokens per call",
    "Estimates from buckets that grow fourfold: good for a trend, not for a number. Growth is history that piles up.",
    c.CALL_INPUT_TOKENS,
)  # fmt: skip
OUTPUT_PER_CALL: Final = _quantiles(
    221, "Output tokens per call",
    "Estimates from buckets that grow fourfold. Output is the most expensive type, and what a call waits for.",
    c.CALL_OUTPUT_TOKENS,
)  # fmt: skip
THINKING: Final = Panel(
    222, "Thinking share of output, by model",
    "Thinking is billed as output. Over half of it on easy tasks: lower the effort or the thinking budget.",
    "lines", "percentunit",
    (
        line(
            lambda q: q.share(
                q.increase(c.REASONING_TOKENS, STEP, (c.RESPONSE_MODEL,)),
                q.increase(c.OUTPUT_TOKENS, STEP, (c.RESPONSE_MODEL,)),
            ),
            "", c.RESPONSE_MODEL,
        ),
    ),
    "no output", max=1,
)  # fmt: skip
SERVER_TOOLS: Final = Panel(
    223, "Server tools",
    "Requests that Anthropic's servers made to tools during calls. Web searches cost a cent each.",
    "bars", "short", (line(lambda q: q.increase(c.SERVER_TOOL_CALLS, STEP, (c.TOOL_NAME,)), "", c.TOOL_NAME),),
    "no server tools used", stacked=True,
)  # fmt: skip
STOP_REASONS: Final = Panel(
    224, "Stop reasons",
    "Calls per bar by stop reason. `max_tokens` is a truncated response: raise the limit or ask for less. `refusal`: "
    "look at the traces.",
    "bars", "short",
    (line(lambda q: q.named(q.calls(STEP, (c.STOP_REASON,)), c.STOP_REASON, "no response"), "", c.STOP_REASON),),
    "no calls",
    colors=(("max_tokens", ORANGE), ("refusal", RED), ("end_turn", GREEN), ("tool_use", BLUE)),
    stacked=True,
)  # fmt: skip
TRUNCATED: Final = Panel(
    225, "Truncated responses",
    "The share of calls that stopped at `max_tokens`. Users see half a response, and a retry pays twice.",
    "stat", "percentunit", (line(lambda q: q.truncated(RANGE)),), "no calls",
    thresholds=((0.05, ORANGE), (0.1, RED)), decimals=1,
)  # fmt: skip
