"""Page: what the summary says, as tables and facts of text. Knows neither Rich nor a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, Literal, NamedTuple

from ..pricing import UNPRICED_REASONS
from .amounts import places_for, seconds, share, times, tokens, usd
from .totals import THINKING, TOKEN_TYPES, TOTAL_INPUT, Limit, Totals

Tone = Literal["plain", "good", "warn", "bad"]
_NAMES: Final = {
    "input": "input, uncached",
    "cache_read": "cache read",
    "cache_write_5m": "cache write 5m",
    "cache_write_1h": "cache write 1h",
    "output": "output",
}
_ALWAYS: Final = ("input", "output")
_TIGHT: Final = 0.8
_STALE_SECONDS: Final = 2


class Table(NamedTuple):
    """Rows of text. The first column is a name, the others are amounts. A row that begins with a space is a part."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    total: tuple[str, ...]


class Fact(NamedTuple):
    """A label, and lines of text beside it."""

    label: str
    lines: tuple[str, ...]
    tone: Tone = "plain"


class Page(NamedTuple):
    """All that a summary shows."""

    title: str
    headline: str
    tables: tuple[Table, ...]
    facts: tuple[Fact, ...]


def page_of(totals: Totals, *, prices: str, dimensions: str, now: float) -> Page:
    """The page of a program that made calls, or read results of batches.

    `prices` names the price table, `now` is in seconds since the epoch.
    """
    places = places_for(totals.sum("cost"))
    return Page(
        f"otel-claude: what {dimensions} cost",
        _headline(totals, places),
        (_classes(totals, places), _models(totals, places)),
        tuple(_facts(totals, prices, places, now)),
    )


def _headline(totals: Totals, places: int) -> str:
    calls = f"{times(totals.calls, 'call')} to Claude"
    if totals.results:
        results = f"{times(totals.results, 'result')} of batches"
        calls = f"{calls}, {results}" if totals.calls else results
    if totals.processes > 1:
        calls += f" in {times(totals.processes, 'process')}"
    total = f"${usd(totals.sum('cost'), places)}"
    said = {"exact": total, "lower_bound": f"at least {total}", "unpriced": "not known"}[totals.status()]
    return f"{calls}: {said}"


def _classes(totals: Totals, places: int) -> Table:
    whole = totals.sum("cost")
    rows: list[tuple[str, ...]] = []
    for name in TOKEN_TYPES:
        count, cost = totals.tokens(name), totals.sum("cost", name)
        if count or cost or name in _ALWAYS:
            # That a class cost nothing is known only if everything is.
            shown = (usd(cost, places), share(cost, whole)) if cost or totals.status() == "exact" else ("", "")
            rows.append((_NAMES[name], f"{count:,}", *shown))
    if thinking := totals.tokens(THINKING):
        rows.append(("  of it thinking", f"{thinking:,}", "", ""))
    for name in sorted({key[1] for key in totals.sums if key[0] == "cost"} - set(TOKEN_TYPES)):
        count = totals.sum("tool", name)
        cost = totals.sum("cost", name)
        rows.append(
            (name.replace("_", " "), times(count, "request") if count else "", usd(cost, places), share(cost, whole))
        )
    billed = totals.tokens(TOTAL_INPUT) + totals.tokens("output")
    return Table(("Type", "Tokens", "USD", "Share"), tuple(rows), ("total", f"{billed:,}", _cost(totals, places), ""))


def _cost(totals: Totals, places: int, model: str | None = None) -> str:
    cost = usd(totals.sum("cost", second=model), places)
    return {"exact": cost, "lower_bound": f">={cost}", "unpriced": "unknown"}[totals.status(model)]


def _models(totals: Totals, places: int) -> Table:
    def row(name: str, model: str | None) -> tuple[str, ...]:
        counts = [totals.tokens(each, model) for each in TOKEN_TYPES]
        shown = (counts[0], counts[1], counts[2] + counts[3], counts[4])
        return name, f"{totals.requests(model):,}", *map(tokens, shown), _cost(totals, places, model)

    columns = ("Model", "Count" if totals.results else "Calls", "Input", "Read", "Write", "Output", "USD")
    return Table(columns, tuple(row(model, model) for model in totals.models()), row("total", None))


def _facts(totals: Totals, prices: str, places: int, now: float) -> Iterator[Fact]:
    if errors := totals.by("error"):
        failed = f"{times(sum(errors.values()), 'call')} failed: {_listed(errors)}"
        yield Fact("Errors", (failed,), "bad")
    yield from _attempts(totals)
    if results := totals.by("result"):
        spent = usd(totals.sum("batched"), places)
        yield Fact("Batches", (f"{times(totals.results, 'result')} for ${spent}: {_listed(results)}",))
    yield _cache(totals, places)
    if totals.limit is not None:
        yield _tightest(totals.limit, now)
    noun = "result" if totals.results else "call"
    for reason, count in totals.by("unpriced").items():
        yield _unpriced(reason, times(count, "request" if totals.calls and totals.results else noun))
    if stops := totals.by("stop"):
        yield Fact("Stopped", (_listed(stops),))
    yield Fact("Prices", (f"table of {prices}" if prices else "the price table cannot be read",))


def _attempts(totals: Totals) -> Iterator[Fact]:
    retried, blocked = totals.sum("attempt", "retried"), totals.by("blocked")
    if not retried and not blocked:
        return
    text = f"{times(totals.sum('attempt'), 'attempt')}, {retried:,} of them retried"
    waited = totals.sum("waited") / 1000
    if retried and waited:
        text += f" after waiting {seconds(waited)}"
    yield Fact("Attempts", (text,), "warn")
    if blocked:
        yield Fact("Blocked by", (_listed(blocked),), "warn")


def _cache(totals: Totals, places: int) -> Fact:
    read, total = totals.tokens("cache_read"), totals.tokens(TOTAL_INPUT)
    if not read and not totals.tokens("cache_write_5m") and not totals.tokens("cache_write_1h"):
        return Fact("Cache", ("not used",))
    saved, overhead = totals.sum("saved"), totals.sum("overhead")
    net = saved - overhead
    balance = f"{'+' if net > 0 else '-' if net < 0 else ''}${usd(abs(net), places)}"
    text = f"saved ${usd(saved, places)}, cost ${usd(overhead, places)} more: net {balance}"
    return Fact("Cache", (text, f"{share(read, total)} of the input was read from it"), "bad" if net < 0 else "good")


def _tightest(limit: Limit, now: float) -> Fact:
    of_model = f" ({limit.model})" if limit.model else ""
    ago = now - limit.seen_at
    seen = f", {seconds(ago)} before the end" if ago > _STALE_SECONDS else ""
    text = f"{limit.name}{of_model}: {share(round(limit.utilization * 1000), 1000)} used{seen}"
    if limit.full_at is not None:
        left = limit.full_at - now
        text += f", resets in {seconds(left) if left > 1 else '<1 s'}" if left > 0 else ", reset by now"
    return Fact("Tightest limit", (text,), "warn" if limit.utilization >= _TIGHT else "plain")


def _unpriced(reason: str, count: str) -> Fact:
    known = UNPRICED_REASONS.get(reason)
    said = f"{count}, {reason}"
    if known is None:
        return Fact("Not exact", (said,), "warn")
    return Fact("Not exact", (f"{said}: {known.meaning}", f"What to do: {known.remedy}"), "warn")


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())
