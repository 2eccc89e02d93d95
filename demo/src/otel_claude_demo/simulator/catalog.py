"""The models that the simulator lists, and what their names imply. Knows model ids, no prices.

A name that does not contain `claude` is unknown (404); others are answered also if they are not listed here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from otel_claude_demo.simulator.jsons import Json


@dataclass(frozen=True, slots=True)
class Model:
    """A row of `GET /v1/models`."""

    id: str
    name: str
    created: str
    fast: bool = False
    alias: str | None = None

    def json(self) -> Json:
        """The row as the API writes it."""
        return {
            "type": "model",
            "id": self.id,
            "display_name": self.name,
            "created_at": f"{self.created}T00:00:00Z",
            "lifecycle": "active",
            "line": self.id.split("-")[1],
            "max_input_tokens": 1_000_000,
            "max_tokens": 128_000,
        }


MODELS = (
    Model("claude-fable-5-2", "Claude Fable 5.2", "2026-11-09", fast=True),
    Model("claude-mythos-5-2", "Claude Mythos 5.2", "2026-11-09", fast=True),
    Model("claude-haiku-5-5", "Claude Haiku 5.5", "2026-10-07"),
    Model("claude-sonnet-5-5", "Claude Sonnet 5.5", "2026-09-28"),
    Model("claude-opus-5-5", "Claude Opus 5.5", "2026-09-22", fast=True),
    Model("claude-fable-5-1", "Claude Fable 5.1", "2026-09-01"),
    Model("claude-opus-5", "Claude Opus 5", "2026-07-24", fast=True),
    Model("claude-sonnet-5", "Claude Sonnet 5", "2026-06-30"),
    Model("claude-fable-5", "Claude Fable 5", "2026-06-09"),
    Model("claude-opus-4-8", "Claude Opus 4.8", "2026-05-28", fast=True),
    Model("claude-opus-4-7", "Claude Opus 4.7", "2026-04-16"),
    Model("claude-sonnet-4-6", "Claude Sonnet 4.6", "2026-02-17"),
    Model("claude-opus-4-6", "Claude Opus 4.6", "2026-02-05"),
    Model("claude-opus-4-5-20251101", "Claude Opus 4.5", "2025-11-24", alias="claude-opus-4-5"),
    Model("claude-haiku-4-5-20251001", "Claude Haiku 4.5", "2025-10-15", alias="claude-haiku-4-5"),
    Model("claude-sonnet-4-5-20250929", "Claude Sonnet 4.5", "2025-09-29", alias="claude-sonnet-4-5"),
)
_ALIASES = {model.alias: model.id for model in MODELS if model.alias}
_FAST = {model.id for model in MODELS if model.fast}
_IGNORES_FAST = {"claude-opus-4-6"}
_NAME = re.compile(r"claude-(fable|mythos|opus|sonnet|haiku)-(\d)(?:-(\d)(?!\d))?")


def resolved(model: str) -> str:
    """The id that the answer carries: aliases resolved, the platforms' prefixes and versions removed."""
    name = re.sub(r"^.*?anthropic\.(?=claude)", "", model.rpartition("/")[2])
    name = re.sub(r"-v\d+(:\d+)?$", "", name).replace("@", "-")
    return _ALIASES.get(name, name)


def is_known(model: str) -> bool:
    """Whether the API would answer for this name."""
    return "claude" in model


def version(model: str) -> tuple[int, int]:
    """Major and minor version of today's families; (0, 0) for older names."""
    found = _NAME.search(model)
    return (int(found[2]), int(found[3] or 0)) if found else (0, 0)


def limit_group(model: str) -> str:
    """The models that share a rate limit have one name: Fable 5.x, Opus 4.x, Sonnet 4.x, else the model itself."""
    found = _NAME.search(model)
    if not found:
        return model
    family, major = found[1], found[2]
    shared = (major == "5" and family in {"fable", "mythos"}) or (major == "4" and family in {"opus", "sonnet"})
    return f"{family}-{major}" if shared or not found[3] else f"{family}-{major}-{found[3]}"


def geo(model: str, requested: object) -> str | None:
    """What `usage.inference_geo` says, or None where the model answers the request with a 400."""
    if version(model) >= (4, 6):
        return "us" if requested == "us" else "global"
    return None if requested == "us" else "not_available"


def speed(model: str, requested: object) -> str | None:
    """What `usage.speed` says (nothing if the request says nothing), or `refused`."""
    if requested != "fast":
        return str(requested) if requested else None
    return "fast" if model in _FAST else "standard" if model in _IGNORES_FAST else "refused"
