"""The cases of promtool's tests for the alerts about the organization. `alert_cases` writes them down with the others.

Promtool's clock begins at 1970-01-01, so from 1440 minutes on it is the second of a month.
"""

from __future__ import annotations

from otel_claude import semconv as c
from otel_claude.promql.names import NameTranslator
from otel_claude.semconv import organization as o

NAMING = NameTranslator()
HINT = "sk-ant-api03-R2D...igAA"
KEY = {c.API_KEY_HINT: HINT, o.API_KEY_NAME: "shop", o.API_KEY_ID: "apikey_1"}
SPENDER = {NAMING.label(c.API_KEY_HINT): HINT, NAMING.label(o.API_KEY_NAME): "shop"}
CAP = {o.SPEND_LIMIT_ID: "spl_1", o.SPEND_LIMIT_SCOPE: "workspace", o.SPEND_LIMIT_PERIOD: "daily",
       o.WORKSPACE_NAME: "Production"}  # fmt: skip
OF_CAP = {NAMING.label(name): CAP[name] for name in (o.SPEND_LIMIT_SCOPE, o.SPEND_LIMIT_PERIOD, o.WORKSPACE_NAME)}
RATE = {o.RATE_LIMIT_GROUP: "Claude Opus 5.5", c.RATE_LIMIT_NAME: "requests"}
OF_RATE = {NAMING.label(name): value for name, value in RATE.items()}


def organization_cases(case, series):
    """Those of hours, with a sample each minute, and those of days, with one each five minutes."""

    def said(metric, values, *labels, **more):
        return series(
            metric, values, *labels, job="otel-claude-organization", instance="otel-claude-organization", **more
        )

    def month(values, *labels, kind="output", **more):
        about = {o.ORGANIZATION_PERIOD: "month", c.COST_TYPE: kind, c.RESPONSE_SERVICE_TIER: "standard"}
        return said(o.ORGANIZATION_LIST_COST, values, KEY, about, *labels, **more)

    def spent(values, tier="standard"):
        about = {
            c.API_KEY_HINT: HINT,
            c.PROVIDER_NAME: "anthropic",
            c.COST_TYPE: "output",
            c.RESPONSE_SERVICE_TIER: tier,
        }
        return series(c.COST, values, about)

    def used(values):
        return said(o.SPEND_LIMIT_SPENT, values, CAP), said(o.SPEND_LIMIT, "100x60", CAP)

    def key(status="active", requests="0x90", created="-9999999x90"):
        return (
            said(o.API_KEY_INFO, "1x90", KEY, {o.API_KEY_STATUS: status}),
            said(o.API_KEY_REQUESTS, requests, KEY),
            said(o.API_KEY_CREATED, created, KEY),
        )

    def limit(values):
        return said(o.CONFIGURED_LIMIT, values, RATE)

    near = "90% of the daily spend limit (workspace Production) is used. At 100 % Anthropic refuses calls."
    unknown = (
        "Anthropic reports 288.00 USD for the key shop (sk-ant-api03-R2D...igAA) in the last day that no instrumented "
    )
    unknown += "service spent."
    drifted = (
        "What was measured of the key sk-ant-api03-R2D...igAA in the last day differs by 12.5% from what Anthropic "
    )
    drifted += "reports."
    unused = "The key shop (sk-ant-api03-R2D...igAA) is active and had 0 requests in 30 days."
    report = {o.ORGANIZATION_PART: "report"}
    days = "0+1x330"
    of_hours = (
        case("ClaudeOrganizationSpendLimitNear", used("90x60"), "30m", near, OF_CAP),
        case("ClaudeOrganizationSpendLimitNear", used("80x60"), "30m"),
        case("ClaudeOrganizationKeyUnused", key(), "80m", unused, SPENDER | {NAMING.label(o.API_KEY_ID): "apikey_1"}),
        case("ClaudeOrganizationKeyUnused", key(status="inactive"), "80m"),
        case("ClaudeOrganizationKeyUnused", key(requests="3x90"), "80m"),
        # It was made last week.
        case("ClaudeOrganizationKeyUnused", key(created="-600000x90"), "80m"),
        case("ClaudeOrganizationRateLimitChanged", (limit("4000x90 2000x60"),), "100m",
             "The limit requests of Claude Opus 5.5  was changed within the last hour, to 2000.", OF_RATE),
        case("ClaudeOrganizationRateLimitChanged", (limit("4000x200"),), "100m"),
        # A limit that is new, or a process that began an hour ago, is no change.
        case("ClaudeOrganizationRateLimitChanged", (limit("_x90 2000x60"),), "100m"),
        case("ClaudeOrganizationRateLimitChanged", (limit("4000x90 2000x200"),), "200m"),
        case("ClaudeOrganizationSpendLimitChanged", (said(o.SPEND_LIMIT, "100x90 50x60", CAP),), "100m",
             "The daily spend limit (workspace Production) was changed within the last hour, to 50.00 USD.", OF_CAP),
        case("ClaudeOrganizationSpendLimitChanged", (said(o.SPEND_LIMIT, "100x200", CAP),), "100m"),
        case("ClaudeOrganizationDataStale", (said(o.ORGANIZATION_DATA_AGE, "0+60x120", report),), "120m",
             "The organization's data (report) is 2h 0m 0s old.", {NAMING.label(o.ORGANIZATION_PART): "report"}),
        case("ClaudeOrganizationDataStale", (said(o.ORGANIZATION_DATA_AGE, "300x120", report),), "120m"),
        *(
            case("ClaudeOrganizationAbsent", (said(o.ORGANIZATION_DATA_AGE, "300x120 _x1300", report),), at,
                 "otel-claude organization sent 1 parts of the organization's data within the last day, and none in a "
                 "quarter of an hour.", {})
            for at in ("145m", "600m", "1400m")
        ),
        case("ClaudeOrganizationAbsent", (said(o.ORGANIZATION_DATA_AGE, "300x200", report),), "145m"),
        # It never ran.
        case("ClaudeOrganizationAbsent", (), "145m"),
    )  # fmt: skip
    of_days = (
        # A key that no service measures.
        case("ClaudeOrganizationSpendUnexplained", (month(days),), "1600m", unknown, SPENDER),
        # What was measured explains it.
        case("ClaudeOrganizationSpendUnexplained", (month(days), spent(days)), "1600m"),
        # There is no day of data yet: the whole month is not the day's.
        case("ClaudeOrganizationSpendUnexplained", (month("_x200 500x240"),), "1600m"),
        # A key that is new is growth, where other keys had data a day ago.
        case("ClaudeOrganizationSpendUnexplained",
             (month("_x290 288x60"), month("0x330", {c.API_KEY_HINT: "old", o.API_KEY_NAME: "old"})), "1600m", unknown,
             SPENDER),
        # Batches and time of code execution are not what calls can tell.
        case("ClaudeOrganizationSpendUnexplained", (month(days, {c.RESPONSE_SERVICE_TIER: "batch"}),), "1600m"),
        case("ClaudeOrganizationSpendUnexplained", (month(days, kind="code_execution"),), "1600m"),
        # The first of a month: what the month began with is not known.
        case("ClaudeOrganizationSpendUnexplained", (month("500x280"),), "1400m"),
        case("ClaudeOrganizationDrift", (month(days), spent("0+0.875x330")), "1600m", drifted,
             {NAMING.label(c.API_KEY_HINT): HINT}),
        case("ClaudeOrganizationDrift", (month(days), spent("0+1.125x330")), "1600m", drifted,
             {NAMING.label(c.API_KEY_HINT): HINT}),
        case("ClaudeOrganizationDrift", (month(days), spent("0+0.995x330")), "1600m"),
        case("ClaudeOrganizationDrift", (month("0+0.01x330"), spent("0+0.005x330")), "1600m"),
    )  # fmt: skip
    return of_hours, of_days
