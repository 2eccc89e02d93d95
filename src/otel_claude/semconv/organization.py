"""The names of what `otel-claude organization` emits: what Anthropic reports, not what was measured.

They stand apart from `semconv.metrics` because nothing of it is measured in an application, and none of it has the
common attributes or tags. Imports `semconv` alone.
"""

from __future__ import annotations

from typing import Final

from .attributes import (
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
)
from .metrics import counter, gauge

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

_DIMENSIONS: Final = (
    RESPONSE_MODEL,
    WORKSPACE_ID,
    WORKSPACE_NAME,
    API_KEY_ID,
    API_KEY_NAME,
    API_KEY_HINT,
    RESPONSE_SERVICE_TIER,
    SPEED,
    INFERENCE_GEO,
)
_SPEND_LIMIT: Final = (SPEND_LIMIT_ID, SPEND_LIMIT_SCOPE, SPEND_LIMIT_PERIOD, WORKSPACE_ID, WORKSPACE_NAME)

ORGANIZATION_LIST_COST: Final = gauge(
    "claude.organization.cost.list.usd",
    unit="{USD}",
    attributes=(ORGANIZATION_PERIOD, COST_TYPE, *_DIMENSIONS),
    tags=False,
    description="What was used in a period (UTC) at list price, in US dollars, as Anthropic reports it.",
)
ORGANIZATION_BILLED_COST: Final = gauge(
    "claude.organization.cost.billed.usd",
    unit="{USD}",
    attributes=(ORGANIZATION_PERIOD, COST_TYPE, *_DIMENSIONS),
    tags=False,
    description="The same after the negotiated discount and before credits.",
)
ORGANIZATION_TOKENS: Final = gauge(
    "claude.organization.tokens",
    unit="{token}",
    attributes=(ORGANIZATION_PERIOD, TOKEN_TYPE, *_DIMENSIONS),
    tags=False,
    description="Tokens used in a period (UTC), by type, as Anthropic reports them.",
)
ORGANIZATION_REQUESTS: Final = gauge(
    "claude.organization.requests",
    unit="{request}",
    attributes=(ORGANIZATION_PERIOD, *_DIMENSIONS),
    tags=False,
    description="Requests in a period (UTC), as Anthropic reports them.",
)
SPEND_LIMIT: Final = gauge(
    "claude.organization.spend_limit.usd",
    unit="{USD}",
    attributes=_SPEND_LIMIT,
    tags=False,
    description="A configured spend limit of the organization, of its usage tier or of a workspace, in US dollars.",
)
SPEND_LIMIT_SPENT: Final = gauge(
    "claude.organization.spend_limit.spent.usd",
    unit="{USD}",
    attributes=_SPEND_LIMIT,
    tags=False,
    description=(
        "The billed amount within the period of a spend limit. Absent for weekly limits: the day on which a week "
        "begins is not published."
    ),
)
CONFIGURED_LIMIT: Final = gauge(
    "claude.organization.rate_limit.limit",
    unit="{unit}",
    attributes=(RATE_LIMIT_NAME, RATE_LIMIT_GROUP, WORKSPACE_ID, WORKSPACE_NAME),
    tags=False,
    description=(
        "A configured rate limit, in tokens or requests per minute unless its name says otherwise. With a workspace: "
        "set for that workspace alone."
    ),
)
RATE_LIMIT_MODEL: Final = gauge(
    "claude.organization.rate_limit.model",
    unit="{model}",
    attributes=(RATE_LIMIT_GROUP, REQUEST_MODEL),
    tags=False,
    description="1 for each model of a group whose limits are shared: joins a group's limits to calls.",
)
API_KEY_INFO: Final = gauge(
    "claude.organization.api_key.info",
    unit="{key}",
    attributes=(API_KEY_ID, API_KEY_NAME, API_KEY_HINT, API_KEY_STATUS, WORKSPACE_ID, WORKSPACE_NAME),
    tags=False,
    description="1 for each API key: joins its name to `claude.api_key.hint`.",
)
API_KEY_CREATED: Final = gauge(
    "claude.organization.api_key.created",
    unit="s",
    attributes=(API_KEY_ID, API_KEY_NAME, API_KEY_HINT),
    tags=False,
    description="When an API key was made, in seconds since the epoch.",
)
API_KEY_REQUESTS: Final = gauge(
    "claude.organization.api_key.requests",
    unit="{request}",
    attributes=(API_KEY_ID, API_KEY_NAME, API_KEY_HINT),
    tags=False,
    description="Requests with an API key in the last 30 days and today (UTC). 0 for a key without any.",
)
WORKSPACE_INFO: Final = gauge(
    "claude.organization.workspace.info",
    unit="{workspace}",
    attributes=(WORKSPACE_ID, WORKSPACE_NAME),
    tags=False,
    description="1 for each workspace that is not archived: joins its name to `anthropic.workspace.id`.",
)
ORGANIZATION_DATA_AGE: Final = gauge(
    "claude.organization.data.age",
    unit="s",
    attributes=(ORGANIZATION_PART,),
    tags=False,
    description="How old a part of the organization's data is. What is too old is not exported, its age is.",
)
ORGANIZATION_POLLS: Final = counter(
    "claude.organization.polls",
    unit="{poll}",
    attributes=(ORGANIZATION_PART, ERROR_TYPE),
    tags=False,
    description="How often a part of the organization's data was asked for, and what was wrong if it was not given.",
)

ORGANIZATION_METRICS: Final = (
    ORGANIZATION_LIST_COST,
    ORGANIZATION_BILLED_COST,
    ORGANIZATION_TOKENS,
    ORGANIZATION_REQUESTS,
    SPEND_LIMIT,
    SPEND_LIMIT_SPENT,
    CONFIGURED_LIMIT,
    RATE_LIMIT_MODEL,
    API_KEY_INFO,
    API_KEY_CREATED,
    API_KEY_REQUESTS,
    WORKSPACE_INFO,
    ORGANIZATION_DATA_AGE,
    ORGANIZATION_POLLS,
)
"""Everything that `otel-claude organization` emits."""
