"""Conventions of the organization: what `otel-claude organization` emits: what Anthropic says, not what was measured.

They stand apart from `conventions` because nothing of it is measured in an application, and none of it has the common
attributes or tags. Imports conventions alone.
"""

from __future__ import annotations

from typing import Final

from . import (
    API_KEY_HINT,
    COST_TYPE,
    ERROR_TYPE,
    INFERENCE_GEO,
    RATE_LIMIT_NAME,
    REQUEST_MODEL,
    RESPONSE_MODEL,
    RESPONSE_SERVICE_TIER,
    SPEED,
    TOKEN_TYPE,
    WORKSPACE_ID,
    Metric,
)

ORGANIZATION_PERIOD: Final = "claude.organization.period"
ORGANIZATION_PART: Final = "claude.organization.part"
WORKSPACE_NAME: Final = "claude.workspace.name"
API_KEY_ID: Final = "claude.api_key.id"
API_KEY_NAME: Final = "claude.api_key.name"
API_KEY_STATUS: Final = "claude.api_key.status"
RATE_LIMIT_GROUP: Final = "claude.rate_limit.group"
SPEND_LIMIT_ID: Final = "claude.spend_limit.id"
SPEND_LIMIT_SCOPE: Final = "claude.spend_limit.scope"
SPEND_LIMIT_PERIOD: Final = "claude.spend_limit.period"

_WHOSE: Final = (
    RESPONSE_MODEL, WORKSPACE_ID, WORKSPACE_NAME, API_KEY_ID, API_KEY_NAME, API_KEY_HINT, RESPONSE_SERVICE_TIER, SPEED,
    INFERENCE_GEO,
)  # fmt: skip
_SPEND_LIMIT: Final = (SPEND_LIMIT_ID, SPEND_LIMIT_SCOPE, SPEND_LIMIT_PERIOD, WORKSPACE_ID, WORKSPACE_NAME)

ORGANIZATION_LIST_COST: Final = Metric(
    "claude.organization.cost.list.usd", "gauge", "{USD}",
    "What was used in a period (UTC) at list price, in US dollars, as Anthropic reports it.",
    (ORGANIZATION_PERIOD, COST_TYPE, *_WHOSE), tags=False,
)  # fmt: skip
ORGANIZATION_BILLED_COST: Final = Metric(
    "claude.organization.cost.billed.usd", "gauge", "{USD}",
    "The same after the negotiated discount and before credits.",
    (ORGANIZATION_PERIOD, COST_TYPE, *_WHOSE), tags=False,
)  # fmt: skip
ORGANIZATION_TOKENS: Final = Metric(
    "claude.organization.tokens", "gauge", "{token}",
    "Tokens used in a period (UTC), by class, as Anthropic reports them.",
    (ORGANIZATION_PERIOD, TOKEN_TYPE, *_WHOSE), tags=False,
)  # fmt: skip
ORGANIZATION_REQUESTS: Final = Metric(
    "claude.organization.requests", "gauge", "{request}",
    "Requests in a period (UTC), as Anthropic reports them.", (ORGANIZATION_PERIOD, *_WHOSE), tags=False,
)  # fmt: skip
SPEND_LIMIT: Final = Metric(
    "claude.organization.spend_limit.usd", "gauge", "{USD}",
    "A configured spend limit of the organization, of its usage tier or of a workspace, in US dollars.",
    _SPEND_LIMIT, tags=False,
)  # fmt: skip
SPEND_LIMIT_SPENT: Final = Metric(
    "claude.organization.spend_limit.spent.usd", "gauge", "{USD}",
    "The billed amount within the period of a spend limit. Absent for weekly limits: the day on which a week begins is "
    "not published.", _SPEND_LIMIT, tags=False,
)  # fmt: skip
CONFIGURED_LIMIT: Final = Metric(
    "claude.organization.rate_limit.limit", "gauge", "{unit}",
    "A configured rate limit, in tokens or requests per minute unless its name says otherwise. With a workspace: set "
    "for that workspace alone.", (RATE_LIMIT_NAME, RATE_LIMIT_GROUP, WORKSPACE_ID, WORKSPACE_NAME), tags=False,
)  # fmt: skip
RATE_LIMIT_MODEL: Final = Metric(
    "claude.organization.rate_limit.model", "gauge", "{model}",
    "1 for each model of a group whose limits are shared: joins a group's limits to calls.",
    (RATE_LIMIT_GROUP, REQUEST_MODEL), tags=False,
)  # fmt: skip
API_KEY_INFO: Final = Metric(
    "claude.organization.api_key.info", "gauge", "{key}",
    "1 for each API key: joins its name to `claude.api_key.hint`.",
    (API_KEY_ID, API_KEY_NAME, API_KEY_HINT, API_KEY_STATUS, WORKSPACE_ID, WORKSPACE_NAME), tags=False,
)  # fmt: skip
API_KEY_CREATED: Final = Metric(
    "claude.organization.api_key.created", "gauge", "s",
    "When an API key was made, in seconds since the epoch.", (API_KEY_ID, API_KEY_NAME, API_KEY_HINT), tags=False,
)  # fmt: skip
API_KEY_REQUESTS: Final = Metric(
    "claude.organization.api_key.requests", "gauge", "{request}",
    "Requests with an API key in the last 30 days and today (UTC). 0 for a key without any.",
    (API_KEY_ID, API_KEY_NAME, API_KEY_HINT), tags=False,
)  # fmt: skip
WORKSPACE_INFO: Final = Metric(
    "claude.organization.workspace.info", "gauge", "{workspace}",
    "1 for each workspace that is not archived: joins its name to `anthropic.workspace.id`.",
    (WORKSPACE_ID, WORKSPACE_NAME), tags=False,
)  # fmt: skip
ORGANIZATION_DATA_AGE: Final = Metric(
    "claude.organization.data.age", "gauge", "s",
    "How old a part of the organization's data is. What is too old is not exported, its age is.",
    (ORGANIZATION_PART,), tags=False,
)  # fmt: skip
ORGANIZATION_POLLS: Final = Metric(
    "claude.organization.polls", "counter", "{poll}",
    "How often a part of the organization's data was asked for, and what was wrong if it was not given.",
    (ORGANIZATION_PART, ERROR_TYPE), tags=False,
)  # fmt: skip

ORGANIZATION_METRICS: Final = (
    ORGANIZATION_LIST_COST, ORGANIZATION_BILLED_COST, ORGANIZATION_TOKENS, ORGANIZATION_REQUESTS,
    SPEND_LIMIT, SPEND_LIMIT_SPENT, CONFIGURED_LIMIT, RATE_LIMIT_MODEL,
    API_KEY_INFO, API_KEY_CREATED, API_KEY_REQUESTS, WORKSPACE_INFO, ORGANIZATION_DATA_AGE, ORGANIZATION_POLLS,
)  # fmt: skip
"""Everything that `otel-claude organization` emits."""
