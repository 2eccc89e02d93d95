"""What a call must leave behind, as data: one `Expected` gives the whole span and every metric, exactly."""

from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from otel_claude import pricing
from support import api
from support.face import BASE_URL
from support.telemetry import SECONDS

PRICES = {
    "claude-sonnet-4-6": {
        "input": "3", "cache_read": "0.30", "cache_write_5m": "3.75", "cache_write_1h": "6", "output": "15",
    },
    "claude-haiku-4-5-20251001": {
        "input": "1", "cache_read": "0.10", "cache_write_5m": "1.25", "cache_write_1h": "2", "output": "5",
    },
}  # fmt: skip
"""USD for a million tokens, by Anthropic's pricing page of 2026-10-10."""
SEARCH = Fraction(10, 1000)
"""USD for a web search, by the same page."""
TABLE = pricing.shipped().name
TOKENS = {"input": 10, "cache_read": 1000, "cache_write_5m": 60, "cache_write_1h": 40, "output": 50}
CACHE_TYPES = ("cache_read", "cache_write_5m", "cache_write_1h")

Attempt = tuple[int | None, str, str | None, str | None]
"""Status, outcome, error type, what blocked it."""
SERVED: Attempt = (200, "success", None, None)
THROTTLED: Attempt = (429, "retried", "rate_limit_error", "rate_limit")


@dataclass(frozen=True)
class Expected:
    """`tokens` by type; a type that is absent is not known. None: there was no response at all."""

    tokens: dict[str, int] | None = field(default_factory=lambda: dict(TOKENS))
    cost: str = "exact"
    reason: str | None = None
    status: str = "OK"
    """As the SDK's own span has it. A span of ours leaves it unset unless the call failed."""
    native_status: str | None = None
    """Of the SDK's own span, where it judges otherwise."""
    native_error_type: str | None = None
    error_type: str | None = None
    stop_reason: str | None = "end_turn"
    finished: bool = False
    """Of a stream without a stop reason: whether it came to its end."""
    stream: bool = False
    first_chunk: bool = False
    attempts: tuple[Attempt, ...] = (SERVED,)
    native_reason: str | None = None
    """Why the cost is not known, where the SDK's own span ends too early for the final reason."""
    request_model: str = api.MODEL
    response_model: str | None = api.MODEL
    hint: str | None = api.HINT
    limits: bool = True
    native_tokens: bool = True
    native_cost: str | None = None
    """The cost status that the SDK's own span ends with, where it ends too early for the final one."""
    tier: str | None = "standard"
    split: bool = True
    """The response splits the cache writes by time to live."""

    reported_5m: int | None = None
    web_searches: int = 0
    free: bool = False
    thinking: int | None = None
    tags: dict[str, str] = field(default_factory=dict)
    """On the span and on every counter. Histograms and the gauges of limits have none."""

    def but(self, **changes: Any) -> "Expected":
        return replace(self, **changes)

    @property
    def tag_attributes(self) -> dict[str, str]:
        return {f"claude.tag.{key}": value for key, value in self.tags.items()}

    # The cost.

    @property
    def amounts(self) -> dict[str, Fraction]:
        if self.tokens is None or self.cost == "unpriced" or self.free:
            return {}
        amounts = {kind: self.dollars(kind, tokens) for kind, tokens in self.tokens.items()}
        amounts["web_search"] = SEARCH * self.web_searches
        return {kind: amount for kind, amount in amounts.items() if amount}

    def dollars(self, kind: str, tokens: int) -> Fraction:
        """The price of tokens, exactly."""
        return Fraction(PRICES[self.response_model or ""][kind]) * tokens / 1_000_000

    @property
    def total_input(self) -> int | None:
        if self.tokens is None:
            return None
        if "input" not in self.tokens:
            return None
        return self.tokens["input"] + sum(self.tokens.get(kind, 0) for kind in CACHE_TYPES)

    @property
    def output(self) -> int | None:
        return None if self.tokens is None else self.tokens.get("output")

    @property
    def has_headers(self) -> bool:
        """Whether a response came to some attempt."""
        return any(status is not None for status, *_ in self.attempts)

    # The span.

    def enrichment(self, *, native: bool) -> dict[str, Any]:
        """What a span of the SDK's gets from us, exactly."""
        if native and (self.native_cost or self.native_reason):
            early = replace(self, cost=self.native_cost or self.cost, reason=self.native_reason or self.reason)
            return early.enrichment(native=False)
        added: dict[str, Any] = {"claude.cost.status": self.cost, "claude.price_table": TABLE}
        if self.cost != "unpriced":
            added["gen_ai.usage.cost.amount"] = float(sum(self.amounts.values()))
            added["gen_ai.usage.cost.currency"] = "USD"
            added["gen_ai.usage.cost.source"] = "local"
            added |= {f"claude.cost.{kind}.usd": float(amount) for kind, amount in self.amounts.items()}
        if self.reason is not None:
            added["claude.unpriced.reason"] = self.reason
        if self.web_searches:
            added["claude.server_tool.web_search.requests"] = self.web_searches
        added["claude.request.messages"] = 1
        added["claude.request.cache_breakpoints"] = 0
        if self.hint is not None:
            added["claude.api_key.hint"] = self.hint
        added |= self.tag_attributes
        if self.has_headers and self.limits:
            added["claude.rate_limit.requests.limit"] = 100
            added["claude.rate_limit.requests.remaining"] = 40
            added["claude.rate_limit.requests.reset"] = float(api.RESET)
        return added

    def attributes(self) -> dict[str, Any]:
        """All of a span of ours, exactly, without the time to first chunk."""
        tokens = self.tokens or {}
        attributes: dict[str, Any] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "anthropic",
            "gen_ai.request.model": self.request_model,
            "gen_ai.request.max_tokens": 64,
            "gen_ai.request.stream": True if self.stream else None,
            "server.address": BASE_URL.removeprefix("https://"),
            "server.port": 443,
            "http.request.method": "POST",
            "http.route": "/v1/messages",
            "gen_ai.response.id": "msg_1" if self.tokens is not None else None,
            "gen_ai.response.model": self.response_model if self.tokens is not None else None,
            "anthropic.message.stop_reason": self.stop_reason if self.tokens is not None else None,
            "gen_ai.response.finish_reasons": self._finish_reasons(),
            "gen_ai.usage.input_tokens": self.total_input if self.tokens is not None else None,
            "gen_ai.usage.output_tokens": tokens.get("output"),
            "gen_ai.usage.cache_read.input_tokens": tokens.get("cache_read"),
            "gen_ai.usage.cache_write.input_tokens": _sum(tokens, "cache_write_5m", "cache_write_1h"),
            "anthropic.usage.cache_creation.ephemeral_5m_input_tokens": self._split("cache_write_5m"),
            "anthropic.usage.cache_creation.ephemeral_1h_input_tokens": self._split("cache_write_1h"),
            "gen_ai.usage.reasoning.output_tokens": self.thinking,
            "anthropic.response.service_tier": self.tier if tokens else None,
            "http.response.status_code": self.attempts[-1][0],
            "http.request.resend_count": len(self.attempts) - 1 or None,
            "error.type": self.error_type,
        }
        if self.has_headers:
            attributes |= {
                "anthropic.request.id": "req_1",
                "anthropic.organization.id": "org_1",
                "anthropic.workspace.id": "wrkspc_1",
            }
        return {k: v for k, v in attributes.items() if v is not None} | self.enrichment(native=False)

    def _finish_reasons(self) -> tuple[str] | None:
        if self.tokens is None or (self.stop_reason is None and (self.finished or not self.stream)):
            return None
        return (self.stop_reason or "error",)

    def _split(self, kind: str) -> int | None:
        """As the API reports it: what it did not split is not in it, though it is counted as 5m."""
        if kind == "cache_write_5m" and self.reported_5m is not None:
            return self.reported_5m
        return (self.tokens or {}).get(kind) if self.split else None

    # The metrics.

    def metrics(self) -> dict[str, dict[tuple[tuple[str, Any], ...], Any]]:  # noqa: C901 - a list, not a decision
        """Every metric that there is after the call, exactly."""
        found: dict[str, dict[Any, Any]] = {}
        request = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "anthropic",
            "gen_ai.request.model": self.request_model,
            "claude.client.library": "anthropic",
            "server.address": BASE_URL.removeprefix("https://"),
            "server.port": 443,
        }
        if self.hint is not None:
            request["claude.api_key.hint"] = self.hint
        if self.has_headers:
            request["anthropic.workspace.id"] = "wrkspc_1"
        plain = dict(request)
        if self.tokens is not None and self.response_model is not None:
            plain["gen_ai.response.model"] = self.response_model
        tagged = plain | self.tag_attributes

        def add(name: str, value: Any, more: dict[str, Any] | None = None, base: dict[str, Any] | None = None) -> None:
            # A histogram has a pair, and no tags. A counter has no point of zero.
            is_histogram = isinstance(value, tuple)
            if value is None or (base is None and not is_histogram and not value):
                return
            base = base or (plain if is_histogram else tagged)
            key = tuple(sorted((base | {k: v for k, v in (more or {}).items() if v is not None}).items()))
            points = found.setdefault(name, {})
            points[key] = value if key not in points else points[key] + value

        failed = {"error.type": self.error_type}
        add("gen_ai.client.inference.duration", (1, SECONDS), failed)
        if self.first_chunk:
            add("gen_ai.client.inference.time_to_first_chunk", (1, SECONDS))
        for which, tokens in (("input", self.total_input), ("output", self.output)):
            if tokens is not None:
                add(f"gen_ai.client.inference.operation.{which}_tokens", (1, tokens), failed)
        self._add_tokens(add)
        self._add_cost(add)
        add("claude.client.calls", 1, {"anthropic.message.stop_reason": self.stop_reason, **failed})
        self._add_attempts(add)
        self._add_delays(found.setdefault("claude.client.retry.delay", {}), request)
        if self.has_headers and self.limits:
            named = {"claude.rate_limit.name": "requests"}
            for what, value in (("limit", 100), ("remaining", 40), ("utilization", 0.6), ("reset", SECONDS)):
                add(f"claude.client.rate_limit.{what}", value, named, request)
        return {name: points for name, points in found.items() if points}

    def _add_attempts(self, add: Any) -> None:
        for status, outcome, error_type, blocked in self.attempts:
            attempt = {"http.response.status_code": status, "claude.attempt.outcome": outcome}
            add("claude.client.attempts", 1, {**attempt, "error.type": error_type, "claude.blocked.reason": blocked})

    def _add_delays(self, points: dict[Any, Any], request: dict[str, Any]) -> None:
        """The workspace is known once there was a response to some attempt."""
        known = False
        for status, outcome, _, _ in self.attempts:
            known = known or status is not None
            attributes = {k: v for k, v in request.items() if known or k != "anthropic.workspace.id"}
            key = tuple(sorted(attributes.items()))
            if outcome == "retried":
                points[key] = (points.get(key, (0, SECONDS))[0] + 1, SECONDS)

    def _add_tokens(self, add: Any) -> None:
        if self.tokens is None:
            return
        usage, modality = "gen_ai.client.inference.usage", {"gen_ai.token.modality": "unknown"}
        add(f"{usage}.input_tokens", self.total_input, modality)
        add(f"{usage}.output_tokens", self.output, modality)
        add(f"{usage}.cache_read.input_tokens", self.tokens.get("cache_read"), modality)
        for ttl in ("5m", "1h"):
            written = self.tokens.get(f"cache_write_{ttl}")
            add(f"{usage}.cache_write.input_tokens", written, {**modality, "claude.cache.ttl": ttl})
        add(f"{usage}.reasoning.output_tokens", self.thinking, modality)
        if self.web_searches:
            add("claude.client.server_tool.requests", self.web_searches, {"gen_ai.tool.name": "web_search"})

    def _add_cost(self, add: Any) -> None:
        if self.reason is not None:
            add("claude.client.unpriced", 1, {"claude.unpriced.reason": self.reason})
        if self.tokens is None or self.cost == "unpriced":
            return
        add("claude.client.call.cost.usd", (1, float(sum(self.amounts.values()))))
        for kind, amount in self.amounts.items():
            more = {"claude.cost.type": kind, "anthropic.response.service_tier": self.tier}
            add("claude.client.cost.usd", float(amount), more)
        if self.free:
            return
        for kind, ttl in (("cache_write_5m", "5m"), ("cache_write_1h", "1h")):
            if tokens := self.tokens.get(kind):
                overhead = self.dollars(kind, tokens) - self.dollars("input", tokens)
                add("claude.client.cache.overhead.usd", float(overhead), {"claude.cache.ttl": ttl})
        if tokens := self.tokens.get("cache_read"):
            savings = self.dollars("input", tokens) - self.dollars("cache_read", tokens)
            add("claude.client.cache.savings.usd", float(savings))


def _sum(tokens: dict[str, int], *kinds: str) -> int | None:
    known = [tokens[kind] for kind in kinds if kind in tokens]
    return sum(known) if known else None


def _without(tokens: dict[str, int], *kinds: str) -> dict[str, int]:
    return {kind: count for kind, count in tokens.items() if kind not in kinds}


PLAIN = Expected()
STREAM = Expected(stream=True, first_chunk=True)
ABORTED = Expected(
    tokens=_without(TOKENS, "output"),
    cost="lower_bound",
    reason="incomplete_stream",
    status="UNSET",
    stop_reason=None,
    stream=True,
    first_chunk=True,
)
UNKNOWN = Expected(tokens=None, cost="unpriced", status="UNSET", stop_reason=None, response_model=None)
REJECTED = Expected(tokens=None, status="ERROR", stop_reason=None)
