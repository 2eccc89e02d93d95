"""The simulated organization: its keys, workspaces and limits, as the Admin API shows them. Knows no HTTP.

A key that calls is listed by itself, under the name `key-N`, in the default workspace. What else there is, is set in
`Organization`, also while the simulator runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from decimal import Decimal

from otel_claude_demo.simulator import catalog
from otel_claude_demo.simulator.failures import Failure
from otel_claude_demo.simulator.fake import identifier
from otel_claude_demo.simulator.jsons import Json, moment
from otel_claude_demo.simulator.limits import Limits

DEFAULT = "Default"
_LIMITERS = {
    "requests_per_minute": "requests",
    "input_tokens_per_minute_cache_aware": "input_tokens",
    "output_tokens_per_minute": "output_tokens",
}
_FAST_LIMITERS = {"fast_itpmca": "fast_input_tokens", "fast_otpm": "fast_output_tokens"}
_BEGAN = datetime(2026, 1, 5, 9, 0, tzinfo=timezone.utc)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key that is listed with a name of its own; also one that never called."""

    hint: str
    name: str
    workspace: str | None = DEFAULT
    """None: a key of the organization, without a workspace."""
    status: str = "active"
    created: datetime = _BEGAN


@dataclass(frozen=True, slots=True)
class SpendLimit:
    """A cap on spend, in whole cents; of the organization, of its usage tier, or of a workspace."""

    cents: int | None
    scope: str = "organization"
    workspace: str | None = None
    period: str = "monthly"
    currency: str = "USD"
    enabled: bool = True


@dataclass
class Organization:
    """What can be set. Everything may be changed while the simulator runs."""

    lag: float = 0.0
    """Seconds after which a minute is in the reports. The real ones take about 300."""
    discount: Decimal = Decimal(0)
    """The negotiated share that is taken off the list price."""
    keys: tuple[ApiKey, ...] = ()
    workspaces: tuple[str, ...] = ()
    """Further workspaces, by name."""
    spend_limits: tuple[SpendLimit, ...] | None = (SpendLimit(50_000, "usage_tier"),)
    """None: listing them is not enabled for this organization (an early access preview in November 2026)."""
    overrides: dict[tuple[str, str], dict[str, int]] = field(default_factory=dict[tuple[str, str], dict[str, int]])
    """Limits of a workspace alone: (its name, model group) to limiter types and values."""
    individual: bool = False
    """An individual account, which has no Admin API."""
    denied: frozenset[str] = frozenset()
    """Ends of paths that this credential may not read."""
    page_size: int = 1000
    """The most rows of a page, whatever is asked for."""
    failures: list[Failure | None] = field(default_factory=list[Failure | None])
    """Played one per request, in order; None lets a request through."""


class Inventory:
    """The rows of keys, workspaces and limits."""

    def __init__(self, organization: Organization, seed: int, default_workspace: str, limits: Limits) -> None:
        self.organization = organization
        self._seed = seed
        self._default = default_workspace
        self._limits = limits

    def key_id(self, hint: str) -> str | None:
        """The id of a key. None where no key authenticated the call."""
        return identifier("apikey_01", self._seed, "key", hint) if hint else None

    def workspace_id(self, name: str) -> str:
        """The id of a workspace by its name."""
        return self._default if name == DEFAULT else identifier("wrkspc_01", self._seed, "workspace", name)

    def workspace_of(self, hint: str) -> str:
        """The id of the workspace in which a key's calls happen."""
        named = {key.hint: key.workspace for key in self.organization.keys}
        return self.workspace_id(named.get(hint) or DEFAULT)

    def keys(self, seen: Iterable[str]) -> list[Json]:
        """All keys, those that were named first."""
        listed = list(self.organization.keys)
        known = {key.hint for key in listed}
        listed += [ApiKey(hint, f"key-{n}") for n, hint in enumerate((h for h in seen if h not in known), 1)]
        return [self._key(key) for key in listed]

    def workspaces(self) -> list[Json]:
        """All workspaces, the default one first."""
        named = [key.workspace for key in self.organization.keys if key.workspace]
        names = dict.fromkeys((DEFAULT, *self.organization.workspaces, *named))
        return [self._workspace(name) for name in names]

    def rate_limits(self) -> list[Json]:
        """The organization's limits, by group."""
        return [
            {
                "type": "rate_limit",
                "id": identifier("rl_01", self._seed, group),
                "group": _group(group),
                "models": models,
                "limits": [{"type": kind, "value": value} for kind, value in self._limiters(models).items()],
            }
            for group, models in _groups().items()
        ]

    def workspace_limits(self, workspace_id: str, *, inherited: bool) -> list[Json]:
        """A workspace's limits: what is set for it alone, or also what holds for it from the organization."""
        rows: list[Json] = []
        for group, models in _groups().items():
            own: dict[str, int] = {}
            for (name, of), limits in self.organization.overrides.items():
                if of == group and self.workspace_id(name) == workspace_id:
                    own = limits
            everywhere = self._limiters(models)
            kinds = everywhere if inherited else own
            values = [
                {
                    "type": kind,
                    "value": own.get(kind, everywhere.get(kind)),
                    "org_limit": everywhere.get(kind),
                    "source": {"type": "workspace" if kind in own else "organization"},
                }
                for kind in {**kinds, **own}
            ]
            if values:
                rows.append(
                    {
                        "type": "workspace_rate_limit",
                        "rate_limit_id": identifier("rl_01", self._seed, group),
                        "workspace_id": workspace_id,
                        "group": _group(group),
                        "models": models,
                        "limits": values,
                    }
                )
        return rows

    def spend_limits(self) -> list[Json]:
        """The configured caps, the newest first."""
        return [self._spend_limit(n, limit) for n, limit in enumerate(self.organization.spend_limits or ())][::-1]

    def _limiters(self, models: list[str]) -> dict[str, int]:
        fast = any(model.fast for model in catalog.MODELS if model.id in models)
        names = {**_LIMITERS, **(_FAST_LIMITERS if fast else {})}
        return {kind: getattr(self._limits, name) for kind, name in names.items()}

    def _key(self, key: ApiKey) -> Json:
        workspace = key.workspace and self.workspace_id(key.workspace)
        scope = {"type": "workspace", "workspace_id": workspace} if workspace else {"type": "organization"}
        return {
            "type": "api_key",
            "id": self.key_id(key.hint),
            "name": key.name,
            "partial_key_hint": key.hint,
            "status": key.status,
            "scope": scope,
            "created_at": moment(key.created.timestamp()),
            "created_by": None,
            "expires_at": None,
            "principal": None,
        }

    def _workspace(self, name: str) -> Json:
        return {
            "type": "workspace",
            "id": self.workspace_id(name),
            "name": name,
            "display_color": "#6C5BB9",
            "created_at": moment(_BEGAN.timestamp()),
            "archived_at": None,
            "compartment_id": identifier("cmpt_01", self._seed, name),
            "data_residency": {
                "allowed_inference_geos": "unrestricted",
                "default_inference_geo": "global",
                "workspace_geo": "us",
            },
            "external_key_id": None,
            "tags": {},
            "user_profile_id": None,
        }

    def _spend_limit(self, number: int, limit: SpendLimit) -> Json:
        of = {"workspace_id": self.workspace_id(limit.workspace)} if limit.workspace else {}
        return {
            "type": "spend_limit",
            "id": identifier("spl_01", self._seed, number),
            "amount": None if limit.cents is None else str(limit.cents),
            "currency": limit.currency,
            "is_enabled": limit.enabled,
            "period": limit.period,
            "scope": {"type": limit.scope, **of},
            "created_at": moment(_BEGAN.timestamp()),
            "updated_at": moment(_BEGAN.timestamp()),
        }


def _groups() -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for model in catalog.MODELS:
        members = groups.setdefault(catalog.limit_group(model.id), [])
        members.extend(name for name in (model.id, model.alias) if name)
    return groups


def _group(group: str) -> Json:
    name = re.sub(r"(\d) (\d)", r"\1.\2", "Claude " + " ".join(part.capitalize() for part in group.split("-")))
    return {"type": "model_group", "id": identifier("rlg_01", group), "display_name": name}
