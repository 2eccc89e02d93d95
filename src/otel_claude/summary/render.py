"""Render: what the summary says, as tables and facts of text, and its page on a terminal or as plain text.

ASCII alone: a terminal's encoding is not ours to choose. Rich draws the page where it is installed.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple, TextIO

from ..pricing import PICO_PER_USD, UNPRICED_REASONS
from ..pricing.price_file import date_of
from ..pricing.types import DAY
from .totals import THINKING, TOKEN_TYPES, TOTAL_INPUT, Limit, Totals

_ALWAYS: Final = ("input", "output")
_TIGHT: Final = 0.8
_STALE_SECONDS: Final = 2
_RETIRES_SOON: Final = 60 * DAY
_WIDTH: Final = 80
_MAX_WIDTH: Final = 100
_LABEL_WIDTH: Final = 16
_WITHOUT_RICH: Final = "For a better layout: pip install 'otel-claude[cli]'"


class Table(NamedTuple):
    """Rows of text. The first column is a name, the others are amounts. A row that begins with a space is a part."""

    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]
    total: tuple[str, ...]


class Fact(NamedTuple):
    """A label, and lines of text beside it, in a style of Rich's."""

    label: str
    lines: tuple[str, ...]
    style: str = ""


class Page(NamedTuple):
    """All that a summary shows."""

    title: str
    headline: str
    tables: tuple[Table, ...]
    facts: list[Fact]


# Amounts as text.


def usd(pico: int, places: int) -> str:
    """Pico-dollars, rounded half up to so many decimals. What is there but rounds to nothing is `<0.01`."""
    unit = 10 ** (12 - places)
    units = (abs(pico) + unit // 2) // unit
    below = "<" if pico and not units else ""
    whole, fraction = divmod(1 if below else units, 10**places)
    return f"{'-' if pico < 0 else ''}{below}{whole:,}.{fraction:0{places}d}"


def tokens(count: int) -> str:
    """A number of tokens in at most seven characters: exact below 100,000."""
    if count < 100_000:  # noqa: PLR2004 - as said above
        return f"{count:,}"
    for size, letter in ((10**9, "B"), (10**6, "M")):
        if count >= 0.99995 * size:
            return f"{count / size:.{2 if count < 99.995 * size else 0}f}{letter}"
    return f"{count / 1000:.1f}k"


def share(part: int, whole: int) -> str:
    """A share in whole percent; `<1 %` for what is there but rounds to nothing."""
    if not whole:
        return "-"
    percent = (200 * part + whole) // (2 * whole)
    if part and not percent:
        return "<1 %"
    return f"{percent if percent < 100 or part >= whole else 99} %"  # noqa: PLR2004 - percent


def seconds(value: float) -> str:
    """A time as `850 ms`, `12.3 s`, `4 min 10 s`, `2 h 5 min`."""
    if value < 1:
        return f"{value * 1000:.0f} ms"
    if value < 60:  # noqa: PLR2004 - a minute
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"  # noqa: PLR2004 - an hour


def times(count: int, noun: str) -> str:
    """`1 call`, `2 calls`, `3 processes`."""
    plural = f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{count:,} {noun if count == 1 else plural}"


def retires(at: float, now: float) -> str:
    """`retires on 2026-11-30`, or `retired`, on Anthropic's own platform. Both are seconds since the epoch."""
    return f"{'retires' if at > now else 'retired'} on {date_of(int(at // DAY))} on Anthropic's own platform"


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())


# What the page says.


def page_of(totals: Totals, *, prices: str, dimensions: str, now: float) -> Page:
    """The page of a program that made calls, or read results of batches.

    `prices` names the price table, `now` is in seconds since the epoch.
    """
    whole = totals.sum("cost")
    # As many decimals as show the total and its parts well.
    places = 6 if whole < PICO_PER_USD else 4 if whole < 100 * PICO_PER_USD else 2
    calls = f"{times(totals.calls, 'call')} to Claude"
    if totals.results:
        results = f"{times(totals.results, 'result')} of batches"
        calls = f"{calls}, {results}" if totals.calls else results
    if totals.processes > 1:
        calls += f" in {times(totals.processes, 'process')}"
    total = f"${usd(whole, places)}"
    said = {"exact": total, "lower_bound": f"at least {total}", "unpriced": "not known"}[totals.status()]
    tables = (_types(totals, places), _models(totals, places))
    facts = list(_facts(totals, prices, places, now))
    return Page(f"otel-claude: what {dimensions} cost", f"{calls}: {said}", tables, facts)


def _types(totals: Totals, places: int) -> Table:
    whole = totals.sum("cost")
    rows: list[tuple[str, ...]] = []
    for name in TOKEN_TYPES:
        count, cost = totals.tokens(name), totals.sum("cost", name)
        if count or cost or name in _ALWAYS:
            # That a type cost nothing is known only if everything is.
            shown = (usd(cost, places), share(cost, whole)) if cost or totals.status() == "exact" else ("", "")
            label = "input, uncached" if name == "input" else name.replace("_", " ")
            rows.append((label, f"{count:,}", *shown))
    if thinking := totals.tokens(THINKING):
        rows.append(("  of it thinking", f"{thinking:,}", "", ""))
    for name in sorted({key[1] for key in totals.sums if key[0] == "cost"} - set(TOKEN_TYPES)):
        count, cost = totals.sum("tool", name), totals.sum("cost", name)
        requests = times(count, "request") if count else ""
        rows.append((name.replace("_", " "), requests, usd(cost, places), share(cost, whole)))
    billed = totals.tokens(TOTAL_INPUT) + totals.tokens("output")
    return Table(("Type", "Tokens", "USD", "Share"), rows, ("total", f"{billed:,}", _cost(totals, places), ""))


def _cost(totals: Totals, places: int, model: str | None = None) -> str:
    cost = usd(totals.sum("cost", second=model), places)
    return {"exact": cost, "lower_bound": f">={cost}", "unpriced": "unknown"}[totals.status(model)]


def _models(totals: Totals, places: int) -> Table:
    def row(name: str, model: str | None) -> tuple[str, ...]:
        uncached, read, short, long, output = (totals.tokens(each, model) for each in TOKEN_TYPES)
        counts = map(tokens, (uncached, read, short + long, output))
        return name, f"{totals.requests(model):,}", *counts, _cost(totals, places, model)

    columns = ("Model", "Count" if totals.results else "Calls", "Input", "Read", "Write", "Output", "USD")
    return Table(columns, [row(model, model) for model in totals.models()], row("total", None))


def _facts(totals: Totals, prices: str, places: int, now: float) -> Iterator[Fact]:
    if errors := totals.by("error"):
        yield Fact("Errors", (f"{times(sum(errors.values()), 'call')} failed: {_listed(errors)}",), "red")
    retried, blocked = totals.sum("attempt", "retried"), totals.by("blocked")
    if retried or blocked:
        text = f"{times(totals.sum('attempt'), 'attempt')}, {retried:,} of them retried"
        if retried and (waited := totals.sum("waited")):
            text += f" after waiting {seconds(waited / 1000)}"
        yield Fact("Attempts", (text,), "yellow")
    if blocked:
        yield Fact("Blocked by", (_listed(blocked),), "yellow")
    if results := totals.by("result"):
        spent = usd(totals.sum("batched"), places)
        yield Fact("Batches", (f"{times(totals.results, 'result')} for ${spent}: {_listed(results)}",))
    yield _cache(totals, places)
    if totals.limit is not None:
        yield _tightest(totals.limit, now)
    noun = "request" if totals.calls and totals.results else "result" if totals.results else "call"
    for reason, count in totals.by("unpriced").items():
        known = UNPRICED_REASONS.get(reason)
        said = f"{times(count, noun)}, {reason}"
        lines = (said,) if known is None else (f"{said}: {known.meaning}", f"What to do: {known.remedy}")
        yield Fact("Not exact", lines, "yellow")
    if stops := totals.by("stop"):
        yield Fact("Stopped", (_listed(stops),))
    for model, at in sorted(totals.retirements.items()):
        style = "yellow" if at - now < _RETIRES_SOON else ""
        yield Fact("Retirement", (f"{model} {retires(at, now)}",), style)
    yield Fact("Prices", (f"table of {prices}" if prices else "the price table cannot be read",))


def _cache(totals: Totals, places: int) -> Fact:
    read = totals.tokens("cache_read")
    if not read and not totals.tokens("cache_write_5m") and not totals.tokens("cache_write_1h"):
        return Fact("Cache", ("not used",))
    saved, overhead = totals.sum("saved"), totals.sum("overhead")
    net = saved - overhead
    balance = f"{'+' if net > 0 else '-' if net < 0 else ''}${usd(abs(net), places)}"
    text = f"saved ${usd(saved, places)}, cost ${usd(overhead, places)} more: net {balance}"
    hits = f"{share(read, totals.tokens(TOTAL_INPUT))} of the input was read from it"
    return Fact("Cache", (text, hits), "red" if net < 0 else "green")


def _tightest(limit: Limit, now: float) -> Fact:
    of_model = f" ({limit.model})" if limit.model else ""
    ago = now - limit.seen_at
    seen = f", {seconds(ago)} before the end" if ago > _STALE_SECONDS else ""
    text = f"{limit.name}{of_model}: {share(round(limit.utilization * 1000), 1000)} used{seen}"
    if limit.full_at is not None:
        left = limit.full_at - now
        text += f", resets in {seconds(left) if left > 1 else '<1 s'}" if left > 0 else ", reset by now"
    return Fact("Tightest limit", (text,), "yellow" if limit.utilization >= _TIGHT else "")


# The page on a stream.


def show(page: Page, stream: TextIO) -> None:
    """Writes the page. Colour only if the stream is a terminal, or the user's FORCE_COLOR says so."""
    try:
        from rich.console import Console  # noqa: PLC0415 - Rich is an extra, and only the end of a program needs it
    except ImportError:
        stream.write("\n".join([*plain(page), _WITHOUT_RICH, ""]))
    else:
        console = Console(file=stream, highlight=False, markup=False, emoji=False)
        # A narrow terminal breaks lines, where Rich would leave out amounts.
        console.width = max(_WIDTH, min(console.width, _MAX_WIDTH))
        draw(page, console)
    stream.flush()


def draw(page: Page, console: Any) -> None:
    """Prints the page with Rich."""
    from rich import box, rule, table, text  # noqa: PLC0415 - as above

    console.print()
    console.print(rule.Rule(text.Text(page.title, "bold"), style="dim", align="left"))
    console.print(text.Text(page.headline, "bold cyan"))
    for each in page.tables:
        made = table.Table(box=box.SIMPLE, show_footer=True, pad_edge=False, padding=(0, 1), show_edge=False)
        made.header_style, made.footer_style, made.border_style = "dim", "bold", "dim"
        made.add_column(each.columns[0], footer=each.total[0], overflow="fold", min_width=16)
        for name, total in zip(each.columns[1:], each.total[1:], strict=True):
            made.add_column(name, footer=total, justify="right", no_wrap=True)
        for row in each.rows:
            made.add_row(*row, style="dim" if row[0].startswith(" ") else None)
        console.print()
        console.print(made)
    grid = table.Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for fact in page.facts:
        grid.add_row(fact.label, text.Text("\n".join(fact.lines), fact.style))
    console.print()
    console.print(grid)


def plain(page: Page, width: int = _WIDTH) -> Iterator[str]:
    """The page's lines without Rich."""
    yield from ("", f"--- {page.title} ".ljust(width, "-"), page.headline)
    for table in page.tables:
        yield ""
        rows = [table.columns, *table.rows, table.total]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for name, *amounts in rows:
            cells = (cell.rjust(width) for cell, width in zip(amounts, widths[1:], strict=True))
            yield "  ".join([name.ljust(widths[0]), *cells]).rstrip()
    yield ""
    for fact in page.facts:
        label = fact.label
        for line in fact.lines:
            for text in textwrap.wrap(line, width - _LABEL_WIDTH) or [""]:
                yield f"{label:<{_LABEL_WIDTH}}{text}"
                label = ""
