"""What was served to a fleet, and what the dashboards say of it."""

from __future__ import annotations

import json
import time

from panels_in_use import filled, panels

from otel_claude import semconv as c
from otel_claude.export import Options, dashboards
from otel_claude.promql.names import NameTranslator
from otel_claude.promql.queries import Queries

PICO = 1e-12
USAGE = json.loads(dashboards(Options())["otel-claude-usage.json"])
"""The dashboard as the code makes it."""


WHAT = ("spend", "calls", "input tokens", "output tokens", "spend of histogram", "calls of histogram", "durations")
"""What is compared: US dollars, calls, tokens that are not of a cache; and again, as histograms say."""


def served(log):
    """By the server's own books and prices."""
    lines = [line for _, line in log.books.lines()]
    spend = sum(line.total for line in lines) * PICO
    calls = sum(line.requests for line in lines)
    tokens = {name: sum(line.tokens[name] for line in lines) for name in ("input", "output")}
    assert sum(sum(line.tokens.values()) for line in lines) == sum(tokens.values()), "there is no cache in this"
    values = (spend, calls, tokens["input"], tokens["output"], spend, calls, calls)
    return dict(zip(WHAT, values, strict=True))


def stored(store, job):
    """By the dashboard's own queries for one service, and by the histograms. What is absent is 0."""

    def number(expression):
        found = store.instant(expression)
        assert len(found) <= 1, (found, expression)
        return float(found[0]["value"][1]) if found else 0.0

    def panel(title, legend=""):
        (target,) = (
            target
            for panel in panels(USAGE) if panel["title"] == title
            for target in panel["targets"] if legend in target.get("legendFormat", "")
        )  # fmt: skip
        return number(filled(target["expr"], job=job))

    queries = Queries(NameTranslator(), (f'job="{job}"',))
    # A slot is recorded two to five seconds after its end. Where that never is the same, the numbers say so.
    deadline = time.monotonic() + 20
    while number(queries.calls("1h")) != number(queries.raw_increase(c.CALLS, "1h")) and time.monotonic() < deadline:
        time.sleep(0.5)
    values = (
        panel("Spend"),
        panel("Calls"),
        panel("Tokens by type", "input"),
        panel("Tokens by type", "output"),
        number(queries.raw_increase(c.CALL_COST, "1h", part="_sum")),
        number(queries.raw_increase(c.CALL_COST, "1h", part="_count")),
        number(queries.raw_increase(c.DURATION, "1h", part="_count")),
    )
    return dict(zip(WHAT, values, strict=True))
