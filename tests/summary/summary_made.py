"""Makes what the metrics SDK would collect, and totals, by hand."""

from types import SimpleNamespace

from otel_claude import semconv as c
from otel_claude.summary.totals import Limit, Totals

NOW = 1_764_000_000.0
MODEL = "claude-sonnet-5-5"
OTHER = "claude-haiku-4-5-20251001"


def point(value, **attributes):
    names = {"model": c.RESPONSE_MODEL, "asked": c.REQUEST_MODEL, "error": c.ERROR_TYPE, "stop": c.STOP_REASON}
    names |= {"kind": c.COST_TYPE, "ttl": c.CACHE_TTL, "why": c.UNPRICED_REASON, "outcome": c.ATTEMPT_OUTCOME}
    names |= {"blocked": c.BLOCKED_REASON, "limit": c.RATE_LIMIT_NAME, "tool": c.TOOL_NAME}
    names |= {"result": c.BATCH_RESULT, "operation": c.OPERATION_NAME}
    named = {names.get(name, name): given for name, given in attributes.items()}
    return SimpleNamespace(attributes=named, value=value, sum=value)


def metric(name, *points):
    return SimpleNamespace(name=getattr(name, "name", name), data=SimpleNamespace(data_points=points))


def collected(*metrics, scope=c.SCOPE):
    scopes = [SimpleNamespace(scope=SimpleNamespace(name=scope), metrics=metrics)]
    return SimpleNamespace(resource_metrics=[SimpleNamespace(scope_metrics=scopes)])


def usual(**more):
    """A program with two models, a cache, retries, an error and something that was not priced."""
    totals = Totals()
    for kind, amount, *by in [
        ("call", 10, MODEL), ("call", 2, OTHER),
        ("error", 2, "overloaded_error"),
        ("stop", 9, "end_turn"), ("stop", 1, "max_tokens"),
        ("attempt", 10, "success"), ("attempt", 5, "retried"), ("attempt", 2, "failed"),
        ("blocked", 4, "overloaded"), ("blocked", 3, "rate_limit"),
        ("waited", 8_250),
        ("tokens", 62_050, "total_input", MODEL), ("tokens", 50_000, "cache_read", MODEL),
        ("tokens", 10_000, "cache_write_5m", MODEL), ("tokens", 2_000, "cache_write_1h", MODEL),
        ("tokens", 3_000, "output", MODEL), ("tokens", 700, "thinking", MODEL),
        ("tokens", 400, "total_input", OTHER), ("tokens", 90, "output", OTHER),
        ("cost", 100_000_000, "input", MODEL), ("cost", 5_000_000_000, "cache_read", MODEL),
        ("cost", 25_000_000_000, "cache_write_5m", MODEL), ("cost", 8_000_000_000, "cache_write_1h", MODEL),
        ("cost", 30_000_000_000, "output", MODEL),
        ("cost", 400_000_000, "input", OTHER), ("cost", 450_000_000, "output", OTHER),
        ("cost", 20_000_000_000, "web_search", OTHER), ("tool", 2, "web_search"),
        ("saved", 95_000_000_000), ("overhead", 9_000_000_000),
    ]:  # fmt: skip
        totals.sums[(kind, *by)] += amount
    for kind, amount, *by in more.get("add", ()):
        totals.sums[(kind, *by)] += amount
    totals.limit = more.get("limit", Limit("input_tokens", MODEL, 0.85, NOW, NOW + 41.2))
    totals.processes = 1
    return totals
