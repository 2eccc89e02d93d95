"""Agent: what the `claude` program tells the Claude Agent SDK: results with usage by model, and rate limits.

Pure functions of decoded JSON, as it comes before the SDK makes its types of it (claude-agent-sdk 0.1.0 to 0.2.187).
The rules are those that the program gives with its messages (claude 2.1.330): `modelUsage` covers every model call,
while `usage` is that of the main loop in this turn; the cost is an estimate.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from ..api.headers import RateLimit
from ..api.json import Json, Reader, as_count, as_object, as_text
from ..pricing import PICO_PER_USD

_MAX_DOLLARS: Final = 1_000_000
_MAX_MODELS: Final = 100
_MAX_NUMBER: Final = 1e15
_COUNTS: Final = {
    "input": "inputTokens",
    "cache_read": "cacheReadInputTokens",
    "cache_write_5m": "cacheCreationEphemeral5mInputTokens",
    "cache_write_1h": "cacheCreationEphemeral1hInputTokens",
    "output": "outputTokens",
}
_CREATION: Final = "cacheCreationInputTokens"
_OF_TURN: Final = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens")
_PROVIDERS: Final = {
    "firstParty": "anthropic",
    "foundry": "anthropic",
    "anthropicAws": "anthropic",
    "anthropicGoogleCloud": "anthropic",
    "bedrock": "aws.bedrock",
    "mantle": "aws.bedrock",
    "vertex": "gcp.vertex_ai",
}
_LIMITS: Final = {
    "five_hour": "unified_5h",
    "seven_day": "unified_7d",
    "seven_day_opus": "unified_7d_opus",
    "seven_day_sonnet": "unified_7d_sonnet",
    "seven_day_overage_included": "unified_7d_overage_included",
    "overage": "unified_overage",
}
"""The program's names of limits, and those that the API's headers give the same ones."""


class ModelUsage(NamedTuple):
    """What one model used and cost. `cache_write` was written for a time that is not told; `cost` in pico-dollars."""

    input: int = 0
    cache_read: int = 0
    cache_write: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    output: int = 0
    cost: int = 0
    provider: str | None = None


Usages = Mapping[str, ModelUsage]
"""By model."""
NOTHING: Final = ModelUsage()


class Result(NamedTuple):
    """The end of a turn. `totals` are cumulative, `new` is what came since the last result; None: not told.

    `turn` is the input, cache reads, cache writes and output of the turn's main loop.
    """

    session_id: str | None
    error_type: str | None
    totals: Usages | None
    new: Usages | None
    turn: tuple[int, ...] | None


class RateLimitEvent(NamedTuple):
    """A limit's change. `name` is None for one that is not known; `limits` are all that the event tells."""

    name: str | None
    status: str | None
    limits: tuple[RateLimit, ...]


def parse_result(message: Json) -> Result:
    """What a message of the type `result` says."""
    parsed = as_object(message.get("usage"))
    turn = [as_count(parsed.get(name)) for name in _OF_TURN]
    return Result(
        as_text(message.get("session_id")),
        _error_type(message),
        _usages(message.get("modelUsage")),
        # Since claude 2.1.309. "Sum it over a conversation's results instead of subtracting modelUsage totals."
        _usages(message.get("model_usage_since_last_result")),
        None if None in turn else tuple(number or 0 for number in turn),
    )


def parse_rate_limit(message: Json) -> RateLimitEvent:
    """What a message of the type `rate_limit_event` says."""
    info = as_object(message.get("rate_limit_info"))
    windows = [(str(info.get("rateLimitType")), info), *as_object(info.get("unifiedWindows")).items()]
    named = {_LIMITS[kind]: window for kind, window in reversed(windows) if kind in _LIMITS}
    limits = [_limit(name, as_object(window)) for name, window in named.items()]
    return RateLimitEvent(
        _LIMITS.get(str(info.get("rateLimitType"))),
        as_text(info.get("status")),
        tuple([limit for limit in limits if limit.utilization is not None or limit.reset is not None]),
    )


def _error_type(message: Json) -> str | None:
    subtype = as_text(message.get("subtype"))
    if subtype != "success":
        return subtype or "error"
    # The API refused, and the program says so as an answer.
    status = as_count(message.get("api_error_status"))
    return (str(status) if status else "error") if message.get("is_error") is True else None


def _usages(parsed: object) -> Usages | None:
    """None if it was not told, or cannot be read as a whole."""
    entries, read = as_object(parsed), Reader()
    if entries is not parsed or len(entries) > _MAX_MODELS:
        return None
    usages = {str(as_text(model)): _usage(read.as_object(said), read) for model, said in entries.items()}
    return None if read.wrong else usages


def _usage(said: Json, read: Reader) -> ModelUsage:
    counts = {name: read.count(said.get(field), 0) or 0 for name, field in _COUNTS.items()}
    created = read.count(said.get(_CREATION), 0) or 0
    unknown = max(created - counts["cache_write_5m"] - counts["cache_write_1h"], 0)
    provider = as_text(said.get("provider"))
    named = _PROVIDERS.get(provider, "_other") if provider else None
    return ModelUsage(**counts, cache_write=unknown, cost=_pico(said.get("costUSD"), read), provider=named)


def _pico(dollars: object, read: Reader) -> int:
    known = _number(dollars)
    if known is None or known >= _MAX_DOLLARS:
        read.wrong = True
        return 0
    return round(known * PICO_PER_USD)


def _limit(name: str, said: Json) -> RateLimit:
    used, reset = _number(said.get("utilization")), _number(said.get("resetsAt"))
    return RateLimit(name, utilization=None if used is None else min(used, 1.0), reset=reset)


def _number(value: object) -> float | None:
    """`value` if it is a number that is not negative. JSON's `true` is none."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return None
    return float(value) if 0 <= value < _MAX_NUMBER else None
