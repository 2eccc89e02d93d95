"""Values: what the Admin API said, as frozen rows. Money is exact decimal US dollars. Imports nothing of ours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple


class Dimensions(NamedTuple):
    """Whose and what kind of usage a row is about. None: the API names none."""

    model: str | None
    key_id: str | None
    workspace_id: str | None
    service_tier: str | None
    inference_geo: str | None
    speed: str | None = None


class Bucket(NamedTuple):
    """A stretch of time, its end excluded."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Cost:
    """What one kind of usage cost: a token type of ours, `web_search`, `code_execution` or `session_usage`."""

    bucket: Bucket
    dimensions: Dimensions
    kind: str
    listed: Decimal
    """At list price."""
    billed: Decimal
    """After the discount, before credits."""


@dataclass(frozen=True, slots=True)
class UsageRow:
    """Tokens by type, requests and searches."""

    bucket: Bucket
    dimensions: Dimensions
    tokens: tuple[tuple[str, int], ...]
    requests: int | None
    searches: int


@dataclass(frozen=True, slots=True)
class Key:
    """An API key."""

    id: str
    name: str
    hint: str | None
    """As `claude.api_key.hint`."""
    status: str
    workspace_id: str | None
    created: datetime


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A configured limit of a group of models, or of a kind of request."""

    group: str
    models: tuple[str, ...]
    name: str
    value: int
    workspace_id: str | None = None
    """None: the organization's."""


@dataclass(frozen=True, slots=True)
class SpendLimit:
    """A cap on spend, in US dollars."""

    id: str
    scope: str
    period: str
    usd: Decimal
    workspace_id: str | None = None
