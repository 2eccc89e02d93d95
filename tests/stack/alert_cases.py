"""The cases of promtool's tests: for each alert one in which it fires, with its words, and some in which it must not.

`scripts/stack-files` writes them for `otel-claude export tests`; `promtool test rules` reads them.
"""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

from organization_cases import organization_cases

from otel_claude import semconv as c
from otel_claude.alerts.budgets import budget_alerts, budget_recordings, tag_budget
from otel_claude.alerts.definitions import all_alerts, all_groups, savings_groups
from otel_claude.alerts.recording import recording_groups
from otel_claude.alerts.rules import GRAFANA, RUNBOOKS, Group, Places, rules_json
from otel_claude.alerts.thresholds import Thresholds
from otel_claude.deploy_files.yaml import to_yaml
from otel_claude.promql.names import NameTranslator
from otel_claude.promql.queries import Queries
from otel_claude.semconv import claude_code as cc

NAMING = NameTranslator()
QUERIES = Queries(NAMING)
SHOP = {"job": "shop"}
MODEL = {c.REQUEST_MODEL: "claude-sonnet-5-5"}
KEY = {c.API_KEY_HINT: "sk-ant-api03-R2D...igAA"}
OK = {c.STOP_REASON: "end_turn"}


def series(metric, values, *labels, part="", instance="a", **more):
    """A series and its values in promtool's notation."""
    merged = {"job": "shop", "instance": instance}
    for each in labels:
        merged |= each
    matchers = [f'{NAMING.label(name)}="{value}"' for name, value in (merged | more).items()]
    return f"{NAMING.series(metric, part)}{{{', '.join(matchers)}}}", values


class Case(NamedTuple):
    """An alert, what was measured, when it is looked at, and the words in which it fires (None: it must not)."""

    alert: str
    series: tuple
    at: str
    summary: str | None = None
    labels: dict = {}  # noqa: RUF012 - never written to


def cost(values, **more):
    return series(c.COST, values, MODEL, KEY, {c.COST_TYPE: "output"}, **more)


def calls(values, *labels):
    return series(c.CALLS, values, MODEL, KEY, *(labels or (OK,)))


def attempts(values, *labels):
    return series(c.ATTEMPTS, values, MODEL, KEY, *labels)


def blocked(values, reason):
    return attempts(values, {c.BLOCKED_REASON: reason})


def failed(values):
    return calls(values, {c.ERROR_TYPE: "overloaded_error"})


def buckets(metric, below, above):
    """A histogram with all its values between two bounds."""
    rows = ((below, "0x120"), (above, "0+10x120"), ("+Inf", "0+10x120"))
    return tuple(series(metric, values, MODEL, KEY, part="_bucket", le=bound) for bound, values in rows)


def unpriced(values, reason, operation=c.CHAT):
    return series(c.UNPRICED, values, MODEL, KEY, {c.UNPRICED_REASON: reason, c.OPERATION_NAME: operation})


def paid(values):
    return series(c.CACHE_OVERHEAD, values, MODEL, KEY, {c.CACHE_TTL: "5m"})


def limit(values):
    return series(c.RATE_LIMIT_UTILIZATION, values, MODEL, KEY, {c.RATE_LIMIT_NAME: "input_tokens"})


def retirement(days):
    """A model in use that retires so many days after the time 0 of promtool's clock."""
    return series(c.RETIREMENT, f"{days * 86_400}x100", MODEL, {c.PROVIDER_NAME: "anthropic"})


# Results of batches name no requested model.
BATCHED = series(c.COST, "0x9 5x100", {c.OPERATION_NAME: c.BATCH, c.RESPONSE_MODEL: "claude-sonnet-5-5"})


def diagnoses(values, reason):
    return series(c.CACHE_DIAGNOSES, values, MODEL, KEY, {c.CACHE_MISS_REASON: reason})


INPUT = series(c.INPUT_TOKENS, "0+10000x720", MODEL, KEY)
OF_MODEL = {NAMING.label(c.REQUEST_MODEL): "claude-sonnet-5-5"}
OF_LIMIT = OF_MODEL | {
    NAMING.label(c.API_KEY_HINT): KEY[c.API_KEY_HINT],
    NAMING.label(c.RATE_LIMIT_NAME): "input_tokens",
}

ANN = {"user": "ann@x.org"}


def of_code(metric, values, **more):
    known = {"model": "claude-sonnet-5-5", "team": "search", "user_id": "814a24f92f1cd645bb144e1d153c2a19902a04d4",
             "user_email": "ann@x.org", "claude_temporality": "delta"}  # fmt: skip
    labels = {name: value for name, value in {**known, **more}.items() if value}
    return series(metric, values, labels, job="claude-code")


def code_cost(values, **more):
    return of_code(cc.CODE_COST, values, **more)


def lost(values):
    labels = 'job="otel-collector", instance="a:8888", exporter="otlp_http/metrics"'
    return f"otelcol_exporter_send_failed_metric_points{{{labels}}}", values


OF_HOURS, OF_DAYS = organization_cases(Case, series)
CASES = (
    Case("ClaudeSpendRateHigh", (cost("0+1x180"),), "90m",
         "shop spent 60.00 USD on Claude in the last hour (limit 50 USD).", SHOP),
    Case("ClaudeSpendRateHigh", (cost("0+0.5x180"),), "90m"),
    # A process of a moment, which increase() would not see.
    Case("ClaudeSpendRateHigh", (cost("_x9 60x2"),), "70m",
         "shop spent 60.00 USD on Claude in the last hour (limit 50 USD).", SHOP),
    # The Collector stood still for three quarters of an hour, and all of it is counted at once: it is no jump.
    *(
        Case("ClaudeSpendRateHigh", (cost("0+0.75x100 _x44 108.75+0.75x200"), calls("0+1x100 _x44 145+1x200")), at)
        for at in ("150m", "155m", "170m", "200m", "260m")
    ),
    Case("ClaudeSpendRateHigh", (cost("0+1x100 _x44 145+1x200"), calls("0+1x100 _x44 145+1x200")), "260m",
         "shop spent 60.00 USD on Claude in the last hour (limit 50 USD).", SHOP),
    # A deployment: every process is another, and none is silent.
    Case("ClaudeSpendRateHigh", (cost("0+0.5x100 _x200"), calls("0+1x100 _x200"), cost("_x99 0+0.5x200", instance="b"),
                                 calls("_x99 0+1x200", OK | {"instance": "b"})), "150m"),
    Case("ClaudeDailyBudget80", (cost("0x9 180x100"),), "30m",
         "Claude cost 180.00 USD in the last 24 hours, over 80 % of the daily budget of 200 USD."),
    Case("ClaudeDailyBudget80", (cost("0x9 150x100"),), "30m"),
    Case("ClaudeDailyBudget80", (cost("0x9 250x100"),), "30m"),
    Case("ClaudeDailyBudgetExceeded", (cost("0x9 250x100"),), "30m",
         "Claude cost 250.00 USD in the last 24 hours, over the daily budget of 200 USD."),
    Case("ClaudeDailyBudgetExceeded", (cost("0x9 180x100"),), "30m"),
    Case("ClaudeMonthlyBudgetBurnFast", (cost("0+2x120"),), "70m",
         "Claude is being paid 120.00 USD per hour; at this pace the monthly budget of 5000 USD is gone within days."),
    Case("ClaudeMonthlyBudgetBurnFast", (cost("0+0.5x120"),), "70m"),
    # It was too much, and is over: the short window says so.
    Case("ClaudeMonthlyBudgetBurnFast", (cost("0+2x60 120x60"),), "85m"),
    Case("ClaudeMonthlyBudgetBurnSlow", (cost("0+0.5x1560"),), "25h",
         "Claude is being paid 30.00 USD per hour, for a day or longer; the monthly budget of 5000 USD will not last."),
    Case("ClaudeMonthlyBudgetBurnSlow", (cost("0+0.1x1560"),), "25h"),
    Case("ClaudeErrorBudgetBurnFast", (calls("0+8x120"), failed("0+2x120")), "70m",
         "20% of the calls of shop to Claude fail (objective: under 1%).", SHOP),
    Case("ClaudeErrorBudgetBurnFast", (calls("0+49x120"), failed("0+1x120")), "70m"),
    # Three calls, two of them failed, are no outage.
    Case("ClaudeErrorBudgetBurnFast", (calls("1x120"), failed("2x120")), "70m"),
    Case("ClaudeErrorBudgetBurnSlow", (calls("0+24x480"), failed("0+1x480")), "7h",
         "4% of the calls of shop to Claude fail, for hours (objective: under 1%).", SHOP),
    Case("ClaudeErrorBudgetBurnSlow", (calls("0+49x480"), failed("0+1x480")), "7h"),
    Case("ClaudeRateLimited", (attempts("0+9x60"), blocked("0+1x60", "rate_limit")), "30m",
         "10% of the requests of shop are refused for a rate limit (429).", SHOP),
    Case("ClaudeRateLimited", (attempts("0+49x60"), blocked("0+1x60", "rate_limit")), "30m"),
    Case("ClaudeRateLimited", (attempts("0+9x60"), blocked("0+1x60", "overloaded")), "30m"),
    Case("ClaudeOverloaded", (attempts("0+9x60"), blocked("0+1x60", "overloaded")), "30m",
         "10% of the requests of shop are refused because the API is overloaded (529).", SHOP),
    Case("ClaudeOverloaded", (attempts("0+9x60"), blocked("0+1x60", "rate_limit")), "30m"),
    Case("ClaudeCreditBalanceExhausted", (attempts("0+9x60"), blocked("0x9 3x40", "credit_balance")), "15m",
         "Claude refuses shop: the credit balance is too low (3 requests in ten minutes).", SHOP),
    Case("ClaudeCreditBalanceExhausted", (attempts("0+9x60"), blocked("0+1x60", "spend_limit")), "15m"),
    # Paid, and twenty minutes ago.
    Case("ClaudeCreditBalanceExhausted", (attempts("0+9x60"), blocked("0x9 3x40", "credit_balance")), "35m"),
    Case("ClaudeSpendLimitReached", (attempts("0+9x60"), blocked("0x9 3x40", "spend_limit")), "15m",
         "Claude refuses shop: a spend limit is reached (3 requests in ten minutes).", SHOP),
    Case("ClaudeSpendLimitReached", (attempts("0+9x60"), blocked("0+1x60", "rate_limit")), "15m"),
    Case("ClaudeLimitHeadroomLow", (limit("0.95x30"),), "10m",
         "The limit input_tokens of claude-sonnet-5-5 (key sk-ant-api03-R2D...igAA) is 95% used, as shop sees it.",
         SHOP | OF_LIMIT),
    Case("ClaudeLimitHeadroomLow", (limit("0.85x30"),), "10m"),
    Case("ClaudeLatencyHigh", (calls("0+10x120"), *buckets(c.DURATION, "40.96", "81.92")), "40m",
         "The slowest twentieth of the calls of shop to claude-sonnet-5-5 take 1m 19s or longer (an estimate).",
         SHOP | OF_MODEL),
    Case("ClaudeLatencyHigh", (calls("0+10x120"), *buckets(c.DURATION, "2.56", "5.12")), "40m"),
    Case("ClaudeFirstChunkSlow", (calls("0+10x120"), *buckets(c.TIME_TO_FIRST_CHUNK, "10.24", "20.48")), "40m",
         "The slowest twentieth of the streams of shop from claude-sonnet-5-5 begin after 19.97s or later "
         "(an estimate).",
         SHOP | OF_MODEL),
    Case("ClaudeFirstChunkSlow", (calls("0+10x120"), *buckets(c.TIME_TO_FIRST_CHUNK, "0.64", "1.28")), "40m"),
    Case("ClaudeCacheWrittenNotRead", (paid("0+0.125x200"),), "125m",
         "The prompt cache of shop for claude-sonnet-5-5 cost 15.00 USD more than it saved in six hours.",
         SHOP | OF_MODEL),
    Case("ClaudeCacheWrittenNotRead", (paid("0+0.125x200"), series(c.CACHE_SAVINGS, "0+0.25x200", MODEL, KEY)), "120m"),
    Case("ClaudeCacheHitsDropped",
         (INPUT, series(c.CACHE_READ_TOKENS, "0+8000x600 4800000x120", MODEL, KEY)), "700m",
         "Cache hits of shop for claude-sonnet-5-5 fell to 0% of its input tokens.", SHOP | OF_MODEL),
    Case("ClaudeCacheHitsDropped", (INPUT, series(c.CACHE_READ_TOKENS, "0+8000x720", MODEL, KEY)), "700m"),
    *(
        Case("ClaudeCachePrefixChanges", (diagnoses("0+1x200", reason),), "120m",
             f"30 calls of shop in half an hour missed the cache: {reason}, says the API.",
             SHOP | {NAMING.label(c.CACHE_MISS_REASON): reason})
        for reason in ("system_changed", "tools_changed")
    ),
    # A conversation that goes on from an earlier message, and a model that was changed, are meant.
    *(
        Case("ClaudeCachePrefixChanges", (diagnoses("0+1x200", reason),), "120m")
        for reason in ("messages_changed", "model_changed", "previous_message_not_found", "unavailable", "pending")
    ),
    # A deployment: all conversations miss once.
    *(
        Case("ClaudeCachePrefixChanges", (diagnoses("0x30 500x200", "system_changed"),), at)
        for at in ("45m", "60m", "80m", "120m")
    ),
    Case("ClaudeCachePrefixChanges", (diagnoses("0+0.125x200", "tools_changed"),), "120m"),
    Case("ClaudeResponsesTruncated", (calls("0+8x120"), calls("0+2x120", {c.STOP_REASON: "max_tokens"})), "70m",
         "20% of the responses to shop in the last hour stopped at max_tokens.", SHOP),
    Case("ClaudeResponsesTruncated", (calls("0+19x120"), calls("0+1x120", {c.STOP_REASON: "max_tokens"})), "70m"),
    Case("ClaudeUsageUnpriced", (calls("0+10x120"), unpriced("0+1x120", "incomplete_stream")), "70m",
         "10% of the calls of shop in the last hour have no exact price; its spend is shown too low.", SHOP),
    # The results of a batch are no calls.
    Case("ClaudeUsageUnpriced", (calls("0+10x120"), unpriced("0+9x120", "ambiguous_date", c.BATCH)), "70m"),
    # Committed money has no price per token: that is as it should be.
    Case("ClaudeUsageUnpriced", (calls("0+10x120"), unpriced("0+1x120", "priority_tier")), "70m"),
    Case("ClaudePriceTableOutdated", (calls("0+10x120"), unpriced("0x9 2x60", "unknown_model")), "20m",
         "Calls of shop to claude-sonnet-5-5 have no price: 2 in the last hour.", SHOP | OF_MODEL),
    Case("ClaudePriceTableOutdated", (calls("0+10x120"), unpriced("0x9 2x60", "incomplete_stream")), "20m"),
    *(
        Case(f"ClaudeModelRetires{which}", (retirement(days), *spent), "70m",
             f"claude-sonnet-5-5 retires on Anthropic's platform within {within} days; shop spent {usd} USD on it in "
             "the last week.", SHOP | OF_MODEL)
        for which, days, within in (("", 59, 60), ("", 15, 60), ("Soon", 13, 14), ("Soon", 0, 14))
        for spent, usd in (((cost("0x9 7x100"),), "7.00"), ((), "0.00"), ((cost("0x9 7x100"), BATCHED), "12.00"))
    ),
    Case("ClaudeModelRetires", (retirement(61), cost("0x9 7x100")), "70m"),
    Case("ClaudeModelRetires", (retirement(13), cost("0x9 7x100")), "70m"),
    Case("ClaudeModelRetiresSoon", (retirement(15), cost("0x9 7x100")), "70m"),
    # Another model's spend, and no end that is known.
    Case("ClaudeModelRetiresSoon", (cost("0x9 7x100"),), "70m"),
    *(
        Case("ClaudeTelemetryAbsent", (calls("0+1x240 _x1400"),), at,
             "shop sent metrics for hours of the last day, and none in the last ten minutes.", SHOP)
        for at in ("265m", "400m", "900m", "1400m")
    ),
    Case("ClaudeTelemetryAbsent", (calls("0+1x400"),), "400m"),
    Case("ClaudeTelemetryAbsent", (calls("0+1x240 _x1400"),), "245m"),
    # A deployment: other processes go on.
    Case("ClaudeTelemetryAbsent", (calls("0+1x240 _x400"), calls("_x238 0+1x400", OK | {"instance": "b"})), "400m"),
    # A program that ran for an hour has ended, as it should.
    Case("ClaudeTelemetryAbsent", (calls("_x40 0+1x60 _x400"),), "300m"),
    *(
        Case("ClaudeCounterFell", (calls("5 1000 6 1001 7 1002 8 1003 9 1003x30"),), at,
             f"Counters of shop fell {times} times in a quarter of an hour: its spend is counted wrongly.", SHOP)
        for at, times in (("10m", 4),)
    ),
    Case("ClaudeCounterFell", (calls("0+1x60"), calls("_x20 0+1x60", OK | {"instance": "b"})), "40m"),
    Case("ClaudeRetentionShort", (("prometheus_tsdb_retention_limit_seconds", "864000x200"),), "90m",
         "Prometheus keeps metrics for 10d 0h 0m 0s, and monthly budgets look back for thirty days."),
    Case("ClaudeRetentionShort", (("prometheus_tsdb_retention_limit_seconds", "2764800x200"),), "90m"),
    Case("ClaudeRetentionShort", (("prometheus_tsdb_retention_limit_seconds", "0x200"),), "90m"),
    Case("ClaudeCodeSessionRunsAway", (code_cost("1x180"),), "90m",
         "Claude Code cost 60.00 USD for ann@x.org in the last hour (limit 40 USD).", ANN),
    # The same of cumulative sums, where the Collector is scraped.
    Case("ClaudeCodeSessionRunsAway", (code_cost("0+1x180", claude_temporality=""),), "90m",
         "Claude Code cost 60.00 USD for ann@x.org in the last hour (limit 40 USD).", ANN),
    Case("ClaudeCodeSessionRunsAway", (code_cost("1x180", user_email=""),), "90m",
         "Claude Code cost 60.00 USD for 814a24f92f1c in the last hour (limit 40 USD).", {"user": "814a24f92f1c"}),
    Case("ClaudeCodeSessionRunsAway", (code_cost("0.5x180"),), "90m"),
    # Two developers, each below it.
    Case("ClaudeCodeSessionRunsAway", (code_cost("0.5x180"), code_cost("0.5x180", user_email="bob@x.org")), "90m"),
    Case("ClaudeCodeDeveloperBudgetExceeded", (code_cost("_x9 600 _x200"),), "130m",
         "Claude Code cost 600.00 USD for ann@x.org in thirty days, over a developer's budget of 500 USD.", ANN),
    Case("ClaudeCodeDeveloperBudgetExceeded", (code_cost("_x9 400 _x200"),), "130m"),
    Case("ClaudeCodeTeamBudgetExceeded",
         (code_cost("_x9 3000 _x200"), code_cost("_x9 3000 _x200", user_email="bob@x.org")), "130m",
         "Claude Code cost 6000.00 USD for the team search in thirty days, over a team's budget of 5000 USD.",
         {"team": "search"}),
    Case("ClaudeCodeTeamBudgetExceeded",
         (code_cost("_x9 3000 _x200"), code_cost("_x9 3000 _x200", team="shop")), "130m"),
    Case("ClaudeCodeTeamBudgetExceeded", (code_cost("_x9 6000 _x200", team=""),), "130m"),
    Case("ClaudeCodeRequestsFail", (of_code(cc.CODE_REQUESTS, "1x180"), of_code(cc.CODE_ERRORS, "1x180")), "90m",
         "50% of the requests of Claude Code in the last hour failed for good."),
    Case("ClaudeCodeRequestsFail", (of_code(cc.CODE_ERRORS, "1x180"),), "90m",
         "100% of the requests of Claude Code in the last hour failed for good."),
    Case("ClaudeCodeRequestsFail", (of_code(cc.CODE_REQUESTS, "9x180"), of_code(cc.CODE_ERRORS, "1x180")), "90m"),
    # Three of three requests are no outage.
    Case("ClaudeCodeRequestsFail", (of_code(cc.CODE_ERRORS, "_x60 1x2 _x60"),), "90m"),
    Case("ClaudeCollectorExportsRefused", (lost("0x20 7x40"),), "25m",
         "Collectors could not take or send 7 points in ten minutes."),
    # There is no series before the first failure.
    Case("ClaudeCollectorExportsRefused", (lost("_x20 7x40"),), "25m",
         "Collectors could not take or send 7 points in ten minutes."),
    Case("ClaudeCollectorExportsRefused", (lost("7x60"),), "55m"),
    # A restart.
    Case("ClaudeCollectorExportsRefused", (lost("7x20 0x40"),), "25m"),
    *OF_HOURS,
)  # fmt: skip
WEEKLY = (
    Case("ClaudeSpendAnomaly", (cost("0+0.25x2100 525+1x40"),), "10680m",
         "shop spent 12.00 USD on Claude in the last hour, over 3 times the same hour last week.", SHOP),
    Case("ClaudeSpendAnomaly", (cost("0+1x2200"),), "10680m"),
    # Much more than last week, but little.
    Case("ClaudeSpendAnomaly", (cost("0+0.03125x2100 65.625+0.25x40"),), "10680m"),
    *OF_DAYS,
)  # fmt: skip

BUDGETS = (tag_budget("tenant=acme:500"), tag_budget("feature=search:50"))
ACME, SEARCH = {"budget": "tenant=acme"}, {"budget": "feature=search"}


def tagged(values, instance="a", **tags):
    return cost(values, instance=instance, **{f"claude_tag_{key}": value for key, value in tags.items()})


# The hour that is over is added up at the next full one.
BUDGET_CASES = (
    Case("ClaudeTagBudget80", (tagged("0x9 450x200", tenant="acme"),), "130m",
         "Claude cost 450.00 USD for tenant=acme in thirty days, over 80 % of its budget of 500 USD.", ACME),
    Case("ClaudeTagBudget80", (tagged("0x9 30x200", feature="search"), tagged("_x9 15x200", "b", feature="search")),
         "130m", "Claude cost 45.00 USD for feature=search in thirty days, over 80 % of its budget of 50 USD.", SEARCH),
    Case("ClaudeTagBudget80", (tagged("0x9 300x200", tenant="acme"),), "130m"),
    Case("ClaudeTagBudget80", (tagged("0x9 600x200", tenant="acme"),), "130m"),
    # Another tenant's, and money without the tag.
    Case("ClaudeTagBudget80", (tagged("0x9 450x200", tenant="globex"), cost("0x9 450x200", instance="c")), "130m"),
    Case("ClaudeTagBudgetExceeded", (tagged("0x9 600x200", tenant="acme", feature="chat"),), "130m",
         "Claude cost 600.00 USD for tenant=acme in thirty days, over its budget of 500 USD.", ACME),
    Case("ClaudeTagBudgetExceeded", (tagged("0x9 450x200", tenant="acme"),), "130m"),
    Case("ClaudeTagBudgetExceeded", (tagged("0x9 600x200", tenant="acme2"),), "130m"),
    Case("ClaudeTagBudgetBurnFast", (tagged("0+0.25x120", tenant="acme"),), "70m",
         "Claude is being paid 15.00 USD per hour for tenant=acme; at this pace its budget of 500 USD is gone within "
         "days.", ACME),
    Case("ClaudeTagBudgetBurnFast", (tagged("0+0.0625x120", tenant="acme"),), "70m"),
    # It was too much, and is over: the short window says so.
    Case("ClaudeTagBudgetBurnFast", (tagged("0+0.25x60 15x60", tenant="acme"),), "85m"),
    Case("ClaudeTagBudgetBurnFast", (tagged("0+0.25x120", tenant="globex"),), "70m"),
    Case("ClaudeTagBudgetBurnSlow", (tagged("0+0.0625x1600", tenant="acme"),), "1560m",
         "Claude is being paid 3.75 USD per hour for tenant=acme, for a day or longer; its budget of 500 USD will not "
         "last for thirty days.", ACME),
    # 20 dollars a day are over the budget of 500, however few days of the month Prometheus keeps.
    Case("ClaudeTagBudgetBurnSlow", (tagged("0+0.0138889x4500", tenant="acme"),), "4420m",
         "Claude is being paid 0.83 USD per hour for tenant=acme, for a day or longer; its budget of 500 USD will not "
         "last for thirty days.", ACME),
    Case("ClaudeTagBudgetBurnSlow", (tagged("0+0.0078125x4500", tenant="acme"),), "4420m"),
)  # fmt: skip

OPTIONAL = Thresholds(savings=100)
ANSWERED = {c.RESPONSE_MODEL: "claude-opus-5-5"}


def called(values):
    """Calls, as the histograms count them."""
    return series(c.CALL_INPUT_TOKENS, values, ANSWERED, part="_bucket", le="+Inf")


CALLED = called("0x9 100x200")


def saving(advice):
    return {"advice": advice, "job": "shop", "model": "claude-opus-5-5"}


def served(values, **more):
    return series(c.COST, values, ANSWERED, {c.COST_TYPE: "output"}, **more)


SAVINGS_CASES = (
    Case("ClaudeSavingsAvailable", (CALLED, served("0x9 56x200", claude_speed="fast")), "130m",
         "shop could save 120.00 USD a month on claude-opus-5-5: fast_mode.", saving("fast_mode")),
    Case("ClaudeSavingsAvailable", (CALLED, served("0x9 42x200", claude_speed="fast")), "130m"),
    Case("ClaudeSavingsAvailable", (CALLED, served("0x9 308x200", claude_inference_geo="us")), "130m",
         "shop could save 120.00 USD a month on claude-opus-5-5: us_only.", saving("us_only")),
    # The standard price, and too few calls.
    Case("ClaudeSavingsAvailable", (CALLED, served("0x9 560x200")), "130m"),
    Case("ClaudeSavingsAvailable",
         (called("0x9 99x200"), served("0x9 56x200", claude_speed="fast")), "130m"),
    Case("ClaudeSavingsAvailable",
         (CALLED, series(c.CACHE_OVERHEAD, "0x9 35x200", ANSWERED, {c.CACHE_TTL: "5m"}),
          series(c.CACHE_SAVINGS, "0x9 7x200", ANSWERED)),
         "130m", "shop could save 120.00 USD a month on claude-opus-5-5: cache_unread.", saving("cache_unread")),
    Case("ClaudeSavingsAvailable",
         (CALLED, series(c.CACHE_OVERHEAD, "0x9 35x200", ANSWERED, {c.CACHE_TTL: "5m"}),
          series(c.CACHE_SAVINGS, "0x9 36x200", ANSWERED)), "130m"),
)  # fmt: skip

# Five processes of one export each, one of four exports: 9 dollars. And one that is silent for eight minutes.
EXACT = (
    *(cost(f"_x{minute} 1 _x60", instance=f"moment-{minute}") for minute in (3, 9, 20, 33, 41)),
    cost("_x10 1 2 3 4 _x60", instance="longer"),
)
SILENT = (cost("1 2 3 _x7 4 5 5x60", instance="silent"),)
# The store was away, and what a process grew meanwhile came when it was about to end. Hours later the correction alone
# has it: ten calls of one to five seconds, whose median is three. Without the empty bucket it would be 2.5.
AWAY = (
    calls("_x360 0x30 _x45 10x3"),
    *(series(c.DURATION, f"_x360 0x30 _x45 {grown}x3", MODEL, KEY, part="_bucket", le=bound)
      for bound, grown in (("1", 0), ("5", 10), ("+Inf", 10))),
)  # fmt: skip


def tests(cases, interval):
    alerts = {alert.name: alert for alert in all_alerts(QUERIES, OPTIONAL)}
    # Of one name there are as many as there are budgets.
    of_budgets = {
        (alert.name, *alert.labels): alert for alert in all_alerts(QUERIES, Thresholds(), BUDGETS) if alert.labels
    }

    def alert_of(case):
        return alerts.get(case.alert) or of_budgets.get((case.alert, *case.labels.items()))

    return [
        {
            "name": f"{case.alert} {'fires' if case.summary else 'does not fire'} ({number})",
            "interval": interval,
            "input_series": [{"series": name, "values": values} for name, values in case.series],
            "alert_rule_test": [
                {"eval_time": case.at, "alertname": case.alert, "exp_alerts": expected(case, alert_of(case))}
            ],
        }
        for number, case in enumerate(cases, 1)
    ]


def expected(case, alert):
    if case.summary is None:
        return []
    choice = alert.choice.replace("{{ $labels.team | urlquery }}", case.labels.get("team", ""))
    choice = f"?var-job={case.labels['job']}" if "job" in case.labels else choice
    annotations = {
        "summary": case.summary,
        "description": alert.action,
        "runbook_url": f"{RUNBOOKS}#{case.alert.lower()}",
        "dashboard_url": f"{GRAFANA}/d/{alert.dashboard}{choice}",
    }
    return [{"exp_labels": {"severity": alert.severity, **case.labels}, "exp_annotations": annotations}]


def exactly(name, given, expression, at, value):
    check = {"expr": expression, "eval_time": at, "exp_samples": [{"labels": "{}", "value": value}]}
    inputs = [{"series": series_, "values": values} for series_, values in given]
    return {"name": name, "interval": "1m", "input_series": inputs, "promql_expr_test": [check]}


def groups_for(cases):
    """The rules that some cases need: with all of them, promtool would take minutes for a week."""
    alerts = [alert for alert in all_alerts(QUERIES, Thresholds()) if alert.name in {case.alert for case in cases}]
    groups = [Group("alerts", tuple(alerts))]
    while True:
        read = " ".join(rule.expression for group in groups for rule in group.rules)
        recorded = [
            dataclasses.replace(group, rules=tuple(rule for rule in group.rules if rule.name in read))
            for group in recording_groups(NAMING)
        ]
        found = [*(group for group in recorded if group.rules), groups[-1]]
        if found == groups:
            return groups
        groups = found


def optional_groups():
    """What options of the export add."""
    savings = savings_groups(QUERIES, OPTIONAL)
    return (*budget_recordings(QUERIES, BUDGETS), *budget_alerts(QUERIES, BUDGETS), *savings)


def promtool_files():
    """The files of promtool's tests by name."""
    rules = ["rules/otel-claude-recording.yaml", "rules/otel-claude-alerts.yaml"]
    # Else the order of groups is left to chance, and an alert may read what was recorded one interval before.
    order = [group.name for group in all_groups(QUERIES, Thresholds())]
    common = {"rule_files": rules, "group_eval_order": order, "fuzzy_compare": True}
    exact = [
        exactly("spend of processes of a moment is exact", EXACT, QUERIES.spent("1h"), "60m", 9),
        exactly(
            "a process that was silent for eight minutes is not counted twice", SILENT, QUERIES.spent("5m"), "12m", 2
        ),
        exactly("percentiles of a correction alone", AWAY, QUERIES.quantile(0.5, c.DURATION, "5m"), "585m", 3),
    ]
    budgets = {
        "rule_files": ["rules/otel-claude-recording.yaml", "budget-rules.yaml"],
        "group_eval_order": [group.name for group in (*recording_groups(NAMING), *optional_groups())],
        "evaluation_interval": "5m", "fuzzy_compare": True, "tests": tests(BUDGET_CASES + SAVINGS_CASES, "1m"),
    }  # fmt: skip
    of_week = groups_for(WEEKLY)
    weekly = {
        "rule_files": ["weekly-rules.yaml"], "group_eval_order": [group.name for group in of_week],
        "evaluation_interval": "5m", "fuzzy_compare": True, "tests": tests(WEEKLY, "5m"),
    }  # fmt: skip
    about = "Generated by `make dashboards` from tests/stack/alert_cases.py. Run: promtool test rules FILE"
    return {
        "alerts.yaml": to_yaml({**common, "evaluation_interval": "5m", "tests": tests(CASES, "1m") + exact}, about),
        "budgets.yaml": to_yaml(budgets, about),
        "budget-rules.yaml": to_yaml(
            rules_json(optional_groups(), Places()),
            "What `--budget tenant=acme:500 --budget feature=search:50 --savings 100` adds.",
        ),
        "weekly.yaml": to_yaml(weekly, about),
        "weekly-rules.yaml": to_yaml(rules_json(tuple(of_week), Places()), "The rules that weekly.yaml needs."),
    }
